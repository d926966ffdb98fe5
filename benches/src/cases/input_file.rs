//! A file as input that has not changed since it was digested.

use std::fs;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use memo_runtime::prelude::*;
use memo_runtime::{InputFile, digest_of};

use crate::harness::{Bench, Case, Measured, each};

pub const CASE: Case = Case {
    name: "input file, unchanged",
    ours: "`digest_of` an `InputFile` that was read before",
    floor: "stat",
    bound: Some(5.0),
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    const CALLS: u32 = 100;
    let path = bench.folder().join("input.bin");
    fs::write(&path, vec![7; 1 << 20])?;
    // A file that was changed a moment ago is read each time; this one has come to rest.
    let file = fs::File::open(&path)?;
    file.set_modified(SystemTime::now() - Duration::from_hours(1))?;
    std::thread::sleep(Duration::from_millis(2500));
    let input = InputFile::new(&path);
    let floor = || {
        each(CALLS, || {
            for _ in 0..CALLS {
                black_box(fs::metadata(&path)?.len());
            }
            Ok(())
        })
    };
    let ours = || {
        each(CALLS, || {
            for _ in 0..CALLS {
                black_box(digest_of(&input)?);
            }
            Ok(())
        })
    };
    bench.pairs(1000, floor, ours)
}
