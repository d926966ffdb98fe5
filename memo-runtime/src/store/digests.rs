//! Digests of large input files, kept so that a new process need not read them again.
//!
//! One line a file: what identifies it, its digest, and a checksum of both. Lines are only added, each
//! with one write; one that is torn or damaged is no line. When the file is full it takes the place of
//! the former one, and a new one begins, so neither grows without bound.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::layout::Layout;
use crate::digest::Digest;
use crate::key::files::Identity;

/// The size at which a new file begins. No more of a file is read.
const FULL: u64 = 2 << 20;

/// The digests that one store keeps. Trouble with them costs a reading and no more.
#[derive(Debug)]
pub(crate) struct KeptDigests {
    current: PathBuf,
    former: PathBuf,
    read_only: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is kept; read when it is first asked for.
    known: Option<HashMap<Identity, Digest>>,
    /// Lines that are not written yet, as the store's folder is not there.
    unwritten: String,
}

impl KeptDigests {
    pub(crate) fn new(layout: &Layout, read_only: bool) -> Self {
        let (current, former) = (layout.digests(), layout.former_digests());
        Self { current, former, read_only, state: Mutex::default() }
    }

    /// Returns the digest of a file that was read by whatever process.
    pub(crate) fn get(&self, identity: &Identity) -> Option<Digest> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.known.get_or_insert_with(|| {
            let mut known = HashMap::new();
            read(&self.former, &mut known);
            read(&self.current, &mut known);
            known
        });
        known.get(identity).copied()
    }

    /// Keeps the digest of a file that was read at rest.
    pub(crate) fn add(&self, identity: Identity, digest: Digest) {
        if self.read_only {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &mut state.known {
            known.insert(identity, digest);
        }
        // The line break comes first: it ends what somebody may have left half.
        state.unwritten.push('\n');
        state.unwritten.push_str(&line(&identity, &digest));
        self.write(&mut state.unwritten);
    }

    /// Writes what could not be written before the store's folder was there.
    pub(crate) fn flush(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.unwritten.is_empty() {
            self.write(&mut state.unwritten);
        }
    }

    fn write(&self, lines: &mut String) {
        let written = append(&self.current, lines);
        if written.as_ref().is_ok_and(|size| *size > FULL) {
            let _ = fs::rename(&self.current, &self.former);
        }
        let waits = written.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        // What cannot be written for another reason is given up.
        if !waits || lines.len() as u64 > FULL {
            lines.clear();
        }
    }
}

/// Adds lines with one write, and returns the size of the file before that.
fn append(path: &Path, lines: &str) -> io::Result<u64> {
    let mut file = open(path, OpenOptions::new().append(true).create(true).mode(0o600))?;
    let size = file.metadata()?.len();
    file.write_all(lines.as_bytes())?;
    Ok(size)
}

/// Opens a file of the store: no link leads out of it.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    options.open(path)
}

/// Reads all whole lines of a file, the last of equal ones.
fn read(path: &Path, known: &mut HashMap<Identity, Digest>) {
    let mut bytes = Vec::new();
    let file = open(path, OpenOptions::new().read(true));
    // One byte beyond is read of a file that was filled by a last line.
    let _ = file.and_then(|file| file.take(2 * FULL).read_to_end(&mut bytes));
    let lines =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    known.extend(lines.filter_map(parse));
}

fn line(identity: &Identity, digest: &Digest) -> String {
    let Identity { device, inode, size, modified, changed } = identity;
    let text = format!(
        "{device} {inode} {size} {} {} {} {} {digest}",
        modified.0, modified.1, changed.0, changed.1
    );
    let sum = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
    format!("{text} {sum:032x}")
}

/// Reads a line, which must be just as it is written.
fn parse(text: &str) -> Option<(Identity, Digest)> {
    let mut words = text.split(' ');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (device, inode, size) = (number()?, number()?, number()?);
    let mut time = || words.next()?.parse::<i64>().ok();
    let (modified, changed) = ((time()?, time()?), (time()?, time()?));
    let identity = Identity { device, inode, size, modified, changed };
    let digest: Digest = words.next()?.parse().ok()?;
    (line(&identity, &digest) == text).then_some((identity, digest))
}

#[cfg(test)]
mod tests;
