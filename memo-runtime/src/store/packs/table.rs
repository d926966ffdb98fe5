//! What is known of all shards of a folder: their records, and a table of their keys.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::record::Record;
use crate::digest::Digest;

/// Records that were read together, with the identities of their outputs.
#[derive(Debug, Default, Clone)]
pub(super) struct Segment {
    /// The number of the first record.
    first: u32,
    records: Vec<Record>,
    identities: Vec<Digest>,
}

/// Finds records by their keys. What was found stays as it was while others are added.
#[derive(Debug)]
pub(super) struct Table {
    outputs: usize,
    /// Only the last one grows, and only while nobody else looks at it.
    segments: Vec<Arc<Segment>>,
    /// The number of a record and one, below the upper half of its key's hash; 0 is free.
    slots: Vec<u64>,
    distinct: usize,
    seeds: [u64; 2],
}

impl Table {
    pub(super) fn new(outputs: usize) -> Self {
        // Whoever writes a pack does not know them, and so cannot choose keys that collide.
        let random = RandomState::new();
        let seeds = [random.hash_one(1), random.hash_one(2)];
        Self { outputs, segments: vec![Arc::default()], slots: Vec::new(), distinct: 0, seeds }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self { seeds: self.seeds, ..Self::new(self.outputs) };
    }

    pub(super) fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Makes room for so many more records.
    pub(super) fn reserve(&mut self, more: usize) {
        let (outputs, last) = (self.outputs, self.last());
        last.records.reserve(more);
        last.identities.reserve(more.saturating_mul(outputs));
        self.reserve_slots(more);
    }

    /// Adds a record. `wins` tells whether it counts more than the one that is there for its key.
    pub(super) fn add(
        &mut self,
        record: &Record,
        identities: impl IntoIterator<Item = Digest>,
        wins: impl FnOnce(&Record) -> bool,
    ) {
        self.reserve_slots(1);
        let outputs = self.outputs;
        let last = self.last();
        let Ok(number) = u32::try_from(last.first as usize + last.records.len() + 1) else {
            return;
        };
        last.records.push(*record);
        last.identities.extend(identities);
        last.identities.resize(last.records.len() * outputs, Digest::from_bytes([0; 32]));
        let hash = self.hash(&record.key);
        let (slot, there) = self.probe(hash, &record.key);
        match there {
            Some(there) if !wins(record_of(&self.segments, there)) => return,
            Some(_) => {}
            None => self.distinct += 1,
        }
        self.slots[slot] = entry(hash, number);
    }

    /// Returns the number of the record of `key`.
    pub(super) fn find(&self, key: &Digest) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        self.probe(self.hash(key), key).1
    }

    /// Returns the record of `key`.
    pub(super) fn get(&self, key: &Digest) -> Option<(&Record, &[Digest])> {
        self.find(key).map(|number| get(&self.segments, self.outputs, number))
    }

    /// Returns the segment that grows. If somebody looks at it, it stays as it is: another one follows, or
    /// a copy takes its place while it is small.
    fn last(&mut self) -> &mut Segment {
        const SMALL: usize = 1024;
        let mut last = self.segments.len() - 1;
        let segment = &mut self.segments[last];
        if segment.records.len() > SMALL && Arc::get_mut(segment).is_none() {
            let first = segment.first as usize + segment.records.len();
            let first = u32::try_from(first).unwrap_or(u32::MAX);
            self.segments.push(Arc::new(Segment { first, ..Segment::default() }));
            last += 1;
        }
        Arc::make_mut(&mut self.segments[last])
    }

    fn hash(&self, key: &Digest) -> u64 {
        let (words, _) = key.as_bytes().as_chunks();
        let word = |index: usize| words.get(index).copied().map_or(0, u64::from_le_bytes);
        let mix = |one: u64, other: u64| {
            let product = u128::from(one ^ self.seeds[0]) * u128::from(other ^ self.seeds[1]);
            #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
            let halves = (product >> 64) as u64 ^ product as u64;
            halves
        };
        mix(word(0), word(1)) ^ mix(word(2), word(3)).rotate_left(32)
    }

    /// Returns the slot of `key`, or the one where it would be, and the number of its record.
    fn probe(&self, hash: u64, key: &Digest) -> (usize, Option<u32>) {
        let mask = self.slots.len() - 1;
        let mut slot = start(hash) & mask;
        loop {
            let there = self.slots[slot];
            let number = number(there);
            if number == 0 {
                return (slot, None);
            }
            if there == entry(hash, number) && record_of(&self.segments, number - 1).key == *key {
                return (slot, Some(number - 1));
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Sees to it that at most half of the slots are taken after so many more records.
    fn reserve_slots(&mut self, more: usize) {
        let wanted = self.distinct.saturating_add(more).saturating_mul(2);
        if wanted <= self.slots.len() {
            return;
        }
        let size = wanted.max(64).checked_next_power_of_two().unwrap_or(wanted);
        let former = std::mem::replace(&mut self.slots, vec![0; size]);
        let mask = size - 1;
        for there in former.into_iter().filter(|there| *there != 0) {
            let hash = self.hash(&record_of(&self.segments, number(there) - 1).key);
            let mut slot = start(hash) & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = there;
        }
    }
}

/// Returns a record and the identities of its outputs.
pub(super) fn get(segments: &[Arc<Segment>], outputs: usize, number: u32) -> (&Record, &[Digest]) {
    let (segment, index) = place(segments, number);
    (&segment.records[index], &segment.identities[index * outputs..][..outputs])
}

fn record_of(segments: &[Arc<Segment>], number: u32) -> &Record {
    let (segment, index) = place(segments, number);
    &segment.records[index]
}

fn place(segments: &[Arc<Segment>], number: u32) -> (&Segment, usize) {
    let after = segments.partition_point(|segment| segment.first <= number);
    let segment = &segments[after - 1];
    (segment, (number - segment.first) as usize)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn start(hash: u64) -> usize {
    hash as u32 as usize
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn number(entry: u64) -> u32 {
    entry as u32
}

fn entry(hash: u64, number: u32) -> u64 {
    hash >> 32 << 32 | u64::from(number)
}
