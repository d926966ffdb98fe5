//! A process with 10,000 calls and nothing to do, beside `ninja` with as many outputs that are up to date.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use memo_runtime::prelude::*;

use super::built::timed_process;
use super::many::Many;
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "no-op process, ninja",
    ours: "the process of 2,500 records with 4 stages, nothing to do",
    floor: "`ninja` with 10,000 outputs that are up to date, wired alike",
    bound: Some(1.0),
    measure,
};

const RECORDS: u32 = 2500;

fn measure(bench: &Bench) -> Result<Measured> {
    let ninja = ["ninja", "ninja-build"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    let ninja = ninja.ok_or("there is no `ninja`; Debian has it as `ninja-build`")?;
    let outputs = bench.folder().join("ninja");
    write_build(&outputs)?;
    let build = || timed_process(Command::new(ninja).arg("-C").arg(&outputs));
    // The first one makes the outputs.
    build()?;
    let many = Many::new(&bench.folder().join("store"), RECORDS, 0)?;
    bench.pairs(40, build, || many.run())
}

/// Writes what `ninja` is to build: outputs that read each other as the stages do.
fn write_build(folder: &Path) -> Result<()> {
    let mut build = "rule make\n  command = : > $out\n".to_owned();
    for record in 0..RECORDS {
        let reads = |stage: usize| match stage {
            0 => "input".to_owned(),
            3 => format!("out/{record}.0 out/{record}.2"),
            _ => format!("out/{record}.{}", stage - 1),
        };
        for stage in 0..4 {
            writeln!(build, "build out/{record}.{stage}: make {}", reads(stage))?;
        }
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("input"), "")?;
    Ok(fs::write(folder.join("build.ninja"), build)?)
}
