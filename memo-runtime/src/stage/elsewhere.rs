//! What a call is to those who run it elsewhere: a worker, and the process that has submitted it.

use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use super::execute::IfTaken;
use super::inputs::Input;
use super::node::{Node, Status};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, MissReason};
use crate::stage::Resources;
use crate::store::Found;
use crate::store::manifest::{Head, Kept};

/// Whether a call runs though there is an entry of it. Who wants less takes the result of who wants more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Anew {
    #[default]
    No,
    /// If it is the one that was completed then, which is too old, or as old.
    Expired(u64),
    Always,
}

impl Anew {
    pub(crate) fn is_no(&self) -> bool {
        *self == Self::No
    }
}

/// What a worker tells of a call that it has made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadeElsewhere {
    /// When the entry was completed that is served by now.
    pub(crate) completed: u64,
    /// The digests of its artifacts.
    pub(crate) outputs: Vec<Digest>,
    /// How long the body took, in seconds.
    pub(crate) seconds: f64,
}

impl Node {
    /// Whether the call can run where nothing but the store is seen, and asks for more than a place among others.
    pub(crate) fn goes_elsewhere(&self) -> bool {
        let is_all_kept = self.outputs.iter().all(|slot| slot.format().is_some());
        // What has failed in this run might not fail there, and then the key is another.
        let does_without = |input: &Input| {
            let mut above = input.handles().filter_map(crate::lazy::Handle::node);
            input.may_be_absent() && above.any(|above| matches!(above.status(), Status::Failed(_)))
        };
        self.array.is_none()
            && self.spec.resources != Resources::NONE
            && is_all_kept
            && !self.inputs.iter().any(does_without)
    }

    /// Whether the entry that may be there must not be taken for the result.
    pub(crate) fn anew(&self) -> Anew {
        match self.status() {
            Status::Miss(MissReason::Expired { completed, .. }) => Anew::Expired(completed),
            _ if self.may_be_found() => Anew::No,
            _ => Anew::Always,
        }
    }

    /// Tells that the call is on its way.
    pub(crate) fn told_started_elsewhere(&self) {
        let (Status::Miss(reason), Some(key)) = (self.status(), self.key()) else { return };
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Started { stage, record, key, reason });
    }

    /// Notes that a worker has made the call. False while its entry is not in sight. `is_first` says that it was
    /// submitted; others are found by its result.
    pub(crate) fn note_call_made_elsewhere(&self, made: &MadeElsewhere, is_first: bool) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_ended_well() {
            return true;
        }
        let Some(key) = self.key() else { return false };
        let Some(head) = self.entry_of(&key, made) else { return false };
        let size = head.kept().map(|kept| kept.size).sum();
        self.set_head(Some(Arc::clone(&head)));
        if !is_first {
            self.told_hit();
            self.set_status(Status::Hit);
            return true;
        }
        let seconds = made.seconds;
        self.told_log(&head);
        self.set_seconds(seconds);
        self.set_status(Status::Ran);
        let (stage, record, kept) = (self.spec.name, self.record_name(), true);
        self.session.store.emit(|| Event::Finished { stage, record, key, seconds, size, kept });
        true
    }

    /// Returns the entry that a worker tells of, or a later one.
    fn entry_of(&self, key: &Digest, made: &MadeElsewhere) -> Option<Arc<Head>> {
        let store = &self.session.store;
        store.forget(key);
        let Found::Entry(head) = store.look_up(self.spec.name, key, Some(self.spec)) else {
            return None;
        };
        // A network file system may show the one before for a while.
        let is_it = head.completed >= made.completed
            || head.kept().map(Kept::identity).eq(made.outputs.iter().copied());
        (is_it && self.does_not_fit(&head).is_none()).then_some(head)
    }

    /// Notes that the call has failed elsewhere.
    pub(crate) fn note_call_failed_elsewhere(&self, error: &Error) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_ended_well() {
            return;
        }
        let error = self.blame(error.clone());
        self.set_status(Status::Failed(error.clone()));
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Failed { stage, record, error });
    }

    /// Runs the call for the process that has submitted it under `key`, and leaves it in the store.
    ///
    /// # Errors
    ///
    /// Why it has failed. [`ErrorKind::Usage`] says that it comes to another key here,
    /// [`ErrorKind::Interrupted`] that it is to be made later.
    pub(crate) fn make_for_another(
        self: &Arc<Self>,
        key: Digest,
        anew: Anew,
    ) -> Result<MadeElsewhere, Error> {
        for above in self.upstream() {
            // Not to be taken for a mistake of this one.
            above.make_known().map_err(|error| Error::new(error.kind(), error.chain()))?;
        }
        if self.wait_for_key() != Some(key) {
            let message = "the call has another key here";
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = self.why_anew(anew) {
            self.set_key(key);
            self.set_status(Status::Miss(reason));
        } else {
            self.settle();
        }
        match self.status() {
            Status::Hit | Status::Ran => {}
            Status::Failed(error) => return Err(error),
            Status::Open | Status::Miss(_) => self.run_or(IfTaken::Wait).map(drop)?,
        }
        let unkept = || {
            let message = "it has run, but what it gave could not be kept; see the log";
            Error::new(ErrorKind::Stage, message)
        };
        // What was damaged and made again may have come out as another.
        let head = self.head().filter(|head| head.key == key).ok_or_else(unkept)?;
        let outputs = head.kept().map(Kept::identity).collect();
        let seconds = if self.seconds() > 0.0 { self.seconds() } else { head.seconds };
        Ok(MadeElsewhere { completed: head.completed, outputs, seconds })
    }

    /// Why a call is made anew that the process which has submitted it does not take from the store.
    fn why_anew(&self, anew: Anew) -> Option<MissReason> {
        match anew {
            Anew::No => None,
            Anew::Expired(completed) => {
                let after = self.spec.expires.unwrap_or_default();
                Some(MissReason::Expired { completed, after })
            }
            Anew::Always if self.spec.rerun => Some(MissReason::Rerun),
            Anew::Always => Some(MissReason::Forced),
        }
    }
}
