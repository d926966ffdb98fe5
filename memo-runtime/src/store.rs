//! [`Store`]: a folder of results.
//!
//! An entry appears complete or not at all; what is read is checked; a folder that is damaged in
//! whatever way still opens. This module and those below it are the only ones that touch the folder.
//! Where things lie is drawn in `store/layout.rs`.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::hash::BuildHasherDefault;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::artifact::loading::{Loading, Source};
use crate::artifact::saving::{Content, Saved, Saving};
use crate::artifact::tree::{self, Part};
use crate::artifact::{Artifact, io_error};
use crate::digest::{Digest, Hashed};
use crate::error::{Error, ErrorKind, is_trouble_of_ours};
use crate::event::{Event, Observer};

pub(crate) mod accepted;
pub(crate) mod code;
pub(crate) mod history;
pub(crate) mod layout;
pub(crate) mod links;
pub(crate) mod lock;
pub(crate) mod manifest;
mod put;
pub(crate) mod results;
mod scratch;
mod set_aside;

use layout::Layout;
use lock::KeyLock;
use manifest::{Detail, Head, Kept};
use put::Clash;
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
    /// Where files are made of small values if the store cannot be written.
    outside: OnceCell<tempfile::TempDir>,
    /// Heads read or written by this process, so that a second look-up opens no file.
    known: Mutex<Known>,
    observers: RwLock<Vec<Arc<dyn Observer>>>,
    observed: AtomicBool,
    run: String,
}

type Known = HashMap<Digest, Arc<Head>, BuildHasherDefault<Hashed>>;

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
        Ok(Store(Arc::new(Inner {
            layout: Layout::new(&path),
            read_only: self.read_only,
            durable: self.durable,
            scratch: OnceCell::new(),
            outside: OnceCell::new(),
            known: Mutex::default(),
            observers: RwLock::new(self.observers),
            observed,
            run: history::run_name(),
        })))
    }
}

/// What a look-up found.
#[derive(Debug)]
pub(crate) enum Found {
    Entry(Arc<Head>),
    Nothing,
    /// The manifest cannot be believed, or it belongs elsewhere.
    Damaged(String),
    /// The manifest may be good, but this process cannot read it now.
    Unreadable(String),
    /// The manifest is whole, an artifact or a file it refers to is not there as it was.
    Gone {
        what: String,
        /// The head, if artifacts were removed and nothing else is wrong: what follows from them is
        /// still known.
        outlived: Option<Arc<Head>>,
    },
}

