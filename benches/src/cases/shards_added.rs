//! Tiny shards of an array that are added by two threads.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use memo_runtime::prelude::*;
use memo_runtime::testing::Shelf;

use crate::harness::{Bench, Case, Measured, timed};

pub const CASE: Case = Case {
    name: "shard added",
    ours: "two threads add 100,000 tiny shards; one of them",
    floor: "two threads write lines and records as long to two files; one of each",
    bound: Some(4.0),
    measure: |bench| added(bench, 100_000, 5, false),
};

pub const DURABLE: Case = Case {
    name: "shard added, durable",
    ours: "two threads add 300 tiny shards to a durable store; one of them",
    floor: "two threads write as many lines, each with the `fdatasync` of the group that waits for one",
    bound: Some(3.0),
    measure: |bench| added(bench, 300, 15, true),
};

const THREADS: u64 = 2;
const LINE: [u8; 420] = [b'a'; 420];
const RECORD: [u8; 120] = [b'a'; 120];

fn added(bench: &Bench, count: u64, rounds: usize, durable: bool) -> Result<Measured> {
    let mut round = 0;
    let store = Store::options().durable(durable).open(bench.folder().join("store"))?;
    let next = AtomicU64::new(0);
    let floor = || {
        round += 1;
        let folder = bench.folder().join(round.to_string());
        fs::create_dir(&folder)?;
        let by_hand = ByHand::new(&folder, durable)?;
        let (seconds, done) = timed(|| by_threads(count, || by_hand.add()));
        done?;
        fs::remove_dir_all(folder)?;
        Ok(seconds / to_f64(count))
    };
    let ours = || {
        let shelf = Shelf::of(&store);
        let (seconds, done) =
            timed(|| by_threads(count, || Ok(shelf.add(next.fetch_add(1, Ordering::Relaxed))?)));
        done?;
        Ok(seconds / to_f64(count))
    };
    bench.pairs(rounds, floor, ours)
}

fn to_f64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}

fn by_threads(count: u64, add: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let work = || (0..count / THREADS).try_for_each(|_| add());
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })
}

/// The least that keeps a line and its record, for several threads.
struct ByHand {
    lines: File,
    index: File,
    durable: bool,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Default)]
struct State {
    written: u64,
    synced: u64,
    is_syncing: bool,
}

impl ByHand {
    fn new(folder: &Path, durable: bool) -> Result<Self> {
        let open = |name| File::create(folder.join(name));
        let (lines, index) = (open("lines")?, open("index")?);
        Ok(Self { lines, index, durable, state: Mutex::default(), synced: Condvar::new() })
    }

    fn add(&self) -> Result<()> {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = lock();
        (&self.lines).write_all(&LINE)?;
        (&self.index).write_all(&RECORD)?;
        state.written += 1;
        let ours = state.written;
        while self.durable && state.synced < ours {
            if state.is_syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_syncing = true;
            let written = state.written;
            drop(state);
            self.lines.sync_data()?;
            state = lock();
            (state.synced, state.is_syncing) = (written, false);
            self.synced.notify_all();
        }
        Ok(())
    }
}
