//! What a process believes of an index that it has opened: a folder's heads while the folder is the one that
//! they were read from.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::format::{self, Block, FOLDERS, Row};
use crate::digest::Digest;
use crate::key::files::Identity;
use crate::store::layout::Layout;
use crate::store::look_up::open_to_read;

/// How long a folder is believed to be as it was seen. Who runs for hours sees what others do meanwhile.
const BELIEF: Duration = Duration::from_secs(1);

/// An index of so many bytes is read at once: where most of its folders are asked for, that is sooner done.
const SMALL: usize = 4 << 20;

/// An index that was opened.
#[derive(Debug)]
pub(super) struct View {
    file: File,
    /// As much as was read from the beginning of the file.
    begin: Arc<Vec<u8>>,
    /// The folder of the stage's entries.
    stage: PathBuf,
    /// By their numbers.
    folders: Vec<Option<Folder>>,
}

#[derive(Debug)]
struct Folder {
    row: Row,
    heads: Heads,
    /// When the folder was seen last to be the one that the index tells of.
    seen: Option<Instant>,
}

#[derive(Debug)]
enum Heads {
    Unread,
    Read(Block),
    /// The folder is another one, or the block is damaged.
    Void,
}

impl View {
    /// Opens the index in the folder of a stage's entries. What cannot be believed is not there.
    pub(super) fn open(folder: &Path, stage: &str) -> Option<Self> {
        Self::open_small(folder, stage, SMALL)
    }

    /// Does the same where an index of `small` bytes is read at once.
    pub(super) fn open_small(folder: &Path, stage: &str, small: usize) -> Option<Self> {
        let file = open_to_read(&Layout::entry_index(folder)).ok()?;
        let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
        let length = usize::try_from(metadata.len()).ok()?;
        let begins = if length <= small { length } else { format::LARGEST_TABLE };
        let mut begin = Vec::with_capacity(begins);
        (&file).take(begins as u64).read_to_end(&mut begin).ok()?;
        let mut folders: Vec<Option<Folder>> = (0..FOLDERS).map(|_| None).collect();
        for row in format::read_table(&begin, stage)? {
            let is_there = row.offset + u64::from(row.length) <= metadata.len();
            let heads = if is_there { Heads::Unread } else { Heads::Void };
            folders[usize::from(row.number)] = Some(Folder { row, heads, seen: None });
        }
        Some(Self { file, begin: Arc::new(begin), stage: folder.to_owned(), folders })
    }

    /// Returns the bytes of the head of `key`, if its folder is as it was; none where it is only listed.
    pub(super) fn find(&mut self, key: &Digest, now: Instant) -> Option<&[u8]> {
        self.block(number(key), now)?.find(key)
    }

    /// Returns what a folder holds, and what it was then, if it still is.
    pub(super) fn folder(&mut self, number: u8, now: Instant) -> Option<(Identity, &Block)> {
        let identity = self.folders[usize::from(number)].as_ref()?.row.identity;
        Some((identity, self.block(number, now)?))
    }

    /// `now` may be a moment ago.
    fn block(&mut self, number: u8, now: Instant) -> Option<&Block> {
        let folder = self.folders[usize::from(number)].as_mut()?;
        let is_fresh = folder.seen.is_some_and(|seen| now.saturating_duration_since(seen) < BELIEF);
        if !is_fresh && !matches!(folder.heads, Heads::Void) {
            // What is seen holds for the block that is read below, as its folder was at rest when that was made.
            let is_same = identity_of(&self.stage, number) == Some(folder.row.identity);
            folder.seen = is_same.then_some(now);
            if !is_same {
                folder.heads = Heads::Void;
            }
        }
        if let Heads::Unread = folder.heads {
            let block = read(&self.begin, &self.file, &folder.row);
            folder.heads = block.map_or(Heads::Void, Heads::Read);
        }
        match &folder.heads {
            Heads::Read(block) => Some(block),
            Heads::Unread | Heads::Void => None,
        }
    }

    /// Looks at the folder of `key` again before the next answer.
    pub(super) fn doubt(&mut self, key: &Digest) {
        if let Some(folder) = &mut self.folders[usize::from(number(key))] {
            folder.seen = None;
        }
    }
}

fn read(begin: &Arc<Vec<u8>>, file: &File, row: &Row) -> Option<Block> {
    let (start, length) = (usize::try_from(row.offset).ok()?, usize::try_from(row.length).ok()?);
    if start + length <= begin.len() {
        return row.block(begin, start..start + length);
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, row.offset).ok()?;
    row.block(&Arc::new(bytes), 0..length)
}

/// Returns the number of the folder that the entry of `key` lies in.
pub(super) fn number(key: &Digest) -> u8 {
    key.as_bytes()[0]
}

/// Where the entries lie whose keys begin with this byte.
pub(super) fn folder(stage: &Path, number: u8) -> PathBuf {
    stage.join(format!("{number:02x}"))
}

/// Returns what a folder of entries is now, if it is there.
pub(super) fn identity_of(stage: &Path, number: u8) -> Option<Identity> {
    let metadata = fs::metadata(folder(stage, number)).ok()?;
    metadata.is_dir().then(|| Identity::of(&metadata))
}
