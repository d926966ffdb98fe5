//! What a store keeps open of its packs: not more than a process may have open files.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Inner, Packs};

/// How many packs are written at a time. Each has two open files.
const MOST_WRITTEN: usize = 64;

/// How many packs stay open to be read.
const MOST_READ: usize = 16;

/// The packs of a store that are in use.
#[derive(Default)]
pub(crate) struct Open {
    /// By their folders, so that those who ask for the same have the same.
    packs: Mutex<HashMap<PathBuf, Weak<Inner>>>,
    /// Who has a pack to write, the first one first.
    writers: Mutex<VecDeque<Weak<Inner>>>,
    /// Files that were read last, the last one last.
    read: Mutex<Vec<Read>>,
}

struct Read {
    id: u64,
    pack: u32,
    file: Arc<File>,
}

/// Returns a number that no other packs of this process have.
pub(super) fn id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Open {
    /// Returns the packs in a folder, those that are in use or new ones.
    pub(super) fn packs(
        &self,
        folder: &Path,
        outputs: usize,
        new: impl FnOnce() -> Packs,
    ) -> Packs {
        let mut all = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        let there = all.get(folder).and_then(Weak::upgrade).map(Packs);
        if let Some(there) = there.filter(|packs| packs.0.outputs == outputs) {
            return there;
        }
        if all.len() == all.capacity() {
            all.retain(|_, packs| packs.strong_count() > 0);
        }
        let packs = new();
        all.insert(folder.to_owned(), Arc::downgrade(&packs.0));
        packs
    }

    /// Notes that `packs` begin to write. Who began first ends, where there are too many.
    pub(super) fn begin_writing(&self, packs: &Packs) {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        writers.retain(|other| {
            other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), Arc::as_ptr(&packs.0))
        });
        writers.push_back(Arc::downgrade(&packs.0));
        let first = if writers.len() > MOST_WRITTEN { writers.pop_front() } else { None };
        drop(writers);
        if let Some(first) = first.and_then(|first| first.upgrade())
            // Whoever holds it writes just now.
            && let Ok(mut writer) = first.writer.try_lock()
        {
            *writer = None;
        }
    }

    fn read(&self) -> MutexGuard<'_, Vec<Read>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the file of a pack, if it is open.
    pub(super) fn file(&self, id: u64, pack: u32) -> Option<Arc<File>> {
        let mut read = self.read();
        let at = read.iter().rposition(|read| (read.id, read.pack) == (id, pack))?;
        // The last one stays the last one.
        let end = read.len() - 1;
        read[at..=end].rotate_left(1);
        Some(Arc::clone(&read[end].file))
    }

    /// Keeps a file open that may be read again.
    pub(super) fn keep_file(&self, id: u64, pack: u32, file: &Arc<File>) {
        let mut read = self.read();
        if read.len() >= MOST_READ {
            read.remove(0);
        }
        read.push(Read { id, pack, file: Arc::clone(file) });
    }

    /// Closes the files that were read for one that ends.
    pub(super) fn close_files(&self, id: u64) {
        self.read().retain(|read| read.id != id);
    }
}
