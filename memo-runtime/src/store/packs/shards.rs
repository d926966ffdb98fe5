//! [`Shards`]: what was found of many shards at once.

use std::borrow::Cow;
use std::sync::Arc;

use super::record::Record;
use super::table::{self, Segment};
use crate::digest::Digest;

/// Where a line lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) pack: u32,
    pub(super) length: u32,
    pub(super) offset: u64,
}

/// What the index tells of a shard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shard<'a> {
    pub(crate) place: Place,
    /// When it was done, in milliseconds since 1970.
    pub(crate) completed: u64,
    /// How long its body took.
    pub(crate) seconds: f32,
    /// How often it was computed anew on purpose before.
    pub(crate) generation: u32,
    /// Whether what it gave lies in files beside its line, or refers to some.
    pub(crate) is_outside: bool,
    /// The [`mark`](super::mark) of the validator that passed it; 0 if none did.
    pub(crate) validator: u64,
    /// The identities of its outputs, by which they enter keys; zeros for one that was not kept.
    pub(crate) identities: Cow<'a, [Digest]>,
}

/// What was found of many shards. It takes four bytes a shard beside what [`Packs`](super::Packs) know
/// anyway, and stays as it was while others are added.
#[derive(Clone)]
pub(crate) struct Shards {
    /// For each key the number of its record and one, or 0.
    pub(super) numbers: Vec<u32>,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) outputs: usize,
    pub(super) unreadable: Vec<String>,
}

impl Shards {
    /// Returns how many were looked for.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns how many were found.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn found(&self) -> usize {
        self.numbers.iter().filter(|number| **number != 0).count()
    }

    /// Whether the shard of the key at this position was found.
    pub(crate) fn is_found(&self, position: usize) -> bool {
        self.numbers.get(position).is_some_and(|number| *number != 0)
    }

    /// Returns the shard of the key at this position, if it was found.
    pub(crate) fn get(&self, position: usize) -> Option<Shard<'_>> {
        let number = self.numbers.get(position)?.checked_sub(1)?;
        let (record, identities) = table::get(&self.segments, self.outputs, number);
        Some(Shard::of(record, Cow::Borrowed(identities)))
    }

    /// Says which packs could not be read, and why. What they hold counts as not found.
    pub(crate) fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

impl Place {
    pub(super) fn of(record: &Record) -> Self {
        Self { pack: record.pack, length: record.length, offset: record.offset }
    }
}

impl<'a> Shard<'a> {
    pub(super) fn of(record: &Record, identities: Cow<'a, [Digest]>) -> Self {
        let Record { completed, validator, seconds, generation, is_outside, .. } = *record;
        let place = Place::of(record);
        Self { place, completed, seconds, generation, is_outside, validator, identities }
    }
}
