//! A hit that the process knows already: the same record calls the same stage with the same arguments
//! again.

use std::hint::black_box;

use memo_runtime::digest_of;
use memo_runtime::prelude::*;

use super::entries::{ENTRIES, PARAMS, evaluate};
use crate::harness::{Bench, Case, Measured, each};

pub const CASE: Case = Case {
    name: "hit, known",
    ours: "the same call again",
    floor: "one digest of the params fields and arguments",
    bound: Some(5.0),
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let mut record = Record::new(&Store::open(bench.folder())?, "base", PARAMS);
    evaluate(&mut record, 3, "accuracy")?;
    let floor = || {
        each(ENTRIES, || {
            for _ in 0..ENTRIES {
                let parts = (&PARAMS.rate, &PARAMS.seed, black_box(3_u32), "accuracy");
                black_box(digest_of(&parts)?);
            }
            Ok(())
        })
    };
    let ours = || {
        each(ENTRIES, || {
            for _ in 0..ENTRIES {
                black_box(evaluate(&mut record, black_box(3), "accuracy")?);
            }
            Ok(())
        })
    };
    bench.pairs(2000, floor, ours)
}
