//! Running a call: its inputs are made ready, its body runs, what it gives is validated and kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Instant, SystemTime};

use super::inputs::{Failure, Input, Inputs, Values};
use super::node::{Node, Status};
use super::retry::Attempt;
use crate::context::Context;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, is_trouble_of_ours, panic_text};
use crate::event::{Event, MissReason};
use crate::store::lock::{KeyLock, Taken};
use crate::store::manifest::Head;

/// What came of calling a body: its values, why it gave none, or what it panicked with.
pub(super) type Outcome = std::thread::Result<Result<Values, Failure>>;

/// The values that a body gave.
type HeldValues = Vec<Arc<dyn std::any::Any + Send + Sync>>;

/// What is known of a finished run of a body.
pub(crate) struct Made {
    pub(crate) seconds: f64,
    pub(crate) attempts: u32,
    /// When the first attempt began.
    pub(crate) began: SystemTime,
    /// Kept until the result is: its folder may hold files that the store takes over.
    pub(crate) context: Context,
}

/// What is done where somebody else computes the key of a call just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// It is waited for.
    Wait,
    /// The call does not run; whoever has asked comes back.
    ComeBack,
    /// The body runs all the same. In the middle of another call nobody waits for a lock: that one holds its
    /// own, for which the other may wait.
    RunToo,
}

impl Node {
    /// Runs the call, which is a miss. The caller holds the node's turn.
    pub(crate) fn run(self: &Arc<Self>) -> Result<(), Error> {
        self.run_or(IfTaken::Wait).map(drop)
    }

    /// Runs the call as [`run`](Self::run) does. False, and nothing has happened, where it is left to whoever
    /// computes it just now.
    pub(crate) fn run_or(self: &Arc<Self>, if_taken: IfTaken) -> Result<bool, Error> {
        let reason = match self.status() {
            Status::Miss(reason) => reason,
            _ => MissReason::InMemory,
        };
        let blame = |error| self.blame(self.or_cancelled(self.hide_secrets_in(error)));
        if self.array.is_some() {
            return self.run_array().map(|()| true).map_err(blame);
        }
        let outcome = self.try_run(reason, if_taken).map_err(blame);
        if let Err(error) = &outcome {
            self.set_status(Status::Failed(error.clone()));
            // What was refused is not handed out.
            for slot in &self.outputs {
                slot.evict();
            }
            let (stage, record) = (self.spec.name, self.record_name());
            self.session.store.emit(|| Event::Failed { stage, record, error: error.clone() });
        }
        outcome
    }