impl Store {
    /// Opens the store in the folder `path`, with the default options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if `path` is there and is no folder.
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
        self.0.observers.write().unwrap_or_else(PoisonError::into_inner).push(observer);
        self.0.observed.store(true, Ordering::Release);
    }

    /// Whether anybody listens. What only serves events is not computed otherwise.
    pub(crate) fn is_observed(&self) -> bool {
        self.0.observed.load(Ordering::Acquire)
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if !self.is_observed() {
            return;
        }
        let event = event();
        let observers = self.0.observers.read().unwrap_or_else(PoisonError::into_inner).clone();
        observers.iter().for_each(|observer| observer.event(&event));
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    pub(crate) fn run(&self) -> &str {
        &self.0.run
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
        is_known && head.broken_reference().is_none()
    }

    /// Forgets what this process knows of `key`, so that the next look-up reads the store again.
    pub(crate) fn forget(&self, key: &Digest) {
        self.known().remove(key);
    }

    /// Looks for the entry of `key`.
    pub(crate) fn look_up(&self, stage: &str, key: &Digest) -> Found {
        let known = self.known().get(key).cloned();
        if let Some(head) = known.filter(|head| head.broken_reference().is_none()) {
            return Found::Entry(head);
        }
        let head = match read_manifest(&self.0.layout.entry(stage, key), manifest::read_head) {
            Ok(Some(Ok(head))) => head,
            Ok(Some(Err(error))) => {
                return Found::Damaged(format!("the manifest is damaged: {error}"));
            }
            Ok(None) => return Found::Nothing,
            Err(error) => {
                let what = format!("the manifest cannot be read: {error}");
                let passing = is_trouble_of_ours(&error);
                return if passing { Found::Unreadable(what) } else { Found::Damaged(what) };
            }
        };
        if head.key != *key || head.stage != stage {
            return Found::Damaged("the manifest belongs to another entry".to_owned());
        }
        if !head.stays_inside() {
            return Found::Damaged("the manifest names files outside the store".to_owned());
        }
        if !head.kept().all(Kept::sizes_agree) {
            return Found::Damaged("the manifest tells sizes that cannot be".to_owned());
        }
        let head = Arc::new(head);
        if let Some(what) = self.what_is_gone(&head) {
            let outlived = self.has_lost_artifacts_only(&head).then_some(head);
            return Found::Gone { what, outlived };
        }
        self.remember(&head);
        Found::Entry(head)
    }

    /// Looks whether everything that an entry holds is there, by size; digests are checked on reading.
    fn what_is_gone(&self, head: &Head) -> Option<String> {
        let outside =
            || head.broken_reference().map(|file| format!("the file `{file}` is gone or changed"));
        head.kept()
            .filter(|kept| kept.inline().is_none())
            .find_map(|kept| self.misses(kept))
            .or_else(outside)
    }

    /// Whether what is gone are whole artifacts, as after somebody has made room.
    fn has_lost_artifacts_only(&self, head: &Head) -> bool {
        let mut kept = head.kept().filter(|kept| kept.inline().is_none());
        let is_removed = |kept: &Kept| {
            let meta = fs::symlink_metadata(self.0.layout.place_of(kept));
            meta.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        head.broken_reference().is_none()
            && kept.all(|kept| self.misses(kept).is_none() || is_removed(kept))
    }

    fn misses(&self, kept: &Kept) -> Option<String> {
        let place = self.0.layout.place_of(kept);
        if kept.parts.is_empty() {
            return wrong_file(&place, kept.size);
        }
        kept.parts.iter().find_map(|part| wrong_file(&place.join(&part.name), part.size))
    }

    /// Reads how the entry of `key` came about.
    pub(crate) fn detail(&self, stage: &str, key: &Digest) -> Option<Detail> {
        read_manifest(&self.0.layout.entry(stage, key), manifest::read_detail).ok()??.ok()
    }

    /// Opens the artifact of an entry's output for loading.
    pub(crate) fn open_kept(&self, head: &Head, output: usize) -> Option<Loading> {
        Some(self.loading(head.outputs.get(output)?.artifact.as_ref()?))
    }

    fn loading(&self, kept: &Kept) -> Loading {
        let place = || self.0.layout.place_of(kept);
        let source = match kept.inline() {
            Some(bytes) => Source::Inline(bytes.into()),
            None if kept.parts.is_empty() => Source::File(place()),
            None => Source::Folder(place(), kept.parts.clone().into()),
        };
        let meta = kept.meta.clone();
        Loading::new(source, kept.digest, kept.size, &kept.extension, meta)
    }

    /// Returns the path of a kept artifact's main file. One that lies inside its manifest is written to
    /// a file first.
    pub(crate) fn file_of(&self, kept: &Kept) -> Result<PathBuf, Error> {
        let Some(bytes) = kept.inline() else {
            return Artifact::loading(self.loading(kept)).path();
        };
        let place = self.0.layout.artifact(&kept.digest, &kept.extension);
        if fs::read(&place).is_ok_and(|found| found == bytes) {
            return Ok(place);
        }
        if !self.is_read_only()
            && let Ok(scratch) = self.scratch()
            && put::bytes(scratch.path(), bytes, &place, Clash::Replace, false).is_ok()
        {
            return Ok(place);
        }
        // Nothing can be written to the store: the file lies elsewhere, as long as the store is open.
        let failed = |error| io_error("write to", &std::env::temp_dir(), error);
        let outside = self.0.outside.get_or_try_init(tempfile::tempdir).map_err(failed)?.path();
        let name = place.file_name().unwrap_or_default();
        let place = outside.join(name);
        put::bytes(outside, bytes, &place, Clash::Replace, false).map_err(failed)?;
        Ok(place)
    }

    /// Starts an artifact that will be kept.
    pub(crate) fn new_artifact(&self, extension: &str) -> Result<Artifact, Error> {
        let scratch = self.scratch()?;
        Ok(Artifact::saving(Saving::new(scratch.path().to_owned(), extension)))
    }

    /// Returns where this process writes before it puts things in their place, if it has written.
    pub(crate) fn scratch_path(&self) -> Option<PathBuf> {
        self.0.scratch.get().map(|scratch| scratch.path().to_owned())
    }

    fn scratch(&self) -> Result<&Scratch, Error> {
        let make = || Scratch::make(&self.0.layout);
        self.0
            .scratch
            .get_or_try_init(make)
            .map_err(|error| io_error("write to", self.path(), error))
    }

    /// Puts what was saved in its place, and tells how the manifest names it.
    pub(crate) fn keep(
        &self,
        saved: Saved,
        format: Digest,
        extension: &str,
    ) -> Result<Kept, Error> {
        let Saved { content, digest, size, meta, references, .. } = saved;
        let extension = layout::file_name(extension);
        let mut kept = Kept {
            format,
            extension,
            digest,
            size,
            text: None,
            hex: None,
            parts: vec![],
            meta,
            references,
        };
        if kept.extension == "%" {
            kept.extension.clear();
        }
        let place = self.0.layout.artifact(&digest, &kept.extension);
        let failed = |error| io_error("write", &place, error);
        match content {
            Content::Inline(bytes) => match String::from_utf8(bytes) {
                Ok(text) => kept.text = Some(text),
                Err(error) => kept.hex = Some(manifest::HexBytes(error.into_bytes())),
            },
            Content::File(written) => {
                if self.0.durable {
                    fs::File::open(&written).and_then(|file| file.sync_data()).map_err(failed)?;
                }
                if wrong_file(&place, size).is_some() {
                    set_aside::move_to(&place, &self.0.layout.damaged()).map_err(failed)?;
                }
                put::file(written, &place, Clash::Replace, self.0.durable).map_err(failed)?;
            }
            Content::Folder(written, parts) => {
                let place = self.0.layout.artifact_folder(&digest);
                if fs::symlink_metadata(&place).is_ok() && !holds(&place, &parts) {
                    set_aside::move_to(&place, &self.0.layout.damaged()).map_err(failed)?;
                }
                put::folder(written.path(), &place, self.0.durable)
                    .map_err(|error| io_error("write", &place, error))?;
                kept.parts = parts;
            }
        }
        Ok(kept)
    }

    /// Puts an entry in its place. Returns the entry that is current afterwards: this one, or the one
    /// that was there first.
    pub(crate) fn commit(
        &self,
        head: Head,
        detail: &Detail,
        replace: bool,
    ) -> Result<Arc<Head>, Error> {
        let place = self.0.layout.entry(&head.stage, &head.key);
        let failed = |error| io_error("write", &place, error);
        let bytes = manifest::write(&head, detail).map_err(|error| failed(error.into()))?;
        let clash = if replace { Clash::Replace } else { Clash::KeepFirst };
        let scratch = self.scratch()?.path();
        let written = put::written(scratch, &bytes, self.0.durable).map_err(failed)?;
        if replace {
            // The place is never empty: whoever is killed between leaves the former entry current.
            set_aside::link_to(&place, &self.0.layout.former(&head.stage)).map_err(failed)?;
        }
        let ours = put::file(written, &place, clash, self.0.durable).map_err(failed)?;
        self.forget(&head.key);
        if !ours {
            match self.look_up(&head.stage, &head.key) {
                Found::Entry(first) => return Ok(first),
                // It may be as good as this one, to those who can read it.
                Found::Unreadable(what) => return Err(Error::new(ErrorKind::Store, what)),
                Found::Nothing | Found::Damaged(_) | Found::Gone { .. } => {}
            }
            // What was there first is damaged: it gives way.
            set_aside::move_to(&place, &self.0.layout.damaged()).map_err(failed)?;
            put::bytes(scratch, &bytes, &place, Clash::Replace, self.0.durable).map_err(failed)?;
        }
        let head = Arc::new(head);
        self.remember(&head);
        Ok(head)
    }

    /// Sets a damaged entry aside, with those of its artifacts that `suspect` names.
    pub(crate) fn set_aside(&self, stage: &str, key: &Digest, suspects: &[&Kept]) {
        self.forget(key);
        if self.is_read_only() {
            return;
        }
        let layout = &self.0.layout;
        let mut paths = vec![layout.entry(stage, key)];
        let outside = suspects.iter().filter(|kept| kept.inline().is_none());
        paths.extend(outside.map(|kept| layout.place_of(kept)));
        for path in paths {
            if let Err(error) = set_aside::move_to(&path, &layout.damaged()) {
                let message = format!("could not set `{}` aside: {error}", path.display());
                let (stage, record, lost) = (None, None, false);
                self.emit(|| Event::Warning { stage, record, message, lost });
            }
        }
    }

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
            scratch::make_folder(path.parent().unwrap_or(&path))?;
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

    /// Reads how the entries of `stage` came about, the latest first, at most so many.
    pub(crate) fn details_of(&self, stage: &str, most: usize) -> Vec<Detail> {
        let folders = fs::read_dir(self.0.layout.entries(stage)).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten());
        let mut files: Vec<_> = files
            .flatten()
            .map(|file| (file.metadata().and_then(|meta| meta.modified()).ok(), file.path()))
            .collect();
        files.sort_unstable_by(|one, other| other.cmp(one));
        let read = |path: &Path| read_manifest(path, manifest::read_detail).ok()??.ok();
        files.iter().take(most).filter_map(|(_, path)| read(path)).collect()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// Says what is wrong with a file that should have `size` bytes, as far as that can be told unread.
fn wrong_file(path: &Path, size: u64) -> Option<String> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Some(format!("`{}` is no file", path.display())),
        Ok(meta) if meta.len() == size => None,
        Ok(meta) => {
            Some(format!("`{}` has {} bytes, {size} were kept", path.display(), meta.len()))
        }
        Err(error) => Some(format!("`{}`: {error}", path.display())),
    }
}

