//! Locks that are bytes of one file, which stays empty: a key is locked at the offset that it gives.
//!
//! They belong to one opening of the file, so that two stores of a process exclude each other, and go
//! with the last descriptor of it, so with the process at the latest. Nothing is made or removed for a
//! key.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::Digest;
use crate::store::layout::Layout;

/// The file, opened for the first lock.
#[derive(Debug)]
pub(super) struct Locks {
    path: PathBuf,
    file: Mutex<Option<Arc<File>>>,
}

/// A lock that other processes see.
#[derive(Debug)]
pub(super) struct Held {
    file: Arc<File>,
    offset: i64,
}

impl Locks {
    pub(super) fn new(layout: &Layout) -> Self {
        Self { path: layout.lock(), file: Mutex::default() }
    }

    /// Takes the lock of `key` if nobody else holds it. The caller has seen to it that no thread of this
    /// process holds it by this store.
    pub(super) fn try_acquire(&self, key: &Digest) -> io::Result<Option<Held>> {
        let (file, offset) = (self.file()?, offset_of(key));
        match set(&file, offset, libc::F_WRLCK) {
            Ok(()) => Ok(Some(Held { file, offset })),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the file that others open too. One that somebody has removed would exclude nobody.
    fn file(&self) -> io::Result<Arc<File>> {
        let mut known = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*known
            && file.metadata()?.nlink() > 0
        {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open(&self.path)?);
        *known = Some(Arc::clone(&file));
        Ok(file)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Should it fail, the lock goes with the file.
        let _ = set(&self.file, self.offset, libc::F_UNLCK);
    }
}

/// Offsets are signed, which leaves 63 bits. Two keys that share one only wait for each other.
fn offset_of(key: &Digest) -> i64 {
    let first = key.as_bytes().first_chunk().copied().unwrap_or_default();
    i64::from_le_bytes(first) & i64::MAX
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    // No link leads out of the store, and no pipe keeps anybody waiting.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// Sets or clears the lock of one byte. Fails with `WouldBlock` where another opening holds it.
fn set(file: &File, offset: i64, kind: libc::c_int) -> io::Result<()> {
    let range = libc::flock {
        l_type: libc::c_short::try_from(kind).map_err(io::Error::other)?,
        l_whence: 0,
        l_start: offset,
        l_len: 1,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call reads one `flock`, which
    // lives as long as the call, and keeps no pointer to it.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
