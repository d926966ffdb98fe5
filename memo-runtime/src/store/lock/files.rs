//! Locks that are files: one for a key, there while it is held. Used where the operating system cannot
//! lock a part of a file for one of its openings alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::is_at;
use crate::digest::Digest;
use crate::store::layout::Layout;
use crate::store::scratch::make_folder;

/// Knows where the files lie.
#[derive(Debug)]
pub(super) struct Locks(PathBuf);

/// A lock that other processes see. Dropping it removes its file.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    /// Open for as long as the lock is held.
    _file: File,
}

impl Locks {
    pub(super) fn new(layout: &Layout) -> Self {
        Self(layout.locks())
    }

    /// Takes the lock of `key` if nobody holds it.
    pub(super) fn try_acquire(&self, key: &Digest) -> io::Result<Option<Held>> {
        let path = self.0.join(key.to_string());
        try_acquire(path.clone()).or_else(|_| {
            make_folder(&self.0)?;
            try_acquire(path)
        })
    }
}

fn try_acquire(path: PathBuf) -> io::Result<Option<Held>> {
    loop {
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, &path)? => return Ok(Some(Held { path, _file: file })),
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Removed while it is held: who waits for it finds that its file is no longer at the path,
        // and opens the next one.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the lock files that killed processes have left.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // Whoever has the lock removes its file when it is dropped.
            let _ = try_acquire(entry.path());
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
