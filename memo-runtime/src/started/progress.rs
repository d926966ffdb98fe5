//! [`Progress`]: how far a started call is, and which records want it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::CallStatus;
use crate::error::{Error, ErrorKind};
use crate::record::Frame;
use crate::stage::node::{Node, Status};

/// How far a call is that is not waited for. It hangs on the node, which tells it what happens.
pub(crate) struct Progress {
    state: Mutex<State>,
    /// Set when no record wants the call any more. `None` in an experiment, whose calls are cancelled
    /// together.
    cancelled: Option<Arc<AtomicBool>>,
}

struct State {
    status: CallStatus,
    /// The records that want the result, until it is there.
    wanted_by: Vec<Frame>,
    /// Whether a thread publishes the result just now, and then notes the end.
    is_being_published: bool,
}

/// The thread publishes no more, also where an observer has panicked.
struct Publishing<'p>(&'p Progress);

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        self.0.state().is_being_published = false;
    }
}

impl Progress {
    fn new(status: CallStatus, wanted_by: Vec<Frame>, cancelled: Option<Arc<AtomicBool>>) -> Self {
        Self {
            state: Mutex::new(State { status, wanted_by, is_being_published: false }),
            cancelled,
        }
    }

    /// A call that begins when its turn comes.
    pub(crate) fn wanted_by(frame: &Frame) -> Self {
        let since = SystemTime::now();
        Self::new(CallStatus::Pending { since }, vec![frame.outline()], Some(Arc::default()))
    }

    /// A call that is planned, or that had ended before it was started.
    pub(crate) fn of_nobody(node: &Node) -> Self {
        let since = SystemTime::now();
        let progress = Self::new(CallStatus::Pending { since }, Vec::new(), None);
        progress.note(node);
        progress
    }

    pub(crate) fn ended(status: CallStatus) -> Self {
        Self::new(status, Vec::new(), None)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> CallStatus {
        self.state().status.clone()
    }

    /// Returns the flag that tells a body to end early.
    pub(crate) fn cancelled(&self) -> Option<&Arc<AtomicBool>> {
        self.cancelled.as_ref()
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Relaxed))
    }

    /// Notes that the body begins.
    pub(crate) fn runs(&self) {
        let mut state = self.state();
        if let CallStatus::Pending { .. } = state.status {
            state.status = CallStatus::Running { since: state.now() };
        }
    }

    /// Notes how the call has ended, if it has. Its result is published before anybody is told. Whoever asks may
    /// come before the thread that has ended it, and notes it then.
    pub(crate) fn note(&self, node: &Node) {
        let status = node.status();
        if let Status::Open | Status::Miss(_) = status {
            return;
        }
        loop {
            let mut state = self.state();
            if state.status.has_ended() || state.is_being_published {
                return;
            }
            let wanted_by = std::mem::take(&mut state.wanted_by);
            if wanted_by.is_empty() {
                let since = state.now();
                state.status = match status {
                    Status::Failed(_) if self.is_cancelled() => CallStatus::Cancelled { since },
                    Status::Failed(error) => CallStatus::Failed { since, error },
                    _ => CallStatus::Succeeded { since },
                };
                if let (CallStatus::Succeeded { .. }, Some(cancelled)) =
                    (&state.status, &self.cancelled)
                {
                    // Should its result turn out to be damaged, it is made again.
                    cancelled.store(false, Ordering::Relaxed);
                }
                return;
            }
            state.is_being_published = true;
            drop(state);
            let _ends = Publishing(self);
            if let Status::Hit | Status::Ran = status {
                wanted_by.iter().for_each(|frame| publish(node, frame));
            }
        }
    }

    /// Returns why a call has failed.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        match self.status() {
            CallStatus::Failed { error, .. } => Err(error),
            _ => Ok(()),
        }
    }

    /// Adds a record to those that want the result. False if it came too late.
    pub(crate) fn join(&self, frame: &Frame) -> bool {
        let mut state = self.state();
        if state.status.has_ended() || self.is_cancelled() {
            return false;
        }
        if !state.wanted_by.iter().any(|other| other.is_same(frame)) {
            state.wanted_by.push(frame.outline());
        }
        true
    }

    /// Takes a record from those that want the result. True if none is left.
    pub(crate) fn give_up(&self, frame: &Frame) -> bool {
        let Some(cancelled) = &self.cancelled else { return false };
        let mut state = self.state();
        if state.status.has_ended() {
            return false;
        }
        state.wanted_by.retain(|other| !other.is_same(frame));
        if state.wanted_by.is_empty() {
            cancelled.store(true, Ordering::Relaxed);
        }
        state.wanted_by.is_empty()
    }
}

impl State {
    /// Clocks are set back now and then, but what came later is told to have come later.
    fn now(&self) -> SystemTime {
        SystemTime::now().max(self.status.since())
    }
}

/// Whoever waits is told of an error again.
fn publish(node: &Node, frame: &Frame) {
    if let Err(error) = frame.publish(node) {
        node.warn(error.chain(), false);
    }
}

/// What becomes of a node that was started.
impl Node {
    /// Returns the flag that tells a body to end early.
    pub(crate) fn interrupted(&self) -> &Arc<AtomicBool> {
        let own = self.progress.get().and_then(|progress| progress.cancelled());
        own.unwrap_or(&self.session.interrupted)
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted().load(Ordering::Relaxed)
    }

    /// Returns the error that the call has failed with.
    pub(crate) fn failure(&self) -> Option<Error> {
        match self.status() {
            Status::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Finds or makes what the call gives, as a plain call does.
    pub(crate) fn make(self: &Arc<Self>) -> Result<(), Error> {
        self.resolve()?;
        if self.has_ended_well() { Ok(()) } else { self.run_for_value() }
    }

    /// Notes that a started call has failed, since what it reads has. Others are told by their callers.
    pub(crate) fn ends_with(&self, error: &Error) {
        if self.progress.get().is_none_or(|progress| progress.cancelled().is_none()) {
            return;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Status::Open | Status::Miss(_) = self.status() {
            self.set_status(Status::Failed(error.clone()));
        }
    }

    /// Tells an error of a body that was to end early from one that it failed with.
    pub(crate) fn or_cancelled(&self, error: Error) -> Error {
        let is_cancelled = self.progress.get().is_some_and(|progress| progress.is_cancelled());
        if is_cancelled && error.kind() != ErrorKind::Interrupted {
            return Error::new(ErrorKind::Interrupted, "cancelled").because(error);
        }
        error
    }

    /// Ends a cancelled call that nobody has begun. Whoever has begun it sees that it is cancelled.
    pub(crate) fn cancel_unless_begun(&self) {
        if let Err(std::sync::TryLockError::WouldBlock) = self.turn.try_lock().map(drop) {
            return;
        }
        let error = Error::new(ErrorKind::Interrupted, "cancelled before it began");
        self.ends_with(&self.blame(error));
    }
}
