//! Commands that are little shell scripts.

use std::path::Path;
use std::process::Command;

use super::super::{Commands, Limits, Slurm};

/// A folder of commands. Each may append to the file `$CALLS`, which is its own.
pub(in super::super) struct Fake(tempfile::TempDir);

impl Fake {
    pub(in super::super) fn new(program: &str, script: &str) -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        fake.and(program, script);
        fake
    }

    /// Adds a command. It is written by another process: a file that this one has open for writing, even
    /// in a child that another thread just started, cannot be run.
    pub(in super::super) fn and(&self, program: &str, script: &str) {
        let path = self.0.path().join(program);
        let calls = path.with_extension("calls");
        let text = format!("#!/bin/sh\nCALLS='{}'\n{script}\n", calls.display());
        let write = "printf %s \"$1\" >\"$2\" && chmod 755 \"$2\"";
        let status = Command::new("sh").args(["-c", write, "sh", &text]).arg(&path).status();
        assert!(status.unwrap().success());
    }

    pub(in super::super) fn commands(&self) -> Commands {
        Commands::within(self.0.path())
    }

    /// A client that never pauses.
    pub(in super::super) fn slurm(&self) -> Slurm {
        let (commands, limits) = (self.commands(), Limits::default());
        Slurm { commands, limits, pause: Box::new(|_| true) }
    }

    /// Returns what a command has appended to its file.
    pub(in super::super) fn calls(&self, program: &str) -> Vec<String> {
        let path = self.0.path().join(Path::new(program).with_extension("calls"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
