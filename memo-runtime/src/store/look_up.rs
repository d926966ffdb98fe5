//! Finding an entry: its manifest is read and judged, and what it names must be there.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::Store;
use super::manifest::{self, Detail, Head, Kept};
use crate::digest::Digest;
use crate::error::is_trouble_of_ours;
use crate::stage::StageSpec;

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
    /// Looks for the entry of `key`, for a call of the stage `asked`, which may have another name now.
    pub(crate) fn look_up(
        &self,
        stage: &str,
        key: &Digest,
        asked: Option<&'static StageSpec>,
    ) -> Found {
        let known = self.known().get(key).cloned();
        if let Some(head) = known.filter(|head| head.broken_reference(self.files()).is_none()) {
            return Found::Entry(head);
        }
        let found = self.find(stage, key, asked, Instant::now());
        if let Found::Entry(head) = &found {
            self.remember(head);
        }
        found
    }

    /// Does the same without a memory of what was found before. Of several at a time, `now` may be that of the
    /// first: looking at the clock takes its time.
    pub(crate) fn find(
        &self,
        stage: &str,
        key: &Digest,
        asked: Option<&'static StageSpec>,
        now: Instant,
    ) -> Found {
        let index = self.0.indexes.of(stage);
        let indexed = index.find(&self.0.layout, stage, key, asked, now);
        let head = match indexed.filter(|head| what_is_wrong(head, stage, key).is_none()) {
            Some(head) => head,
            None => match self.open_entry(stage, key, asked) {
                Ok(head) => {
                    index.opened(key);
                    head
                }
                Err(found) => return found,
            },
        };
        let head = Arc::new(head);
        if let Some(what) = self.what_is_gone(&head) {
            let outlived = self.has_lost_artifacts_only(&head).then_some(head);
            return Found::Gone { what, outlived };
        }
        Found::Entry(head)
    }

    /// Reads the head of an entry from its manifest.
    fn open_entry(
        &self,
        stage: &str,
        key: &Digest,
        asked: Option<&'static StageSpec>,
    ) -> Result<Head, Found> {
        let read = |bytes: &[u8]| manifest::read_head(bytes, asked);
        let place = match asked.filter(|asked| asked.name == stage).and_then(|a| a.calls.get()) {
            Some(fixed) => self.0.layout.entry_in(&fixed.folder, key),
            None => self.0.layout.entry(stage, key),
        };
        match read_manifest(&place, read) {
            Ok(Some(Ok(head))) => {
                let wrong = what_is_wrong(&head, stage, key);
                wrong.map_or(Ok(head), |what| Err(Found::Damaged(what.to_owned())))
            }
            Ok(Some(Err(error))) => {
                Err(Found::Damaged(format!("the manifest is damaged: {error}")))
            }
            Ok(None) => Err(Found::Nothing),
            Err(error) => {
                let what = format!("the manifest cannot be read: {error}");
                let passing = is_trouble_of_ours(&error);
                Err(if passing { Found::Unreadable(what) } else { Found::Damaged(what) })
            }
        }
    }

    /// Looks whether everything that an entry holds is there, by size; digests are checked on reading.
    pub(crate) fn what_is_gone(&self, head: &Head) -> Option<String> {
        let outside = || {
            head.broken_reference(self.files())
                .map(|file| format!("the file `{file}` is gone or changed"))
        };
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
        head.broken_reference(self.files()).is_none()
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

    /// Reads how the entries of `stage` came about, the latest first, at most so many.
    pub(crate) fn details_of(&self, stage: &str, most: usize) -> Vec<Detail> {
        let files = manifests(&self.0.layout.entries(stage));
        let read = |path: &PathBuf| read_manifest(path, manifest::read_detail).ok()??.ok();
        files.iter().take(most).filter_map(read).collect()
    }

    /// Reads how long the last bodies of `stage` took, in seconds, at most so many.
    pub(crate) fn recorded_seconds(&self, stage: &str, most: usize) -> Vec<f64> {
        let files = manifests(&self.0.layout.entries(stage));
        let head = |bytes: &[u8]| manifest::read_head(bytes, None);
        let read = |path: &PathBuf| read_manifest(path, head).ok()??.ok();
        files.iter().take(most).filter_map(read).map(|head| head.seconds).collect()
    }
}

/// Says why a head that is whole cannot be that of the entry of `key`.
fn what_is_wrong(head: &Head, stage: &str, key: &Digest) -> Option<&'static str> {
    if head.key != *key || head.stage != stage {
        return Some("the manifest belongs to another entry");
    }
    if !head.stays_inside() {
        return Some("the manifest names files outside the store");
    }
    if !head.kept().all(Kept::sizes_agree) {
        return Some("the manifest tells sizes that cannot be");
    }
    None
}

/// Lists the manifests in the folder of a stage, the latest first.
pub(super) fn manifests(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten());
    let mut files: Vec<_> = files
        .flatten()
        .map(|file| (file.metadata().and_then(|meta| meta.modified()).ok(), file.path()))
        .collect();
    files.sort_unstable_by(|one, other| other.cmp(one));
    files.into_iter().map(|(_, path)| path).collect()
}

/// Says what is wrong with a file that should have `size` bytes, as far as that can be told unread.
pub(super) fn wrong_file(path: &Path, size: u64) -> Option<String> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Some(format!("`{}` is no file", path.display())),
        Ok(meta) if meta.len() == size => None,
        Ok(meta) => {
            Some(format!("`{}` has {} bytes, {size} were kept", path.display(), meta.len()))
        }
        Err(error) => Some(format!("`{}`: {error}", path.display())),
    }
}

/// Reads a manifest with one system call between opening and closing, as most are small.
pub(super) fn read_manifest<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> T,
) -> io::Result<Option<T>> {
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
pub(super) fn open_to_read(path: &Path) -> io::Result<fs::File> {
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
