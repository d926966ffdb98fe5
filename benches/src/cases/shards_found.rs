//! Tiny shards of an array that are all cached, found by a process that knows nothing of them.

use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::path::{Path, PathBuf};

use memo_runtime::prelude::*;
use memo_runtime::testing::Shelf;

use crate::harness::{Bench, Case, Measured, each, timed};

pub const FEW: Case = Case {
    name: "55 shards found",
    ours: "open the store and find 55 shards by their keys; all of them",
    floor: "list the folder and read the index of the pack; a `HashMap` of its keys; look all up",
    bound: Some(6.0),
    measure: |bench| found(bench, 55, 100),
};

pub const CASE: Case = Case {
    name: "10,000 shards found",
    ours: "the same of 10,000",
    floor: "the same of 10,000",
    bound: Some(4.0),
    measure: |bench| found(bench, 10_000, 30),
};

pub const MANY: Case = Case {
    name: "1,000,000 shards found",
    ours: "the same of 1,000,000",
    floor: "the same of 1,000,000",
    bound: Some(3.0),
    measure: |bench| found(bench, 1_000_000, 5),
};

pub const NOTHING_NEW: Case = Case {
    name: "shard, looked for again",
    ours: "look whether another process has added a shard, where none has",
    floor: "`fs::metadata` of the folder",
    bound: Some(4.0),
    measure: nothing_new,
};

/// A hash of bytes that are a hash: the first eight of them.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(self.0, |first| u64::from_le_bytes(*first));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Keys = HashMap<[u8; 32], u32, BuildHasherDefault<First>>;

fn found(bench: &Bench, count: u64, rounds: usize) -> Result<Measured> {
    let shelf = Shelf::of(&Store::open(bench.folder())?);
    for number in 0..count {
        shelf.add(number)?;
    }
    drop(shelf);
    let keys: Vec<_> = (0..count).map(Shelf::key).collect();
    let index = index(bench.folder())?;
    let folder = index.parent().map(Path::to_owned).unwrap_or_default();
    let floor = || {
        let (seconds, found) = timed(|| -> Result<usize> {
            assert_eq!(fs::read_dir(&folder)?.count(), 2);
            let bytes = fs::read(&index)?;
            let records = bytes[HEADER..].chunks_exact(RECORD);
            let mut numbers =
                Keys::with_capacity_and_hasher(records.len(), BuildHasherDefault::default());
            numbers.extend((0..).zip(records).filter_map(|(at, r)| Some((*r.first_chunk()?, at))));
            Ok(keys.iter().filter(|key| numbers.contains_key(key.as_bytes())).count())
        });
        assert_eq!(found? as u64, count);
        Ok(seconds)
    };
    let ours = || {
        let (seconds, found) =
            timed(|| -> Result<usize> { Ok(Shelf::of(&Store::open(bench.folder())?).find(&keys)) });
        assert_eq!(found? as u64, count);
        Ok(seconds)
    };
    bench.pairs(rounds, floor, ours)
}

/// What precedes the records of an index, and how long each is.
const HEADER: usize = 32;
const RECORD: usize = 120;

fn nothing_new(bench: &Bench) -> Result<Measured> {
    const CALLS: u32 = 1000;
    let shelf = Shelf::of(&Store::open(bench.folder())?);
    shelf.add(0)?;
    let folder = index(bench.folder())?.parent().map(Path::to_owned).unwrap_or_default();
    let key = Shelf::key(1);
    // At first it is listed again and again: a folder's time is as coarse as the clock.
    std::thread::sleep(std::time::Duration::from_millis(100));
    let floor = || {
        each(CALLS, || {
            for _ in 0..CALLS {
                black_box(fs::metadata(&folder)?);
            }
            Ok(())
        })
    };
    let ours = || {
        each(CALLS, || {
            for _ in 0..CALLS {
                assert!(!shelf.find_now(&key));
            }
            Ok(())
        })
    };
    bench.pairs(30, floor, ours)
}

/// Finds the one index below a folder.
fn index(folder: &Path) -> Result<PathBuf> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "index") {
                return Ok(path);
            }
        }
    }
    Err("there is no index".into())
}
