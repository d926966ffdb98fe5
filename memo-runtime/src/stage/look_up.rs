//! Looking a call up: its key, and whether the store holds an entry of it that can be used.

use std::sync::{Arc, PoisonError};

use super::node::{Node, Status, Uncached};
use super::validate::Validator;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, MissReason};
use crate::key::{ComponentKind, KeyMaker};
use crate::lazy::{Handle, Origin};
use crate::stage::inputs::Input;
use crate::store::Found;
use crate::store::history;
use crate::store::manifest::Head;

impl Node {
    /// Returns the key, or `None` while the identity of an input is not known.
    pub(crate) fn compute_key(&self) -> Option<Digest> {
        self.key_of(&self.instance.digest)
    }

    /// Returns the key by which the entry was read ahead, where all that the call reads is what was read ahead
    /// of it: then no digest is taken again.
    fn key_ahead(&self) -> Option<Digest> {
        let head = self.ahead.get()?;
        let is_as_then = |handle: &Handle| match &handle.origin {
            Origin::Node(node, _) => node.is_as_read_ahead(),
            Origin::Inserted(_) => true,
            Origin::Shard(..) | Origin::Broken => false,
        };
        self.inputs.iter().flat_map(Input::handles).all(is_as_then).then_some(head.key)
    }

    /// Returns the key of an instance of the stage.
    pub(super) fn key_of(&self, instance: &Digest) -> Option<Digest> {
        self.key_by(instance, identity_of)
    }

    /// Returns the key where `identity_of` tells by which digest the value of a handle enters.
    pub(super) fn key_by(
        &self,
        instance: &Digest,
        identity_of: impl Fn(&Origin) -> Option<Digest>,
    ) -> Option<Digest> {
        let mut maker = self.key_maker(instance);
        for (spec, input) in self.spec.inputs.iter().zip(&self.inputs) {
            // By the name of the parameter: the attribute says which value it is given.
            maker.add_text(ComponentKind::Input, spec.parameter);
            match input {
                Input::One(None) => maker.add_text(ComponentKind::Input, "absent"),
                Input::One(Some(handle)) => {
                    maker.add(ComponentKind::Input, "", &identity_of(&handle.origin)?);
                }
                // Each shard's key holds its own element.
                Input::Each(_) => maker.add_text(ComponentKind::Input, "each"),
                Input::Across(across) => {
                    if across.is_unknown() || (across.is_incomplete() && self.session.is_dry()) {
                        return None;
                    }
                    maker.add_text(ComponentKind::Input, "across");
                    for row in across.rows() {
                        let failed = |handle: &Handle| {
                            across.is_optional()
                                && handle.node().is_some_and(|node| node.has_failed())
                        };
                        let digest = match &row.handle {
                            Some(handle) if !failed(handle) => identity_of(&handle.origin)?,
                            _ => Digest::of(b"absent"),
                        };
                        maker.add(ComponentKind::Input, &row.name, &digest);
                        if let Some(params) = &row.params_digest {
                            maker.add(ComponentKind::Param, "", params);
                        }
                    }
                }
            }
        }
        Some(maker.finish())
    }

    /// Begins a key with all components but the inputs.
    pub(crate) fn key_maker(&self, instance: &Digest) -> KeyMaker {
        let mut maker = KeyMaker::new();
        maker.add(ComponentKind::Stage, "", instance);
        for part in &*self.parts {
            // By name: which arguments are skipped is written in the attribute, not in the code.
            maker.add_encoded(part.kind.into(), part.name, &part.value);
        }
        for (name, value) in &*self.environment {
            let digest = match value {
                Some(value) => Digest::of(value.as_encoded_bytes()),
                None => Digest::from_bytes([0; 32]),
            };
            maker.add(ComponentKind::Environment, name, &digest);
        }
        if self.uncached.is_some() {
            // What is not cached has a key that no other run has.
            maker.add_text(ComponentKind::Stage, self.session.store.run());
        }
        maker
    }

