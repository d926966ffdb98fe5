//! [`Node`]: one call of a stage, with all that decides what it gives.
//!
//! A node is settled once: found in the store, run, or failed. Its outputs' values live in slots, and
//! come and go; what the node keeps for good is the head of its entry.

use std::ffi::OsString;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::StageSpec;
use super::array::Array;
use super::fixed::Instance;
use super::inputs::{Input, Work};
use super::retry::Attempt;
use super::validate::Validator;
use crate::digest::Digest;
use crate::error::Error;
use crate::event::{Event, MissReason};
use crate::key::files::FileDigest;
use crate::key::part::PartDigest;
use crate::lazy::{Handle, Origin};
use crate::session::Session;
use crate::slot::AnySlot;
use crate::started::progress::Progress;
use crate::store::manifest::Head;

mod identity;
mod values;

pub(crate) use values::kept;

/// A predicate that says whether a failed attempt is followed by another.
pub(crate) type RetryIf = Box<dyn Fn(&Attempt<'_>) -> bool + Send + Sync>;

/// An environment variable that enters the key, and its value if it is set.
pub(crate) type Variable = (&'static str, Option<OsString>);

/// One call of a stage.
pub(crate) struct Node {
    pub(crate) spec: &'static StageSpec,
    pub(crate) session: Arc<Session>,
    /// The record that called it first; `None` for an aggregate.
    pub(crate) record: Option<Arc<str>>,
    /// What it has in common with other calls of the stage.
    pub(crate) instance: Arc<Instance>,
    /// Digests of params fields and arguments, in order.
    pub(crate) parts: Box<[PartDigest]>,
    pub(crate) environment: Box<[Variable]>,
    /// Files that entered the key; they must not change before the body has ended.
    pub(crate) files: Box<[FileDigest]>,
    /// The texts in the secrets: no message may show them.
    pub(crate) secrets: Box<[String]>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Arc<dyn AnySlot>>,
    /// What a call of an array stage has beside others.
    pub(crate) array: Option<Box<Array>>,
    pub(crate) work: Box<dyn Work>,
    pub(crate) validator: Option<Box<Validator>>,
    pub(crate) retry_if: Option<RetryIf>,
    /// The stage for which caching is off, if it is this one or one that this depends on: nothing is
    /// looked up or kept.
    pub(crate) uncached: Option<Uncached>,
    /// Whether it is computed again on the run's word: it, or one whose outputs it reads that have no
    /// artifact to tell whether they came out as before.
    pub(crate) forced: bool,
    plan_identity: OnceLock<Box<Digest>>,
    /// Where in the plan of its run it is.
    pub(crate) position: AtomicUsize,
    /// The entry, as far as it was read ahead.
    pub(super) ahead: OnceLock<Arc<Head>>,
    /// How far it is, where a call of it does not wait.
    pub(crate) progress: OnceLock<Arc<Progress>>,
    state: Mutex<State>,
    /// Held by whoever looks the node up or runs it.
    pub(crate) turn: Mutex<()>,
}

/// Why a call is neither looked up nor kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uncached {
    Itself { by: &'static str },
    Upstream { stage: &'static str },
}

/// How far a node is.
#[derive(Debug, Clone, Default)]
pub(crate) enum Status {
    /// Not looked up yet.
    #[default]
    Open,
    /// Found.
    Hit,
    /// Not found; it runs if it is needed.
    Miss(MissReason),
    /// Its body has run to its end.
    Ran,
    Failed(Error),
}

#[derive(Debug, Default)]
struct State {
    status: Status,
    key: Option<Digest>,
    /// The entry, as found or as kept.
    head: Option<Arc<Head>>,
    seconds: f64,
    spoiled: bool,
    rare: Option<Box<Rare>>,
}

/// What is not known of a call that was found: there are many of those, so they have no room for it.
#[derive(Debug, Default)]
struct Rare {
    /// The key by which outputs without artifact enter other keys, where it is not that of the call.
    oldest_key: Option<Digest>,
    /// The entry whose artifact could not be read. It stays where nothing can be set aside.
    refused: Option<Arc<Head>>,
    /// The entry whose artifacts were removed: by which digests the outputs enter other keys is known,
    /// though their values are not there.
    outlived: Option<Arc<Head>>,
    /// Why it was a miss, also once it has run.
    missed: Option<MissReason>,
}

impl State {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn outlived(&self) -> Option<&Arc<Head>> {
        self.rare.as_ref()?.outlived.as_ref()
    }
}

impl Node {
    pub(crate) fn new(
        spec: &'static StageSpec,
        session: Arc<Session>,
        record: Option<Arc<str>>,
        work: Box<dyn Work>,
        instance: Arc<Instance>,
    ) -> Self {
        Self {
            spec,
            session,
            record,
            instance,
            parts: Box::default(),
            environment: Box::default(),
            files: Box::default(),
            secrets: Box::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            array: None,
            work,
            validator: None,
            retry_if: None,
            uncached: None,
            forced: false,
            plan_identity: OnceLock::new(),
            position: AtomicUsize::new(usize::MAX),
            ahead: OnceLock::new(),
            progress: OnceLock::new(),
            state: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long the body took, for a call that has run.
    pub(crate) fn seconds(&self) -> f64 {
        self.state().seconds
    }

    pub(crate) fn set_seconds(&self, seconds: f64) {
        self.state().seconds = seconds;
    }

    pub(crate) fn status(&self) -> Status {
        self.state().status.clone()
    }

    pub(crate) fn set_status(&self, mut status: Status) {
        let mut state = self.state();
        if let Status::Miss(reason) = &mut status {
            if let MissReason::Damaged { what }
            | MissReason::ArtifactGone { what }
            | MissReason::Invalid { what } = reason
            {
                // A validator or a cacher of the user's may have told it.
                *what = self.hide_secrets(std::mem::take(what));
            }
            state.rare().missed = Some(reason.clone());
        }
        state.status = status;
        drop(state);
        if let Some(progress) = self.progress.get() {
            progress.note(self);
        }
    }

    /// Returns why the call was a miss, if it was one.
    pub(crate) fn missed(&self) -> Option<MissReason> {
        self.state().rare.as_ref()?.missed.clone()
    }

    /// Whether it was found or has run.
    pub(crate) fn has_ended_well(&self) -> bool {
        matches!(self.state().status, Status::Hit | Status::Ran)
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state().status, Status::Open)
    }

    pub(crate) fn key(&self) -> Option<Digest> {
        self.state().key
    }

    pub(crate) fn set_key(&self, key: Digest) {
        let oldest_key = self.oldest_key();
        let mut state = self.state();
        state.key = Some(key);
        if oldest_key.is_some() || state.rare.is_some() {
            state.rare().oldest_key = oldest_key;
        }
    }

    pub(crate) fn head(&self) -> Option<Arc<Head>> {
        self.state().head.clone()
    }

    pub(crate) fn set_head(&self, head: Option<Arc<Head>>) {
        self.state().head = head;
    }

    /// Notes that the entry is of no use, and lets go of it.
    pub(crate) fn refuse(&self, head: Arc<Head>) {
        let mut state = self.state();
        state.head = None;
        state.rare().refused = Some(head);
    }

    pub(crate) fn has_refused(&self, head: &Head) -> bool {
        self.state().rare.as_ref().is_some_and(|rare| rare.refused.as_deref() == Some(head))
    }

    /// Whether an entry of it was read ahead.
    pub(crate) fn was_read_ahead(&self) -> bool {
        self.ahead.get().is_some()
    }

    /// Whether it was found by the very entry that was read ahead.
    pub(super) fn is_as_read_ahead(&self) -> bool {
        let state = self.state();
        let found = state.head.as_ref().filter(|_| matches!(state.status, Status::Hit));
        found.zip(self.ahead.get()).is_some_and(|(found, ahead)| Arc::ptr_eq(found, ahead))
    }

    /// Returns key and entry of a call that was found or has run.
    pub(crate) fn settled_entry(&self) -> Option<(Digest, Arc<Head>)> {
        let state = self.state();
        match state.status {
            Status::Hit | Status::Ran => Some((state.key?, state.head.clone()?)),
            Status::Open | Status::Miss(_) | Status::Failed(_) => None,
        }
    }

    pub(crate) fn record_name(&self) -> Option<String> {
        self.record.as_deref().map(str::to_owned)
    }

    /// Adds stage and record to an error.
    pub(crate) fn blame(&self, error: Error) -> Error {
        let error = error.in_stage(self.spec.name);
        match &self.record {
            Some(record) => error.in_record(record),
            None => error,
        }
    }

    /// Takes the secrets out of a text that came from the stage's own code.
    pub(crate) fn hide_secrets(&self, text: String) -> String {
        self.secrets.iter().fold(text, |text, secret| text.replace(secret, "(secret)"))
    }

    /// Takes the secrets out of an error. One that tells a secret loses its causes, but not their texts.
    pub(crate) fn hide_secrets_in(&self, error: Error) -> Error {
        let told = error.chain();
        if !self.secrets.iter().any(|secret| told.contains(secret)) {
            return error;
        }
        Error::new(error.kind(), self.hide_secrets(told))
    }

    pub(crate) fn warn(&self, message: impl Into<String>, lost: bool) {
        let message = self.hide_secrets(message.into());
        let (stage, record) = (Some(self.spec.name), self.record_name());
        self.session.store.emit(|| Event::Warning { stage, record, message, lost });
    }

    /// Whether an entry is looked for and kept.
    pub(crate) fn is_kept(&self) -> bool {
        let has_cacher = self.outputs.iter().any(|slot| slot.format().is_some());
        self.uncached.is_none() && (has_cacher || self.spec.done)
    }

    /// Returns the calls that this one's inputs come from.
    pub(crate) fn upstream(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.inputs.iter().flat_map(Input::handles).filter_map(Handle::node)
    }

    pub(crate) fn set_outlived(&self, head: Option<Arc<Head>>) {
        let mut state = self.state();
        if head.is_some() || state.rare.is_some() {
            state.rare().outlived = head;
        }
    }

    /// Whether the entry is there, but its artifacts were removed.
    pub(crate) fn has_outlived_artifacts(&self) -> bool {
        let state = self.state();
        state.outlived().is_some() && matches!(state.status, Status::Miss(_))
    }

    /// Notes that the body may have read something else than the key says.
    pub(crate) fn spoil(&self) {
        self.state().spoiled = true;
    }
}

/// Dropping the last call of a long chain must not recurse through all of it.
impl Drop for Node {
    fn drop(&mut self) {
        let mut open = std::mem::take(&mut self.inputs);
        while let Some(input) = open.pop() {
            let mut close = |handle: Handle| {
                if let Origin::Node(node, _) = handle.origin
                    && let Some(mut node) = Arc::into_inner(node)
                {
                    open.append(&mut node.inputs);
                }
            };
            match input {
                Input::One(handle) => handle.into_iter().for_each(close),
                Input::Across(across) => across.into_handles().into_iter().for_each(close),
                Input::Each(each) => close(each.handle),
            }
        }
    }
}