/// Whether a folder holds these files, unchanged. What has the right size is read.
fn holds(folder: &Path, parts: &[Part]) -> bool {
    let same_digest = |part: &Part| {
        tree::digest_file(&folder.join(&part.name)).is_ok_and(|(digest, _)| digest == part.digest)
    };
    parts.iter().all(|part| wrong_file(&folder.join(&part.name), part.size).is_none())
        && parts.iter().all(same_digest)
}

/// Reads a manifest with one system call between opening and closing, as most are small.
fn read_manifest<T>(path: &Path, parse: impl FnOnce(&[u8]) -> T) -> io::Result<Option<T>> {
    const MOST: usize = 16 * 1024;
    thread_local! {
        /// Zeroed once in a thread, not for each manifest.
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut file = match open_to_read(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut buffer = BUFFER.take();
    buffer.resize(MOST, 0);
    let count = file.read(&mut buffer)?;
    // What does not begin as a manifest may be of any size, and is not read.
    if count < MOST || !manifest::begins(&buffer) {
        let parsed = parse(&buffer[..count]);
        BUFFER.set(buffer);
        return Ok(Some(parsed));
    }
    if file.metadata()?.len() > manifest::LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large"));
    }
    file.take(manifest::LARGEST).read_to_end(&mut buffer)?;
    Ok(Some(parse(&buffer)))
}

/// Whether nothing can be at a path: it is not there, or a folder on the way is none, or its name is too
/// long for there ever to be anything.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
}

/// Opens a file. One that was replaced by a pipe does not keep the program waiting for a writer.
fn open_to_read(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        /// The same on all architectures that this was built for.
        const O_NONBLOCK: i32 = 0o4000;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, O_NONBLOCK);
    }
    options.open(path)
}
