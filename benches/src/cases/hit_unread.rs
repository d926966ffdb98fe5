//! A hit whose value is not read, in a process that has not met the key before.

use std::hint::black_box;

use memo_runtime::prelude::*;

use super::entries::{self, ENTRIES, PARAMS, evaluate};
use crate::harness::{Bench, Case, Measured, each};

pub const CASE: Case = Case {
    name: "hit, not read",
    ours: "a call that is cached",
    floor: "open, read and close the manifest",
    bound: Some(3.0),
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let files = entries::make(bench.folder())?;
    let mut buffer = vec![0; 16 * 1024];
    let floor = || each(ENTRIES, || entries::read(&files, &mut buffer));
    let ours = || {
        // A store that was opened just now knows no entry yet.
        let mut record = Record::new(&Store::open(bench.folder())?, "base", PARAMS);
        each(ENTRIES, || {
            for top_k in 0..ENTRIES {
                black_box(evaluate(&mut record, top_k, "accuracy")?);
            }
            Ok(())
        })
    };
    bench.pairs(1000, floor, ours)
}
