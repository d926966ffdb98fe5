//! Whole calls that an executor runs.

use std::sync::PoisonError;

use super::End;
use super::progress::Needs;
use super::scheduler::Scheduler;
use crate::error::{Error, ErrorKind};
use crate::executor::Executor;
use crate::stage::node::{Node, Status};

impl Scheduler<'_> {
    /// Returns the executor that runs a call, if one does.
    pub(super) fn executor_of(&self, node: &Node) -> Option<&dyn Executor> {
        self.executor.filter(|executor| executor.takes(node))
    }

    /// Asks for the values that a call needs which runs elsewhere: what nobody keeps is made there.
    pub(super) fn needs_elsewhere(&self, index: usize) -> Needs {
        let mut without = self.graph.nodes[index].valueless();
        without.retain(|above| above.is_kept());
        self.needs_of(index, &without)
    }

    /// Hands over a call that must run.
    pub(super) fn send(&self, index: usize, executor: &dyn Executor) {
        let node = &self.graph.nodes[index];
        if let Some(end) = self.is_settled_after_all(index) {
            return match end {
                End::Failed(_) => self.failed(index, end),
                end => self.finished(index, end),
            };
        }
        if !self.state().send(index) {
            return;
        }
        if let Err(error) = executor.begin(index, node) {
            node.set_status(Status::Failed(node.blame(error)));
            self.sent_ended(index);
        }
        self.changed.notify_all();
    }

    /// What was made ready just now may be another than was known when the call was looked up, and another
    /// process may have been quicker.
    fn is_settled_after_all(&self, index: usize) -> Option<End> {
        let node = &self.graph.nodes[index];
        let _turn = node.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(key) = node.wait_for_key() else {
            let error = Error::new(ErrorKind::Wiring, "the digest of an input is not known");
            return Some(End::Failed(node.blame(error)));
        };
        node.set_key(key);
        (node.may_be_found() && node.look_again(&key)).then_some(End::Cached)
    }

    /// Notes what has become of a call that was handed over.
    pub(super) fn sent_ended(&self, index: usize) {
        let end = match self.graph.nodes[index].status() {
            Status::Ran => End::Ran,
            Status::Hit => End::Cached,
            Status::Failed(error) => End::Failed(error),
            Status::Open | Status::Miss(_) => return,
        };
        if !self.state().is_back(index) {
            return;
        }
        match end {
            End::Failed(_) => self.failed(index, end),
            end => self.finished(index, end),
        }
    }

    /// Notes what has become of those that had ended before the executor was stopped.
    pub(super) fn last_sent_ended(&self) {
        let is_whole = |index: &usize| self.graph.nodes[*index].array.is_none();
        (0..self.graph.nodes.len()).filter(is_whole).for_each(|index| self.sent_ended(index));
    }
}
