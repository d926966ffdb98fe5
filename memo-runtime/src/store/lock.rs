//! A lock is a type: whoever holds a [`KeyLock`] is the one that computes its key.
//!
//! Locks are the operating system's and die with their holder. They spare work only: whether an entry
//! is right never rests on them, so a file system without locks costs double work and no more.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Store;
use super::scratch::make_folder;
use crate::digest::Digest;

/// Held while a key is computed. Dropping it removes its file.
#[derive(Debug)]
pub(crate) struct KeyLock {
    path: PathBuf,
    /// Open for as long as the lock is held.
    _file: File,
}

impl KeyLock {
    /// Takes the lock if nobody holds it.
    pub(crate) fn try_acquire(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path)? => return Ok(Some(Self { path, _file: file })),
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Store {
    /// Waits until nobody else computes `key`, or `is_over`. `waits` is called once, if there is
    /// anything to wait for. `None` where there are no locks, or nothing is written.
    pub(crate) fn lock(
        &self,
        key: &Digest,
        is_over: impl Fn() -> bool,
        waits: impl FnOnce(),
    ) -> Option<KeyLock> {
        if self.is_read_only() || self.scratch().is_err() {
            return None;
        }
        let path = self.0.layout.lock(key);
        let first = KeyLock::try_acquire(path.clone()).or_else(|_| {
            make_folder(path.parent().unwrap_or(&path))?;
            KeyLock::try_acquire(path.clone())
        });
        let mut held = first.ok()?;
        if held.is_none() {
            waits();
        }
        // The operating system wakes nobody who also listens for an interrupt.
        let mut pause = Duration::from_millis(1);
        while held.is_none() && !is_over() {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
            held = KeyLock::try_acquire(path.clone()).ok()?;
        }
        held
    }
}

impl Drop for KeyLock {
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
            let _ = KeyLock::try_acquire(entry.path());
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

/// Whether `file` is still what lies at `path`: the holder before us may have removed it.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok(there.ino() == ours.ino() && there.dev() == ours.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
pub(super) fn is_at(_file: &File, path: &Path) -> io::Result<bool> {
    Ok(path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_with_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let held = KeyLock::try_acquire(path.clone()).unwrap();
        assert!(held.is_some() && KeyLock::try_acquire(path.clone()).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        assert!(KeyLock::try_acquire(path).unwrap().is_some());
    }

    #[test]
    fn many_threads_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let inside = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let held = loop {
                            match KeyLock::try_acquire(path.clone()).unwrap() {
                                Some(held) => break held,
                                None => std::thread::yield_now(),
                            }
                        };
                        let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(before, 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
    }
}
