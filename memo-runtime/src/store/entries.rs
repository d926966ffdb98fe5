//! What a store holds, for programs that look at all of it: its stages, their entries, its runs.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Store;
use super::history::CallRecord;
use super::look_up::{manifests, open_to_read, read_manifest};
use super::manifest::{self, Detail, Head};

/// A whole entry.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where its manifest lies.
    pub(crate) path: PathBuf,
    pub(crate) head: Head,
    pub(crate) detail: Detail,
}

impl Entry {
    fn read(path: PathBuf) -> Option<Self> {
        let parse = |bytes: &[u8]| {
            Some((manifest::read_head(bytes, None).ok()?, manifest::read_detail(bytes).ok()?))
        };
        let (head, detail) = read_manifest(&path, parse).ok()???;
        Some(Self { path, head, detail })
    }

    /// Whether it was carried over from former code, on the user's word.
    pub(crate) fn is_accepted(&self) -> bool {
        self.detail.accepted.is_some()
    }
}

/// A run, as far as it can be read: other versions of `memo` wrote less.
#[derive(Debug, Deserialize)]
pub(crate) struct KeptRun {
    pub(crate) run: String,
    #[serde(default)]
    pub(crate) experiment: String,
    #[serde(default)]
    pub(crate) ended: u64,
    #[serde(default)]
    pub(crate) calls: Vec<CallRecord>,
}

impl Store {
    /// Lists the full names of the stages that have entries, or that failed in one of the last runs.
    pub(crate) fn stages(&self) -> Vec<String> {
        let folders = fs::read_dir(self.layout().base().join("entries")).into_iter().flatten();
        // The name of a folder tells the stage's name to people only; a manifest has it.
        let name = |folder: fs::DirEntry| {
            let mut files = manifests(&folder.path()).into_iter();
            files.find_map(Entry::read).map(|entry| entry.head.stage.into_owned())
        };
        let mut names: Vec<String> = folders.flatten().filter_map(name).collect();
        names.extend(self.stages_of_shards());
        names.extend(self.runs(20).into_iter().flat_map(|run| run.calls).map(|call| call.stage));
        names.sort();
        names.dedup();
        names
    }

    /// Reads the entries of a stage, the latest first, at most so many.
    pub(crate) fn entries_of(&self, stage: &str, most: usize) -> Vec<Entry> {
        let files = manifests(&self.layout().entries(stage)).into_iter().take(most);
        let entries = files.filter_map(Entry::read);
        let mut entries: Vec<Entry> = entries.filter(|entry| entry.head.stage == stage).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.head.completed));
        entries
    }

    /// Reads the records of the last runs, the latest first, at most so many.
    pub(crate) fn runs(&self, most: usize) -> Vec<KeptRun> {
        /// No run's record is larger.
        const LARGEST: u64 = 64 << 20;
        let below = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
        let folders = below(&self.layout().base().join("runs"));
        let mut files: Vec<PathBuf> =
            folders.flat_map(|folder| below(&folder.path())).map(|file| file.path()).collect();
        // Names of runs begin with their time.
        files.sort_unstable_by(|one, other| other.file_name().cmp(&one.file_name()));
        let read = |path: &PathBuf| {
            let mut bytes = Vec::new();
            open_to_read(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        files.iter().take(most).filter_map(read).collect()
    }

    /// Sets an entry aside that is no longer to be found, where former ones are.
    pub(crate) fn retire(&self, entry: &Entry) -> std::io::Result<()> {
        self.forget(&entry.head.key);
        super::set_aside::move_to(&entry.path, &self.layout().former(&entry.head.stage))
    }
}
