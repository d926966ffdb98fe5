//! How far a run is: what is ready, what waits for whom, and what became of each call.

mod shards;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::End;
use super::elsewhere::Elsewhere;
use super::graph::Graph;
use super::held::Held;
use super::limits::{Limits, Need};
use super::order::Queue;
use super::readers::Readers;
use crate::error::{Error, ErrorKind};
use crate::stage::node::{Node, Status};
use shards::Shards;

pub(super) struct Progress {
    /// Calls to look up. The next one is at the front. Whatever a call makes ready goes there, so that its
    /// values are read and dropped before those of the next record are made.
    ready: VecDeque<usize>,
    /// Calls that must run and could, where several jobs choose among them.
    queue: Queue,
    /// Calls that must run, but that somebody else computes.
    elsewhere: Elsewhere,
    tasks: Vec<Task>,
    values: Readers,
    pub(super) held: Held,
    pub(super) limits: Limits,
    /// How many workers are busy with a call, and whoever follows what runs elsewhere while it looks.
    pub(super) busy: usize,
    /// How many workers wait for something to do.
    pub(super) asleep: usize,
    pub(super) stopped: bool,
    /// How many arrays an executor runs.
    pub(super) remote: usize,
    /// Whether all that was to be done is done.
    pub(super) over: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "they change apart from each other")]
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
    shards: Shards,
    /// Whether it reads its sources no more.
    has_read: bool,
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
    /// Runs a shard of an array, with what it takes of the machine.
    Shard(usize, usize, Need),
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
        let (held, elsewhere) = (Held::new(memory), Elsewhere::default());
        Self {
            ready,
            queue,
            elsewhere,
            tasks,
            values,
            held,
            limits,
            busy: 0,
            asleep: 0,
            stopped: false,
            remote: 0,
            over: false,
        }
    }

    /// Returns what became of each call. `forgotten` stands for one that was to run and that nobody has taken:
    /// that must not look like a run in which all is well.
    pub(super) fn into_ends(self, forgotten: impl Fn(usize) -> End) -> Vec<End> {
        let is_forgotten = |task: &Task| !self.stopped && task.wanted && task.end.is_none();
        let end = |(index, task): (usize, Task)| {
            if is_forgotten(&task) { forgotten(index) } else { task.end }
        };
        self.tasks.into_iter().enumerate().map(end).collect()
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
        loop {
            let (index, need) = self.queue.take(|index| self.limits.take(graph, index))?;
            let Some(table) = graph.nodes[index].table() else {
                return Some(Next::Run(index, need));
            };
            if let Some(shard) = table.take() {
                // Others take the next ones meanwhile.
                if table.has_work() {
                    self.queue.push(graph, index);
                }
                return Some(Next::Shard(index, shard, need));
            }
            self.limits.give_back(&need);
        }
    }

    #[cfg(test)]
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Returns the next call to look up, if it is one of those that `is_wanted` says.
    pub(super) fn next_if(&mut self, is_wanted: impl FnOnce(usize) -> bool) -> Option<usize> {
        if self.stopped { None } else { self.ready.pop_front_if(|index| is_wanted(*index)) }
    }

    /// Whether something could be done beside what is done now.
    pub(super) fn has_more(&self) -> bool {
        !self.ready.is_empty() || !self.queue.is_empty()
    }

    /// Whether all calls have ended.
    pub(super) fn is_done(&self) -> bool {
        !self.has_more() && self.tasks.iter().all(|task| !task.end.is_none())
    }

    /// Whether nothing is done any more, and nothing will be.
    pub(super) fn is_over(&self) -> bool {
        let waits = self.remote > 0 || !self.elsewhere.is_empty();
        self.busy == 0 && (self.stopped || !waits)
    }

    /// Notes that somebody else computes a call. Returns whether that is new.
    pub(super) fn leave(&mut self, index: usize) -> bool {
        self.elsewhere.add(index, Instant::now())
    }

    /// Notes that somebody else computes a shard of an array. Returns whether that is the first of them.
    pub(super) fn leave_shard(&mut self, index: usize) -> bool {
        !self.elsewhere.is_away(index) && self.leave(index)
    }

    pub(super) fn was_elsewhere(&self, index: usize) -> bool {
        self.elsewhere.knows(index)
    }

    /// Takes up again what somebody else may have computed by now.
    pub(super) fn come_back(&mut self) {
        if !self.elsewhere.is_empty() {
            self.ready.extend(self.elsewhere.take_due(Instant::now()));
        }
    }

    /// How long it is at most until something is to be taken up again; `None` if nothing is.
    pub(super) fn pause(&self) -> Option<Duration> {
        if self.elsewhere.is_empty() { None } else { self.elsewhere.pause(Instant::now()) }
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
        // One may have failed since it was found to be without: that need not be a loss.
        let is_needed = |source: &usize| {
            self.tasks[*source].because.is_none() || !graph.does_without(index, *source)
        };
        let sources = without.iter().filter_map(|node| graph.position(node));
        let sources: Vec<usize> = sources.filter(is_needed).collect();
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
        self.opened(graph, index);
        for &reader in graph.readers[index].iter().rev() {
            if !graph.takes_shards(reader, index) {
                self.one_more_settled(reader);
            }
        }
        // A call may have become wanted while it was settled.
        if self.tasks[index].wanted && graph.nodes[index].is_miss() {
            self.ready.push_front(index);
        }
    }

    /// Notes that a call does not run, at least until somebody asks for its values. Returns the calls whose
    /// values nobody will read any more, since nobody is left who could ask.
    pub(super) fn rests(&mut self, graph: &Graph<'_>, index: usize) -> Vec<usize> {
        self.settled(graph, index);
        let task = &self.tasks[index];
        let is_idle = !task.wanted && task.end.is_none() && self.values.left(index) == 0;
        let unread = if is_idle { self.has_read(graph, index) } else { Vec::new() };
        unread.iter().for_each(|source| self.held.dropped(*source));
        unread
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
        let mut unread = self.conclude(graph, index);
        if has_run {
            for held in graph.sources[index].iter().chain([&index]) {
                self.held.used(*held, &graph.nodes[*held]);
                self.queue.held(graph, &self.values, *held);
            }
        }
        if self.values.left(index) == 0 && !graph.readers[index].is_empty() {
            // All its readers were skipped while it ran.
            unread.push(index);
        }
        unread.iter().for_each(|source| self.held.dropped(*source));
        unread
    }

    /// Wakes those that wait for the values of a call that has ended, and returns the calls whose
    /// values nobody will read any more.
    fn conclude(&mut self, graph: &Graph<'_>, index: usize) -> Vec<usize> {
        self.queue.remove(index);
        self.wake(index);
        self.has_read(graph, index)
    }

    /// Notes that a call reads its sources no more. Returns the calls whose values nobody will read any more.
    fn has_read(&mut self, graph: &Graph<'_>, index: usize) -> Vec<usize> {
        if std::mem::replace(&mut self.tasks[index].has_read, true) {
            return Vec::new();
        }
        let Self { values, tasks, .. } = self;
        values.finished(index, &graph.sources, |source| {
            let task = &mut tasks[source];
            let is_idle = task.settled && !task.wanted && task.end.is_none();
            is_idle && !std::mem::replace(&mut task.has_read, true)
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
                // What takes the shards one by one can go on with those that are there.
                if self.tasks[source].shards >= Shards::Open && graph.takes_shards(reader, source) {
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
