//! [`Table`]: how far each shard of an array is.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;

use crate::digest::Digest;
use crate::error::Error;
use crate::store::packs::{Packs, Place};

use super::former::FormerShards;

mod state;

pub(super) use state::State;
pub(crate) use state::{Counts, Given};

/// How far one shard is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Far {
    /// An element of it is a shard that is not there yet.
    Waits,
    /// It is to run.
    Todo,
    /// An equal one is to run.
    Twin,
    Runs,
    /// It was found.
    Found(Place),
    /// It has run, and is kept.
    Ran(Place),
    /// It has run, and its values are in memory only.
    RanUnkept,
    Failed,
    /// An element of it could not be made.
    Lost,
}

impl Far {
    /// Whether its values are there.
    pub(crate) fn is_there(self) -> bool {
        matches!(self, Self::Found(_) | Self::Ran(_) | Self::RanUnkept)
    }

    /// Whether nothing more becomes of it in this run.
    fn has_ended(self) -> bool {
        self.is_there() || matches!(self, Self::Failed | Self::Lost)
    }
}

/// How far the shards of an array are.
pub(crate) struct Table {
    /// What the shards are kept in.
    pub(crate) packs: Packs,
    /// Where else they may lie.
    pub(super) formers: Vec<FormerShards>,
    /// What the keys have in common by which outputs without artifact enter other keys, where that is another
    /// than their own.
    pub(super) oldest: Option<Digest>,
    /// How many outputs a shard has.
    outputs: usize,
    state: Mutex<State>,
    /// The shards whose values lie in files beside their lines, or refer to some; known when all are there.
    outside: OnceCell<Vec<usize>>,
}

