//! The workers: each takes the next call, looks it up or runs it, and notes what became of it.
//!
//! A call is *settled* when it is known by which digests its outputs enter other keys: it was found, it
//! has run, or it lives in memory and so enters by its key. A call is *wanted* when its values are
//! needed. Calls are settled in the order of their inputs; a wanted one that was not found first makes
//! the calls wanted whose values it needs, waits for them, and then runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::End;
use super::graph::Graph;
use super::limits::Limits;
use super::progress::{Needs, Next, Progress};
use crate::error::{Error, ErrorKind, panic_text};
use crate::event::Event;
use crate::executor::Executor;
use crate::experiment::RunOptions;
use crate::experiment::declare::Declaration;
use crate::stage::execute::IfTaken;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};

pub(super) struct Scheduler<'a> {
    pub(super) graph: Graph<'a>,
    pub(super) fail_fast: bool,
    /// Whether a call that must run waits for its turn, since several could run in its place.
    chooses: bool,
    pub(super) executor: Option<&'a dyn Executor>,
    state: Mutex<Progress>,
    pub(super) changed: Condvar,
}

impl<'a> Scheduler<'a> {
    pub(super) fn new(declaration: &'a Declaration, options: &'a RunOptions) -> Self {
        let graph = Graph::new(&declaration.nodes);
        let jobs = options.jobs_or_cores();
        let limits = Limits::new(jobs, options.machine_memory, &graph);
        let state = Mutex::new(Progress::new(&graph, limits, options.memory));
        let (fail_fast, chooses) = (options.fail_fast, jobs > 1);
        let executor = options.executor.as_deref();
        Self { graph, fail_fast, chooses, executor, state, changed: Condvar::new() }
    }

