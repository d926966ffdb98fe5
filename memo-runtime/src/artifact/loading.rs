//! The loading side of an artifact: every byte that is read is checked against the digest.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::saving::{beside, main_name};
use super::tree::{self, Part};
use super::{ArtifactBytes, Meta, io_error};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};

/// Above this size the digest is taken on a thread of its own, beside the decoding.
const BESIDE: u64 = 1 << 20;

/// Where the bytes of a kept artifact lie.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Inline(Arc<[u8]>),
    File(PathBuf),
    Folder(PathBuf, Arc<[Part]>),
    /// Made by hand: further files lie beside the main one.
    Beside(PathBuf),
}

/// An artifact that is being read.
#[derive(Debug)]
pub(crate) struct Loading {
    source: Source,
    /// `None` for artifacts made by hand.
    digest: Option<Digest>,
    size: u64,
    extension: String,
    meta: Meta,
    reading: Mutex<Reading>,
}

#[derive(Debug, Default)]
struct Reading {
    stream: Option<Stream>,
    beside: Option<JoinHandle<Digest>>,
    /// A file made of an inline artifact, for cachers that ask for a path.
    made: Option<TempDir>,
}

/// The main file, read from the front and digested on the way.
#[derive(Debug)]
enum Stream {
    Inline(io::Cursor<Arc<[u8]>>),
    File(Box<BufReader<Digesting>>),
}

#[derive(Debug)]
struct Digesting {
    file: File,
    hasher: blake3::Hasher,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

impl Loading {
    pub(crate) fn new(
        source: Source,
        digest: Digest,
        size: u64,
        extension: &str,
        meta: Meta,
    ) -> Self {
        let extension = extension.to_owned();
        Self { source, digest: Some(digest), size, extension, meta, reading: Mutex::default() }
    }

    pub(super) fn at(path: &Path) -> Result<Self, Error> {
        let size = fs::metadata(path).map_err(|error| io_error("open", path, error))?.len();
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let source = Source::Beside(path.to_owned());
        let (meta, reading) = (Meta::new(), Mutex::default());
        Ok(Self { source, digest: None, size, extension, meta, reading })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn main_path(&self) -> Option<PathBuf> {
        match &self.source {
            Source::Inline(_) => None,
            Source::File(path) | Source::Beside(path) => Some(path.clone()),
            Source::Folder(folder, _) => Some(folder.join(main_name(&self.extension))),
        }
    }

    /// Opens the main file, and checks its size before anyone believes it.
    fn open(&self, path: &Path) -> Result<File, Error> {
        let file = File::open(path).map_err(|error| io_error("open", path, error))?;
        let length = file.metadata().map_err(|error| io_error("open", path, error))?.len();
        match &self.source {
            Source::File(_) if length != self.size => Err(damaged(path, length, self.size)),
            _ => Ok(file),
        }
    }

    pub(super) fn reader(&self) -> Result<Reader<'_>, Error> {
        let stream = match (&self.source, self.main_path()) {
            (Source::Inline(bytes), _) => Stream::Inline(io::Cursor::new(bytes.clone())),
            (_, Some(path)) => {
                self.check_folder()?;
                let digesting =
                    Digesting { file: self.open(&path)?, hasher: blake3::Hasher::new() };
                Stream::File(Box::new(BufReader::with_capacity(128 * 1024, digesting)))
            }
            (_, None) => return Err(Error::new(ErrorKind::Store, "an artifact without a file")),
        };
        let mut reading = self.reading();
        reading.stream = Some(stream);
        Ok(Reader(reading))
    }

    pub(super) fn bytes(&self) -> Result<ArtifactBytes, Error> {
        let (Some(path), false) = (self.main_path(), matches!(self.source, Source::Inline(_)))
        else {
            let Source::Inline(bytes) = &self.source else {
                return Err(Error::new(ErrorKind::Store, "an artifact without a file"));
            };
            return Ok(ArtifactBytes::inline(bytes.clone()));
        };
        self.check_folder()?;
        let file = self.open(&path)?;
        // SAFETY: a store never changes a file in place, it only unlinks; what another program does
        // to the file meanwhile is found by the digest, which is taken of these same pages.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| io_error("map", &path, e))?;
        let map = Arc::new(map);
        if matches!(self.source, Source::File(_)) {
            if self.size > BESIDE {
                let map = Arc::clone(&map);
                let beside = std::thread::spawn(move || Digest::of(&map));
                self.reading().beside = Some(beside);
            } else if self.digest.is_some_and(|digest| digest != Digest::of(&map)) {
                return Err(self.wrong_digest());
            }
        }
        Ok(ArtifactBytes::mapped(map))
    }

    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        match &self.source {
            Source::Inline(bytes) => self.made_path(bytes),
            Source::Beside(path) => Ok(path.clone()),
            Source::Folder(folder, _) => {
                self.check_folder()?;
                Ok(folder.join(main_name(&self.extension)))
            }
            Source::File(path) => {
                drop(self.open(path)?);
                self.check_once(path, || Ok(tree::digest_file(path)?.0))?;
                Ok(path.clone())
            }
        }
    }

