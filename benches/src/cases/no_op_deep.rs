//! A chain of 10,000 calls, each of which reads the one before, beside as many calls side by side.

use memo_runtime::prelude::*;

use super::many::Many;
use super::no_op_wide::per_call;
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "no-op, 10,000 deep",
    ours: "the process of a chain of 10,000 calls, nothing to do; one call",
    floor: "the process of 2,500 records with 4 stages; one call",
    bound: None,
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let wide = Many::new(&bench.folder().join("wide"), 2500, 0)?;
    let deep = Many::new(&bench.folder().join("deep"), 1, 10_000)?;
    per_call(bench, &wide, &deep)
}
