//! A hit whose value, a few bytes of JSON, is read, in a process that has not met the key before.

use std::hint::black_box;

use memo_runtime::prelude::*;

use super::entries::{self, ENTRIES, PARAMS, evaluate};
use crate::harness::{Bench, Case, Measured, each};

pub const CASE: Case = Case {
    name: "hit, read",
    ours: "a call that is cached, and reading its tiny value",
    floor: "open, read and close the manifest",
    bound: Some(4.0),
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let files = entries::make(bench.folder())?;
    let mut buffer = vec![0; 16 * 1024];
    let floor = || each(ENTRIES, || entries::read(&files, &mut buffer));
    let ours = || {
        let mut record = Record::new(&Store::open(bench.folder())?, "base", PARAMS);
        each(ENTRIES, || {
            for top_k in 0..ENTRIES {
                black_box(evaluate(&mut record, top_k, "accuracy")?.load()?.mistakes);
            }
            Ok(())
        })
    };
    bench.pairs(1000, floor, ours)
}
