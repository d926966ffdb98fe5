//! Array stages as a user calls them: all shards cached, and shards that run.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memo_runtime::digest_of;
use memo_runtime::prelude::*;

use crate::harness::{Bench, Case, Measured, timed};

pub const FEW: Case = Case {
    name: "array of 55, cached",
    ours: "call an array stage whose 55 shards are cached, in a store that was just opened",
    floor: "the digests of the 55 elements",
    bound: None,
    measure: |bench| cached(bench, 55, 100),
};

pub const CASE: Case = Case {
    name: "array of 10,000, cached",
    ours: "the same of 10,000",
    floor: "the same of 10,000",
    bound: None,
    measure: |bench| cached(bench, 10_000, 20),
};

pub const MANY: Case = Case {
    name: "array of 1,000,000, cached",
    ours: "the same of 1,000,000",
    floor: "the same of 1,000,000",
    bound: Some(8.0),
    measure: |bench| cached(bench, 1_000_000, 3),
};

pub const RUN: Case = Case {
    name: "array, shard that runs",
    ours: "run and keep shards whose bodies take 40 us, on two threads; one of them",
    floor: "the bodies alone, on two threads",
    bound: Some(1.5),
    measure: run,
};

#[stage(each = [x in xs], outputs = [doubled], cachers = [Bincode])]
fn double(x: u64) -> u64 {
    x * 2
}

fn cached(bench: &Bench, count: u64, rounds: usize) -> Result<Measured> {
    let elements = || (0..count).collect::<Vec<u64>>();
    let record = |elements: Vec<u64>| -> Result<Record<()>> {
        let mut record = Record::new(&Store::open(bench.folder())?, "base", ());
        record.insert("xs", elements)?;
        Ok(record)
    };
    double(&mut record(elements())?)?;
    let floor = || {
        let elements = elements();
        let (seconds, done) = timed(|| {
            elements.iter().try_for_each(|element| {
                digest_of(element).map(|digest| {
                    black_box(digest);
                })
            })
        });
        done?;
        Ok(seconds)
    };
    let ours = || {
        // What is inserted is digested as a whole, which any input is.
        let mut record = record(elements())?;
        let (seconds, shards) = timed(|| double(&mut record));
        assert_eq!(shards?.len()? as u64, count);
        Ok(seconds)
    };
    bench.pairs(rounds, floor, ours)
}

const BODY: Duration = Duration::from_micros(40);

fn body() {
    let end = Instant::now() + BODY;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

#[stage(each = [y in ys], outputs = [waited], cachers = [Bincode])]
fn wait(y: u64) -> u64 {
    body();
    y
}

fn run(bench: &Bench) -> Result<Measured> {
    const COUNT: u64 = 20_000;
    let mut begin = 0;
    let floor = || {
        let left = AtomicU64::new(COUNT);
        let work = || {
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
            {
                body();
            }
        };
        let (seconds, ()) = timed(|| {
            std::thread::scope(|scope| {
                scope.spawn(work);
                work();
            });
        });
        Ok(seconds / f64::from(u32::try_from(COUNT)?))
    };
    let ours = || {
        let store = Store::options().jobs(2).open(bench.folder())?;
        let mut record = Record::new(&store, "base", ());
        record.insert("ys", (begin..begin + COUNT).collect::<Vec<u64>>())?;
        begin += COUNT;
        let (seconds, shards) = timed(|| wait(&mut record));
        shards?;
        Ok(seconds / f64::from(u32::try_from(COUNT)?))
    };
    bench.pairs(5, floor, ours)
}
