//! Whole calls that are ready to run: they wait a moment for others of their stage, to be submitted together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::later::Later;
use super::work::{Call, Whole, Work};
use super::{OnSlurm, State};
use crate::stage::node::Node;

/// How long after the last one nothing more is waited for, and how long in all.
const QUIET: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(2);

/// Calls that are ready.
#[derive(Default)]
pub(super) struct Gathered {
    calls: Vec<Call>,
    /// When the first and the last of them came.
    came: Option<(Instant, Instant)>,
}

impl Gathered {
    pub(super) fn add(&mut self, position: usize, node: &Arc<Node>, now: Instant) {
        self.calls.push(Call { position, node: Arc::clone(node) });
        self.came = Some((self.came.map_or(now, |(first, _)| first), now));
    }

    /// Takes all of them, if it is time to.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Call> {
        let is_due = self.came.is_some_and(|(first, last)| {
            now.saturating_duration_since(last) >= QUIET
                || now.saturating_duration_since(first) >= LONGEST
        });
        if !is_due {
            return Vec::new();
        }
        self.came = None;
        std::mem::take(&mut self.calls)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl OnSlurm {
    /// Submits calls, those of a stage together. Adds those that have failed.
    pub(super) fn begin_calls(&self, calls: Vec<Call>, changed: &mut BTreeSet<usize>) {
        let mut stages = BTreeMap::<&'static str, Vec<Whole>>::new();
        for call in calls {
            let Some(key) = call.node.key() else { continue };
            let stage = stages.entry(call.node.spec.name).or_default();
            // What came to the same key is found by one result.
            if let Some(other) = stage.iter().find(|other| other.key == key) {
                other.add(call);
            } else if !self.state().add_twin(key, &call) {
                stage.push(Whole::new(call, key));
            }
        }
        for mut calls in stages.into_values() {
            let adopted = self.adopt_calls(&mut calls);
            let Some(work) = Work::calls(calls.into_iter().enumerate().collect()) else { continue };
            work.whole_calls().for_each(|(_, whole)| whole.told_started());
            let numbers: Vec<usize> = work.whole_calls().map(|(number, _)| number).collect();
            let work = Arc::new(work);
            let later = Later::new(Arc::clone(&work), numbers.clone());
            if let Err(error) = adopted.and_then(|()| self.submit_or_wait(later)) {
                for number in numbers {
                    work.fail(number, &error);
                    work.positions(number, changed);
                }
            }
        }
    }
}

impl State {
    /// Adds a call to one of the same key that is on its way. False if there is none.
    fn add_twin(&self, key: crate::digest::Digest, twin: &Call) -> bool {
        let submitted = self.submissions.iter().map(|one| (&one.work, one.outstanding().collect()));
        let later = self.later.iter().map(|one| (&one.work, one.pieces.iter().copied().collect()));
        for (work, left) in submitted.chain(later) {
            let left: BTreeSet<usize> = left;
            let same = work.whole_calls().find(|(number, whole)| {
                whole.key == key
                    && left.contains(number)
                    && whole.node().spec.name == twin.node.spec.name
            });
            if let Some((_, whole)) = same {
                whole.add(twin.clone());
                return true;
            }
        }
        false
    }
}
