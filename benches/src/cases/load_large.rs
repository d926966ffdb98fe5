//! Reading 100 MB of `f64` again after they were evicted, digest check included.

use std::fs::File;
use std::hint::black_box;

use memo_runtime::prelude::*;

use crate::harness::{Bench, Case, Measured, timed};

pub const CASE: Case = Case {
    name: "load 100 MB",
    ours: "`load` of a `Vec<f64>` kept by `Bincode`, checked",
    floor: "decode the same bytes with `bincode` from a memory map",
    bound: Some(1.3),
    measure,
};

pub const LENGTH: u32 = 12_500_000;

#[stage(outputs = [Lazy(series)], cachers = [Bincode])]
pub fn series(length: u32) -> Vec<f64> {
    (0..length).map(|i| f64::from(i) * 0.5).collect()
}

fn measure(bench: &Bench) -> Result<Measured> {
    let store = Store::open(bench.folder())?;
    let handle = series(&mut Record::new(&store, "base", ()), LENGTH)?;
    let path = handle.path()?;
    let floor = || {
        let file = File::open(&path)?;
        let (seconds, series) = timed(|| -> Result<Vec<f64>> {
            // SAFETY: nobody changes a file of the store.
            let map = unsafe { memmap2::Mmap::map(&file) }?;
            let configuration = bincode::config::standard().with_fixed_int_encoding();
            Ok(bincode::serde::decode_from_slice(&map, configuration)?.0)
        });
        // Dropped after the clock has stopped, as below.
        black_box(series?);
        Ok(seconds)
    };
    let ours = || {
        handle.evict();
        let (seconds, series) = timed(|| handle.load());
        black_box(series?);
        Ok(seconds)
    };
    bench.pairs(25, floor, ours)
}
