//! Arrays in a run: their shards are taken one by one by the workers, or an executor runs them.

use std::sync::PoisonError;
use std::time::Duration;

use super::End;
use super::progress::Needs;
use super::scheduler::Scheduler;
use crate::stage::array::table::Table;
use crate::stage::node::Status;

impl Scheduler<'_> {
    /// Takes an array, some shards of which are to run, as far as it can go now.
    pub(super) fn array(&self, index: usize) {
        let node = &self.graph.nodes[index];
        // Shards of another array may have ended while this one was opened.
        node.catch_up();
        self.opened(index);
        match self.needs(index) {
            Needs::Others => return,
            Needs::Lost(because) => return self.skip(index, because),
            Needs::Nothing => {}
        }
        self.state().shards_run(index);
        self.more_shards(index);
    }

    /// Runs a shard of an array.
    pub(super) fn shard(&self, index: usize, shard: usize) {
        let node = &self.graph.nodes[index];
        if node.run_shard(shard).is_err() {
            self.state().stopped = true;
            return self.changed.notify_all();
        }
        self.news(index);
    }

    /// Tells of the shards of an array that have ended.
    fn news(&self, index: usize) {
        let node = &self.graph.nodes[index];
        let Some(table) = node.table() else { return };
        let ended = table.take_news();
        for &reader in &self.graph.readers[index] {
            if self.graph.takes_shards(reader, index) {
                ended.iter().for_each(|shard| self.graph.nodes[reader].elements_ended(*shard));
                self.more_shards(reader);
            }
        }
        if self.fail_fast && table.counts().failed > 0 {
            self.state().stopped = true;
            return self.array_ended(index);
        }
        if table.is_complete() {
            self.array_ended(index);
        }
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
            let shards = table.missing();
            shards.into_iter().for_each(|shard| table.failed(shard, &error));
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
            let interrupted =
                self.graph.nodes.first().is_some_and(|node| node.session.is_interrupted());
            let mut state = self.state();
            state.stopped |= interrupted;
            if state.stopped {
                drop(state);
                self.changed.notify_all();
                executor.stop();
                return;
            }
            if state.over {
                return;
            }
            let waited = self.changed.wait_timeout(state, OFTEN);
            let runs = waited.unwrap_or_else(PoisonError::into_inner).0.remote > 0;
            if runs {
                executor.look().into_iter().for_each(|index| self.news(index));
            }
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
