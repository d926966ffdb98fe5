//! A miss with a tiny result, safe against a power cut.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use memo_runtime::prelude::*;

use super::entries::{PARAMS, evaluate};
use crate::harness::{Bench, Case, Measured, each};

pub const CASE: Case = Case {
    name: "miss, durable",
    ours: "the same, in a durable store",
    floor: "create, write, fdatasync and rename a file of 1 kB",
    bound: None,
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    misses(bench, 30, 20, true)
}

/// Measures misses in a store that has been written to before.
pub fn misses(bench: &Bench, rounds: usize, calls: u32, durable: bool) -> Result<Measured> {
    let store = Store::options().durable(durable).open(bench.folder().join("store"))?;
    let mut record = Record::new(&store, "base", PARAMS);
    // A store has 256 folders for the entries of a stage; they are made once.
    let mut next = 4000;
    for top_k in 0..next {
        evaluate(&mut record, top_k, "made before")?;
    }
    let by_hand = bench.folder().join("by hand");
    fs::create_dir_all(by_hand.join("tmp"))?;
    let mut files = 0;
    let floor = || {
        each(calls, || {
            for _ in 0..calls {
                files += 1;
                put_by_hand(&by_hand, files, durable)?;
            }
            Ok(())
        })
    };
    let ours = || {
        each(calls, || {
            for _ in 0..calls {
                next += 1;
                black_box(evaluate(&mut record, next, "accuracy")?);
            }
            Ok(())
        })
    };
    bench.pairs(rounds, floor, ours)
}

fn put_by_hand(folder: &Path, number: u32, durable: bool) -> Result<()> {
    let written = folder.join(format!("tmp/{number}"));
    let mut file = File::create_new(&written)?;
    file.write_all(&[b'a'; 1024])?;
    if durable {
        file.sync_data()?;
    }
    drop(file);
    Ok(fs::rename(&written, folder.join(number.to_string()))?)
}
