//! Making an index, at the end of a run that had to open many manifests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::format::{self, Block, Folders};
use super::view::{self, View};
use super::{OfStage, heads};
use crate::digest::Digest;
use crate::key::files::Identity;
use crate::store::Store;
use crate::store::layout::Layout;
use crate::store::look_up::read_manifest;
use crate::store::manifest;
use crate::store::put::{self, Clash};

/// What an index is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    /// From so many manifests on that had to be opened an index is made.
    pub(super) least: usize,
    /// An index is written as a whole, so what it lacked must be one head in so many.
    pub(super) share: usize,
    /// How long all of a run's indexes are worked on. On a file system that is far away, opening takes its
    /// time; the next run makes another part.
    pub(super) longest: Duration,
    /// The clock that says which folders are at rest.
    pub(super) now: fn() -> SystemTime,
}

const WORTH: Worth =
    Worth { least: 256, share: 32, longest: Duration::from_secs(1), now: SystemTime::now };

impl Worth {
    fn is_given(&self, lacks: usize, listed: usize) -> bool {
        lacks >= self.least && lacks >= listed / self.share
    }
}

impl Store {
    /// Makes the indexes that would have spared this run many openings, and forgets those that it has read.
    /// Without one the next run takes as long as this one, so no trouble is told.
    pub(crate) fn keep_indexes(&self) {
        self.keep_indexes_worth(&WORTH);
    }

    pub(super) fn keep_indexes_worth(&self, worth: &Worth) {
        let end = Instant::now() + worth.longest;
        for (stage, of_stage) in self.0.indexes.take() {
            if !self.is_read_only() {
                let _ = self.keep_index(&stage, &of_stage, worth, end);
            }
        }
    }

    fn keep_index(
        &self,
        stage: &str,
        of_stage: &OfStage,
        worth: &Worth,
        end: Instant,
    ) -> Option<()> {
        let mut state = of_stage.state();
        if state.opened.len() < worth.least {
            return None;
        }
        let folder = self.layout().entries(stage);
        let former = state.view(self.layout(), stage).map(former).unwrap_or_default();
        let mut index = Making { stage, folder: &folder, folders: former };
        let listed = index.folders.values().map(|(_, block)| block.len()).sum();
        let lacks = index.lacks(&state.opened);
        if !worth.is_given(lacks.values().map(Vec::len).sum(), listed) {
            return None;
        }
        let mut added = 0;
        for (number, keys) in lacks {
            if Instant::now() > end {
                return if added > 0 { self.put_index(&index) } else { None };
            }
            let read = |index: &Making<'_>| index.read(number, &keys);
            added += index.add(number, (worth.now)(), read).unwrap_or(0);
        }
        if worth.is_given(added, listed) { self.put_index(&index) } else { None }
    }

    /// Puts an index in its place, if changes of the folder around it can be seen. Where they cannot, those
    /// of the folders that it tells of cannot either.
    fn put_index(&self, index: &Making<'_>) -> Option<()> {
        let bytes = format::write(index.stage, &index.folders)?;
        let place = Layout::entry_index(index.folder);
        let now = || fs::metadata(index.folder).ok().map(|metadata| Identity::of(&metadata));
        let before = now()?;
        put::bytes(self.scratch().ok()?.path(), &bytes, &place, Clash::Replace, false).ok()?;
        if now()? == before {
            fs::remove_file(place).ok()?;
        }
        Some(())
    }
}

/// Returns what an index says of the folders that are as it tells.
fn former(view: &mut View) -> Folders {
    let numbers = 0..=u8::MAX;
    let now = Instant::now();
    let folder = |number| {
        view.folder(number, now).map(|(identity, block)| (number, (identity, block.clone())))
    };
    numbers.filter_map(folder).collect()
}

/// An index that is being made.
pub(super) struct Making<'a> {
    pub(super) stage: &'a str,
    /// The folder of the stage's entries.
    pub(super) folder: &'a Path,
    pub(super) folders: Folders,
}

/// Heads as they are written, by their keys.
type Heads = BTreeMap<Digest, Vec<u8>>;

impl Making<'_> {
    /// Returns those of some keys that are not listed, by the folders that their entries lie in.
    fn lacks(&self, keys: &[Digest]) -> BTreeMap<u8, Vec<Digest>> {
        let mut lacks: BTreeMap<u8, Vec<Digest>> = BTreeMap::new();
        for key in keys {
            let number = view::number(key);
            if !self.folders.get(&number).is_some_and(|(_, block)| block.lists(key)) {
                lacks.entry(number).or_default().push(*key);
            }
        }
        lacks
    }

    /// Adds the heads that are read in a folder, if it is at rest and does not change meanwhile. Returns how
    /// many there were.
    pub(super) fn add(
        &mut self,
        number: u8,
        now: SystemTime,
        read: impl FnOnce(&Self) -> Heads,
    ) -> Option<usize> {
        let identity = view::identity_of(self.folder, number)?;
        if !identity.is_settled(now) || !identity.tells_fractions() {
            return None;
        }
        let mut heads = read(self);
        if view::identity_of(self.folder, number)? != identity {
            return None;
        }
        let added = heads.len();
        let former = self.folders.get(&number).filter(|(former, _)| *former == identity);
        if let Some((_, block)) = former {
            heads.extend(block.heads().map(|(key, head)| (key, head.to_vec())));
        }
        let block = Block::of(heads.iter().map(|(key, head)| (key, &**head)))?;
        self.folders.insert(number, (identity, block));
        Some(added)
    }

    pub(super) fn read(&self, number: u8, keys: &[Digest]) -> Heads {
        let folder = view::folder(self.folder, number);
        let head = |key: &Digest| {
            let parse = |bytes: &[u8]| {
                let head = manifest::read_head(bytes, None).ok()?;
                let end = bytes.iter().position(|byte| *byte == b'\n')?;
                let mut written = Vec::new();
                heads::write(&head, &bytes[..=end], &mut written);
                (head.key == *key && head.stage == self.stage).then_some((*key, written))
            };
            // What cannot be read now is read where it lies by whoever asks for it.
            read_manifest(&folder.join(format!("{key}.jsonl")), parse).ok()??
        };
        keys.iter().filter_map(head).collect()
    }
}
