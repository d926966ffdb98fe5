//! [`Work`]: what is submitted together, shards of one call or calls of one stage. Each piece has a number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::submission::Theirs;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::executor::job::{Done, JobCall, JobFolder, JobShard, Tasks};
use crate::stage::elsewhere::Anew;
use crate::stage::node::Node;
use crate::store::jobs::Family;

/// A call of the plan.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) position: usize,
    pub(super) node: Arc<Node>,
}

/// A call that runs as a whole, with those that came to the same key.
pub(super) struct Whole {
    call: Call,
    pub(super) key: Digest,
    pub(super) anew: Anew,
    twins: Mutex<Vec<Call>>,
}

impl Whole {
    pub(super) fn new(call: Call, key: Digest) -> Self {
        let (anew, twins) = (call.node.anew(), Mutex::default());
        Self { call, key, anew, twins }
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.call.node
    }

    /// Returns the same, for another submission.
    pub(super) fn again(&self) -> Self {
        let (call, key, anew) = (self.call.clone(), self.key, self.anew);
        Self { call, key, anew, twins: Mutex::new(self.twins().clone()) }
    }

    fn twins(&self) -> MutexGuard<'_, Vec<Call>> {
        self.twins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call that is found by the result of this one.
    pub(super) fn add(&self, twin: Call) {
        self.twins().push(twin);
    }

    /// Tells that the call is on its way.
    pub(super) fn told_started(&self) {
        self.call.node.told_started_elsewhere();
    }
}

/// What is submitted together.
pub(super) struct Work {
    first: Call,
    /// Whole calls by their numbers; of shards, the number is that of the shard.
    calls: Option<BTreeMap<usize, Whole>>,
}

impl Work {
    pub(super) fn shards(position: usize, node: &Arc<Node>) -> Self {
        Self { first: Call { position, node: Arc::clone(node) }, calls: None }
    }

    /// Takes whole calls of one stage; none if there are none.
    pub(super) fn calls(calls: BTreeMap<usize, Whole>) -> Option<Self> {
        let first = calls.values().next()?.call.clone();
        Some(Self { first, calls: Some(calls) })
    }

    /// Returns the call that stands for all: they are of one stage.
    pub(super) fn node(&self) -> &Arc<Node> {
        &self.first.node
    }

    /// What its pieces are called.
    pub(super) fn what(&self) -> &'static str {
        if self.calls.is_some() { "call" } else { "shard" }
    }

    pub(super) fn whole_calls(&self) -> impl Iterator<Item = (usize, &Whole)> {
        self.calls.iter().flatten().map(|(number, call)| (*number, call))
    }

    /// Whether its pieces are whole calls, which have nothing in common but their stage.
    pub(super) fn is_of_calls(&self) -> bool {
        self.calls.is_some()
    }

    /// Whether it is shards of that call.
    pub(super) fn is_array(&self, position: usize) -> bool {
        self.calls.is_none() && self.first.position == position
    }

    /// Whether both are shards of one call.
    pub(super) fn is_array_of(&self, other: &Self) -> bool {
        self.calls.is_none() && other.is_array(self.first.position)
    }

    /// Adds the positions of the calls that a piece is of, or stands for.
    pub(super) fn positions(&self, number: usize, all: &mut BTreeSet<usize>) {
        match &self.calls {
            None => drop(all.insert(self.first.position)),
            Some(calls) => all.extend(calls.get(&number).into_iter().flat_map(|whole| {
                let mut positions = vec![whole.call.position];
                positions.extend(whole.twins().iter().map(|twin| twin.position));
                positions
            })),
        }
    }

    /// Returns what the folders of all that could make the same have in common.
    pub(super) fn family(&self) -> Result<Family, Error> {
        if self.calls.is_some() {
            return Ok(Family::Calls);
        }
        let missing = || Error::new(ErrorKind::Wiring, "it has no key");
        self.node().key().map(Family::Shards).ok_or_else(missing)
    }

    /// Returns what workers are to do.
    pub(super) fn tasks(
        &self,
        batches: &[Vec<usize>],
    ) -> Result<(BTreeMap<usize, JobCall>, Tasks), Error> {
        let node = self.node();
        let Some(calls) = &self.calls else {
            let missing = || Error::new(ErrorKind::Wiring, "it is no open array");
            let (table, key) = node.table().zip(node.key()).ok_or_else(missing)?;
            let of_shard = |shard: &usize| JobShard {
                shard: *shard,
                key: table.key(*shard),
                generation: node.generation(table, *shard),
            };
            let tasks = batches.iter().map(|batch| batch.iter().map(of_shard).collect()).collect();
            let call = JobCall { identity: node.plan_identity(), key, anew: Anew::No };
            return Ok((BTreeMap::from([(0, call)]), Tasks::Shards(tasks)));
        };
        let of_number = |number: &usize| {
            let whole = calls.get(number)?;
            let (identity, key) = (whole.call.node.plan_identity(), whole.key);
            Some((*number, JobCall { identity, key, anew: whole.anew }))
        };
        let all = batches.iter().flatten().filter_map(of_number).collect();
        Ok((all, Tasks::Calls(batches.to_vec())))
    }

    /// Whether a shard of this generation, or a later one, is in the store by now. It is noted then.
    pub(super) fn is_shard_made(&self, number: usize, generation: u32) -> bool {
        self.calls.is_none() && self.node().note_made_elsewhere(number, generation)
    }

    /// Whether a call is in the store that a worker says is done. It is noted then.
    pub(super) fn note_done(&self, done: &Done) -> bool {
        let Some(whole) = self.calls.as_ref().and_then(|calls| calls.get(&done.piece)) else {
            return false;
        };
        if !whole.call.node.note_call_made_elsewhere(&done.made, true) {
            return false;
        }
        // One that is found is as good for all that have the same key.
        for twin in whole.twins().iter() {
            twin.node.note_call_made_elsewhere(&done.made, false);
        }
        true
    }

    /// Whether it is known what became of a piece that this run does not wait for.
    pub(super) fn is_settled(&self, one: &Theirs, folder: &JobFolder) -> bool {
        let is_made = match &self.calls {
            Some(_) => folder.is_done(one.number),
            None => {
                self.node().table().is_some_and(|table| table.is_kept(&one.key, one.generation))
            }
        };
        is_made || folder.has_failed(one.number)
    }

    /// Notes that a piece has failed.
    pub(super) fn fail(&self, number: usize, error: &Error) {
        let Some(calls) = &self.calls else {
            return self.node().note_failed_elsewhere(number, error);
        };
        if let Some(whole) = calls.get(&number) {
            whole.call.node.note_call_failed_elsewhere(error);
            whole.twins().iter().for_each(|twin| twin.node.note_call_failed_elsewhere(error));
        }
    }

    /// The record, where all is of one.
    fn record(&self) -> Option<String> {
        let is_one = self.calls.as_ref().is_none_or(|calls| calls.len() == 1);
        self.node().record_name().filter(|_| is_one)
    }

    /// Tells where pieces are on their way.
    pub(super) fn told(&self, message: String) {
        let (stage, record) = (self.node().spec.name, self.record());
        self.node().session.store.emit(|| Event::Submitted { stage, record, message });
    }

    pub(super) fn warn(&self, message: String) {
        let (stage, record, lost) = (Some(self.node().spec.name), self.record(), false);
        self.node().session.store.emit(|| Event::Warning { stage, record, message, lost });
    }
}