    fn try_run(self: &Arc<Self>, reason: MissReason, if_taken: IfTaken) -> Result<bool, Error> {
        if self.is_interrupted() {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted before it started"));
        }
        self.make_inputs_ready(if_taken)?;
        // What was made ready just now may be another than was known when the call was looked up.
        let Some(key) = self.wait_for_key() else {
            return Err(Error::new(ErrorKind::Wiring, "the digest of an input is not known"));
        };
        self.set_key(key);
        let lock = if self.is_kept() { self.lock(&key, if_taken) } else { Ok(None) };
        let _lock = match lock {
            Ok(lock) => lock,
            Err(_) if if_taken == IfTaken::ComeBack => return Ok(false),
            Err(_) => None,
        };
        if self.is_interrupted() {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted before it started"));
        }
        // Another process may have been quicker.
        let missing = matches!(
            reason,
            MissReason::NeverRan
                | MissReason::Changed { .. }
                | MissReason::Expired { .. }
                | MissReason::Damaged { .. }
                | MissReason::ArtifactGone { .. }
        );
        if self.is_kept() && missing && self.look_again(&key) {
            return Ok(true);
        }
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Started { stage, record, key, reason });
        if let Some(progress) = self.progress.get() {
            progress.runs();
        }
        let (seconds, size) = self.attempts()?;
        self.set_status(Status::Ran);
        let (record, kept) = (self.record_name(), self.head().is_some());
        self.session.store.emit(|| Event::Finished { stage, record, key, seconds, size, kept });
        self.let_go();
        Ok(true)
    }

    /// Takes the lock of the key, or waits until another that computes the same call is done.
    pub(super) fn lock(&self, key: &Digest, if_taken: IfTaken) -> Result<Option<KeyLock>, Taken> {
        let store = &self.session.store;
        match if_taken {
            IfTaken::Wait => {
                Ok(store.lock(key, || self.is_interrupted(), || self.told_waiting_for(*key)))
            }
            IfTaken::ComeBack | IfTaken::RunToo => store.try_lock(key),
        }
    }

    /// Whether somebody else computes the same call just now.
    pub(crate) fn is_taken(&self) -> bool {
        let key = if self.is_kept() { self.key() } else { None };
        key.is_some_and(|key| self.session.store.try_lock(&key).is_err())
    }

    /// Tells that another computes the same call, and that this one waits for it.
    pub(crate) fn told_waiting(&self) {
        if let Some(key) = self.key() {
            self.told_waiting_for(key);
        }
    }

    fn told_waiting_for(&self, key: Digest) {
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Waiting { stage, record, key });
    }

    /// Lazy values leave memory as soon as they are kept, and so do those that the store took over.
    fn let_go(&self) {
        for (index, slot) in self.outputs.iter().enumerate() {
            if slot.is_lazy() || slot.takes_over() {
                self.evict(index);
            }
        }
    }

    /// Runs what this call's inputs come from and whose values cannot be read. A list of open calls
    /// stands in for recursion, which a long chain would not survive.
    pub(super) fn make_inputs_ready(&self, if_taken: IfTaken) -> Result<(), Error> {
        // Only whoever is to run comes back, not its inputs.
        let if_taken = match if_taken {
            IfTaken::ComeBack => IfTaken::Wait,
            other => other,
        };
        let mut open = self.valueless();
        while let Some(node) = open.last().cloned() {
            let above = node.valueless();
            if above.is_empty() || node.status_is_final() {
                open.pop();
                node.run_for_value_or(if_taken)?;
            } else {
                open.extend(above);
            }
        }
        Ok(())
    }

    fn status_is_final(&self) -> bool {
        matches!(self.status(), Status::Failed(_))
    }

    /// Returns the calls above whose values can be had only by running them.
    pub(crate) fn valueless(&self) -> Vec<Arc<Node>> {
        let without = self.inputs.iter().flat_map(|input| {
            // An array takes the shards of another as they come.
            let comes = matches!(input, Input::Each(each) if each.array().is_some_and(|(node, _)| !node.lives_in_memory()));
            let handles = input.handles().filter(move |_| !comes);
            handles.filter_map(|handle| match &handle.origin {
                crate::lazy::Origin::Node(node, output) if !node.has_value(*output) => {
                    let is_absent = input.may_be_absent() && node.has_failed();
                    (!is_absent).then(|| Arc::clone(node))
                }
                _ => None,
            })
        });
        without.collect()
    }

    /// Runs the body since somebody needs a value that cannot be read. Whoever came first has made it.
    pub(crate) fn run_for_value(self: &Arc<Self>) -> Result<(), Error> {
        self.run_for_value_or(IfTaken::Wait)
    }

    fn run_for_value_or(self: &Arc<Self>, if_taken: IfTaken) -> Result<(), Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.status() {
            Status::Failed(error) => return Err(error),
            _ if !self.outputs.is_empty()
                && (0..self.outputs.len()).all(|output| self.has_value(output)) =>
            {
                return Ok(());
            }
            Status::Hit => self.set_status(Status::Miss(MissReason::InMemory)),
            Status::Open | Status::Miss(_) | Status::Ran => {}
        }
        if self.session.is_dry() {
            let message = "its result is not cached, and a plan runs nothing";
            return Err(self.blame(Error::new(ErrorKind::NotCached, message)));
        }
        self.run_or(if_taken).map(drop)
    }

    /// Sets an entry aside whose artifact could not be read, and runs the body again. Nothing is done where
    /// another entry took the place of that one meanwhile.
    pub(crate) fn heal(
        self: &Arc<Self>,
        output: usize,
        read: &Arc<Head>,
        error: &Error,
    ) -> Result<(), Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(head) = self.head().filter(|head| Arc::ptr_eq(head, read)) else { return Ok(()) };
        let what = error.chain();
        if is_trouble_of_ours(error) {
            self.warn(format!("an entry is computed again: {what}"), false);
            self.session.store.forget(&head.key);
        } else {
            self.warn(format!("an entry is damaged and set aside: {what}"), false);
            let suspect = super::node::kept(&head, output);
            self.session.store.set_aside(self.spec.name, &head.key, suspect.as_slice());
        }
        self.refuse(head);
        self.set_status(Status::Miss(MissReason::Damaged { what }));
        if self.session.is_dry() {
            let message = "its result is damaged, and a plan runs nothing";
            return Err(self.blame(Error::new(ErrorKind::NotCached, message)));
        }
        self.run_or(IfTaken::RunToo).map(drop)
    }

    /// Runs the body and keeps what it gives, again while a failure is to be retried. Returns how long
    /// the bodies took, in seconds, and the size of what is kept, in bytes.
    fn attempts(&self) -> Result<(f64, u64), Error> {
        let (start, began) = (Instant::now(), SystemTime::now());
        self.with_retries(None, |number| {
            let (context, _held) = self.attempt(number)?;
            let seconds = start.elapsed().as_secs_f64();
            self.set_seconds(seconds);
            let size = self.keep(&Made { seconds, attempts: number, began, context })?;
            Ok((seconds, size))
        })
    }

    /// Makes an attempt, and again while its failure is to be retried. `shard` is that of an array.
    pub(super) fn with_retries<R>(
        &self,
        shard: Option<usize>,
        mut attempt: impl FnMut(u32) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut number = 1;
        loop {
            let error = match attempt(number) {
                Err(error)
                    if number <= self.spec.retries && self.is_retried(number, shard, &error) =>
                {
                    error
                }
                ended => return ended,
            };
            let (stage, record, attempt) = (self.spec.name, self.record_name(), number);
            let error = self.hide_secrets(error.chain());
            self.session.store.emit(|| Event::Retried { stage, record, shard, attempt, error });
            number += 1;
        }
    }

    pub(super) fn is_retried(&self, number: u32, shard: Option<usize>, error: &Error) -> bool {
        let body_failed = matches!(error.kind(), ErrorKind::Stage | ErrorKind::Invalid);
        body_failed
            && !self.is_interrupted()
            && self
                .retry_if
                .as_ref()
                .is_none_or(|retry_if| retry_if(&Attempt { number, shard, error }))
    }

    /// Returns what the body may know of an attempt.
    pub(super) fn context(&self, number: u32) -> Context {
        let interrupted = Arc::clone(self.interrupted());
        let place = self.session.store.scratch_path().unwrap_or_else(std::env::temp_dir);
        Context::new(self.spec.name, number, interrupted, place)
    }

    /// Calls the body, of an array for the element of `shard`.
    pub(super) fn call_body(&self, ctx: &Context, shard: Option<usize>) -> Outcome {
        let inputs = Inputs { inputs: &self.inputs, shard: shard.unwrap_or(0) };
        let _span = crate::trace::enter(self.spec.name, self.record.as_deref(), ctx.attempt());
        catch_unwind(AssertUnwindSafe(|| self.work.run(&inputs, ctx)))
    }

    /// Runs the body once. The values are held by the caller as well: nobody may want them any more by the time
    /// they are kept.
    fn attempt(&self, number: u32) -> Result<(Context, HeldValues), Error> {
        let ctx = self.context(number);
        let Values(values) = called(self.call_body(&ctx, None))?;
        let mut held = Vec::with_capacity(self.outputs.len());
        for (slot, value) in self.outputs.iter().zip(values) {
            let other_type = || Error::new(ErrorKind::Wiring, "an output is of another type");
            held.push(slot.put(value).ok_or_else(other_type)?);
        }
        Ok((ctx, held))
    }
}

/// Turns what came of calling a body into its values or an error.
pub(super) fn called(outcome: Outcome) -> Result<Values, Error> {
    match outcome {
        Ok(Ok(values)) => Ok(values),
        Ok(Err(Failure::Around(error))) => Err(error),
        Ok(Err(Failure::Body(error))) => {
            Err(Error::new(ErrorKind::Stage, "the stage failed").because(error))
        }
        Err(panic) => Err(panicked(&*panic)),
    }
}

/// Turns what a body panicked with into an error.
fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    Error::new(ErrorKind::Stage, format!("the stage panicked: {}", panic_text(panic)))
}
