//! Arrays in a run: their shards are taken one by one by the workers, or an executor runs them.

use std::sync::PoisonError;
use std::time::Duration;

use super::End;
use super::progress::Needs;
use super::scheduler::Scheduler;
use crate::error::Error;
use crate::stage::array::table::Table;
use crate::stage::execute::IfTaken;
use crate::stage::node::Status;
use crate::store::lock::Taken;

impl Scheduler<'_> {
    /// Takes an array, some shards of which are to run, as far as it can go now.
    pub(super) fn array(&self, index: usize) {
        let node = &self.graph.nodes[index];
        // Shards of another array may have ended while this one was opened.
        node.catch_up();
        self.opened(index);
        let mut without = node.valueless();
        if self.executor.is_some_and(|executor| executor.takes(node)) {
            // Shards that nobody keeps are made where those run that take them.
            without.retain(|above| {
                let position = self.graph.position(above);
                position.is_none_or(|above| !self.graph.takes_shards(index, above))
            });
        }
        match self.needs_of(index, &without) {
            Needs::Others => return,
            Needs::Lost(because) => return self.skip(index, because),
            Needs::Nothing => {}
        }
        self.state().shards_run(index);
        self.more_shards(index);
        // What was found just now may be what others wait for.
        self.news(index);
    }

    /// Notes that a call does not run for now. An array is known only when all its elements are.
    pub(super) fn array_rests(&self, index: usize) {
        let node = &self.graph.nodes[index];
        if node.table().is_none() {
            return self.rests(index);
        }
        node.catch_up();
        self.opened(index);
        self.may_rest(index);
        self.news(index);
    }

    fn may_rest(&self, index: usize) {
        let node = &self.graph.nodes[index];
        if node.table().is_some_and(|table| table.counts().waits > 0) {
            return;
        }
        match node.lost_to() {
            Some(because) => self.skip(index, because),
            None => self.rests(index),
        }
    }

    /// Runs a shard of an array.
    pub(super) fn shard(&self, index: usize, shard: usize) {
        let node = &self.graph.nodes[index];
        match node.run_shard(shard, IfTaken::ComeBack) {
            Ok(None) => {}
            Ok(Some(taken)) => self.shard_elsewhere(index, taken),
            Err(_) => {
                self.state().stopped = true;
                return self.changed.notify_all();
            }
        }
        self.news(index);
        self.more_shards(index);
    }

    /// Leaves a shard to whoever computes it: others run in its place until it is tried again.
    fn shard_elsewhere(&self, index: usize, taken: Taken) {
        // What another call of this run computes is told by that one.
        if self.state().leave_shard(index) && taken == Taken::Elsewhere {
            self.graph.nodes[index].told_waiting();
        }
        self.changed.notify_all();
    }

    /// Takes up the shards of an array again that somebody else has computed. False if there are none.
    pub(super) fn shards_come_back(&self, index: usize) -> bool {
        let comes = self.graph.nodes[index].table().is_some_and(Table::come_back);
        if comes {
            self.more_shards(index);
        }
        comes
    }

    /// Tells of the shards of an array that have ended, and of those that are found for it. A list stands in
    /// for recursion, which a long chain of arrays would not survive.
    pub(super) fn news(&self, index: usize) {
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            let Some(table) = self.graph.nodes[index].table() else { continue };
            let ended = table.take_news();
            for &reader in &self.graph.readers[index] {
                if !ended.is_empty() && self.graph.takes_shards(reader, index) {
                    ended.iter().for_each(|shard| self.graph.nodes[reader].elements_ended(*shard));
                    let node = &self.graph.nodes[reader];
                    if node.lives_in_memory() && node.is_miss() && !self.state().is_running(reader)
                    {
                        self.may_rest(reader);
                    }
                    self.more_shards(reader);
                    open.push(reader);
                }
            }
            if self.fail_fast && table.counts().failed > 0 {
                self.state().stopped = true;
                self.array_ended(index);
            } else if table.is_complete() && self.state().is_running(index) {
                self.array_ended(index);
            }
        }
    }

    /// Notes that a shard has panicked outside its body, and that its array begins no other.
    pub(super) fn shard_panicked(&self, index: usize, shard: usize, error: &Error) {
        let Some(table) = self.graph.nodes[index].table() else { return };
        table.panicked(shard, error);
        self.news(index);
        self.more_shards(index);
    }

    /// Hands the shards of an array over that run elsewhere. False if they run here.
    fn hand_over(&self, index: usize) -> bool {
        let node = &self.graph.nodes[index];
        let Some(executor) = self.executor.filter(|executor| executor.takes(node)) else {
            return false;
        };
        let goes = self.state().hand_over(&self.graph, index);
        if goes {
            node.told_array_started();
        }
        if goes && let Err(error) = executor.begin(index, node) {
            let Some(table) = node.table() else { return true };
            let shards = table.missing().into_iter().chain(table.waiting());
            shards.for_each(|shard| table.failed(shard, &error));
            self.news(index);
        }
        if node.table().is_some_and(Table::is_complete) {
            self.array_ended(index);
        }
        true
    }

    /// Follows what runs elsewhere, until all is done.
    pub(super) fn follow(&self) {
        /// How often the store is looked at.
        const OFTEN: Duration = Duration::from_millis(200);
        let Some(executor) = self.executor else { return };
        loop {
            let mut state = self.state();
            state.stopped |= self.is_interrupted();
            if state.stopped {
                drop(state);
                self.changed.notify_all();
                executor.stop();
                self.last_sent_ended();
                return;
            }
            if state.over {
                return;
            }
            let waited = self.changed.wait_timeout(state, OFTEN);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.remote == 0 {
                continue;
            }
            // What has come back may make others ready: until that is known, nobody is to find that all is over.
            state.busy += 1;
            drop(state);
            for index in executor.look() {
                if self.graph.nodes[index].array.is_some() {
                    self.news(index);
                } else {
                    self.sent_ended(index);
                }
            }
            self.state().busy -= 1;
            self.changed.notify_all();
        }
    }

    /// Notes that all is done.
    pub(super) fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    /// Lets the shards of an array run that can run now.
    fn more_shards(&self, index: usize) {
        if self.hand_over(index) {
            return;
        }
        let is_complete = self.state().more_shards(&self.graph, index);
        self.changed.notify_all();
        if is_complete {
            self.array_ended(index);
        }
    }

    /// Notes that nothing more becomes of an array's shards.
    fn array_ended(&self, index: usize) {
        let node = &self.graph.nodes[index];
        if !node.table().is_some_and(Table::ends_now) {
            return;
        }
        self.state().is_back(index);
        if let Some(because) = node.lost_to() {
            node.let_go_of_elements();
            return self.skip(index, because);
        }
        match node.end_array() {
            Ok(()) => {
                let is_hit = matches!(node.status(), Status::Hit);
                self.settled(index);
                self.finished(index, if is_hit { End::Cached } else { End::Ran });
            }
            Err(error) => self.failed(index, End::Failed(error)),
        }
    }

    /// Tells what takes the shards of an array one by one that its elements are known.
    pub(super) fn opened(&self, index: usize) {
        if self.graph.nodes[index].table().is_some() {
            self.state().opened(&self.graph, index);
            self.changed.notify_all();
        }
    }
}
