//! Content digests of files and folders, each file read once.
//!
//! A digest is remembered under the file's identity: device, inode, size, times of last change. The
//! identity of a file that was changed a moment ago proves nothing, as the clock of the file system may
//! not have moved on before the next change; such a file is read each time until it has come to rest.

mod folder;
mod memory;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blake3::hazmat::{ChainingValue, HasherExt as _, Mode};

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::file::{Input, InputKind};

pub(crate) use memory::FileMemory;

/// How long a file must have been left alone before its identity stands for its content: more than the
/// grain of any file system's clock.
const REST: Duration = Duration::from_secs(2);

/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 3;

/// The size of the subtrees that threads hash; a power of two, and small enough for a core's cache.
const GROUP: usize = 256 * 1024;

/// The size from which a file is worth several threads.
const LARGE: u64 = 16 * GROUP as u64;

/// A point in time as file systems tell it: seconds and nanoseconds.
pub(crate) type Stamp = (i64, i64);

/// What tells a file from every other, and from itself after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// When the content was changed; anybody can set it.
    pub(crate) modified: Stamp,
    /// When anything was changed, these times included.
    pub(crate) changed: Stamp,
}

impl Identity {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Says whether any later change will show in the identity. Times in the future say nothing.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let rested = now.checked_sub(REST).and_then(|then| then.duration_since(UNIX_EPOCH).ok());
        let Some(rested) = rested else { return false };
        let seconds = i64::try_from(rested.as_secs()).unwrap_or(i64::MAX);
        self.modified.max(self.changed) < (seconds, i64::from(rested.subsec_nanos()))
    }

    /// Says whether the clock that the times come from tells fractions of seconds. One that does not tells
    /// too little to outlive the process.
    pub(crate) fn tells_fractions(&self) -> bool {
        self.changed.1 != 0
    }
}

/// The digest of a file or folder as it was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileDigest {
    pub(crate) kind: InputKind,
    /// The path as it was given.
    pub(crate) path: PathBuf,
    /// What people see: the path, or the name in its place.
    pub(crate) shown: String,
    pub(crate) digest: Digest,
    identity: Identity,
    /// Whether an equal identity proves that nothing has changed since.
    settled: bool,
    /// Whether nothing that is remembered is believed.
    strict: bool,
}

impl FileDigest {
    /// Digests what is at the path of `input`. Without a store's `memory`, what this process remembers
    /// is believed.
    ///
    /// # Errors
    ///
    /// It is not there, not of this kind, not readable, or does not stop changing.
    pub(crate) fn of(
        kind: InputKind,
        input: &Input,
        memory: Option<&FileMemory>,
    ) -> Result<Self, Error> {
        Self::read(kind, input, memory).map_err(|error| {
            let named = input.name.as_ref().map(|name| format!(" (named `{name}`)"));
            let (word, path) = (kind.word(), input.path.display());
            let message = format!(
                "the input {word} `{path}`{} cannot enter a key",
                named.unwrap_or_default()
            );
            Error::new(ErrorKind::Key, message).because(error)
        })
    }

    fn read(kind: InputKind, input: &Input, memory: Option<&FileMemory>) -> io::Result<Self> {
        let (digest, identity, settled) = match kind {
            InputKind::File => read_file(&input.path, memory)?,
            InputKind::Dir => {
                let identity = Identity::of(&fs::metadata(&input.path)?);
                // Its identity says nothing about the files in it.
                (folder::digest(&input.path, memory)?, identity, false)
            }
        };
        let (path, shown) = (input.path.clone(), input.shown().into_owned());
        let strict = memory.is_some_and(FileMemory::is_strict);
        Ok(Self { kind, path, shown, digest, identity, settled, strict })
    }

    /// Says whether this is a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.kind == InputKind::Dir
    }

    /// Says whether the content is still what it was. What is gone has changed.
    ///
    /// A file is read again only if its identity differs or proves nothing: a touch costs one reading.
    ///
    /// # Errors
    ///
    /// It is there, but cannot be read.
    pub(crate) fn unchanged(&self) -> io::Result<bool> {
        let memory = self.strict.then_some(&FileMemory::STRICT);
        let unchanged = match self.kind {
            InputKind::File if self.settled && self.is_same()? => Ok(true),
            InputKind::File => {
                read_file(&self.path, memory).map(|(digest, ..)| digest == self.digest)
            }
            InputKind::Dir => {
                folder::digest(&self.path, memory).map(|digest| digest == self.digest)
            }
        };
        unchanged.or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(false),
            _ => Err(error),
        })
    }

    fn is_same(&self) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(Identity::of(&metadata) == self.identity),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Returns digest, identity, and whether an equal identity proves an equal content.
