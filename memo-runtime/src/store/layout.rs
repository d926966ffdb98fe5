//! The only file that joins paths: where everything lies below a store's folder.
//!
//! ```text
//! .memo/
//!   CACHEDIR.TAG, .gitignore       backup programs and git leave the folder alone
//!   v1/                            a change of the layout is a new folder, never a migration
//!     entries/<stage>/<ab>/<key>.jsonl      one manifest an entry; small values lie inside
//!     entries/<stage>/index                 heads of many entries; made of them, for speed
//!     artifacts/<ab>/<digest>.<ext>         one file an artifact; equal ones are stored once
//!     artifacts/<ab>/<digest>/main.<ext>    an artifact of several files
//!     shards/<stage>/<ab>/<shared>/<pack>.jsonl   shards of arrays, one line each, many in a file
//!     shards/<stage>/<ab>/<shared>/<pack>.index   where the lines are; made of them, for speed
//!     code/<fingerprint>.json               what a fingerprint is made of, for explanations
//!     seen/<stage>.json                     the fingerprint that was asked for last and not found
//!     accepted/<stage>/<fingerprint>.json   the former one whose entries serve it, on the user's word
//!     former/<stage>/<key>-<n>.jsonl        entries that a newer result has replaced
//!     damaged/<name>-<n>                    what was found damaged, set aside
//!     results/<experiment>/<record>/<output>.<ext>   links, for people
//!     runs/<time>/<run>.json                one file a run
//!     jobs/<stage>/<key>-<id>/              what was submitted elsewhere: one folder a submission
//!     programs/<digest>                     the programs that workers run
//!     lock                                  empty; a byte of it is locked while a key is computed
//!     locks/<key>                           the same, where bytes cannot be locked: a file for a key
//!     digests, digests.former               digests of large input files, a line each
//!     tmp/<id>/                             what is being written, one folder a process
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::manifest::Kept;
use crate::digest::Digest;

/// The version of the layout; it names the folder below the store's.
pub(crate) const VERSION: &str = "v1";