impl Table {
    pub(super) fn new(
        packs: Packs,
        formers: Vec<FormerShards>,
        oldest: Option<Digest>,
        outputs: usize,
        total: usize,
    ) -> Self {
        let counts = Counts { total, waits: total, ..Counts::default() };
        let state = State {
            far: vec![Far::Waits; total],
            keys: vec![Digest::from_bytes([0; 32]); total],
            oldest_keys: oldest.map_or_else(Vec::new, |_| vec![Digest::from_bytes([0; 32]); total]),
            identities: vec![Digest::from_bytes([0; 32]); total * outputs],
            todo: VecDeque::new(),
            first_of: HashMap::new(),
            twins: HashMap::new(),
            generations: HashMap::new(),
            files: HashMap::new(),
            lies: HashMap::new(),
            failures: BTreeMap::new(),
            left: total,
            telling: HashSet::new(),
            counts,
            spoiled: false,
            ended: false,
            told: false,
            left_to_others: Vec::new(),
            news: Vec::new(),
        };
        let outside = OnceCell::new();
        Self { packs, formers, oldest, outputs, state: Mutex::new(state), outside }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Returns how many shards there are.
    pub(crate) fn total(&self) -> usize {
        self.state().far.len()
    }

    pub(crate) fn far(&self, shard: usize) -> Option<Far> {
        self.state().far.get(shard).copied()
    }

    pub(crate) fn key(&self, shard: usize) -> Digest {
        self.state().keys[shard]
    }

    /// Returns the digest by which an output of a shard enters other keys, once it is there.
    pub(crate) fn identity(&self, shard: usize, output: usize) -> Option<Digest> {
        let state = self.state();
        let is_there = state.far.get(shard)?.is_there();
        is_there.then(|| state.identities[shard * self.outputs + output])
    }

    /// Calls `take` with the digest by which each shard's output enters other keys, if all are there.
    pub(crate) fn each_identity(&self, output: usize, mut take: impl FnMut(&Digest)) -> bool {
        let state = self.state();
        let all_there = state.far.iter().all(|far| far.is_there());
        if all_there {
            (0..state.far.len())
                .for_each(|shard| take(&state.identities[shard * self.outputs + output]));
        }
        all_there
    }

    /// Returns the digest of all keys by which outputs without artifact enter others, if all are known.
    pub(super) fn digest_of_keys(&self, output: usize) -> Option<Digest> {
        let state = self.state();
        if state.counts.waits + state.counts.lost > 0 {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(output as u64).to_le_bytes());
        let keys = if state.oldest_keys.is_empty() { &state.keys } else { &state.oldest_keys };
        keys.iter().for_each(|key| {
            hasher.update(key.as_bytes());
        });
        Some(hasher.finalize().into())
    }

    /// Returns the key by which the outputs of a shard enter other keys that have no artifact.
    pub(super) fn oldest_key(&self, shard: usize) -> Digest {
        self.state().oldest_key(shard)
    }

    /// Whether nobody knows what the body of some shard has read.
    pub(super) fn is_spoiled(&self) -> bool {
        self.state().spoiled
    }

    /// Lists the shards whose values lie in files beside their lines, or refer to some. All must be there.
    pub(super) fn outside(&self) -> &[usize] {
        self.outside.get_or_init(|| {
            let is_outside = |shard: &usize| {
                let kept = self.packs.find_one(&self.key(*shard));
                kept.is_some_and(|kept| kept.is_outside)
            };
            (0..self.total()).filter(is_outside).collect()
        })
    }

    /// Takes a shard that is to run.
    pub(crate) fn take(&self) -> Option<usize> {
        let mut state = self.state();
        let shard = state.todo.pop_front()?;
        state.far[shard] = Far::Runs;
        Some(shard)
    }

    /// Puts a shard back that was taken and has not run. One that is made again stays as it was.
    pub(crate) fn put_back(&self, shard: usize) {
        let mut state = self.state();
        if state.far[shard] == Far::Runs {
            state.far[shard] = Far::Todo;
            state.todo.push_front(shard);
        }
    }

    /// Leaves a shard to whoever computes it just now, until what is left is taken up again.
    pub(super) fn leave(&self, shard: usize) {
        let mut state = self.state();
        if state.far[shard] == Far::Runs {
            state.far[shard] = Far::Todo;
            state.left_to_others.push(shard);
        }
    }

    /// Lets the shards run again that were left to others. Returns whether there are any.
    pub(crate) fn come_back(&self) -> bool {
        let mut state = self.state();
        let left = std::mem::take(&mut state.left_to_others);
        let any = !left.is_empty();
        state.todo.extend(left);
        any
    }

    /// Takes a shard that was left to others, to wait for them.
    pub(super) fn take_left(&self) -> Option<usize> {
        let mut state = self.state();
        let shard = state.left_to_others.pop()?;
        state.far[shard] = Far::Runs;
        Some(shard)
    }

    /// Whether it was told that a body runs.
    pub(super) fn has_begun(&self) -> bool {
        self.state().told
    }

    /// Whether a shard can be taken.
    pub(crate) fn has_work(&self) -> bool {
        !self.state().todo.is_empty()
    }

    /// Lists the shards that are to run, or are running.
    pub(crate) fn missing(&self) -> Vec<usize> {
        self.all_that(|far| matches!(far, Far::Todo | Far::Twin | Far::Runs))
    }

    /// Whether all shards have ended, and that was told.
    pub(crate) fn is_complete(&self) -> bool {
        let state = self.state();
        state.left == 0 && state.telling.is_empty()
    }

    /// Notes that nothing more becomes of the shards. False if that was known.
    pub(crate) fn ends_now(&self) -> bool {
        !std::mem::replace(&mut self.state().ended, true)
    }

    /// Whether somebody has noted that nothing more becomes of the shards.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Notes that it is told that a body runs. False if it was.
    pub(super) fn tells(&self) -> bool {
        !std::mem::replace(&mut self.state().told, true)
    }

    /// Returns the generation that takes the place of what is known of a shard.
    pub(super) fn generation_after(&self, shard: usize) -> u32 {
        let kept = self.packs.find_one(&self.key(shard));
        kept.map_or(0, |kept| kept.generation.saturating_add(1))
    }

    /// Returns the shards that have ended since the last time.
    pub(crate) fn take_news(&self) -> Vec<usize> {
        std::mem::take(&mut self.state().news)
    }

    /// Lists the shards that wait for their elements.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        self.all_that(|far| far == Far::Waits)
    }

    /// Notes that a shard is made once more, since its values cannot be read. Until then it counts as what
    /// it was: who takes it knows by which digest.
    pub(super) fn make_again(&self, shard: usize, generation: u32) {
        self.state().generations.insert(shard, generation);
    }