    pub(super) fn into_ends(self) -> Vec<End> {
        let progress = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        progress.into_ends(|index| {
            let message =
                "the run has ended without it, which is a mistake in memo; the next run goes on";
            End::Failed(self.graph.nodes[index].blame(Error::new(ErrorKind::Stage, message)))
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the workers that wait, if there are any: most changes are none that anybody waits for, and asking
    /// the system each time would take longer than a look-up.
    fn wake(&self, state: &Progress) {
        if state.asleep > 0 {
            self.changed.notify_all();
        }
    }

    /// The same after a step that made others ready. A worker takes the next of them itself, and wakes others
    /// if it leaves any; who follows what runs elsewhere is no worker.
    fn wake_for_another(&self, state: &Progress) {
        if self.executor.is_some() {
            self.wake(state);
        }
    }

    /// Takes the calls that were read ahead, up to the first that was not: one thread does that sooner than
    /// several that keep each other waiting. Returns whether anything is left.
    pub(super) fn take_read_ahead(&self) -> bool {
        loop {
            let mut state = self.state();
            let is_interrupted = self.is_interrupted();
            let next =
                state.next_if(|index| !is_interrupted && self.graph.nodes[index].was_read_ahead());
            let Some(next) = next else { return !state.is_done() };
            drop(state);
            self.take(&Next::LookUp(next));
        }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.graph.nodes.first().is_some_and(|node| node.session.is_interrupted())
    }

    /// What each worker does until nothing is left.
    pub(super) fn work(&self) {
        let mut state = self.state();
        loop {
            if self.is_interrupted() {
                state.stopped = true;
            }
            state.come_back();
            match state.next(&self.graph) {
                Some(next) => {
                    state.busy += 1;
                    // Whoever has nothing to do takes what is left beside it.
                    if state.has_more() {
                        self.wake(&state);
                    }
                    drop(state);
                    self.take(&next);
                    state = self.state();
                    state.busy -= 1;
                    if let Next::Run(_, need) | Next::Shard(_, _, need) = &next {
                        state.limits.give_back(need);
                        self.wake(&state);
                    }
                }
                None if state.is_over() => {
                    self.wake(&state);
                    return;
                }
                None => state = self.wait(state),
            }
        }
    }

    /// Waits until something has changed, or a call is to be tried again.
    fn wait<'s>(&self, mut state: MutexGuard<'s, Progress>) -> MutexGuard<'s, Progress> {
        state.asleep += 1;
        let mut state = match state.pause() {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(pause) => {
                let woken = self.changed.wait_timeout(state, pause);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.asleep -= 1;
        state
    }

    fn take(&self, next: &Next) {
        let (index, shard, may_run) = match next {
            Next::LookUp(index) => (*index, None, !self.chooses),
            Next::Run(index, _) => (*index, None, true),
            Next::Shard(index, shard, _) => (*index, Some(*shard), true),
        };
        if let Next::Run(_, need) | Next::Shard(_, _, need) = next
            && let Some(message) = &need.too_much
        {
            self.graph.nodes[index].warn(message.clone(), false);
        }
        // A panic around a body (an observer's, a `Drop`) must not leave the others waiting.
        let step = AssertUnwindSafe(|| match shard {
            Some(shard) => self.shard(index, shard),
            None => self.step(index, may_run),
        });
        if let Err(panic) = catch_unwind(step) {
            self.panicked(index, shard, panic_text(&*panic));
        }
    }

    /// Takes a call as far as it can go now.
    fn step(&self, index: usize, may_run: bool) {
        if self.shards_come_back(index) {
            return;
        }
        let node = &self.graph.nodes[index];
        if node.array.is_some() && node.is_open() {
            match self.needs_of(index, &node.valueless_elements()) {
                Needs::Nothing => {}
                Needs::Others => return,
                Needs::Lost(because) => return self.skip(index, because),
            }
        }
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
            Status::Miss(_) if !self.state().is_wanted_now(&self.graph, index) => {
                drop(turn);
                return self.array_rests(index);
            }
            Status::Miss(_) if node.array.is_some() => {
                drop(turn);
                return self.array(index);
            }
            Status::Miss(_) if let Some(executor) = self.executor_of(node) => {
                drop(turn);
                return match self.needs_elsewhere(index) {
                    Needs::Others => {}
                    Needs::Lost(because) => self.skip(index, because),
                    Needs::Nothing => self.send(index, executor),
                };
            }
            Status::Miss(_) => match self.needs(index) {
                Needs::Others => return,
                Needs::Lost(because) => {
                    drop(turn);
                    return self.skip(index, because);
                }
                Needs::Nothing if self.is_still_elsewhere(index) => return self.elsewhere(index),
                Needs::Nothing if !may_run => {
                    drop(turn);
                    let mut state = self.state();
                    state.wait_for_turn(&self.graph, index);
                    return self.wake(&state);
                }
                Needs::Nothing => match node.run_or(IfTaken::ComeBack) {
                    Ok(false) => return self.elsewhere(index),
                    Ok(true) if matches!(node.status(), Status::Hit) => (End::Cached, true),
                    Ok(true) => (End::Ran, true),
                    Err(error) => (End::Failed(error), false),
                },
            },
        };
        drop(turn);
        if settled {
            self.finished(index, end);
        } else {
            self.failed(index, end);
        }
    }

    /// Asks for the values that this call needs and that nobody has made.
    pub(super) fn needs(&self, index: usize) -> Needs {
        self.needs_of(index, &self.graph.nodes[index].valueless())
    }

    pub(super) fn needs_of(&self, index: usize, without: &[Arc<Node>]) -> Needs {
        let mut state = self.state();
        let needs = state.ask(&self.graph, index, without);
        if let Needs::Others = needs {
            self.wake(&state);
        }
        needs
    }

    /// Whether somebody else computed the call when it was tried last, and still does.
    fn is_still_elsewhere(&self, index: usize) -> bool {
        let was = self.state().was_elsewhere(index);
        was && self.graph.nodes[index].is_taken()
    }

    /// Leaves a call to whoever computes it: another runs in its place until it is tried again.
    fn elsewhere(&self, index: usize) {
        if self.state().leave(index) {
            self.graph.nodes[index].told_waiting();
        }
        self.changed.notify_all();
    }

    /// Tells the readers of a call that its digests are known.
    pub(super) fn settled(&self, index: usize) {
        let mut state = self.state();
        state.settled(&self.graph, index);
        self.wake(&state);
    }

    /// Notes that a call does not run, at least until somebody asks for its values.
    pub(super) fn rests(&self, index: usize) {
        let unread = self.state().rests(&self.graph, index);
        self.drop_values(&unread);
        self.wake(&self.state());
    }

    /// Notes that a call is done, wakes those that wait for its values or digests, and lets go of values that
    /// nobody will read any more, and of those for which there is no room.
    pub(super) fn finished(&self, index: usize, end: End) {
        if self.graph.readers[index].is_empty() {
            self.graph.nodes[index].evict_all();
        }
        let mut state = self.state();
        state.settled(&self.graph, index);
        let unread = state.finished(&self.graph, index, end);
        let evicted = state.held.make_room();
        let too_much = state.held.too_much();
        if unread.is_empty() && evicted.is_empty() && too_much.is_none() {
            return self.wake_for_another(&state);
        }
        drop(state);
        // Before anybody is woken, so that there is room for what comes next.
        self.drop_values(&unread);
        evicted.iter().for_each(|call| self.graph.nodes[*call].evict_all());
        if let Some(message) = too_much {
            self.graph.nodes[index].warn(message, false);
        }
        self.wake_for_another(&self.state());
    }

    /// Notes a failure, and skips all that depends on it.
    pub(super) fn failed(&self, index: usize, end: End) {
        let interrupted =
            matches!(&end, End::Failed(error) if error.kind() == ErrorKind::Interrupted);
        let mut state = self.state();
        if interrupted || self.fail_fast {
            state.stopped = true;
        }
        if interrupted {
            drop(state);
        } else {
            let because = self.graph.nodes[index].spec.name;
            let (skipped, unread) = state.failed(&self.graph, index, end, because);
            drop(state);
            self.drop_values(&unread);
            self.tell_skipped(&skipped, because);
        }
        self.wake(&self.state());
    }

    /// Skips a call whose inputs cannot be had, since a call that makes one has failed before.
    pub(super) fn skip(&self, index: usize, because: &'static str) {
        let node = &self.graph.nodes[index];
        node.skip(because);
        let (mut skipped, unread) = self.state().failed(&self.graph, index, End::Skipped, because);
        skipped.insert(0, index);
        self.drop_values(&unread);
        self.tell_skipped(&skipped, because);
        self.wake(&self.state());
    }

    fn tell_skipped(&self, skipped: &[usize], because: &'static str) {
        for node in skipped.iter().map(|skipped| &self.graph.nodes[*skipped]) {
            let (stage, record) = (node.spec.name, node.record_name());
            node.session.store.emit(|| Event::Skipped { stage, record, because });
        }
    }

    fn drop_values(&self, unread: &[usize]) {
        unread.iter().for_each(|source| self.graph.nodes[*source].drop_values());
    }

    fn panicked(&self, index: usize, shard: Option<usize>, what: &str) {
        let node = &self.graph.nodes[index];
        let error = Error::new(ErrorKind::Stage, format!("it panicked outside its body: {what}"));
        if let Some(shard) = shard {
            let told = AssertUnwindSafe(|| self.shard_panicked(index, shard, &error));
            if catch_unwind(told).is_err() {
                self.state().stopped = true;
            }
            return;
        }
        let error = node.blame(error);
        node.set_status(Status::Failed(error.clone()));
        let told = AssertUnwindSafe(|| self.failed(index, End::Failed(error)));
        if catch_unwind(told).is_err() {
            self.state().stopped = true;
        }
    }
}
