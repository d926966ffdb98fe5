//! A miss with a tiny result, not durable.

use memo_runtime::prelude::*;

use super::miss_durable;
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "miss",
    ours: "a call that computes nothing and keeps a tiny value",
    floor: "create, write and rename a file of 1 kB",
    bound: Some(3.0),
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    miss_durable::misses(bench, 60, 100, false)
}