fn read_file(path: &Path, memory: Option<&FileMemory>) -> io::Result<(Digest, Identity, bool)> {
    let strict = memory.is_some_and(FileMemory::is_strict);
    for _ in 0..ATTEMPTS {
        let now = SystemTime::now();
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "a folder" } else { "neither file nor folder" };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}")));
        }
        let identity = Identity::of(&metadata);
        let settled = !strict && identity.is_settled(now);
        if settled && let Some(digest) = memory::recall(&identity, memory) {
            return Ok((digest, identity, settled));
        }
        let file = File::open(path)?;
        let content = hash(&file, identity.size);
        if Identity::of(&file.metadata()?) == identity {
            let (digest, length) = content?;
            // Made-up files, as in `/proc`, change without a trace, but do not tell their size.
            let settled = settled && length > 0 && length == identity.size;
            if settled {
                memory::remember(identity, digest, memory);
            }
            return Ok((digest, identity, settled));
        }
    }
    Err(io::Error::other("it changes while it is read"))
}

/// Returns the BLAKE3 digest of a file's bytes, and how many there are.
///
/// Files of others are read, not mapped: whoever cuts a mapped file short kills the program.
fn hash(file: &File, size: u64) -> io::Result<(Digest, u64)> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if size >= LARGE && threads > 1 {
        return Ok((hash_groups(file, size, threads)?, size));
    }
    // One byte more than there should be, so that the first read finds the end.
    let piece = usize::try_from(size).unwrap_or(GROUP).saturating_add(1).min(GROUP);
    let mut buffer = Vec::with_capacity(piece);
    let mut hasher = blake3::Hasher::new();
    loop {
        buffer.clear();
        file.take(piece as u64).read_to_end(&mut buffer)?;
        hasher.update(&buffer);
        if buffer.len() < piece {
            return Ok((hasher.finalize().into(), hasher.count()));
        }
    }
}

/// Hashes the groups of a file on several threads, and joins them as BLAKE3 does.
fn hash_groups(file: &File, size: u64, threads: usize) -> io::Result<Digest> {
    let next = AtomicU64::new(0);
    let worker = || -> io::Result<Vec<(u64, ChainingValue)>> {
        let mut done = Vec::new();
        let mut buffer = vec![0; GROUP];
        loop {
            let offset = next.fetch_add(GROUP as u64, Ordering::Relaxed);
            if offset >= size {
                return Ok(done);
            }
            let length = usize::try_from(size - offset).map_or(GROUP, |rest| rest.min(GROUP));
            file.read_exact_at(&mut buffer[..length], offset)?;
            let mut hasher = blake3::Hasher::new();
            hasher.set_input_offset(offset).update(&buffer[..length]);
            done.push((offset, hasher.finalize_non_root()));
        }
    };
    let mut groups = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut groups = worker()?;
        for other in others {
            groups.extend(other.join().map_err(|_| io::Error::other("a thread died"))??);
        }
        io::Result::Ok(groups)
    })?;
    groups.sort_unstable_by_key(|(offset, _)| *offset);
    let values: Vec<ChainingValue> = groups.into_iter().map(|(_, value)| value).collect();
    let (left, right) = values.split_at(left_of(values.len()));
    Ok(blake3::hazmat::merge_subtrees_root(&join(left), &join(right), Mode::Hash).into())
}

/// Returns the chaining value over those of neighbouring groups.
fn join(values: &[ChainingValue]) -> ChainingValue {
    if let [value] = values {
        return *value;
    }
    let (left, right) = values.split_at(left_of(values.len()));
    blake3::hazmat::merge_subtrees_non_root(&join(left), &join(right), Mode::Hash)
}

/// Returns the largest power of two that leaves something on the right.
fn left_of(count: usize) -> usize {
    count.next_power_of_two() / 2
}

/// The references met, and what is remembered of files meanwhile.
type References = (Option<Arc<FileMemory>>, Vec<FileDigest>);

thread_local! {
    /// The references met by the innermost scope of this thread.
    static REFERENCES: RefCell<Option<References>> = const { RefCell::new(None) };
}

/// Runs `save`, and returns with its result the files and folders that were serialized meanwhile on
/// this thread, by any serializer, each once.
///
/// An output with an [`InputFile`](crate::InputFile) in it is good only while that file is.
pub(crate) fn collect_references<R>(
    memory: Option<&Arc<FileMemory>>,
    save: impl FnOnce() -> R,
) -> (R, Vec<FileDigest>) {
    /// Gives the scope around it its own back, also when `save` panics.
    struct Scope(Option<References>);
    impl Drop for Scope {
        fn drop(&mut self) {
            REFERENCES.set(self.0.take());
        }
    }
    let _scope = Scope(REFERENCES.replace(Some((memory.cloned(), Vec::new()))));
    let result = save();
    (result, REFERENCES.take().unwrap_or_default().1)
}

/// Notes that `input` was serialized, if a scope wants to know.
///
/// # Errors
///
/// What it refers to is not there, so that it must not be kept.
pub(crate) fn note_reference(kind: InputKind, input: &Input) -> Result<(), Error> {
    let memory = REFERENCES.with_borrow(|references| {
        let (memory, met) = references.as_ref()?;
        let is_known = met.iter().any(|known| known.kind == kind && known.path == input.path);
        (!is_known).then(|| memory.clone())
    });
    if let Some(memory) = memory {
        let reference = FileDigest::of(kind, input, memory.as_deref())?;
        REFERENCES.with_borrow_mut(|all| all.as_mut().map(|(_, met)| met.push(reference)));
    }
    Ok(())
}
