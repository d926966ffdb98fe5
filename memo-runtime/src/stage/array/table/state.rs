//! What a table knows of its shards, and what becomes of it when one of them ends.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::Far;
use crate::digest::Digest;
use crate::error::Error;
use crate::key::files::FileDigest;
use crate::stage::array::former::Lies;
use crate::store::packs::Place;

/// What became of the shards of an array.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) total: usize,
    pub(crate) found: usize,
    pub(crate) ran: usize,
    pub(crate) failed: usize,
    /// Those whose elements could not be made.
    pub(crate) lost: usize,
    /// Those that wait for their elements.
    pub(crate) waits: usize,
    /// Those that have run and could not be kept, though they should be.
    pub(crate) unkept: usize,
    /// How long the bodies of found ones took when they ran, in seconds.
    pub(crate) saved: f64,
    /// How long the bodies took that have run, in seconds.
    pub(crate) seconds: f64,
    /// The size of what this run has kept, in bytes.
    pub(crate) size: u64,
}

impl Counts {
    /// Returns how many are to run, as far as their elements are known.
    pub(crate) fn missing(self) -> usize {
        self.total - self.found - self.ran - self.failed - self.lost - self.waits
    }
}

/// What a shard has given.
pub(crate) struct Given {
    /// Where it is kept; `None` if it is in memory only.
    pub(crate) place: Option<Place>,
    /// By which digests its outputs enter other keys.
    pub(crate) identities: Vec<Digest>,
    pub(crate) seconds: f64,
    pub(crate) size: u64,
    /// Whether it should have been kept and could not.
    pub(crate) unkept: bool,
    /// Whether nobody knows what the body has read.
    pub(crate) spoiled: bool,
    /// Why there was nothing to do, if the body has said so.
    pub(crate) skipped: Option<String>,
}

pub(in crate::stage::array) struct State {
    pub(in crate::stage::array) far: Vec<Far>,
    /// Zero while an element is not known.
    pub(in crate::stage::array) keys: Vec<Digest>,
    /// The keys by which outputs without artifact enter other keys; empty where these are `keys`.
    pub(in crate::stage::array) oldest_keys: Vec<Digest>,
    /// By which digests the outputs enter other keys: those of the first shard, then those of the next.
    pub(in crate::stage::array) identities: Vec<Digest>,
    /// What is to run, the next one in front.
    pub(super) todo: VecDeque<usize>,
    /// Which shard is the first of several equal ones that were not found.
    pub(super) first_of: HashMap<Digest, usize>,
    pub(super) twins: HashMap<usize, Vec<usize>>,
    /// How often a result of a shard gave way to another, where that is more than never.
    pub(in crate::stage::array) generations: HashMap<usize, u32>,
    /// Files that the elements name; they must not change while a shard runs.
    pub(in crate::stage::array) files: HashMap<usize, Vec<FileDigest>>,
    /// Those that are read from where they were kept under a former name or code.
    pub(in crate::stage::array) lies: HashMap<usize, Lies>,
    pub(in crate::stage::array) failures: BTreeMap<usize, Error>,
    /// How many shards have not ended.
    pub(super) left: usize,
    /// Those that have run and are being told of: should that panic, their array fails.
    pub(super) telling: HashSet<usize>,
    pub(super) counts: Counts,
    /// Whether nobody knows what some body has read.
    pub(super) spoiled: bool,
    /// Whether somebody has taken note of the end.
    pub(super) ended: bool,
    /// Whether it was told that a body runs.
    pub(super) told: bool,
    /// What somebody else computed when it was taken up, and is to be taken up again.
    pub(super) left_to_others: Vec<usize>,
    /// Shards that have ended since somebody has asked.
    pub(in crate::stage::array) news: Vec<usize>,
}

impl State {
    /// Whether nothing is known of a shard yet.
    pub(in crate::stage::array) fn waits(&self, shard: usize) -> bool {
        self.far.get(shard) == Some(&Far::Waits)
    }

    /// Notes the keys of a shard whose elements are known.
    pub(in crate::stage::array) fn set_keys(
        &mut self,
        shard: usize,
        key: Digest,
        oldest: Option<Digest>,
    ) {
        self.keys[shard] = key;
        if let (Some(known), Some(oldest)) = (self.oldest_keys.get_mut(shard), oldest) {
            *known = oldest;
        }
    }

    pub(in crate::stage::array) fn oldest_key(&self, shard: usize) -> Digest {
        *self.oldest_keys.get(shard).unwrap_or(&self.keys[shard])
    }

    /// Notes that a shard which waited is to run, unless an equal one is.
    pub(in crate::stage::array) fn queue_up(&mut self, shard: usize) {
        self.counts.waits -= 1;
        let key = self.keys[shard];
        let first = *self.first_of.entry(key).or_insert(shard);
        if first == shard {
            self.far[shard] = Far::Todo;
            self.todo.push_back(shard);
            return;
        }
        match self.far[first] {
            far if far.is_there() => {
                let outputs = self.identities.len() / self.far.len();
                let identities = self.identities[first * outputs..][..outputs].to_vec();
                self.far[shard] = Far::Twin;
                self.there(shard, outputs, far, &identities);
            }
            Far::Failed => {
                let error = self.failures.get(&first).cloned();
                self.end(shard, Far::Failed);
                self.counts.failed += 1;
                self.failures.extend(error.map(|error| (shard, error)));
            }
            _ => {
                self.far[shard] = Far::Twin;
                self.twins.entry(first).or_default().push(shard);
            }
        }
    }

    /// Notes that a shard which waited can never run.
    pub(in crate::stage::array) fn lose(&mut self, shard: usize) {
        if self.far[shard] == Far::Waits {
            self.counts.waits -= 1;
            self.counts.lost += 1;
            self.end(shard, Far::Lost);
        }
    }

    /// Notes that a shard is there that was found.
    pub(in crate::stage::array) fn found(
        &mut self,
        shard: usize,
        outputs: usize,
        place: Place,
        identities: &[Digest],
        seconds: f64,
    ) {
        if self.far[shard] == Far::Waits {
            self.counts.waits -= 1;
        }
        if self.end(shard, Far::Found(place)) {
            self.counts.found += 1;
            self.counts.saved += seconds;
        }
        self.identities[shard * outputs..][..outputs].copy_from_slice(identities);
        for twin in self.twins.remove(&shard).unwrap_or_default() {
            self.found(twin, outputs, place, identities, seconds);
        }
    }

    pub(super) fn there(&mut self, shard: usize, outputs: usize, far: Far, identities: &[Digest]) {
        if self.end(shard, far) {
            self.counts.ran += 1;
        }
        self.identities[shard * outputs..][..outputs].copy_from_slice(identities);
    }

    /// Notes an end. False if it had ended before: it was made again.
    pub(super) fn end(&mut self, shard: usize, far: Far) -> bool {
        self.lies.remove(&shard);
        let before = std::mem::replace(&mut self.far[shard], far);
        if far.is_there() {
            self.failures.remove(&shard);
        }
        let is_first = !before.has_ended();
        if is_first {
            self.left -= 1;
            self.news.push(shard);
        }
        is_first
    }
}
