//! Running a plan: what is found is found, what must run runs, as many at a time as there are jobs.
//!
//! A call is *settled* when it is known by which digests its outputs enter other keys: it was found, it
//! has run, or it lives in memory and so enters by its key. A call is *wanted* when its values are
//! needed. Calls are settled in the order of their inputs; a wanted one that was not found first makes
//! the calls wanted whose values it needs, waits for them, and then runs.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::{Error, ErrorKind, panic_text};
use crate::event::Event;
use crate::experiment::RunOptions;
use crate::experiment::declare::Declaration;
use crate::experiment::outcome::Outcome;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};
use crate::store::history::{self, CallRecord, RunRecord};
use crate::store::links;

pub(crate) mod check;
pub(crate) mod ended;
mod readers;
mod tally;

use readers::Readers;

/// Runs what was declared.
pub(crate) fn run(experiment: &str, declaration: Declaration, options: &RunOptions) -> Outcome {
    let start = Instant::now();
    let jobs = options.jobs_or_cores();
    let store = declaration.session.store.clone();
    store.emit(|| Event::RunStarted {
        version: Event::VERSION,
        experiment: experiment.to_owned(),
        run: store.run().to_owned(),
        records: declaration.records.len(),
        calls: declaration.nodes.len(),
        jobs,
    });
    let scheduler = Scheduler::new(&declaration, options.fail_fast);
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(declaration.nodes.len()).max(1) {
            scope.spawn(|| scheduler.work());
        }
        scheduler.work();
    });
    let ends = scheduler.into_ends();
    let lost = tally::publish(&declaration, &ends);
    let mut outcome = tally::outcome(&declaration, &ends);
    outcome.lost += lost;
    if options.tells_calls {
        outcome.calls = ended::calls(&declaration, &ends);
    }
    outcome.interrupted = declaration.session.is_interrupted();
    outcome.seconds = start.elapsed().as_secs_f64();
    write_down(experiment, &declaration, &outcome, tally::misses(&declaration, &ends));
    (outcome.records, outcome.aggregates) = declaration.states();
    store.emit(|| Event::RunFinished {
        cached: outcome.cached,
        ran: outcome.ran,
        failed: outcome.failed,
        skipped: outcome.skipped,
        seconds: outcome.seconds,
        saved: outcome.saved,
    });
    outcome
}

/// Links the results, and adds the run to the store's history. Neither is worth failing for.
fn write_down(
    experiment: &str,
    declaration: &Declaration,
    outcome: &Outcome,
    calls: Vec<CallRecord>,
) {
    let store = &declaration.session.store;
    let record = RunRecord {
        memo: 1,
        run: store.run(),
        experiment,
        arguments: history::arguments(),
        records: declaration.records.iter().map(|name| &**name).collect(),
        ended: history::now(),
        seconds: outcome.seconds,
        cached: outcome.cached,
        ran: outcome.ran,
        failed: outcome.failed,
        skipped: outcome.skipped,
        interrupted: outcome.interrupted,
        failures: outcome.failures.iter().map(Error::chain).collect(),
        stages: &outcome.stages,
        calls,
    };
    let written = links::make(store, experiment, &declaration.frames).and(record.write(store));
    // Where nobody may write, nobody expects a history.
    let forbidden = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
    };
    if let Err(error) = written
        && !forbidden(&error)
    {
        let message = format!("the run is not in the store's history: {error}");
        let (stage, record, lost) = (None, None, false);
        store.emit(|| Event::Warning { stage, record, message, lost });
    }
}

/// What became of a call in this run.
#[derive(Debug, Clone, Default)]
pub(crate) enum End {
    /// Nothing: it was not needed, or the run ended before it.
    #[default]
    None,
    Cached,
    Ran,
    Failed(Error),
    /// Something that it needs has failed.
    Skipped,
}

