//! The file of an index: a table of folders with their identities, then the heads of each folder, in a block.
//!
//! ```text
//! header   magic, version, how many folders, a digest of the stage's name     8 + 4 + 4 + 16 bytes
//! table    number, length of the block, identity, checksum of the block       4 + 4 + 56 + 16, each folder
//!          checksum of everything before it                                   16
//! blocks   how many heads; key and end of each, by their keys; the heads      4; 32 + 4, each head; ..
//! ```
//!
//! All numbers are little-endian, all checksums XXH3 of 128 bits. Nothing that is told is believed before a
//! checksum says so, and no length afterwards.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use crate::digest::Digest;
use crate::key::files::Identity;

const MAGIC: &[u8; 8] = b"memohead";
const VERSION: u32 = 1;
const HEADER: usize = 32;
const ROW: usize = 80;
const SUM: usize = 16;

/// How many folders a stage's entries lie in.
pub(super) const FOLDERS: usize = 256;

/// No header and table take more.
pub(super) const LARGEST_TABLE: usize = HEADER + FOLDERS * ROW + SUM;

/// No block is read that is longer.
const LARGEST_BLOCK: u32 = 64 << 20;

/// What is told of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The first byte of the keys in the folder.
    pub(super) number: u8,
    /// The folder as it was when its heads were read.
    pub(super) identity: Identity,
    /// Where its block begins in the file.
    pub(super) offset: u64,
    pub(super) length: u32,
    sum: u128,
}

/// Folders as they were, and their heads, by their numbers.
pub(super) type Folders = BTreeMap<u8, (Identity, Block)>;

