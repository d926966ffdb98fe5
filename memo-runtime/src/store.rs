//! [`Store`]: a folder of results.
//!
//! An entry appears complete or not at all; what is read is checked; a folder that is damaged in
//! whatever way still opens. This module and those below it are the only ones that touch the folder.
//! Where things lie is drawn in `store/layout.rs`.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use once_cell::sync::OnceCell;

use crate::digest::{Digest, Hashed};
use crate::error::Error;
use crate::event::{Event, Observer};
use crate::key::files::FileMemory;
use crate::started::pool::Pool;

pub(crate) mod accepted;
pub(crate) mod code;
pub(crate) mod digests;
#[cfg(feature = "cli")]
pub(crate) mod entries;
pub(crate) mod history;
mod index;
#[cfg(all(feature = "slurm", unix))]
pub(crate) mod jobs;
mod keep;
mod kept;
pub(crate) mod layout;
pub(crate) mod links;
pub(crate) mod lock;
mod look_up;
pub(crate) mod manifest;
mod options;
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "the program `memo` lists shards, and nobody else")
)]
pub(crate) mod packs;
pub(crate) mod put;
pub(crate) mod results;
mod scratch;
mod seen;
mod set_aside;

pub(crate) use look_up::Found;
pub use options::StoreOptions;

use index::Indexes;
use layout::Layout;
use lock::Locks;
use manifest::Head;
use scratch::Scratch;

/// A folder of results. Cloning is cheap, and gives the same store.
///
/// ```
/// use memo_runtime::Store;
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("results"))?;
/// assert!(!store.path().exists(), "the first kept entry makes the folder");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    layout: Layout,
    read_only: bool,
    durable: bool,
    scratch: OnceCell<Scratch>,
    locks: Arc<Locks>,
    /// What is believed of input files.
    files: Arc<FileMemory>,
    /// The fingerprints that need not be kept any more: they are, or nothing can be said of them.
    codes: Mutex<HashSet<u128>>,
    /// Where files are made of small values if the store cannot be written.
    outside: OnceCell<tempfile::TempDir>,
    /// Heads read or written by this process, so that a second look-up opens no file.
    known: Mutex<Known>,
    /// Where heads are found without opening a manifest.
    indexes: Indexes,
    /// Shared, so that telling an event copies no list.
    observers: RwLock<Arc<[Arc<dyn Observer>]>>,
    observed: AtomicBool,
    /// Whether anybody wants to be told of each call that is found.
    hits_observed: AtomicBool,
    run: String,
    /// The packs of shards that are in use.
    packs: packs::open::Open,
    /// Runs the calls that nobody waits for.
    pool: Arc<Pool>,
}

type Known = HashMap<Digest, Arc<Head>, BuildHasherDefault<Hashed>>;

impl Store {
    /// Opens the store in the folder `path`, with the default options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if `path` is there and is no folder.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::options().open(path)
    }

    /// Returns options to open a store with.
    pub fn options() -> StoreOptions {
        StoreOptions::default()
    }

    /// Returns the store's folder.
    pub fn path(&self) -> &Path {
        self.0.layout.root()
    }

    /// Adds an observer, which is told all events from now on.
    pub fn observe(&self, observer: impl Observer) {
        self.add_observer(Arc::new(observer));
    }

    pub(crate) fn add_observer(&self, observer: Arc<dyn Observer>) {
        let mut observers = self.0.observers.write().unwrap_or_else(PoisonError::into_inner);
        self.0.hits_observed.fetch_or(observer.wants_hits(), Ordering::Release);
        *observers = observers.iter().cloned().chain([observer]).collect();
        self.0.observed.store(true, Ordering::Release);
    }

    /// Whether anybody listens. What only serves events is not computed otherwise.
    pub(crate) fn is_observed(&self) -> bool {
        self.0.observed.load(Ordering::Acquire) || crate::trace::is_heard()
    }

    /// Whether anybody listens to what is told of each call that is found.
    pub(crate) fn are_hits_observed(&self) -> bool {
        self.0.hits_observed.load(Ordering::Acquire) || crate::trace::is_heard()
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if !self.is_observed() {
            return;
        }
        let event = event();
        crate::trace::event(&event);
        let observers = self.0.observers.read().unwrap_or_else(PoisonError::into_inner).clone();
        observers.iter().for_each(|observer| observer.event(&event));
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// Returns what is believed of input files.
    pub(crate) fn files(&self) -> &Arc<FileMemory> {
        &self.0.files
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    pub(crate) fn run(&self) -> &str {
        &self.0.run
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.0.pool
    }

    /// Whether nothing has to be removed from the disk when it is let go of.
    #[cfg(feature = "cli")]
    pub(crate) fn leaves_nothing(&self) -> bool {
        self.0.scratch.get().is_none() && self.0.outside.get().is_none()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remember(&self, head: &Arc<Head>) {
        /// Bounds the memory of a process that makes millions of calls.
        const MOST: usize = 65_536;
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(head.key, Arc::clone(head));
    }

    /// Whether this process would answer the next look-up of the key of `head` with it.
    pub(crate) fn knows(&self, head: &Arc<Head>) -> bool {
        let is_known = self.known().get(&head.key).is_some_and(|known| Arc::ptr_eq(known, head));
        is_known && head.broken_reference(&self.0.files).is_none()
    }

    /// Forgets what this process knows of `key`, so that the next look-up reads the store again.
    pub(crate) fn forget(&self, key: &Digest) {
        self.known().remove(key);
        self.0.indexes.doubt(key);
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path()).finish_non_exhaustive()
    }
}
