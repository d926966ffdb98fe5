//! The program `many` as other cases start it: an experiment of as many calls as they want.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use memo_runtime::prelude::*;

use super::built::{built, timed_process};

/// An experiment of records with four stages each, and a chain on the first of them.
#[derive(Clone)]
pub struct Many {
    program: PathBuf,
    store: PathBuf,
    records: u32,
    deep: u32,
}

impl Many {
    /// Builds the program, and runs it until all is cached and indexed.
    pub fn new(store: &Path, records: u32, deep: u32) -> Result<Self> {
        let program = built("memo-benches", "many")?;
        let many = Self { program, store: store.to_owned(), records, deep };
        many.run()?;
        many.check()?;
        // Only of folders that have been at rest for two seconds does a run leave an index for the next one.
        std::thread::sleep(Duration::from_millis(2500));
        many.run()?;
        Ok(many)
    }

    /// Returns how many calls it makes.
    pub fn calls(&self) -> u32 {
        4 * self.records + self.deep
    }

    /// Returns the seconds that a run takes, from its start to its end.
    pub fn run(&self) -> Result<f64> {
        timed_process(&mut self.command())
    }

    /// Checks that nothing runs, and that the pipeline function runs once a record.
    fn check(&self) -> Result<()> {
        let output = self.command().arg("--quiet").output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let (cached, declared) = (self.calls(), self.records);
        let all = told.starts_with(&format!("{cached} cached, 0 ran, 0 failed"));
        let once = told.lines().any(|line| line == format!("declared {declared}"));
        if all && once { Ok(()) } else { Err(format!("not all is cached: {told}").into()) }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--store").arg(&self.store);
        command.env("MANY_RECORDS", self.records.to_string());
        command.env("MANY_DEEP", self.deep.to_string());
        command
    }
}