/// Writes the index of a stage.
pub(super) fn write(stage: &str, folders: &Folders) -> Option<Vec<u8>> {
    let blocks: usize = folders.values().map(|(_, block)| block.bytes().len()).sum();
    let mut bytes = Vec::with_capacity(LARGEST_TABLE + blocks);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(folders.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(&sum(stage.as_bytes()));
    for (number, (identity, block)) in folders {
        let length =
            u32::try_from(block.bytes().len()).ok().filter(|length| *length <= LARGEST_BLOCK)?;
        bytes.extend_from_slice(&u32::from(*number).to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        let Identity { device, inode, size, modified, changed } = identity;
        [device, inode, size].iter().for_each(|part| bytes.extend_from_slice(&part.to_le_bytes()));
        let times = [modified.0, modified.1, changed.0, changed.1];
        times.iter().for_each(|part| bytes.extend_from_slice(&part.to_le_bytes()));
        bytes.extend_from_slice(&sum(block.bytes()));
    }
    let table = sum(&bytes);
    bytes.extend_from_slice(&table);
    folders.values().for_each(|(_, block)| bytes.extend_from_slice(block.bytes()));
    Some(bytes)
}

fn sum(bytes: &[u8]) -> [u8; SUM] {
    xxh3_128(bytes).to_le_bytes()
}

/// Reads the table at the beginning of an index of `stage`, if it is whole.
pub(super) fn read_table(bytes: &[u8], stage: &str) -> Option<Vec<Row>> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let (magic, rest_of_header) = header.split_first_chunk::<8>()?;
    let (version, rest_of_header) = rest_of_header.split_first_chunk::<4>()?;
    let (count, name) = rest_of_header.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let is_ours =
        magic == MAGIC && *version == VERSION.to_le_bytes() && name == sum(stage.as_bytes());
    if !is_ours || count > FOLDERS {
        return None;
    }
    let (table, rest) = rest.split_at_checked(count * ROW)?;
    if *rest.first_chunk::<SUM>()? != sum(&bytes[..HEADER + table.len()]) {
        return None;
    }
    let mut offset = (HEADER + table.len() + SUM) as u64;
    let mut rows: Vec<Row> = Vec::with_capacity(count);
    let (all, _) = table.as_chunks::<ROW>();
    for bytes in all {
        let row = Row::read(bytes, offset)?;
        if rows.last().is_some_and(|before| before.number >= row.number) {
            return None;
        }
        offset += u64::from(row.length);
        rows.push(row);
    }
    Some(rows)
}

impl Row {
    fn read(bytes: &[u8; ROW], offset: u64) -> Option<Self> {
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let time = |at: usize| i64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let identity = Identity {
            device: long(8),
            inode: long(16),
            size: long(24),
            modified: (time(32), time(40)),
            changed: (time(48), time(56)),
        };
        let sum = u128::from_le_bytes(std::array::from_fn(|byte| bytes[64 + byte]));
        let (number, length) = (u8::try_from(short(0)).ok()?, short(4));
        (length <= LARGEST_BLOCK).then_some(Self { number, identity, offset, length, sum })
    }

    /// Returns what the bytes of this row's block say, if they are whole. They lie at `place` among others.
    pub(super) fn block(&self, all: &Arc<Vec<u8>>, place: Range<usize>) -> Option<Block> {
        let bytes = all.get(place.clone())?;
        let is_whole = bytes.len() as u64 == u64::from(self.length) && xxh3_128(bytes) == self.sum;
        let block = is_whole.then(|| Block { all: Arc::clone(all), place })?;
        block.table().is_some().then_some(block)
    }
}

/// The heads of one folder.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The bytes among which its own are.
    all: Arc<Vec<u8>>,
    place: Range<usize>,
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

const COUNT: usize = 4;
const KEY: usize = 32;
const PLACE: usize = KEY + 4;

impl Block {
    /// Makes a block of heads in the order of their keys.
    pub(super) fn of<'a>(
        heads: impl ExactSizeIterator<Item = (&'a Digest, &'a [u8])>,
    ) -> Option<Self> {
        let count = heads.len();
        let mut bytes = u32::try_from(count).ok()?.to_le_bytes().to_vec();
        let mut content = Vec::new();
        for (key, head) in heads {
            content.extend_from_slice(head);
            bytes.extend_from_slice(key.as_bytes());
            bytes.extend_from_slice(&u32::try_from(content.len()).ok()?.to_le_bytes());
        }
        bytes.append(&mut content);
        Some(Self::whole(bytes))
    }

    /// Makes a block of whatever bytes.
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        let place = 0..bytes.len();
        Self { all: Arc::new(bytes), place }
    }

    fn bytes(&self) -> &[u8] {
        &self.all[self.place.clone()]
    }

    /// Returns keys and ends of the heads, and the bytes of the heads.
    fn table(&self) -> Option<(&[[u8; PLACE]], &[u8])> {
        let (count, rest) = self.bytes().split_first_chunk::<COUNT>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (table, content) = rest.split_at_checked(count.checked_mul(PLACE)?)?;
        Some((table.as_chunks().0, content))
    }

    /// Returns the bytes of the head of `key`; none where it is only listed.
    pub(super) fn find(&self, key: &Digest) -> Option<&[u8]> {
        let (table, content) = self.table()?;
        head(table, content, search(table, key)?)
    }

    /// Whether the entry of `key` is listed.
    pub(super) fn lists(&self, key: &Digest) -> bool {
        self.table().is_some_and(|(table, _)| search(table, key).is_some())
    }

    /// Lists the keys and the bytes of all heads.
    pub(super) fn heads(&self) -> impl Iterator<Item = (Digest, &[u8])> {
        let (table, content) = self.table().unwrap_or_default();
        let key = |place: &[u8; PLACE]| Digest::from_bytes(std::array::from_fn(|byte| place[byte]));
        let keys = table.iter().map(key).enumerate();
        keys.filter_map(move |(index, key)| Some((key, head(table, content, index)?)))
    }

    /// Returns how many heads there are.
    pub(super) fn len(&self) -> usize {
        self.table().map_or(0, |(table, _)| table.len())
    }
}

fn search(table: &[[u8; PLACE]], key: &Digest) -> Option<usize> {
    table.binary_search_by(|place| place[..KEY].cmp(&key.as_bytes()[..])).ok()
}

fn head<'a>(table: &[[u8; PLACE]], content: &'a [u8], index: usize) -> Option<&'a [u8]> {
    let end = |index: usize| {
        let end = table.get(index)?.last_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*end)).ok()
    };
    let start = if index == 0 { 0 } else { end(index - 1)? };
    content.get(start..end(index)?)
}
