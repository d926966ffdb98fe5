//! The digest by which a large argument enters a key.

use std::hint::black_box;

use memo_runtime::digest_of;
use memo_runtime::prelude::*;

use super::load_large::{LENGTH, series};
use crate::harness::{Bench, Case, Measured, timed};

pub const CASE: Case = Case {
    name: "digest of 100 MB",
    ours: "`digest_of` a `Vec<f64>`",
    floor: "BLAKE3 of the same bytes, on one thread",
    bound: None,
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let series = series::body(LENGTH);
    let bytes: Vec<u8> = series.iter().flat_map(|number| number.to_le_bytes()).collect();
    let floor = || {
        let (seconds, digest) = timed(|| blake3::hash(&bytes));
        black_box(digest);
        Ok(seconds)
    };
    let ours = || {
        let (seconds, digest) = timed(|| digest_of(&series));
        black_box(digest?);
        Ok(seconds)
    };
    bench.pairs(15, floor, ours)
}