struct Scheduler<'a> {
    nodes: &'a [Arc<Node>],
    /// For each node, those that read its outputs, each once.
    readers: Vec<Vec<usize>>,
    /// For each node, those whose outputs it reads, each once.
    sources: Vec<Vec<usize>>,
    /// Where in `nodes` a node of an address is.
    positions: HashMap<usize, usize>,
    fail_fast: bool,
    state: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    /// The next one is at the front. Whatever a call makes ready goes there, so that its values are read
    /// and dropped before those of the next record are made.
    ready: VecDeque<usize>,
    tasks: Vec<Task>,
    values: Readers,
    /// How many workers are busy with a call.
    busy: usize,
    stopped: bool,
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
}

impl<'a> Scheduler<'a> {
    fn new(declaration: &'a Declaration, fail_fast: bool) -> Self {
        let nodes = &declaration.nodes[..];
        let positions: HashMap<usize, usize> =
            nodes.iter().enumerate().map(|(index, node)| (address(node), index)).collect();
        let mut readers = vec![Vec::new(); nodes.len()];
        let sources: Vec<Vec<usize>> = nodes
            .iter()
            .map(|node| {
                let above = node.upstream().filter_map(|above| positions.get(&address(above)));
                let mut above: Vec<usize> = above.copied().collect();
                above.sort_unstable();
                above.dedup();
                above
            })
            .collect();
        for (index, above) in sources.iter().enumerate() {
            above.iter().for_each(|source: &usize| readers[*source].push(index));
        }
        let tasks: Vec<Task> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| Task {
                unsettled: sources[index].len(),
                wanted: is_wanted(node, readers[index].is_empty()),
                ..Task::default()
            })
            .collect();
        let ready = (0..nodes.len()).filter(|index| tasks[*index].unsettled == 0).collect();
        let values = Readers::new(readers.iter().map(Vec::len).collect());
        let progress = Progress { ready, tasks, values, busy: 0, stopped: false };
        let (state, changed) = (Mutex::new(progress), Condvar::new());
        Self { nodes, readers, sources, positions, fail_fast, state, changed }
    }

    fn into_ends(self) -> Vec<End> {
        let progress = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        progress.tasks.into_iter().map(|task| task.end).collect()
    }

    fn state(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each worker does until nothing is left.
    fn work(&self) {
        let mut state = self.state();
        loop {
            if self.nodes.first().is_some_and(|node| node.session.is_interrupted()) {
                state.stopped = true;
            }
            let next = if state.stopped { None } else { state.ready.pop_front() };
            match next {
                Some(index) => {
                    state.busy += 1;
                    drop(state);
                    // A panic around a body (an observer's, a `Drop`) must not leave the others waiting.
                    let step = AssertUnwindSafe(|| self.step(index));
                    if let Err(panic) = catch_unwind(step) {
                        self.panicked(index, panic_text(&*panic));
                    }
                    state = self.state();
                    state.busy -= 1;
                    if state.busy == 0 {
                        self.changed.notify_all();
                    }
                }
                None if state.busy == 0 => {
                    self.changed.notify_all();
                    return;
                }
                None => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Takes a call as far as it can go now.
    fn step(&self, index: usize) {
        let node = &self.nodes[index];
        let turn = node.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !node.settle() && node.wait_for_key().is_some() {
            node.settle();
        }
        let (end, settled) = match node.status() {
            Status::Hit => (End::Cached, true),
            Status::Failed(error) => (End::Failed(error), false),
            // The pipeline function has forced it while it declared.
            Status::Ran => (End::Ran, true),
            Status::Open if node.inputs.iter().any(Input::is_unknown) => {
                let message = "not run, since a record ended early whose value it needs";
                let error = node.blame(Error::new(ErrorKind::Stage, message));
                node.set_status(Status::Failed(error));
                let (stage, record) = (node.spec.name, node.record_name());
                let because = "a value that the pipeline function asks for";
                node.session.store.emit(|| Event::Skipped { stage, record, because });
                (End::Skipped, false)
            }
            Status::Open => {
                let error = Error::new(ErrorKind::Wiring, "the digest of an input is not known");
                (End::Failed(node.blame(error)), false)
            }
            Status::Miss(_) if !self.is_wanted_now(index) => {
                drop(turn);
                return self.settled(index);
            }
            Status::Miss(_) => {
                if self.waits_for_values(index) {
                    drop(turn);
                    return;
                }
                match node.run() {
                    Ok(()) if matches!(node.status(), Status::Hit) => (End::Cached, true),
                    Ok(()) => (End::Ran, true),
                    Err(error) => (End::Failed(error), false),
                }
            }
        };
        drop(turn);
        if settled {
            self.settled(index);
            self.finished(index, end);
        } else {
            self.failed(index, end);
        }
    }

    /// Whether a call that was not found is to run. One whose artifacts were removed waits until
    /// somebody asks for its values.
    fn is_wanted_now(&self, index: usize) -> bool {
        let mut state = self.state();
        let task = &mut state.tasks[index];
        let has_readers = !self.readers[index].is_empty();
        if !task.asked && has_readers && self.nodes[index].has_outlived_artifacts() {
            task.wanted = false;
        }
        let node = &self.nodes[index];
        let on_demand = task.asked && !node.is_kept() && node.uncached.is_none();
        let mut readers = self.readers[index].iter();
        // Whoever has asked may have been skipped since.
        if on_demand && readers.all(|reader| !matches!(state.tasks[*reader].end, End::None)) {
            state.tasks[index].wanted = false;
        }
        state.tasks[index].wanted
    }

    /// Makes the sources wanted whose values this call needs and that nobody has made. Returns whether
    /// there are any: then the call is taken up again when they are done.
    fn waits_for_values(&self, index: usize) -> bool {
        let without = self.nodes[index].valueless();
        let mut state = self.state();
        let mut count = 0;
        for source in without.iter().filter_map(|node| self.positions.get(&address(node))) {
            let task = &mut state.tasks[*source];
            if !matches!(task.end, End::None) || task.waiting.contains(&index) {
                continue;
            }
            count += 1;
            task.waiting.push(index);
            task.asked = true;
            if !task.wanted {
                task.wanted = true;
                let settled = task.settled;
                if settled {
                    state.ready.push_front(*source);
                }
            }
        }
        state.tasks[index].valueless += count;
        if count > 0 {
            self.changed.notify_all();
        }
        count > 0
    }

    /// Tells the readers of a call that its digests are known.
    fn settled(&self, index: usize) {
        let mut state = self.state();
        if std::mem::replace(&mut state.tasks[index].settled, true) {
            return;
        }
        for reader in self.readers[index].iter().rev() {
            let task = &mut state.tasks[*reader];
            task.unsettled = task.unsettled.saturating_sub(1);
            if task.unsettled == 0 && matches!(task.end, End::None) {
                state.ready.push_front(*reader);
            }
        }
        // A call may have become wanted while it was settled.
        if state.tasks[index].wanted && self.nodes[index].is_miss() {
            state.ready.push_front(index);
        }
        self.changed.notify_all();
    }

    /// Notes that a call is done, wakes those that wait for its values, and lets go of values that
    /// nobody will read any more.
    fn finished(&self, index: usize, end: End) {
        let mut state = self.state();
        if !matches!(state.tasks[index].end, End::None) {
            return;
        }
        state.tasks[index].end = end;
        let unread = self.conclude(&mut state, index);
        drop(state);
        unread.into_iter().for_each(|source| self.nodes[source].drop_values());
        self.changed.notify_all();
    }

    /// Wakes those that wait for the values of a call that has ended, and returns the calls whose
    /// values nobody will read any more.
    fn conclude(&self, state: &mut Progress, index: usize) -> Vec<usize> {
        wake(state, index);
        let Progress { values, tasks, .. } = state;
        values.finished(index, &self.sources, |source| {
            let task = &tasks[source];
            task.settled && !task.wanted && matches!(task.end, End::None)
        })
    }

    /// Notes a failure, and skips all that depends on it. Those are marked before anybody is woken, so
    /// that none of them starts.
    fn failed(&self, index: usize, end: End) {
        let interrupted =
            matches!(&end, End::Failed(error) if error.kind() == ErrorKind::Interrupted);
        let mut state = self.state();
        if interrupted || self.fail_fast {
            state.stopped = true;
        }
        if !interrupted && matches!(state.tasks[index].end, End::None) {
            state.tasks[index].end = end;
            let skipped = self.skip_readers(&mut state, index);
            let ended = skipped.iter().chain([&index]);
            let unread: Vec<usize> =
                ended.flat_map(|ended| self.conclude(&mut state, *ended)).collect();
            drop(state);
            unread.into_iter().for_each(|source| self.nodes[source].drop_values());
            let because = self.nodes[index].spec.name;
            for node in skipped.into_iter().map(|skipped| &self.nodes[skipped]) {
                let (stage, record) = (node.spec.name, node.record_name());
                node.session.store.emit(|| Event::Skipped { stage, record, because });
            }
        }
        self.changed.notify_all();
    }

    /// Marks all that cannot run without a failed call, and returns it.
    fn skip_readers(&self, state: &mut Progress, failed: usize) -> Vec<usize> {
        let because = self.nodes[failed].spec.name;
        let mut skipped = Vec::new();
        let mut open = vec![failed];
        while let Some(source) = open.pop() {
            for &reader in &self.readers[source] {
                if !matches!(state.tasks[reader].end, End::None) {
                    continue;
                }
                let node = &self.nodes[reader];
                if node.does_without(source, &self.positions) {
                    settled_by_absence(state, source, reader);
                    continue;
                }
                let message = format!("not run, since `{because}` failed");
                node.set_status(Status::Failed(node.blame(Error::new(ErrorKind::Stage, message))));
                state.tasks[reader].end = End::Skipped;
                skipped.push(reader);
                open.push(reader);
            }
        }
        skipped
    }

    fn panicked(&self, index: usize, what: &str) {
        let node = &self.nodes[index];
        let error = Error::new(ErrorKind::Stage, format!("it panicked outside its body: {what}"));
        let error = node.blame(error);
        node.set_status(Status::Failed(error.clone()));
        let told = AssertUnwindSafe(|| self.failed(index, End::Failed(error)));
        if catch_unwind(told).is_err() {
            self.state().stopped = true;
        }
    }
}

/// One of the sources of an aggregate has failed, and it can do without.
fn settled_by_absence(state: &mut Progress, source: usize, reader: usize) {
    // One that lives in memory was settled before it was asked for its value and failed.
    if state.tasks[source].settled {
        return;
    }
    let task = &mut state.tasks[reader];
    task.unsettled = task.unsettled.saturating_sub(1);
    if task.unsettled == 0 && matches!(task.end, End::None) {
        state.ready.push_front(reader);
    }
}

/// Takes up again what has waited for a call's values.
fn wake(state: &mut Progress, index: usize) {
    for waiting in std::mem::take(&mut state.tasks[index].waiting) {
        let task = &mut state.tasks[waiting];
        task.valueless -= 1;
        if task.valueless == 0 && matches!(task.end, End::None) {
            state.ready.push_front(waiting);
        }
    }
}

/// Tells nodes apart.
fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node).addr()
}

/// Whether a call runs though nobody has asked for its values yet.
fn is_wanted(node: &Node, is_last: bool) -> bool {
    node.is_kept() || node.uncached.is_some() || node.outputs.is_empty() || is_last
}

impl Node {
    pub(crate) fn is_miss(&self) -> bool {
        matches!(self.status(), Status::Miss(_))
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.status(), Status::Failed(_))
    }

    /// Drops the values of all outputs: nobody in this run reads them any more.
    fn drop_values(&self) {
        for index in 0..self.outputs.len() {
            if self.kept(index).is_some() {
                self.evict(index);
            } else {
                self.outputs[index].evict();
            }
        }
    }

    /// Whether the failed source is read only where it may be absent.
    fn does_without(&self, source: usize, positions: &HashMap<usize, usize>) -> bool {
        self.inputs.iter().all(|input| {
            let reads = input
                .handles()
                .filter_map(crate::lazy::Handle::node)
                .any(|above| positions.get(&address(above)) == Some(&source));
            !reads || input.may_be_absent()
        })
    }
}