/// Knows where things lie; makes nothing.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    base: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), base: root.join(VERSION) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    pub(crate) fn entries(&self, stage: &str) -> PathBuf {
        self.base.join("entries").join(file_name(stage))
    }

    pub(crate) fn entry(&self, stage: &str, key: &Digest) -> PathBuf {
        self.entry_in(&file_name(stage), key)
    }

    /// The same for a stage whose [`file_name`] is known: every hit comes by here.
    pub(crate) fn entry_in(&self, stage: &str, key: &Digest) -> PathBuf {
        let digits = key.digits();
        let key = std::str::from_utf8(&digits).unwrap_or_default();
        let base = self.base.as_os_str();
        let mut path = OsString::with_capacity(base.len() + stage.len() + 96);
        path.push(base);
        path.push("/entries/");
        path.push(stage);
        ["/", &key[..2], "/", key, ".jsonl"].iter().for_each(|part| path.push(part));
        path.into()
    }

    /// The index of the entries in the folder of a stage. No folder of entries has its name.
    pub(crate) fn entry_index(stage: &Path) -> PathBuf {
        stage.join("index")
    }

    pub(crate) fn artifact(&self, digest: &Digest, extension: &str) -> PathBuf {
        let digest = digest.to_string();
        let dot = if extension.is_empty() { "" } else { "." };
        self.base.join(["artifacts/", &digest[..2], "/", &digest, dot, extension].concat())
    }

    pub(crate) fn artifact_folder(&self, digest: &Digest) -> PathBuf {
        let digest = digest.to_string();
        self.base.join(["artifacts/", &digest[..2], "/", &digest].concat())
    }

    /// Where an artifact lies that is not inside its manifest: its file, or the folder of its files.
    pub(crate) fn place_of(&self, kept: &Kept) -> PathBuf {
        match &kept.parts[..] {
            [] => self.artifact(&kept.digest, &kept.extension),
            _ => self.artifact_folder(&kept.digest),
        }
    }

    /// Where the shards lie of a stage's array calls that have this part of their keys in common.
    pub(crate) fn shards(&self, stage: &str, shared: &Digest) -> PathBuf {
        let shared = shared.to_string();
        self.shards_of(stage).join([&shared[..2], "/", &shared].concat())
    }

    /// Where the shards of a stage lie.
    pub(crate) fn shards_of(&self, stage: &str) -> PathBuf {
        self.base.join("shards").join(file_name(stage))
    }

    /// The lines of a pack, and the index of them.
    pub(crate) fn pack(folder: &Path, pack: &str) -> [PathBuf; 2] {
        [".jsonl", ".index"].map(|end| folder.join([pack, end].concat()))
    }

    pub(crate) fn code(&self, fingerprint: &str) -> PathBuf {
        self.base.join("code").join(file_name(fingerprint) + ".json")
    }

    /// Where the fingerprint of a stage is noted that was asked for and not found.
    pub(crate) fn seen(&self, stage: &str) -> PathBuf {
        self.base.join("seen").join(file_name(stage) + ".json")
    }

    /// Where the acceptances of a stage lie.
    pub(crate) fn acceptances(&self, stage: &str) -> PathBuf {
        self.base.join("accepted").join(file_name(stage))
    }

    pub(crate) fn acceptance(&self, stage: &str, fingerprint: &str) -> PathBuf {
        self.acceptances(stage).join(file_name(fingerprint) + ".json")
    }

    pub(crate) fn former(&self, stage: &str) -> PathBuf {
        self.base.join("former").join(file_name(stage))
    }

    /// Where the folders of a stage's submissions lie.
    pub(crate) fn jobs(&self, stage: &str) -> PathBuf {
        self.base.join("jobs").join(file_name(stage))
    }

    pub(crate) fn program(&self, digest: &Digest) -> PathBuf {
        self.base.join("programs").join(digest.to_string())
    }

    pub(crate) fn damaged(&self) -> PathBuf {
        self.base.join("damaged")
    }

    /// Where people find a record's results, or, without a record, those of aggregates.
    pub(crate) fn results(&self, experiment: &str, record: Option<&str>) -> PathBuf {
        let all = self.base.join("results").join(file_name(experiment));
        record.map_or(all.clone(), |record| all.join(file_name(record)))
    }

    pub(crate) fn links_index(&self, experiment: &str) -> PathBuf {
        self.base.join("results").join(file_name(experiment)).join(".index")
    }

    /// Runs of some three days share a folder, as the first digits of their names say.
    pub(crate) fn run(&self, name: &str) -> PathBuf {
        let folder = name.get(..5).unwrap_or("other");
        self.base.join("runs").join(folder).join(file_name(name) + ".json")
    }

    /// Where a lock is a file.
    #[cfg(any(test, not(all(target_os = "linux", target_pointer_width = "64"))))]
    pub(crate) fn locks(&self) -> PathBuf {
        self.base.join("locks")
    }

    /// The file whose bytes are locked, one for a key.
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    pub(crate) fn lock(&self) -> PathBuf {
        self.base.join("lock")
    }

    /// What is remembered of large input files.
    pub(crate) fn digests(&self) -> PathBuf {
        self.base.join("digests")
    }

    pub(crate) fn former_digests(&self) -> PathBuf {
        self.base.join("digests.former")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.base.join("tmp")
    }
}

/// Makes a file name of any name: `digits::fit` is `digits.fit`, what no file system likes is written
/// as `%` and two digits, and very long names end in a digest.
pub(crate) fn file_name(name: &str) -> String {
    const LONGEST: usize = 120;
    let mut safe = String::with_capacity(name.len());
    let mut bytes = name.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' if bytes.next_if_eq(&b':').is_some() => {
                safe.push_str(if safe.is_empty() { "%2E" } else { "." });
            }
            b'.' if safe.is_empty() => safe.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'=' | b',' | b'+' => {
                safe.push(char::from(byte));
            }
            _ => {
                let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
                safe.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    if safe.len() > LONGEST {
        safe.truncate(LONGEST);
        safe.push('-');
        safe.push_str(&Digest::of(name.as_bytes()).short());
    }
    if safe.is_empty() { "%".to_owned() } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_their_folder() {
        for hostile in ["../../etc/passwd", "..", ".", "/etc", "a/b", "a\\b", "nul\0", "", ".git"] {
            let name = file_name(hostile);
            assert!(
                !name.contains(['/', '\\', '\0']) && !name.starts_with('.'),
                "{hostile}: {name}"
            );
            assert!(!name.is_empty());
        }
    }

    #[test]
    fn different_names_stay_different() {
        let names = ["a b", "a%20b", "a::b", "a/b", "A", "a"];
        let safe: std::collections::HashSet<_> = names.iter().map(|name| file_name(name)).collect();
        assert_eq!(safe.len(), names.len());
    }

    #[test]
    fn long_names_are_cut_and_told_apart() {
        let (one, other) = ("x".repeat(300), "x".repeat(301));
        assert!(file_name(&one).len() < 140);
        assert_ne!(file_name(&one), file_name(&other));
    }
}
