//! The whole process of a cached run of the `digits` example, from start to exit.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use memo_runtime::prelude::*;

use super::built::{built, timed_process};
use super::entries;
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "process, cached digits",
    ours: "the process of the `digits` example, nothing to do",
    floor: "a process that parses the same arguments with `clap` and reads as many small files",
    bound: Some(5.0),
    measure,
};

fn measure(bench: &Bench) -> Result<Measured> {
    let floor_program = built("memo-benches", "floor")?;
    let digits = built("memo-examples", "digits")?;
    let store = bench.folder().join("store");
    let start = |program: &Path, files: &OsString| {
        let mut command = Command::new(program);
        command.arg("--store").arg(&store).env("FLOOR_FILES", files).current_dir(bench.folder());
        timed_process(&mut command)
    };
    start(&digits, &OsString::new())?;
    let mut files = Vec::new();
    entries::find(&store.join("v1/entries"), &mut files)?;
    let files = env::join_paths(&files)?;
    bench.pairs(100, || start(&floor_program, &files), || start(&digits, &files))
}
