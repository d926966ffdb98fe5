//! How far arrays are, whose shards run one by one.

use super::Progress;
use crate::run::graph::Graph;

/// How far an array is.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shards {
    /// Its elements are not known; or it is no array.
    #[default]
    Closed,
    /// Its elements are known.
    Open,
    /// Its shards have all they need beside their elements.
    Run,
    /// An executor runs them.
    Remote,
}

impl Progress {
    /// Notes that the elements of an array are known: what takes its shards one by one can begin.
    pub(in crate::run) fn opened(&mut self, graph: &Graph<'_>, index: usize) {
        if self.tasks[index].shards >= Shards::Open {
            return;
        }
        self.tasks[index].shards = Shards::Open;
        for &reader in graph.readers[index].iter().rev() {
            if graph.takes_shards(reader, index) {
                self.one_more_settled(reader);
            }
        }
    }

    /// Notes that the shards of an array have all they need beside their elements.
    pub(in crate::run) fn shards_run(&mut self, index: usize) {
        let shards = &mut self.tasks[index].shards;
        *shards = (*shards).max(Shards::Run);
    }

    /// Whether the shards of an array run, here or elsewhere.
    pub(in crate::run) fn is_running(&self, index: usize) -> bool {
        self.tasks[index].shards >= Shards::Run
    }

    /// Notes that an executor runs an array, some shards of which can run by now. False if it is not that far,
    /// or an executor has it.
    pub(in crate::run) fn hand_over(&mut self, graph: &Graph<'_>, index: usize) -> bool {
        let can_begin =
            graph.nodes[index].table().is_some_and(|table| table.counts().missing() > 0);
        if !can_begin || self.tasks[index].shards != Shards::Run {
            return false;
        }
        self.tasks[index].shards = Shards::Remote;
        self.remote += 1;
        true
    }

    /// Notes that an executor runs a whole call. False if it has it, or the call has ended.
    pub(in crate::run) fn send(&mut self, index: usize) -> bool {
        let task = &mut self.tasks[index];
        if task.shards == Shards::Remote || !task.end.is_none() {
            return false;
        }
        task.shards = Shards::Remote;
        self.remote += 1;
        true
    }

    /// Notes that a call has ended, whoever ran it. Returns whether it was an executor.
    pub(in crate::run) fn is_back(&mut self, index: usize) -> bool {
        let was_away = self.tasks[index].shards == Shards::Remote;
        if was_away {
            self.tasks[index].shards = Shards::Run;
            self.remote -= 1;
        }
        was_away
    }

    /// Lets the shards of an array wait for their turn. Returns whether its end is to be looked for.
    pub(in crate::run) fn more_shards(&mut self, graph: &Graph<'_>, index: usize) -> bool {
        let Some(table) =
            graph.nodes[index].table().filter(|_| self.tasks[index].shards == Shards::Run)
        else {
            return false;
        };
        if table.has_work() {
            self.queue.push(graph, index);
        }
        table.is_complete()
    }
}
