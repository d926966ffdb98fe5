//! Ten times the calls: what one of 100,000 costs, beside one of 10,000.

use memo_runtime::prelude::*;

use super::many::Many;
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "no-op, 100,000 calls",
    ours: "the process of 25,000 records with 4 stages, nothing to do; one call",
    floor: "the process of 2,500 such records; one call",
    bound: None,
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let few = Many::new(&bench.folder().join("few"), 2500, 0)?;
    let many = Many::new(&bench.folder().join("many"), 25_000, 0)?;
    per_call(bench, &few, &many)
}

/// Measures one call of an experiment beside one call of another.
pub fn per_call(bench: &Bench, few: &Many, many: &Many) -> Result<Measured> {
    let one = |many: &Many| many.run().map(|seconds| seconds / f64::from(many.calls()));
    bench.pairs(15, || one(few), || one(many))
}
