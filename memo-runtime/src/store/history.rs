//! Runs: their names, and what is written down of each.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Store;
use super::manifest::KeptReason;
use crate::experiment::StageSummary;

/// Returns the time in milliseconds since 1970. It is shown and stored; nothing is decided by it.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Makes a name that no other run has: the time, the process, a count.
pub(crate) fn run_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:012x}-{:x}-{count:x}", now(), std::process::id())
}

/// What is written down of a run.
#[derive(Debug, Serialize)]
pub(crate) struct RunRecord<'a> {
    pub(crate) memo: u32,
    pub(crate) run: &'a str,
    pub(crate) experiment: &'a str,
    /// The command line, without the path of the program.
    pub(crate) arguments: Vec<String>,
    pub(crate) records: Vec<&'a str>,
    /// In milliseconds since 1970.
    pub(crate) ended: u64,
    pub(crate) seconds: f64,
    pub(crate) cached: usize,
    pub(crate) ran: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    pub(crate) interrupted: bool,
    pub(crate) failures: Vec<String>,
    pub(crate) stages: &'a [StageSummary],
    /// The calls that were no hits, those that failed first.
    pub(crate) calls: Vec<CallRecord>,
}

/// A call of a run that was no hit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CallRecord {
    pub(crate) stage: String,
    /// The record that called it first; `None` for an aggregate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
    pub(crate) end: CallEnd,
    /// Why it was a miss, where that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<KeptReason>,
    /// What it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// What became of a call that was no hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallEnd {
    Failed,
    Skipped,
    Ran,
}

impl RunRecord<'_> {
    /// Writes the record, if there is a store to write to.
    pub(crate) fn write(&self, store: &Store) -> io::Result<()> {
        if store.is_read_only() || !store.layout().base().exists() {
            return Ok(());
        }
        let place = store.layout().run(self.run);
        super::scratch::make_folder(place.parent().unwrap_or(Path::new(".")))?;
        let written = std::fs::write(&place, serde_json::to_vec(self)?);
        // Nothing half stays, as of a full disk.
        written.inspect_err(|_| drop(std::fs::remove_file(&place)))
    }
}

/// Returns the arguments that this program was started with.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect()
}