    /// Notes that a shard is made, whether it is there or not, and that its result counts as of `generation`.
    pub(super) fn make_again_as(&self, shard: usize, generation: u32) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.far[shard], Far::Runs);
        state.left += usize::from(before.has_ended());
        state.todo.retain(|todo| *todo != shard);
        state.left_to_others.retain(|left| *left != shard);
        state.generations.insert(shard, generation);
    }

    /// Returns the first of the shards that are equal to this one and were not found.
    pub(crate) fn first_of(&self, shard: usize) -> Option<usize> {
        let state = self.state();
        state.first_of.get(state.keys.get(shard)?).copied()
    }

    /// Returns what a shard has failed with.
    pub(crate) fn failure(&self, shard: usize) -> Option<Error> {
        self.state().failures.get(&shard).cloned()
    }

    /// Lists the shards that are as far as `is_it` says.
    pub(super) fn all_that(&self, is_it: impl Fn(Far) -> bool) -> Vec<usize> {
        let state = self.state();
        (0..state.far.len()).filter(|shard| is_it(state.far[*shard])).collect()
    }

    /// Lists the shards that were found, of equal ones the first.
    pub(crate) fn found_ones(&self) -> Vec<usize> {
        let state = self.state();
        let mut known = HashSet::new();
        let is_found = |shard: &usize| matches!(state.far[*shard], Far::Found(_));
        let found = (0..state.far.len()).filter(is_found);
        found.filter(|shard| known.insert(state.keys[*shard])).collect()
    }

    /// Notes what a shard has given that is told of next. Of one that is made again nobody waits to hear.
    pub(super) fn ran_and_tells(&self, shard: usize, given: &Given) {
        let mut state = self.state();
        if state.far[shard] == Far::Runs {
            state.telling.insert(shard);
        }
        drop(state);
        self.ran(shard, given);
    }

    /// Notes that the end of a shard was told.
    pub(super) fn has_told(&self, shard: usize) {
        self.state().telling.remove(&shard);
    }

    /// Notes what a shard has given.
    pub(crate) fn ran(&self, shard: usize, given: &Given) {
        let mut state = self.state();
        state.counts.seconds += given.seconds;
        state.counts.size += given.size;
        state.counts.unkept += usize::from(given.unkept);
        state.spoiled |= given.spoiled;
        let far = given.place.map_or(Far::RanUnkept, Far::Ran);
        state.there(shard, self.outputs, far, &given.identities);
        for twin in state.twins.remove(&shard).unwrap_or_default() {
            state.there(twin, self.outputs, far, &given.identities);
        }
    }

    /// Notes that a shard was found after all: another process has been quicker.
    pub(crate) fn found(&self, shard: usize, place: Place, identities: &[Digest], seconds: f64) {
        let mut state = self.state();
        state.found(shard, self.outputs, place, identities, seconds);
    }

    /// Notes that a shard has failed, and all that are equal to it.
    pub(crate) fn failed(&self, shard: usize, error: &Error) {
        let mut state = self.state();
        let twins = state.twins.remove(&shard).unwrap_or_default();
        for shard in std::iter::once(shard).chain(twins) {
            if state.far[shard] == Far::Waits {
                state.counts.waits -= 1;
            }
            state.failures.insert(shard, error.clone());
            match state.far[shard] {
                Far::Found(_) => state.counts.found -= 1,
                Far::Ran(_) | Far::RanUnkept => state.counts.ran -= 1,
                Far::Failed => continue,
                Far::Lost => state.counts.lost -= 1,
                Far::Waits | Far::Todo | Far::Twin | Far::Runs => {}
            }
            state.end(shard, Far::Failed);
            state.counts.failed += 1;
        }
    }

    /// Notes that something around a shard has panicked. If it is there, it stays so for others.
    pub(crate) fn panicked(&self, shard: usize, error: &Error) {
        let mut state = self.state();
        state.telling.remove(&shard);
        if state.far[shard].is_there() {
            state.failures.insert(shard, error.clone());
            return;
        }
        drop(state);
        self.failed(shard, error);
    }

    /// Returns what the shards have failed with, in their order.
    pub(crate) fn failures(&self) -> Vec<(usize, Error)> {
        self.state().failures.iter().map(|(shard, error)| (*shard, error.clone())).collect()
    }
}
