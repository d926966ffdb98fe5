//! [`Node`]: one call of a stage, with all that decides what it gives.
//!
//! A node is settled once: found in the store, run, or failed. Its outputs' values live in slots, and
//! come and go; what the node keeps for good is the head of its entry.

use std::any::Any;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::StageSpec;
use super::array::Array;
use super::fixed::Instance;
use super::inputs::{Input, Work};
use super::retry::Attempt;
use super::validate::{Outputs, Validator};
use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, MissReason};
use crate::key::files::FileDigest;
use crate::key::part::PartDigest;
use crate::key::{ComponentKind, KeyMaker};
use crate::lazy::{Handle, Origin};
use crate::session::Session;
use crate::slot::AnySlot;
use crate::started::progress::Progress;
use crate::store::manifest::{Head, Kept};

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

    /// Returns what tells this call from all others of a run, in any process, before any digest is known:
    /// the call itself, and the calls that its inputs come from.
    pub(crate) fn plan_identity(&self) -> Digest {
        let mut open = vec![self];
        while let Some(node) = open.last().copied() {
            let above = node.upstream().map(|above| &**above);
            let (known, before) = (open.len(), node.plan_identity.get());
            if before.is_none() {
                open.extend(above.filter(|above| above.plan_identity.get().is_none()));
            }
            if open.len() == known {
                node.plan_identity.get_or_init(|| Box::new(node.identity_of_inputs()));
                open.pop();
            }
        }
        self.plan_identity.get().map_or_else(|| self.identity_of_inputs(), |known| **known)
    }

    /// Makes the identity in a plan of those of the calls above.
    fn identity_of_inputs(&self) -> Digest {
        let mut maker = self.key_maker(&self.instance.digest);
        for (spec, input) in self.spec.inputs.iter().zip(&self.inputs) {
            maker.add_text(ComponentKind::Input, spec.parameter);
            for row in input.rows() {
                let (output, digest) = match row.origin() {
                    Some(Origin::Node(node, output) | Origin::Shard(node, output, _)) => {
                        (*output, node.plan_identity())
                    }
                    Some(Origin::Inserted(digest)) => (usize::MAX, *digest),
                    Some(Origin::Broken) | None => (usize::MAX, Digest::of(b"absent")),
                };
                maker.add(ComponentKind::Input, row.name, &digest);
                maker.add_text(ComponentKind::Input, &output.to_string());
                maker.add(ComponentKind::Param, "", row.params.unwrap_or(&Digest::of(b"none")));
            }
        }
        maker.finish()
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

    /// Returns the digest by which an output enters the keys of what reads it; `None` while that is
    /// not known.
    ///
    /// An output that is kept enters by its artifact. One that is not enters by the key of the call.
    pub(crate) fn identity(&self, output: usize) -> Option<Digest> {
        if self.array.is_some() {
            return self.identity_of_all(output);
        }
        let (head, key, settled) = {
            let state = self.state();
            let settled = matches!(state.status, Status::Hit | Status::Ran);
            let outlived = if settled { None } else { state.outlived().cloned() };
            let oldest_key = state.rare.as_ref().and_then(|rare| rare.oldest_key);
            let key = oldest_key.or(state.key)?;
            (state.head.clone().or(outlived), key, settled)
        };
        if let Some(kept) = head.as_ref().and_then(|head| kept(head, output)) {
            return Some(kept.identity());
        }
        let will_be_kept = self.is_kept() && self.outputs[output].format().is_some();
        if will_be_kept && !settled {
            return None;
        }
        let mut maker = KeyMaker::new();
        maker.add(ComponentKind::Stage, "", &key);
        maker.add_text(ComponentKind::Input, &output.to_string());
        if self.state().spoiled {
            // Nobody knows what was read, so nothing that follows may be found by another run.
            maker.add_text(ComponentKind::Input, self.session.store.run());
        }
        Some(maker.finish())
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

    /// Returns what the entry says of an output's artifact.
    pub(crate) fn kept(&self, output: usize) -> Option<Kept> {
        self.head().and_then(|head| kept(&head, output).cloned())
    }

    /// Whether the entry has an artifact of an output.
    pub(crate) fn is_kept_at(&self, output: usize) -> bool {
        self.state().head.as_ref().is_some_and(|head| kept(head, output).is_some())
    }

    pub(crate) fn open_artifact(&self, output: usize) -> Option<Artifact> {
        self.artifact_of(&self.head()?, output)
    }

    /// Opens what an entry of this call has kept of an output.
    pub(crate) fn artifact_of(&self, head: &Arc<Head>, output: usize) -> Option<Artifact> {
        kept(head, output)?;
        Some(Artifact::kept(&self.session.store, Arc::clone(head), output))
    }

    /// Whether an output's value can be had without running the body.
    pub(crate) fn has_value(&self, output: usize) -> bool {
        if self.array.is_some() {
            return self.has_ended_well();
        }
        self.is_kept_at(output) || self.outputs[output].peek_any().is_some()
    }

    pub(crate) fn evict(&self, output: usize) {
        if self.is_kept_at(output) && self.outputs[output].evict() {
            let (stage, output) = (self.spec.name, self.spec.outputs[output].name);
            self.session.store.emit(|| Event::Evicted { stage, output });
        }
    }

    pub(crate) fn told_loaded(&self, output: usize) {
        let size = self.kept(output).map_or(0, |kept| kept.size);
        let (stage, output) = (self.spec.name, self.spec.outputs[output].name);
        self.session.store.emit(|| Event::Loaded { stage, output, size });
    }

    /// Returns the path of an output's main file.
    pub(crate) fn path(&self, output: usize) -> Result<PathBuf, Error> {
        let Some(kept) = self.kept(output) else {
            let name = self.spec.outputs[output].name;
            let message =
                format!("the output `{name}` has no file: it has no cacher, or could not be kept");
            return Err(self.blame(Error::new(ErrorKind::Cacher, message)));
        };
        self.session.store.file_of(&kept).map_err(|error| self.blame(error))
    }
}

/// Returns what an entry says of an output's artifact.
pub(crate) fn kept(head: &Head, output: usize) -> Option<&Kept> {
    head.outputs.get(output)?.artifact.as_ref()
}

/// A validator is given the values that are held, else what the entry has kept.
impl Outputs for Node {
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, Error> {
        let slot = &self.outputs[index];
        if let Some(value) = slot.peek_any() {
            return Ok(value);
        }
        let artifact = self.open_artifact(index).ok_or_else(|| {
            Error::new(ErrorKind::Cacher, "the value is neither in memory nor kept")
        })?;
        let value = slot.load_any(artifact)?;
        self.told_loaded(index);
        Ok(value)
    }

    fn artifact(&self, index: usize) -> Result<Artifact, Error> {
        self.open_artifact(index).ok_or_else(|| {
            let message = "an output without a cacher has no file to validate";
            Error::new(ErrorKind::Cacher, message)
        })
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