    pub(super) fn file(&self, name: &str) -> Result<PathBuf, Error> {
        let missing = || {
            Error::new(ErrorKind::Cacher, format!("no file `{name}` was saved in this artifact"))
        };
        match &self.source {
            Source::Folder(folder, parts) => {
                if !parts.iter().any(|part| part.name == name) {
                    return Err(missing());
                }
                self.check_folder()?;
                Ok(folder.join(name))
            }
            Source::Beside(path) => {
                Some(beside(path, name)).filter(|p| p.exists()).ok_or_else(missing)
            }
            Source::Inline(_) | Source::File(_) => Err(missing()),
        }
    }

    /// Makes a file of an inline artifact; it lives as long as this process reads it.
    fn made_path(&self, bytes: &[u8]) -> Result<PathBuf, Error> {
        let mut reading = self.reading();
        if reading.made.is_none() {
            let folder = tempfile::tempdir()
                .map_err(|error| io_error("make", &std::env::temp_dir(), error))?;
            let path = folder.path().join(main_name(&self.extension));
            fs::write(&path, bytes).map_err(|error| io_error("write", &path, error))?;
            reading.made = Some(folder);
        }
        let folder = reading.made.as_ref().map_or(Path::new("."), TempDir::path);
        Ok(folder.join(main_name(&self.extension)))
    }

    /// Checks all files of an artifact of several; they are digested once in a process while their
    /// identity (inode, size, times) stays.
    fn check_folder(&self) -> Result<(), Error> {
        let Source::Folder(folder, parts) = &self.source else { return Ok(()) };
        for part in parts.iter() {
            let path = folder.join(&part.name);
            let length = fs::metadata(&path).map_err(|e| io_error("open", &path, e))?.len();
            if length != part.size {
                return Err(damaged(&path, length, part.size));
            }
            let found = checked(&path, &part.digest, || Ok(tree::digest_file(&path)?.0))
                .map_err(|error| io_error("read", &path, error))?;
            if !found {
                return Err(self.wrong_digest());
            }
        }
        Ok(())
    }

    fn check_once(
        &self,
        path: &Path,
        digest: impl FnOnce() -> io::Result<Digest>,
    ) -> Result<(), Error> {
        let Some(right) = &self.digest else { return Ok(()) };
        let is_right =
            checked(path, right, digest).map_err(|error| io_error("read", path, error))?;
        if is_right { Ok(()) } else { Err(self.wrong_digest()) }
    }

    fn wrong_digest(&self) -> Error {
        let place = self.main_path().unwrap_or_default();
        let message = format!("the bytes of `{}` are not those that were kept", place.display());
        Error::new(ErrorKind::Damaged, message)
    }

    /// Ends the load: what was not read is read now, and the digest must be right.
    pub(super) fn finish(self) -> Result<Digest, Error> {
        let reading = std::mem::take(&mut *self.reading());
        if let Source::Inline(bytes) = &self.source {
            self.compare(Digest::of(bytes))?;
        }
        if let Some(beside) = reading.beside {
            let found = beside.join().map_err(|_| self.wrong_digest())?;
            self.compare(found)?;
        }
        if let (Some(Stream::File(mut stream)), Source::File(path)) = (reading.stream, &self.source)
        {
            io::copy(&mut stream, &mut io::sink()).map_err(|e| io_error("read", path, e))?;
            self.compare(stream.get_ref().hasher.finalize().into())?;
        }
        Ok(self.digest.unwrap_or_else(|| Digest::of(b"")))
    }

    fn compare(&self, found: Digest) -> Result<(), Error> {
        match self.digest {
            Some(right) if right != found => Err(self.wrong_digest()),
            _ => Ok(()),
        }
    }
}

fn damaged(path: &Path, found: u64, right: u64) -> Error {
    let message = format!("`{}` has {found} bytes, {right} were kept", path.display());
    Error::new(ErrorKind::Damaged, message)
}

/// Whether the file at `path` has the digest `right`; taken once per identity of the file.
fn checked(
    path: &Path,
    right: &Digest,
    digest: impl FnOnce() -> io::Result<Digest>,
) -> io::Result<bool> {
    static CHECKED: Mutex<Option<HashSet<(Identity, Digest)>>> = Mutex::new(None);
    let mark = (identity(path)?, *right);
    let known = || CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
    if known().as_ref().is_some_and(|checked| checked.contains(&mark)) {
        return Ok(true);
    }
    let same = digest()? == *right;
    if same {
        known().get_or_insert_default().insert(mark);
    }
    Ok(same)
}

/// What the file system tells of a file without reading it.
type Identity = (u64, u64, u64, i64, i64, i64, i64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let m = fs::metadata(path)?;
    Ok((m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    let meta = fs::metadata(path)?;
    let time = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok((0, 0, meta.len(), time.as_secs() as i64, i64::from(time.subsec_nanos()), 0, 0))
}

/// The stream that `Artifact::reader` gives out.
pub(super) struct Reader<'a>(MutexGuard<'a, Reading>);

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0.stream {
            Some(Stream::Inline(stream)) => stream.read(buffer),
            Some(Stream::File(stream)) => stream.read(buffer),
            None => Ok(0),
        }
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.0.stream {
            Some(Stream::Inline(stream)) => stream.fill_buf(),
            Some(Stream::File(stream)) => stream.fill_buf(),
            None => Ok(&[]),
        }
    }

    fn consume(&mut self, count: usize) {
        match &mut self.0.stream {
            Some(Stream::Inline(stream)) => stream.consume(count),
            Some(Stream::File(stream)) => stream.consume(count),
            None => {}
        }
    }
}
