//! One `fdatasync` for all threads that wait for one.

use std::fs::File;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far a file is on the disk.
#[derive(Debug, Default)]
pub(super) struct Commits {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Up to where the file is written.
    written: u64,
    /// Up to where it is on the disk.
    synced: u64,
    /// Whether a thread is about to bring it there.
    is_syncing: bool,
    /// Whether that went wrong once. What was written by then may be lost, whatever a later one says.
    has_failed: bool,
}

impl Commits {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the file is written up to here.
    pub(super) fn written(&self, end: u64) {
        self.state().written = end;
    }

    /// Returns when the file is on the disk up to `end`.
    pub(super) fn wait(&self, file: &File, end: u64) -> io::Result<()> {
        let mut state = self.state();
        loop {
            if state.synced >= end {
                return Ok(());
            }
            if state.has_failed {
                return Err(io::Error::other("what was written could not be brought to the disk"));
            }
            if state.is_syncing {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_syncing = true;
            let written = state.written;
            drop(state);
            let synced = file.sync_data();
            state = self.state();
            state.is_syncing = false;
            match &synced {
                Ok(()) => state.synced = written,
                Err(_) => state.has_failed = true,
            }
            self.changed.notify_all();
            synced?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn what_is_on_the_disk_is_not_waited_for() {
        let (commits, file) = (Commits::default(), tempfile::tempfile().unwrap());
        commits.written(30);
        commits.wait(&file, 20).unwrap();
        assert_eq!(commits.state().synced, 30);
        // This file cannot be synced, and need not be.
        let device = File::open("/dev/null").unwrap();
        commits.wait(&device, 30).unwrap();
        commits.written(40);
        assert!(commits.wait(&device, 40).is_err());
    }

    #[test]
    fn after_one_sync_that_failed_nothing_is_promised_any_more() {
        let (commits, file) = (Commits::default(), tempfile::tempfile().unwrap());
        commits.written(10);
        commits.wait(&file, 10).unwrap();
        commits.written(20);
        let failed = AtomicU32::new(0);
        let device = File::open("/dev/null").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    failed.fetch_add(
                        u32::from(commits.wait(&device, 20).is_err()),
                        Ordering::Relaxed,
                    );
                });
            }
        });
        assert_eq!(failed.into_inner(), 4);
        assert!(commits.wait(&file, 20).is_err() && commits.wait(&file, 10).is_ok());
    }
}
