//! Shards cut into tasks of a Slurm cluster: as is chosen by itself, beside the best of some sizes.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use memo_runtime::prelude::*;

use super::built::{built, timed_process};
use crate::harness::{Bench, Case, Measured};

pub const CASE: Case = Case {
    name: "slurm batches",
    ours: "200 shards of 50 ms on 4 slots of Slurm, as many in a task as is chosen by recorded times",
    floor: "the quickest of 5, 10, 25, 50 and 100 in a task",
    bound: Some(1.5),
    measure: |bench| measure(bench, true),
};

pub const FIRST: Case = Case {
    name: "slurm batches, first",
    ours: "the same where no times are recorded",
    floor: "the same",
    bound: None,
    measure: |bench| measure(bench, false),
};

fn measure(bench: &Bench, is_recorded: bool) -> Result<Measured> {
    let cluster = Cluster::up(bench.folder().join("cluster"))?;
    let program = built("memo-benches", "batches")?;
    let runs = std::cell::Cell::new(0);
    let run = |record: &str, store: &str| {
        // All its shards are new.
        let seed = runs.replace(runs.get() + 1);
        let mut command = cluster.command(&program);
        command.args(["--record", record, "--set", &format!("seed={seed}"), "--store", store]);
        timed_process(&mut command)
    };
    let floor = || {
        let mut best = f64::INFINITY;
        for record in ["b5", "b10", "b25", "b50", "b100"] {
            best = best.min(run(record, "store")?);
        }
        Ok(best)
    };
    let new = || format!("new.{}", runs.get());
    bench.pairs(3, floor, || run("auto", &if is_recorded { "store".to_owned() } else { new() }))
}

/// A real cluster of two nodes with two processors each, on this machine. It goes with this value.
struct Cluster(PathBuf);

impl Cluster {
    fn up(folder: PathBuf) -> Result<Self> {
        // What the scripts end with where Slurm cannot be had.
        const NO_SLURM: i32 = 77;
        let owner = std::process::id().to_string();
        let mut up = script("up");
        up.arg(&folder).args(["--nodes", "2", "--cpus", "2", "--owner", &owner]);
        let cluster = Self(folder);
        for mut step in [script("install"), up] {
            let output = step.output()?;
            match output.status.code() {
                Some(0) => {}
                Some(NO_SLURM) => return Err("skipped: no Slurm".into()),
                _ => return Err(String::from_utf8_lossy(&output.stderr).trim().into()),
            }
        }
        Ok(cluster)
    }

    /// Returns the program about to be started with the commands of this cluster.
    fn command(&self, program: &Path) -> Command {
        let mut path = OsString::from(self.0.join("bin"));
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command.env("PATH", path).current_dir(self.0.join("work"));
        command.args(["--executor", "slurm"]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Where the scripts were not there, there is nothing to take down.
        let _ = script("down").arg(&self.0).arg("--purge").output();
    }
}

fn script(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/slurm").join(name))
}
