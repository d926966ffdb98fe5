//! How far a run is: what is ready, what waits for whom, and what became of each call.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::End;
use super::graph::Graph;
use super::held::Held;
use super::limits::{Limits, Need};
use super::order::Queue;
use super::readers::Readers;
use crate::error::{Error, ErrorKind};
use crate::stage::node::{Node, Status};

pub(super) struct Progress {
    /// Calls to look up. The next one is at the front. Whatever a call makes ready goes there, so that its
    /// values are read and dropped before those of the next record are made.
    ready: VecDeque<usize>,
    /// Calls that must run and could, where several jobs choose among them.
    queue: Queue,
    tasks: Vec<Task>,
    values: Readers,
    pub(super) held: Held,
    pub(super) limits: Limits,
    /// How many workers are busy with a call.
    pub(super) busy: usize,
    /// How many workers wait for something to do.
    pub(super) asleep: usize,
    pub(super) stopped: bool,
}

#[derive(Default)]
struct Task {
    /// How many sources are not settled yet.
    unsettled: usize,
    /// How many sources have been asked for values that they do not have yet.
    valueless: usize,
    /// Whether its values are needed.
    wanted: bool,
    /// Whether another call has asked for its values.
    asked: bool,
    settled: bool,
    /// Calls that wait for its values.
    waiting: Vec<usize>,
    end: End,
    /// The stage whose failure it died of.
    because: Option<&'static str>,
}

/// What a worker does next.
pub(super) enum Next {
    /// Looks a call up, and runs it where nobody chooses.
    LookUp(usize),
    /// Runs a call, with what it takes of the machine.
    Run(usize, Need),
}

/// What a call needs before it can run.
pub(super) enum Needs {
    Nothing,
    /// Values that others have been asked for: the call is taken up again when they are there.
    Others,
    /// A value that cannot be had, since this stage has failed.
    Lost(&'static str),
}

impl Progress {
    pub(super) fn new(graph: &Graph<'_>, limits: Limits, memory: Option<u64>) -> Self {
        let tasks: Vec<Task> = (0..graph.nodes.len())
            .map(|index| Task {
                unsettled: graph.sources[index].len(),
                wanted: graph.is_wanted(index),
                ..Task::default()
            })
            .collect();
        let ready = (0..tasks.len()).filter(|index| tasks[*index].unsettled == 0).collect();
        let values = Readers::new(graph.readers.lengths().collect());
        let queue = Queue::new(tasks.len());
        let held = Held::new(memory);
        Self { ready, queue, tasks, values, held, limits, busy: 0, asleep: 0, stopped: false }
    }

    pub(super) fn into_ends(self) -> Vec<End> {
        self.tasks.into_iter().map(|task| task.end).collect()
    }

    /// Returns what is to be done next, if there is something that can be done now. What must run is known
    /// best when all is looked up that can be.
    pub(super) fn next(&mut self, graph: &Graph<'_>) -> Option<Next> {
        if self.stopped {
            return None;
        }
        if let Some(index) = self.ready.pop_front() {
            return Some(Next::LookUp(index));
        }
        let (index, need) = self.queue.take(|index| self.limits.take(graph, index))?;
        Some(Next::Run(index, need))
    }

    /// Notes that a call could run.
    pub(super) fn wait_for_turn(&mut self, graph: &Graph<'_>, index: usize) {
        self.queue.push(graph, index);
    }

    /// Whether a call that was not found is to run. One whose artifacts were removed waits until
    /// somebody asks for its values.
    pub(super) fn is_wanted_now(&mut self, graph: &Graph<'_>, index: usize) -> bool {
        let node = &graph.nodes[index];
        let task = &self.tasks[index];
        let outlived = node.has_outlived_artifacts();
        let on_demand = outlived || (!node.is_kept() && node.uncached.is_none());
        // Whoever has asked may have been skipped since.
        let is_awaited = || task.waiting.iter().any(|waiting| self.tasks[*waiting].end.is_none());
        let unwanted = if task.asked {
            on_demand && !is_awaited()
        } else {
            outlived && !graph.readers[index].is_empty()
        };
        let task = &mut self.tasks[index];
        if unwanted {
            task.wanted = false;
        }
        task.wanted
    }

    /// Makes the sources wanted whose values a call needs and that nobody has made.
    pub(super) fn ask(&mut self, graph: &Graph<'_>, index: usize, without: &[Arc<Node>]) -> Needs {
        let sources: Vec<usize> = without.iter().filter_map(|node| graph.position(node)).collect();
        if let Some(because) = sources.iter().find_map(|source| self.tasks[*source].because) {
            return Needs::Lost(because);
        }
        let mut count = 0;
        for source in sources {
            let task = &mut self.tasks[source];
            if !task.end.is_none() || task.waiting.contains(&index) {
                continue;
            }
            count += 1;
            task.waiting.push(index);
            task.asked = true;
            if !task.wanted {
                task.wanted = true;
                if task.settled {
                    self.ready.push_front(source);
                }
            }
            self.queue.inherit(graph, index, source);
        }
        self.tasks[index].valueless += count;
        if count > 0 { Needs::Others } else { Needs::Nothing }
    }