    /// Returns the key, though a source may just be made again, since another reader has found it damaged:
    /// its digest is known when that has ended. The caller holds the node's turn; turns are taken upwards
    /// only, so nobody waits in a ring.
    pub(crate) fn wait_for_key(&self) -> Option<Digest> {
        /// A source that is made again each time it is read must not keep anybody for ever.
        const ATTEMPTS: usize = 100;
        for _ in 0..ATTEMPTS {
            let key = self.compute_key();
            if key.is_some() || self.upstream().any(|above| above.has_failed()) {
                return key;
            }
            for above in self.upstream() {
                drop(above.turn.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
        self.compute_key()
    }

    /// Settles the node: a hit, a miss that may run, or a failure. False while an input's identity is
    /// not known.
    pub(crate) fn settle(&self) -> bool {
        if !self.is_open() {
            return true;
        }
        if self.array.is_some() {
            return self.settle_array().unwrap_or_else(|error| {
                self.fail_array(error);
                true
            });
        }
        let Some(key) = self.key_ahead().or_else(|| self.compute_key()) else { return false };
        self.set_key(key);
        let status = self.look_up(&key);
        if let Status::Hit = status {
            self.told_hit();
        }
        self.set_status(status);
        true
    }

    fn look_up(&self, key: &Digest) -> Status {
        if let Some(reason) = self.never_looked_up() {
            return Status::Miss(reason);
        }
        let store = &self.session.store;
        let found = match self.read_ahead(key) {
            Some(head) => Found::Entry(head),
            None => store.look_up(self.spec.name, key, Some(self.spec)),
        };
        match found {
            Found::Entry(head) => self.judge(head),
            Found::Nothing => self.look_up_former(key),
            Found::Damaged(what) => {
                self.warn(format!("an entry is damaged and set aside: {what}"), false);
                store.set_aside(self.spec.name, key, &[]);
                Status::Miss(MissReason::Damaged { what })
            }
            Found::Unreadable(what) => {
                self.warn(format!("an entry is computed again: {what}"), false);
                Status::Miss(MissReason::Damaged { what })
            }
            Found::Gone { what, outlived } => self.outlived(what, outlived),
        }
    }

    /// Looks under former names and code.
    fn look_up_former(&self, key: &Digest) -> Status {
        match self.find_former(key) {
            Some((former, Found::Entry(head))) => {
                let status = self.judge(Arc::clone(&head));
                if let Status::Hit = status {
                    self.carry_over(former, &head);
                }
                status
            }
            Some((_, Found::Gone { what, outlived })) => self.outlived(what, outlived),
            _ => Status::Miss(self.explain()),
        }
    }

    fn outlived(&self, what: String, outlived: Option<Arc<Head>>) -> Status {
        let fits = |head: &Arc<Head>| self.does_not_fit(head).is_none();
        self.set_outlived(outlived.filter(fits));
        Status::Miss(MissReason::ArtifactGone { what })
    }

    /// Why the store is not asked.
    pub(super) fn never_looked_up(&self) -> Option<MissReason> {
        match self.uncached {
            Some(Uncached::Itself { by }) => return Some(MissReason::NotCached { by }),
            Some(Uncached::Upstream { stage }) => {
                return Some(MissReason::DependsOnUncached { stage });
            }
            None => {}
        }
        if !self.is_kept() {
            return Some(if self.outputs.is_empty() {
                MissReason::NoOutputs
            } else {
                MissReason::InMemory
            });
        }
        if self.forced {
            return Some(MissReason::Forced);
        }
        (self.spec.rerun && !self.session.is_worker).then_some(MissReason::Rerun)
    }

    /// Decides whether a found entry can be used: it must be of this shape, what its cachers refer to
    /// must be there, and the validator must be content.
    fn judge(&self, head: Arc<Head>) -> Status {
        if let Some(what) = self.does_not_fit(&head) {
            self.warn(format!("an entry is damaged and set aside: {what}"), false);
            self.session.store.set_aside(self.spec.name, &head.key, &[]);
            return Status::Miss(MissReason::Damaged { what });
        }
        if let Some(reason) = self.expired(&head) {
            return Status::Miss(reason);
        }
        self.set_head(Some(head));
        if let Some(what) = self.refers_to_what_is_gone() {
            self.set_head(None);
            return Status::Miss(MissReason::ArtifactGone { what });
        }
        if let Err(what) = self.validate() {
            self.set_head(None);
            for slot in &self.outputs {
                slot.evict();
            }
            self.warn(format!("an entry is invalid and computed again: {what}"), false);
            return Status::Miss(MissReason::Invalid { what });
        }
        Status::Hit
    }

    /// Whether an entry is older than the stage serves them. Nobody knows the age of one that comes from
    /// the future, but the clocks of two machines differ a little.
    fn expired(&self, head: &Head) -> Option<MissReason> {
        self.has_expired(head.completed)
    }

    pub(super) fn has_expired(&self, completed: u64) -> Option<MissReason> {
        if !self.session.is_worker {
            return self.is_past(completed);
        }
        // Who has submitted the call has found which entry is too old. What it reads is as that one has seen it.
        match self.status() {
            Status::Miss(MissReason::Expired { completed: old, after }) if old == completed => {
                Some(MissReason::Expired { completed, after })
            }
            Status::Miss(MissReason::Expired { .. }) => self.is_past(completed),
            _ => None,
        }
    }

    fn is_past(&self, completed: u64) -> Option<MissReason> {
        const CLOCKS_DIFFER: u64 = 60_000;
        let after = self.spec.expires?;
        let expired = match history::now().checked_sub(completed) {
            Some(age) => age >= after,
            None => completed - history::now() > CLOCKS_DIFFER,
        };
        expired.then_some(MissReason::Expired { completed, after })
    }

    /// Formats are part of the key, so they can differ only where the store was tampered with.
    pub(super) fn does_not_fit(&self, head: &Head) -> Option<String> {
        if head.outputs.len() != self.outputs.len() {
            return Some("the entry has another number of outputs".to_owned());
        }
        let formats = self.instance.format_digests();
        let kept =
            head.outputs.iter().map(|output| output.artifact.as_ref().map(|kept| kept.format));
        let differs = formats.zip(kept).any(|(ours, theirs)| ours != theirs);
        differs.then(|| "the entry has other formats".to_owned())
    }

    fn refers_to_what_is_gone(&self) -> Option<String> {
        let outside = self.outputs.iter().enumerate().filter(|(_, slot)| slot.looks_outside());
        outside.into_iter().find_map(|(index, slot)| {
            let artifact = self.open_artifact(index)?;
            slot.check(&artifact).err().map(|error| error.to_string())
        })
    }

    /// Runs the validator over what is held or kept.
    fn validate(&self) -> Result<(), String> {
        match &self.validator {
            Some(validator) if !self.is_validated(validator) => validator.check(self),
            _ => Ok(()),
        }
    }

    /// Whether the entry was kept since this validator was content.
    fn is_validated(&self, validator: &Validator) -> bool {
        self.head().is_some_and(|head| validator.has_passed(head.validator.as_deref()))
    }

    /// Whether the entry of another process is as good as one of its own.
    pub(crate) fn may_be_found(&self) -> bool {
        matches!(
            self.status(),
            Status::Miss(
                MissReason::NeverRan
                    | MissReason::Changed { .. }
                    | MissReason::Expired { .. }
                    | MissReason::Damaged { .. }
                    | MissReason::ArtifactGone { .. }
            )
        )
    }

    /// Whether the entry of another process can be used after all.
    pub(crate) fn look_again(&self, key: &Digest) -> bool {
        self.session.store.forget(key);
        if let Found::Entry(head) = self.session.store.look_up(self.spec.name, key, Some(self.spec))
            && !self.has_refused(&head)
            && let Status::Hit = self.judge(head)
        {
            self.told_hit();
            self.set_status(Status::Hit);
            return true;
        }
        false
    }

    /// Whether a call that was found or has run would be found again, by what this process knows.
    pub(crate) fn is_still_a_hit(&self) -> bool {
        let Some((key, head)) = self.settled_entry() else { return false };
        self.is_kept()
            && !self.spec.rerun
            && self.expired(&head).is_none()
            && self.session.store.knows(&head)
            && (self.inputs.is_empty() || self.compute_key() == Some(key))
            && self.refers_to_what_is_gone().is_none()
    }

    pub(crate) fn told_hit(&self) {
        let store = &self.session.store;
        if !store.are_hits_observed() {
            return;
        }
        let Some(head) = self.head() else { return };
        store.emit(|| Event::Hit {
            stage: self.spec.name,
            record: self.record_name(),
            key: head.key,
            saved: head.seconds,
            completed: head.completed,
            made_by: head.run.clone(),
        });
        self.told_log(&head);
    }

    /// Tells what a body has logged that ran before, or elsewhere.
    pub(super) fn told_log(&self, head: &Head) {
        let store = &self.session.store;
        if !head.logged || !store.is_observed() {
            return;
        }
        let log = store.detail(self.spec.name, &head.key).map(|detail| detail.log);
        for line in log.unwrap_or_default() {
            store.emit(|| Event::Log { stage: self.spec.name, line });
        }
    }

    /// Settles the node and everything above it, and runs what has to run for its outputs to be
    /// known. Used where no plan does it.
    pub(crate) fn resolve(self: &Arc<Self>) -> Result<(), Error> {
        self.resolve_upwards(true).inspect_err(|error| self.ends_with(error))
    }

    /// Does the same as far as it is needed to know by which digests its outputs enter other keys.
    #[cfg(all(feature = "slurm", unix))]
    pub(crate) fn make_known(self: &Arc<Self>) -> Result<(), Error> {
        self.resolve_upwards(false).inspect_err(|error| self.ends_with(error))
    }

    fn resolve_upwards(self: &Arc<Self>, wanted: bool) -> Result<(), Error> {
        if self.inputs.is_empty() {
            return self.settle_or_run(wanted);
        }
        let mut open = vec![Arc::clone(self)];
        while let Some(node) = open.last().cloned() {
            let above: Vec<_> =
                node.upstream().filter(|above| above.is_undecided()).cloned().collect();
            if above.is_empty() {
                open.pop();
                node.settle_or_run(wanted && Arc::ptr_eq(&node, self))?;
            } else {
                open.extend(above);
            }
        }
        Ok(())
    }

    /// Whether it is not known yet by which digests the outputs enter other keys.
    fn is_undecided(&self) -> bool {
        match self.status() {
            Status::Open => true,
            Status::Miss(_) => {
                (0..self.outputs.len()).any(|output| self.identity(output).is_none())
            }
            Status::Hit | Status::Ran | Status::Failed(_) => false,
        }
    }

    /// `wanted` says that somebody asks for this very node, not only for its identity.
    fn settle_or_run(self: &Arc<Self>, wanted: bool) -> Result<(), Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.array.is_some() && self.is_open() && !self.session.is_dry() {
            self.make_elements_ready()?;
        }
        if !self.settle() {
            let failed = self.upstream().find_map(|above| above.failure());
            let unknown = || self.blame(Error::new(ErrorKind::Wiring, "an input has no digest"));
            return Err(failed.unwrap_or_else(unknown));
        }
        match self.status() {
            Status::Miss(_) if wanted || self.is_undecided() => {
                if self.session.is_dry() {
                    let message = "its result is not cached, and a plan runs nothing";
                    return Err(self.blame(Error::new(ErrorKind::NotCached, message)));
                }
                self.run()
            }
            Status::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }
}

fn identity_of(origin: &Origin) -> Option<Digest> {
    match origin {
        Origin::Node(node, output) => node.identity(*output),
        Origin::Shard(node, output, shard) => node.table()?.identity(*shard, *output),
        Origin::Inserted(digest) => Some(*digest),
        Origin::Broken => None,
    }
}
