//! A lock is a type: whoever holds a [`KeyLock`] is the one that computes its key.
//!
//! Threads that share a store wait for each other in memory. Between processes, and between stores that
//! were opened apart, locks are the operating system's and die with their holder. They spare work only:
//! whether an entry is right never rests on them, so a file system without locks costs double work and
//! no more.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::BuildHasherDefault;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Store;
use super::layout::Layout;
use crate::digest::{Digest, Hashed};

#[cfg(any(test, not(all(target_os = "linux", target_pointer_width = "64"))))]
mod files;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod ranges;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
use files as outside;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use ranges as outside;

/// The longest that nobody looks whether the run is over, or another process is done.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The locks of one store that was opened.
#[derive(Debug)]
pub(super) struct Locks {
    /// The keys that threads of this process hold, and whether another one waits.
    held: Mutex<HashMap<Digest, bool, BuildHasherDefault<Hashed>>>,
    freed: Condvar,
    outside: outside::Locks,
}

/// Held while a key is computed.
#[derive(Debug)]
pub(crate) struct KeyLock {
    key: Digest,
    locks: Arc<Locks>,
    /// What other processes see; `None` where there are no locks.
    outside: Option<outside::Held>,
}

impl Locks {
    pub(super) fn new(layout: &Layout) -> Self {
        let outside = outside::Locks::new(layout);
        Self { held: Mutex::default(), freed: Condvar::new(), outside }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Digest, bool, BuildHasherDefault<Hashed>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `key` can be had, or `is_over`. `waits` is called once, if it cannot be had at once.
    pub(super) fn acquire(
        self: &Arc<Self>,
        key: &Digest,
        is_over: impl Fn() -> bool,
        waits: impl FnOnce(),
    ) -> Option<KeyLock> {
        let mut waits = Some(waits);
        let mut tell = || waits.take().map_or((), |waits| waits());
        let mut lock = self.acquire_inside(key, &is_over, &mut tell)?;
        // The operating system wakes nobody who also listens for an interrupt.
        let mut pause = Duration::from_millis(1);
        loop {
            match self.outside.try_acquire(key) {
                Ok(None) if is_over() => return None,
                Ok(None) => {
                    tell();
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Ok(held) => {
                    lock.outside = held;
                    return Some(lock);
                }
                Err(_) => return Some(lock),
            }
        }
    }

    /// Takes `key` if nobody holds it.
    fn try_acquire(self: &Arc<Self>, key: &Digest) -> Result<KeyLock, Taken> {
        let mut lock = self.acquire_inside(key, || true, || {}).ok_or(Taken::Here)?;
        match self.outside.try_acquire(key) {
            Ok(None) => return Err(Taken::Elsewhere),
            Ok(held) => lock.outside = held,
            Err(_) => {}
        }
        Ok(lock)
    }

    /// Waits until no other thread of this process holds `key`.
    fn acquire_inside(
        self: &Arc<Self>,
        key: &Digest,
        is_over: impl Fn() -> bool,
        mut waits: impl FnMut(),
    ) -> Option<KeyLock> {
        let mut held = self.held();
        if held.contains_key(key) {
            // An observer may do as it likes, even look something up; so not while the table is locked.
            drop(held);
            waits();
            held = self.held();
        }
        while let Some(is_awaited) = held.get_mut(key) {
            if is_over() {
                return None;
            }
            *is_awaited = true;
            let woken = self.freed.wait_timeout(held, LONGEST_PAUSE);
            held = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        held.insert(*key, false);
        Some(KeyLock { key: *key, locks: Arc::clone(self), outside: None })
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // First what others see: the next thread of this process asks for it as they do.
        self.outside = None;
        if self.locks.held().remove(&self.key) == Some(true) {
            self.locks.freed.notify_all();
        }
    }
}

impl Store {
    /// Waits until nobody else computes `key`, or `is_over`. `waits` is called once, if there is
    /// anything to wait for. `None` where nothing is written.
    pub(crate) fn lock(
        &self,
        key: &Digest,
        is_over: impl Fn() -> bool,
        waits: impl FnOnce(),
    ) -> Option<KeyLock> {
        if self.is_read_only() || self.scratch().is_err() {
            return None;
        }
        self.0.locks.acquire(key, is_over, waits)
    }
}

/// Somebody else computes the key just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Another thread of those that share the store that was opened.
    Here,
    /// Another process, or one for which the store was opened apart.
    Elsewhere,
}

impl Store {
    /// Takes the lock of `key` if nobody computes it. `None` where nothing is written.
    pub(crate) fn try_lock(&self, key: &Digest) -> Result<Option<KeyLock>, Taken> {
        if self.is_read_only() || self.scratch().is_err() {
            return Ok(None);
        }
        self.0.locks.try_acquire(key).map(Some)
    }
}

/// Removes the lock files that killed processes have left, where a lock is a file.
pub(super) fn sweep(layout: &Layout) {
    let _ = layout;
    #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
    files::sweep(&layout.locks());
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
mod tests;