    /// Tells the readers of a call that its digests are known.
    pub(super) fn settled(&mut self, graph: &Graph<'_>, index: usize) {
        if std::mem::replace(&mut self.tasks[index].settled, true) {
            return;
        }
        for reader in graph.readers[index].iter().rev() {
            self.one_more_settled(*reader);
        }
        // A call may have become wanted while it was settled.
        if self.tasks[index].wanted && graph.nodes[index].is_miss() {
            self.ready.push_front(index);
        }
    }

    fn one_more_settled(&mut self, reader: usize) {
        let task = &mut self.tasks[reader];
        task.unsettled = task.unsettled.saturating_sub(1);
        if task.unsettled == 0 && task.end.is_none() {
            self.ready.push_front(reader);
        }
    }

    /// Notes that a call is done. Returns the calls whose values nobody will read any more.
    pub(super) fn finished(&mut self, graph: &Graph<'_>, index: usize, end: End) -> Vec<usize> {
        if !self.tasks[index].end.is_none() {
            return Vec::new();
        }
        let has_run = matches!(end, End::Ran);
        self.tasks[index].end = end;
        let unread = self.conclude(graph, index);
        if has_run {
            for held in graph.sources[index].iter().chain([&index]) {
                self.held.used(*held, &graph.nodes[*held]);
                self.queue.held(graph, &self.values, *held);
            }
        }
        unread.iter().for_each(|source| self.held.dropped(*source));
        unread
    }

    /// Wakes those that wait for the values of a call that has ended, and returns the calls whose
    /// values nobody will read any more.
    fn conclude(&mut self, graph: &Graph<'_>, index: usize) -> Vec<usize> {
        self.queue.remove(index);
        self.wake(index);
        let Self { values, tasks, .. } = self;
        values.finished(index, &graph.sources, |source| {
            let task = &tasks[source];
            task.settled && !task.wanted && task.end.is_none()
        })
    }

    /// Takes up again what has waited for a call's values.
    fn wake(&mut self, index: usize) {
        for waiting in std::mem::take(&mut self.tasks[index].waiting) {
            let task = &mut self.tasks[waiting];
            task.valueless -= 1;
            if task.valueless == 0 && task.end.is_none() {
                self.ready.push_front(waiting);
            }
        }
    }

    /// Notes a failure. All that depends on it is marked before anybody is woken, so that none of it
    /// starts. Returns what is skipped, and the calls whose values nobody will read any more.
    pub(super) fn failed(
        &mut self,
        graph: &Graph<'_>,
        index: usize,
        end: End,
        because: &'static str,
    ) -> (Vec<usize>, Vec<usize>) {
        if !self.tasks[index].end.is_none() {
            return (Vec::new(), Vec::new());
        }
        self.tasks[index].end = end;
        self.tasks[index].because = Some(because);
        let skipped = self.skip_readers(graph, index, because);
        let mut unread = Vec::new();
        for ended in skipped.iter().chain([&index]) {
            unread.extend(self.conclude(graph, *ended));
        }
        unread.iter().for_each(|source| self.held.dropped(*source));
        (skipped, unread)
    }

    /// Marks all that cannot go on without a failed call, and returns it.
    ///
    /// Where the call's digests are known, only those cannot that wait for its values: another may be found,
    /// or never be needed.
    fn skip_readers(
        &mut self,
        graph: &Graph<'_>,
        failed: usize,
        because: &'static str,
    ) -> Vec<usize> {
        let mut skipped = Vec::new();
        let mut open = vec![failed];
        while let Some(source) = open.pop() {
            let settled = self.tasks[source].settled;
            let waiting: HashSet<usize> = self.tasks[source].waiting.iter().copied().collect();
            for &reader in &graph.readers[source] {
                let needs_it = !settled || waiting.contains(&reader);
                if !needs_it || !self.tasks[reader].end.is_none() {
                    continue;
                }
                if graph.does_without(reader, source) {
                    if !settled {
                        self.one_more_settled(reader);
                    }
                    continue;
                }
                graph.nodes[reader].skip(because);
                self.tasks[reader].end = End::Skipped;
                self.tasks[reader].because = Some(because);
                skipped.push(reader);
                open.push(reader);
            }
        }
        skipped
    }
}

impl Node {
    /// Notes that it cannot run.
    pub(super) fn skip(&self, because: &str) {
        let message = format!("not run, since `{because}` failed");
        self.set_status(Status::Failed(self.blame(Error::new(ErrorKind::Stage, message))));
    }
}
