//! [`StoreOptions`]: how a store is opened.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};

use once_cell::sync::OnceCell;

use super::digests::KeptDigests;
use super::index::Indexes;
use super::layout::Layout;
use super::lock::Locks;
use super::packs::open::Open;
use super::{Inner, Store, history};
use crate::artifact::io_error;
use crate::error::{Error, ErrorKind};
use crate::event::Observer;
use crate::key::files::FileMemory;
use crate::started::pool::Pool;

/// How a store is opened.
///
/// ```
/// use memo_runtime::Store;
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::options().read_only(true).open(folder.path())?;
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Default)]
pub struct StoreOptions {
    read_only: bool,
    durable: bool,
    strict_files: bool,
    jobs: Option<usize>,
    observers: Vec<Arc<dyn Observer>>,
}

impl StoreOptions {
    /// Writes nothing: what is not found is computed and not kept.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Makes each entry safe against a power cut before it is reported as kept. The default is that
    /// a power cut may cost the last entries, though never leave a half one.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Reads every input file each time, and believes nothing that is remembered of it. The default is
    /// that a file whose device, inode, size and times are what they were has the content that it had.
    #[must_use]
    pub fn strict_files(mut self, strict_files: bool) -> Self {
        self.strict_files = strict_files;
        self
    }

    /// Sets how many [started calls](crate::Call) run at a time; at least one does. The default is as
    /// many as the machine has cores. A thread that waits for a call which has not begun runs it itself,
    /// beside these.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// Tells `observer` all events.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Opens the store in the folder `path`. Nothing is made before the first entry is kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if `path` is there and is no folder.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Store, Error> {
        let path = path.as_ref();
        if path.exists() && !path.is_dir() {
            let message = format!("`{}` is not a folder, so it cannot be a store", path.display());
            return Err(Error::new(ErrorKind::Store, message));
        }
        let path = std::path::absolute(path).map_err(|error| io_error("open", path, error))?;
        let observed = AtomicBool::new(!self.observers.is_empty());
        let wants_hits = self.observers.iter().any(|observer| observer.wants_hits());
        let layout = Layout::new(&path);
        let kept = || FileMemory::with(KeptDigests::new(&layout, self.read_only));
        let files = if self.strict_files { FileMemory::STRICT } else { kept() };
        Ok(Store(Arc::new(Inner {
            locks: Arc::new(Locks::new(&layout)),
            files: Arc::new(files),
            layout,
            read_only: self.read_only,
            durable: self.durable,
            scratch: OnceCell::new(),
            codes: Mutex::default(),
            outside: OnceCell::new(),
            known: Mutex::default(),
            indexes: Indexes::default(),
            observers: RwLock::new(self.observers.into()),
            observed,
            hits_observed: AtomicBool::new(wants_hits),
            run: history::run_name(),
            packs: Open::default(),
            pool: Arc::new(Pool::new(self.jobs)),
        })))
    }
}
