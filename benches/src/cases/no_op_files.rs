//! A process with 10,000 calls and nothing to do, beside one that reads as many files.

use std::env;
use std::fs;
use std::process::Command;

use memo_runtime::prelude::*;

use super::built::{built, timed_process};
use super::entries;
use super::many::Many;
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "no-op process, files",
    ours: "the process of 2,500 records with 4 stages, nothing to do",
    floor: "a process that parses arguments with `clap` and reads the 10,000 manifests, on one thread",
    bound: None,
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let store = bench.folder().join("store");
    let many = Many::new(&store, 2500, 0)?;
    let floor = built("memo-benches", "floor")?;
    let mut files = Vec::new();
    entries::find(&store.join("v1/entries"), &mut files)?;
    // More paths than an environment holds.
    let list = bench.folder().join("list");
    fs::write(&list, env::join_paths(&files)?.as_encoded_bytes())?;
    let read = || timed_process(Command::new(&floor).env("FLOOR_LIST", &list));
    bench.pairs(40, read, || many.run())
}
