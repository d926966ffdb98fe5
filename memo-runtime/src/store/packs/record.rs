//! A record of an index: what finding a shard needs of its line, in as many bytes as any other.

use xxhash_rust::xxh3::xxh3_64;

use crate::digest::Digest;
use crate::store::manifest::{Head, Output};

/// What is known of one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Record {
    pub(super) key: Digest,
    /// Where the line begins.
    pub(super) offset: u64,
    pub(super) completed: u64,
    /// The mark of the validator that passed it.
    pub(super) validator: u64,
    /// How long the line is, with its line break.
    pub(super) length: u32,
    /// The number that this process has given the pack.
    pub(super) pack: u32,
    pub(super) seconds: f32,
    pub(super) generation: u32,
}

/// How many bytes precede the records.
pub(super) const HEADER: usize = 32;

const MAGIC: &[u8; 8] = b"memopack";
const VERSION: u32 = 1;
const FIXED: usize = 80;
const SUM: usize = 8;
const DIGEST: usize = 32;

/// Stands for the identity of an output that was not kept.
const NOT_KEPT: Digest = Digest::from_bytes([0; 32]);

/// Returns what stands for a validator: a number that is not 0.
pub(crate) fn mark(validator: Option<&str>) -> u64 {
    validator.map_or(0, |validator| xxh3_64(validator.as_bytes()).max(1))
}

/// Returns the identity of an output, or what stands for it where it was not kept.
pub(super) fn identity(output: &Output) -> Digest {
    output.artifact.as_ref().map_or(NOT_KEPT, crate::store::manifest::Kept::identity)
}

/// Returns how many bytes a record with so many outputs has.
pub(super) const fn stride(outputs: usize) -> usize {
    FIXED + outputs * DIGEST + SUM
}

/// Returns what the index of a pack begins with.
pub(super) fn header(pack: &str, outputs: usize) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&u32::try_from(outputs).unwrap_or(u32::MAX).to_le_bytes());
    bytes[16..24].copy_from_slice(&xxh3_64(pack.as_bytes()).to_le_bytes());
    let sum = xxh3_64(&bytes[..24]);
    bytes[24..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

impl Record {
    /// Makes the record of a line that lies at `offset`.
    pub(super) fn of(head: &Head, generation: u32, pack: u32, offset: u64, length: u32) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "for people, and for guesses")]
        let seconds = head.seconds as f32;
        let validator = mark(head.validator.as_deref());
        let (key, completed) = (head.key, head.completed);
        Self { key, offset, completed, validator, length, pack, seconds, generation }
    }

    /// Adds the bytes of the record.
    pub(super) fn write(&self, index: u64, identities: &[Digest], bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(&self.completed.to_le_bytes());
        bytes.extend_from_slice(&self.validator.to_le_bytes());
        bytes.extend_from_slice(&index.to_le_bytes());
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.seconds.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        identities.iter().for_each(|digest| bytes.extend_from_slice(digest.as_bytes()));
        let sum = xxh3_64(&bytes[start..]);
        bytes.extend_from_slice(&sum.to_le_bytes());
    }

    /// Reads the bytes of a record, if they are whole.
    pub(super) fn read(bytes: &[u8], pack: u32) -> Option<(Self, impl Iterator<Item = Digest>)> {
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
        let (fixed, identities) = content.split_first_chunk::<FIXED>()?;
        if xxh3_64(content).to_le_bytes() != sum {
            return None;
        }
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| fixed[at + byte]));
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| fixed[at + byte]));
        let record = Self {
            key: Digest::from_bytes(std::array::from_fn(|byte| fixed[byte])),
            offset: long(32),
            completed: long(40),
            validator: long(48),
            length: short(64),
            pack,
            seconds: f32::from_bits(short(72)),
            generation: short(68),
        };
        let (identities, _) = identities.as_chunks::<DIGEST>();
        Some((record, identities.iter().copied().map(Digest::from_bytes)))
    }
}
