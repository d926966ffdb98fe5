//! The workers: each takes the next call, looks it up or runs it, and notes what became of it.
//!
//! A call is *settled* when it is known by which digests its outputs enter other keys: it was found, it
//! has run, or it lives in memory and so enters by its key. A call is *wanted* when its values are
//! needed. Calls are settled in the order of their inputs; a wanted one that was not found first makes
//! the calls wanted whose values it needs, waits for them, and then runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::End;
use super::graph::Graph;
use super::limits::Limits;
use super::progress::{Needs, Next, Progress};
use crate::error::{Error, ErrorKind, panic_text};
use crate::event::Event;
use crate::event::MissReason;
use crate::executor::Executor;
use crate::experiment::RunOptions;
use crate::experiment::declare::Declaration;
use crate::stage::array::table::Table;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};

pub(super) struct Scheduler<'a> {
    graph: Graph<'a>,
    fail_fast: bool,
    /// Whether a call that must run waits for its turn, since several could run in its place.
    chooses: bool,
    executor: Option<&'a dyn Executor>,
    state: Mutex<Progress>,
    changed: Condvar,
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
        progress.into_ends()
    }

    fn state(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each worker does until nothing is left.
    pub(super) fn work(&self) {
        let mut state = self.state();
        loop {
            if self.graph.nodes.first().is_some_and(|node| node.session.is_interrupted()) {
                state.stopped = true;
            }
            match state.next(&self.graph) {
                Some(next) => {
                    state.busy += 1;
                    drop(state);
                    self.take(&next);
                    state = self.state();
                    state.busy -= 1;
                    if let Next::Run(_, need) | Next::Shard(_, _, need) = &next {
                        state.limits.give_back(need);
                        self.changed.notify_all();
                    }
                    if state.busy == 0 {
                        self.changed.notify_all();
                    }
                }
                None if state.busy == 0 && (state.elsewhere == 0 || state.stopped) => {
                    self.changed.notify_all();
                    return;
                }
                None => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
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
            self.panicked(index, panic_text(&*panic));
        }
    }

    /// Takes a call as far as it can go now.
    fn step(&self, index: usize, may_run: bool) {
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
                self.opened(index);
                return self.settled(index);
            }
            Status::Miss(reason) if node.array.is_some() => {
                drop(turn);
                return self.array(index, reason);
            }
            Status::Miss(_) => match self.needs(index) {
                Needs::Others => return,
                Needs::Lost(because) => {
                    drop(turn);
                    return self.skip(index, because);
                }
                Needs::Nothing if !may_run => {
                    drop(turn);
                    self.state().wait_for_turn(&self.graph, index);
                    return self.changed.notify_all();
                }
                Needs::Nothing => match node.run() {
                    Ok(()) if matches!(node.status(), Status::Hit) => (End::Cached, true),
                    Ok(()) => (End::Ran, true),
                    Err(error) => (End::Failed(error), false),
                },
            },
        };
        drop(turn);
        if settled {
            self.settled(index);
            self.finished(index, end);
        } else {
            self.failed(index, end);
        }
    }

    /// Asks for the values that this call needs and that nobody has made.
    fn needs(&self, index: usize) -> Needs {
        self.needs_of(index, &self.graph.nodes[index].valueless())
    }

    fn needs_of(&self, index: usize, without: &[Arc<Node>]) -> Needs {
        let needs = self.state().ask(&self.graph, index, without);
        if let Needs::Others = needs {
            self.changed.notify_all();
        }
        needs
    }

    /// Takes an array, some shards of which are to run, as far as it can go now.
    fn array(&self, index: usize, reason: MissReason) {
        let node = &self.graph.nodes[index];
        // Shards of another array may have ended while this one was opened.
        node.catch_up();
        self.opened(index);
        match self.needs(index) {
            Needs::Others => return,
            Needs::Lost(because) => return self.skip(index, because),
            Needs::Nothing => {}
        }
        let begins = self.state().shards_run(index);
        if begins {
            node.told_array_started(reason);
        }
        self.more_shards(index);
    }

    /// Runs a shard of an array.
    fn shard(&self, index: usize, shard: usize) {
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
        let goes = self.state().goes_elsewhere(&self.graph, index);
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
            let runs = waited.unwrap_or_else(PoisonError::into_inner).0.elsewhere > 0;
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
        self.state().comes_back(index);
        if let Some(because) = node.lost_to() {
            node.let_go_of_elements();
            return self.skip(index, because);
        }
        match node.end_array() {
            Ok(()) => {
                self.settled(index);
                self.finished(index, End::Ran);
            }
            Err(error) => self.failed(index, End::Failed(error)),
        }
    }

    /// Tells what takes the shards of an array one by one that its elements are known.
    fn opened(&self, index: usize) {
        if self.graph.nodes[index].table().is_some() {
            self.state().opened(&self.graph, index);
            self.changed.notify_all();
        }
    }

    /// Tells the readers of a call that its digests are known.
    fn settled(&self, index: usize) {
        self.state().settled(&self.graph, index);
        self.changed.notify_all();
    }

    /// Notes that a call is done, wakes those that wait for its values, and lets go of values that
    /// nobody will read any more.
    fn finished(&self, index: usize, end: End) {
        let unread = self.state().finished(&self.graph, index, end);
        self.drop_values(&unread);
        self.make_room();
        self.changed.notify_all();
    }

    /// Notes a failure, and skips all that depends on it.
    fn failed(&self, index: usize, end: End) {
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
        self.changed.notify_all();
    }

    /// Skips a call whose inputs cannot be had, since a call that makes one has failed before.
    fn skip(&self, index: usize, because: &'static str) {
        let node = &self.graph.nodes[index];
        node.skip(because);
        let (mut skipped, unread) = self.state().failed(&self.graph, index, End::Skipped, because);
        skipped.insert(0, index);
        self.drop_values(&unread);
        self.tell_skipped(&skipped, because);
        self.changed.notify_all();
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

    /// Evicts values that can be read again, while more is held than the run may hold.
    fn make_room(&self) {
        let evicted = self.state().held.make_room();
        self.drop_values(&evicted);
    }

    fn panicked(&self, index: usize, what: &str) {
        let node = &self.graph.nodes[index];
        let error = Error::new(ErrorKind::Stage, format!("it panicked outside its body: {what}"));
        let error = node.blame(error);
        node.set_status(Status::Failed(error.clone()));
        let told = AssertUnwindSafe(|| self.failed(index, End::Failed(error)));
        if catch_unwind(told).is_err() {
            self.state().stopped = true;
        }
    }
}
