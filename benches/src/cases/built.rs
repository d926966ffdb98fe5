//! Programs that cases start: how they are built, and how long their processes take.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use memo_runtime::prelude::*;

use crate::harness::timed;

/// Returns the seconds that a process takes from its start to its end. It must succeed.
pub fn timed_process(command: &mut Command) -> Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (seconds, status) = timed(|| command.status());
    if status?.success() {
        Ok(seconds)
    } else {
        Err(format!("`{}` has failed", command.get_program().display()).into())
    }
}

/// Builds a release binary as its users would, and returns its path.
pub fn built(package: &str, binary: &str) -> Result<PathBuf> {
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
