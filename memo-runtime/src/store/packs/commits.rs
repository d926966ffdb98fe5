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
