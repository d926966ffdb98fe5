//! The whole process of a cached run of the `digits` example, from start to exit.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use memo_runtime::prelude::*;

use super::entries;
use crate::harness::{Bench, Case, Measured, timed};

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
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (seconds, status) = timed(|| command.status());
        if !status?.success() {
            return Err(format!("`{}` has failed", program.display()).into());
        }
        Ok(seconds)
    };
    start(&digits, &OsString::new())?;
    let mut files = Vec::new();
    entries::find(&store.join("v1/entries"), &mut files)?;
    let files = env::join_paths(&files)?;
    bench.pairs(100, || start(&floor_program, &files), || start(&digits, &files))
}

/// Builds a release binary as its users would, and returns its path.
fn built(package: &str, binary: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    let target = own.ancestors().nth(2).ok_or("the bench does not lie in a target folder")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", package, "--bin", binary])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    if !output.status.success() {
        return Err(format!("`{binary}` of `{package}` does not build").into());
    }
    Ok(target.join("release").join(binary).with_extension(env::consts::EXE_EXTENSION))
}
