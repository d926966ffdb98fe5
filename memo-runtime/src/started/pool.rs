//! [`Pool`]: runs started calls, on threads that end when there is nothing left to run.
//!
//! A call is handed to a thread when what it reads has ended, so no thread waits for another. Whoever
//! needs a call before its turn runs it on a thread of its own: the node's turn sees to it that one
//! does, and the pool finds it done. So nothing waits for a free thread, and nobody waits in a ring.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::CallStatus;
use super::progress::Progress;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, panic_text};
use crate::record::Frame;
use crate::stage::node::Node;

pub(crate) struct Pool {
    state: Mutex<State>,
    /// How many threads there may be.
    jobs: usize,
}

#[derive(Default)]
struct State {
    /// What has not ended, by the address of its node.
    calls: HashMap<usize, UnderWay>,
    by_stamp: HashMap<Digest, usize>,
    /// What can be run.
    ready: VecDeque<usize>,
    threads: usize,
}

struct UnderWay {
    node: Arc<Node>,
    stamps: Vec<Digest>,
    /// How many of the calls that it reads from have not ended.
    unmet: usize,
    /// The calls that read from it.
    readers: Vec<usize>,
}

impl Pool {
    pub(crate) fn new(jobs: Option<usize>) -> Self {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        Self { state: Mutex::default(), jobs: jobs.unwrap_or_else(cores).max(1) }
    }

    /// Returns how many calls run at a time.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a call of a record, or finds the equal one that is under way.
    pub(crate) fn start(self: &Arc<Self>, node: Arc<Node>, frame: &Frame) -> Arc<Node> {
        let stamps = node.stamps();
        if let Some(found) = self.state().find(&stamps, &node, frame) {
            return found;
        }
        node.progress.get_or_init(|| Arc::new(Progress::wanted_by(frame)));
        if node.is_found_at_once() {
            return node;
        }
        let mut state = self.state();
        if let Some(found) = state.find(&stamps, &node, frame) {
            return found;
        }
        state.add(&node, stamps);
        let hires = state.hires(self.jobs, 1);
        drop(state);
        self.hire(hires);
        node
    }

    /// Returns the call that is under way and equal to one of a record.
    pub(crate) fn join(&self, node: &Node, frame: &Frame) -> Option<Arc<Node>> {
        if self.state().calls.is_empty() {
            return None;
        }
        let stamps = node.stamps();
        self.state().find(&stamps, node, frame)
    }

    fn hire(self: &Arc<Self>, count: usize) {
        for _ in 0..count {
            let pool = Arc::clone(self);
            let hired = thread::Builder::new().name("memo".to_owned()).spawn(move || pool.work());
            if hired.is_err() {
                // Where no thread is to be had, this one does the work.
                self.work();
            }
        }
    }

    fn work(self: &Arc<Self>) {
        while let Some(node) = self.next() {
            // Errors are told to whoever asks. A panic that is not the body's, as that of an observer,
            // must not leave anybody waiting.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| node.make())) {
                let message = format!("a panic around the stage: {}", panic_text(&*panic));
                node.ends_with(&node.blame(Error::new(ErrorKind::Stage, message)));
            }
            self.finish(&node);
        }
    }

    /// Returns what to run next. Who gets nothing ends.
    fn next(&self) -> Option<Arc<Node>> {
        let mut state = self.state();
        let Some(node) = state.take_ready() else {
            state.threads -= 1;
            return None;
        };
        drop(state);
        // What it reads is there, so it is equal to calls that read the same from elsewhere.
        let stamps = node.stamps();
        self.state().stamp(&node, stamps);
        Some(node)
    }

    /// Lets go of a call that has ended, and hands over what waited for it.
    fn finish(self: &Arc<Self>, node: &Arc<Node>) {
        let mut state = self.state();
        let ended = state.remove(address(node));
        let ready = ended.iter().flat_map(|call| &call.readers);
        let ready = ready.filter(|reader| state.meet(**reader)).count();
        // This thread goes on with one of them.
        let hires = state.hires(self.jobs, ready.saturating_sub(1));
        drop(state);
        // Values may take long to drop.
        drop(ended);
        self.hire(hires);
    }
}

impl State {
    /// Finds an equal call that the record can still join.
    fn find(&self, stamps: &[Digest], node: &Node, frame: &Frame) -> Option<Arc<Node>> {
        stamps.iter().find_map(|stamp| {
            let found = &self.calls.get(self.by_stamp.get(stamp)?)?.node;
            let joins = found.is_alike(node) && found.progress.get()?.join(frame);
            joins.then(|| Arc::clone(found))
        })
    }

    fn add(&mut self, node: &Arc<Node>, stamps: Vec<Digest>) {
        let us = address(node);
        let mut above: Vec<usize> = node.upstream().map(address).collect();
        above.sort_unstable();
        above.dedup();
        let mut unmet = 0;
        for source in above {
            if let Some(source) = self.calls.get_mut(&source) {
                source.readers.push(us);
                unmet += 1;
            }
        }
        let (stamps_of_none, readers) = (Vec::new(), Vec::new());
        let call = UnderWay { node: Arc::clone(node), stamps: stamps_of_none, unmet, readers };
        self.calls.insert(us, call);
        self.stamp(node, stamps);
        if unmet == 0 {
            self.ready.push_back(us);
        }
    }

    /// Notes by which stamps a call is found.
    fn stamp(&mut self, node: &Arc<Node>, stamps: Vec<Digest>) {
        let us = address(node);
        let Some(call) = self.calls.get_mut(&us) else { return };
        for stamp in stamps {
            // The one before it may be cancelled.
            self.by_stamp.insert(stamp, us);
            call.stamps.push(stamp);
        }
    }

    /// Takes what can be run; last what somebody else runs who could not wait.
    fn take_ready(&mut self) -> Option<Arc<Node>> {
        let nodes = self.ready.iter().map(|address| self.calls.get(address).map(|call| &call.node));
        let is_free = |node: Option<&Arc<Node>>| node.is_some_and(|node| !node.is_running());
        let at = nodes.map(is_free).position(|is_free| is_free).unwrap_or(0);
        let address = self.ready.remove(at)?;
        self.calls.get(&address).map(|call| Arc::clone(&call.node))
    }

    fn remove(&mut self, address: usize) -> Option<UnderWay> {
        let ended = self.calls.remove(&address)?;
        for stamp in &ended.stamps {
            if self.by_stamp.get(stamp) == Some(&address) {
                self.by_stamp.remove(stamp);
            }
        }
        Some(ended)
    }

    /// Notes that something has ended that a call reads. True if it was the last.
    fn meet(&mut self, reader: usize) -> bool {
        let Some(call) = self.calls.get_mut(&reader) else { return false };
        call.unmet -= 1;
        if call.unmet == 0 {
            self.ready.push_back(reader);
        }
        call.unmet == 0
    }

    /// Counts in as many threads as `wanted` calls need, and returns how many.
    fn hires(&mut self, jobs: usize, wanted: usize) -> usize {
        let hires = wanted.min(self.ready.len()).min(jobs.saturating_sub(self.threads));
        self.threads += hires;
        hires
    }
}

fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node).addr()
}

impl Node {
    /// Whether a thread runs its body.
    fn is_running(&self) -> bool {
        let status = self.progress.get().map(|progress| progress.status());
        matches!(status, Some(CallStatus::Running { .. }))
    }

    /// Looks a call up that nobody else has yet, where that takes no longer than opening a file.
    fn is_found_at_once(self: &Arc<Self>) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.validator.is_none()
            && self.upstream().all(|above| above.has_ended_well())
            && self.settle()
            && self.has_ended_well()
    }
}
