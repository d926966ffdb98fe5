//! Running one shard: its body runs, what it gives is validated and kept, or its failure is noted.

use std::any::Any;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::table::{Far, Given, Table};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, MissReason};
use crate::key::{ComponentKind, KeyMaker};
use crate::stage::commit::{Fresh, NotKept};
use crate::stage::execute::{IfTaken, Made, called};
use crate::stage::inputs::Values;
use crate::stage::node::Node;
use crate::stage::validate::Validator;
use crate::store::history;
use crate::store::lock::Taken;
use crate::store::manifest::{Head, Kept, Output};
use crate::store::packs::{Packs, Place, Shard};

/// The values that a shard's body gave.
type ShardValues = Vec<Arc<dyn Any + Send + Sync>>;

impl Node {
    /// Runs a shard that was [taken](Table::take). Says where it is left to whoever computes it just now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`] if the run is to end; the shard can be taken again then. A shard that
    /// fails is noted in the table.
    pub(crate) fn run_shard(
        &self,
        shard: usize,
        if_taken: IfTaken,
    ) -> Result<Option<Taken>, Error> {
        let Some(table) = self.table() else { return Ok(None) };
        let outcome = self.try_run_shard(table, shard, if_taken);
        let outcome = outcome.map_err(|error| self.hide_secrets_in(error));
        match outcome {
            Ok(left_to) => Ok(left_to),
            Err(error) if self.or_cancelled(error.clone()).kind() == ErrorKind::Interrupted => {
                table.put_back(shard);
                Err(self.blame(self.or_cancelled(error)))
            }
            Err(error) => {
                table.failed(shard, &error);
                let (stage, record) = (self.spec.name, self.record_name());
                self.session.store.emit(|| Event::ShardFailed { stage, record, shard, error });
                Ok(None)
            }
        }
    }

    fn try_run_shard(
        &self,
        table: &Table,
        shard: usize,
        if_taken: IfTaken,
    ) -> Result<Option<Taken>, Error> {
        let interrupted =
            || Error::new(ErrorKind::Interrupted, "interrupted before the shard started");
        if self.is_interrupted() {
            return Err(interrupted());
        }
        let key = table.key(shard);
        let lock = if self.is_kept() { self.lock(&key, if_taken) } else { Ok(None) };
        let _lock = match lock {
            Ok(lock) => lock,
            Err(taken) if if_taken == IfTaken::ComeBack => {
                table.leave(shard);
                return Ok(Some(taken));
            }
            Err(_) => None,
        };
        if self.is_interrupted() {
            return Err(interrupted());
        }
        if self.is_kept()
            && self.never_looked_up().is_none()
            && self.was_quicker(table, shard, &key)
        {
            return Ok(None);
        }
        let (stage, record) = (self.spec.name, self.record_name());
        // A shard that is made again for a reader is no start of an array that has ended.
        if !table.has_ended() {
            self.told_array_started();
        }
        self.session.store.emit(|| Event::ShardStarted { stage, record, shard, key });
        let given = self.attempt_shard(table, shard, &key)?;
        table.ran_and_tells(shard, &given);
        self.told_shard_finished(shard, key, &given);
        table.has_told(shard);
        Ok(None)
    }

    /// Tells that a shard has run, here or elsewhere.
    pub(super) fn told_shard_finished(&self, shard: usize, key: Digest, given: &Given) {
        self.session.store.emit(|| Event::ShardFinished {
            stage: self.spec.name,
            record: self.record_name(),
            shard,
            key,
            seconds: given.seconds,
            size: given.size,
            kept: given.place.is_some(),
            skipped: given.skipped.clone(),
        });
    }

    /// Whether another process, or another array of this one, has computed the shard meanwhile.
    fn was_quicker(&self, table: &Table, shard: usize, key: &Digest) -> bool {
        let generation = table.state().generations.get(&shard).copied().unwrap_or(0);
        let Some(kept) = table.packs.find_now(key) else { return false };
        if kept.generation < generation || !self.is_shard_good(&table.packs, key, &kept) {
            return false;
        }
        let identities = self.known_identities(&table.oldest_key(shard), &kept);
        table.found(shard, kept.place, &identities, f64::from(kept.seconds));
        true
    }

    /// Runs the body and keeps what it gives, again while a failure is to be retried.
    fn attempt_shard(&self, table: &Table, shard: usize, key: &Digest) -> Result<Given, Error> {
        let (start, began) = (Instant::now(), SystemTime::now());
        self.with_retries(Some(shard), |number| {
            let context = self.context(number);
            let Values(values) = called(self.call_body(&context, Some(shard)))?;
            let values = values.into_iter().map(Arc::from).collect();
            let seconds = start.elapsed().as_secs_f64();
            let made = Made { seconds, attempts: number, began, context };
            self.keep_shard(table, shard, key, values, &made)
        })
    }

    /// Validates what a shard gave, and keeps it or holds it in memory.
    fn keep_shard(
        &self,
        table: &Table,
        shard: usize,
        key: &Digest,
        values: ShardValues,
        made: &Made,
    ) -> Result<Given, Error> {
        let (seconds, skipped) = (made.seconds, made.context.skipped());
        if self.is_kept() && !self.session.store.is_read_only() {
            match self.save_shard(table, shard, key, &values, made) {
                Ok((head, place)) => {
                    let identities =
                        self.shard_identities(&table.oldest_key(shard), Some(&head), false);
                    self.hold_unkept(shard, values, &head);
                    let size = head.kept().map(|kept| kept.size).sum();
                    return Ok(Given {
                        place: Some(place),
                        identities,
                        seconds,
                        size,
                        unkept: false,
                        spoiled: false,
                        skipped,
                    });
                }
                Err(NotKept::Failed(error)) => return Err(error),
                Err(NotKept::Lost(why)) => {
                    if self.session.is_first_unkept() {
                        self.warn(format!("shard {shard} is not kept: {why}"), true);
                    }
                }
            }
        } else {
            if let Err(NotKept::Failed(error)) = self.validate_shard(&values, &[]) {
                return Err(error);
            }
            if let Some(why) = self.what_changed_of(table, shard, key)
                && self.session.is_first_unkept()
            {
                self.warn(format!("nothing that follows from shard {shard} is kept: {why}"), true);
            }
            if self.is_kept() && self.session.is_first_unkept() {
                self.warn("the result is not kept: the store is opened read-only", true);
            }
        }
        for (slot, value) in self.outputs.iter().zip(values) {
            slot.hold_shard(shard, value);
        }
        // The next result of the same shard may be another, and its digest is not known.
        let may_differ = self.is_kept() && (self.spec.rerun || self.spec.expires.is_some());
        let spoiled = may_differ || self.what_changed_of(table, shard, key).is_some();
        let identities = self.shard_identities(&table.oldest_key(shard), None, spoiled);
        let unkept = self.is_kept();
        Ok(Given { place: None, identities, seconds, size: 0, unkept, spoiled, skipped })
    }

    fn save_shard(
        &self,
        table: &Table,
        shard: usize,
        key: &Digest,
        values: &ShardValues,
        made: &Made,
    ) -> Result<(Head, Place), NotKept> {
        let save = |index: usize, artifact: &crate::Artifact| {
            self.outputs[index].save_value(&*values[index], artifact)
        };
        let saved = self.save_all(made, save)?;
        self.validate_shard(values, &saved)?;
        if let Some(why) = self.what_changed_of(table, shard, key) {
            return Err(NotKept::Lost(why));
        }
        let adopted: Vec<_> =
            saved.iter().flatten().flat_map(|saved| saved.adopted.iter().cloned()).collect();
        let store = &self.session.store;
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for ((slot, spec), saved) in self.outputs.iter().zip(self.spec.outputs).zip(saved) {
            let artifact = match (slot.format(), saved) {
                (Some(format), Some(saved)) => {
                    Some(store.keep(saved, format.digest(), format.file_extension())?)
                }
                _ => None,
            };
            outputs.push(Output { name: spec.name.into(), artifact });
        }
        let log: Vec<String> =
            made.context.take_log().into_iter().map(|line| self.hide_secrets(line)).collect();
        let head = Head {
            key: *key,
            stage: self.spec.name.into(),
            outputs,
            seconds: made.seconds,
            completed: history::now(),
            run: store.run().to_owned(),
            logged: !log.is_empty(),
            validator: self.validator.as_deref().map(Validator::mark),
        };
        let kept = if let Some(kept) = self.equal_line(table, shard, &head) {
            kept
        } else {
            let generation = self.generation(table, shard);
            let place = table.packs.append(&head, &log, shard as u64, generation)?;
            (head, place)
        };
        crate::artifact::saving::remove_all(&adopted);
        Ok(kept)
    }

    /// Finds the line that says what a stage which always runs has given once more: a new one would say the same.
    fn equal_line(&self, table: &Table, shard: usize, head: &Head) -> Option<(Head, Place)> {
        let is_rerun = matches!(self.never_looked_up(), Some(MissReason::Rerun));
        // One that is made again has a line that is there and of no use.
        if !is_rerun || table.state().generations.contains_key(&shard) {
            return None;
        }
        let find = || Some(table.packs.find_one(&head.key)?.place);
        let kept = table.packs.read(&head.key, find()?).ok()?.head;
        let is_equal = kept.outputs == head.outputs && kept.validator == head.validator;
        // Reading may have found that it was moved.
        is_equal.then_some(kept).zip(find())
    }

    /// Returns how often results of the shard gave way to another.
    pub(crate) fn generation(&self, table: &Table, shard: usize) -> u32 {
        let known = table.state().generations.get(&shard).copied();
        if let Some(known) = known {
            return known;
        }
        match self.never_looked_up() {
            // It is made anew on purpose, and takes the place of what is there.
            Some(_) => table.generation_after(shard),
            None => 0,
        }
    }

    /// Returns by which digests a shard's outputs enter other keys: those without artifact by the oldest key of the
    /// shard. If nobody knows what was read, nothing that
    /// follows may be found by another run.
    pub(super) fn shard_identities(
        &self,
        oldest_key: &Digest,
        head: Option<&Head>,
        spoiled: bool,
    ) -> Vec<Digest> {
        let identity = |output: usize| {
            if let Some(kept) = head.and_then(|head| crate::stage::node::kept(head, output)) {
                return kept.identity();
            }
            let mut maker = KeyMaker::new();
            maker.add(ComponentKind::Stage, "", oldest_key);
            maker.add_text(ComponentKind::Input, &output.to_string());
            if spoiled {
                maker.add_text(ComponentKind::Input, self.session.store.run());
            }
            maker.finish()
        };
        (0..self.outputs.len()).map(identity).collect()
    }

    /// Returns the same, of a shard that was found.
    pub(crate) fn known_identities(&self, oldest_key: &Digest, kept: &Shard<'_>) -> Vec<Digest> {
        let not_kept = Digest::from_bytes([0; 32]);
        if kept.identities.contains(&not_kept) {
            let mut identities = self.shard_identities(oldest_key, None, false);
            for (identity, kept) in identities.iter_mut().zip(&*kept.identities) {
                if *kept != not_kept {
                    *identity = *kept;
                }
            }
            return identities;
        }
        kept.identities.to_vec()
    }

    /// Holds the values of outputs that no cacher keeps.
    fn hold_unkept(&self, shard: usize, values: ShardValues, head: &Head) {
        for (output, (slot, value)) in self.outputs.iter().zip(values).enumerate() {
            if crate::stage::node::kept(head, output).is_none() {
                slot.hold_shard(shard, value);
            }
        }
    }

    fn validate_shard(
        &self,
        values: &ShardValues,
        saved: &[Option<crate::artifact::saving::Saved>],
    ) -> Result<(), NotKept> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let fresh = Fresh::of(self, Some(values), saved);
        validator.check(&fresh).map_err(|what| {
            let message = format!("the result is invalid, so nothing is kept: {what}");
            NotKept::Failed(Error::new(ErrorKind::Invalid, message))
        })
    }

    /// Says in what the body may have read something else than the key says.
    fn what_changed_of(&self, table: &Table, shard: usize, key: &Digest) -> Option<String> {
        let changed = {
            let state = table.state();
            let files = state.files.get(&shard).map_or(&[][..], Vec::as_slice);
            let changed = files.iter().find(|file| !file.unchanged().unwrap_or(false));
            changed.map(|file| format!("`{}`", file.shown))
        };
        let changed = changed.or_else(|| self.changed_element(shard));
        let element = || self.has_other_elements(shard, key).then(|| "an element".to_owned());
        let what = changed.or_else(|| self.what_changed()).or_else(element)?;
        let why = "changed while the stage ran, so nobody knows which content was read";
        Some(format!("{what} {why}"))
    }

    /// Names a file that the shard of another array refers to, and that is no longer what it was.
    fn changed_element(&self, shard: usize) -> Option<String> {
        let arrays = self.each_inputs().filter_map(|(_, each)| each.array());
        let heads = arrays.filter_map(|(node, _)| node.shard_head(shard)?.ok());
        let memory = self.session.store.files();
        heads.into_iter().find_map(|head| head.broken_reference(memory).map(|it| format!("`{it}`")))
    }

    /// Whether a kept shard can be used: it is not too old, what it refers to outside of the store is what it
    /// was, and the validator is content.
    pub(super) fn is_shard_good(&self, packs: &Packs, key: &Digest, kept: &Shard<'_>) -> bool {
        if self.has_expired(kept.completed).is_some() {
            return false;
        }
        let passed = |validator: &Validator| validator.has_passed_mark(kept.validator);
        let unchecked = self.validator.as_ref().filter(|validator| !passed(validator));
        let looks_outside = kept.is_outside || self.outputs.iter().any(|slot| slot.looks_outside());
        if unchecked.is_none() && !looks_outside {
            return true;
        }
        let Ok(line) = packs.read(key, kept.place) else { return false };
        let found = super::whole::FoundShard { node: self, head: Arc::new(line.head) };
        if self.session.store.what_is_gone(&found.head).is_some() || !found.is_outside_unchanged() {
            return false;
        }
        match unchecked.map_or(Ok(()), |validator| validator.check(&found)) {
            Ok(()) => true,
            Err(what) => {
                self.warn(format!("a shard is invalid and computed again: {what}"), false);
                false
            }
        }
    }

    /// Whether a kept output of a shard lies in the store.
    pub(crate) fn shard_head(&self, shard: usize) -> Option<Result<Head, String>> {
        let table = self.table()?;
        let (Far::Found(place) | Far::Ran(place)) = table.far(shard)? else { return None };
        Some(table.read(shard, place))
    }
}

/// What an entry says of an output's artifact.
pub(super) fn kept_output(head: &Head, output: usize) -> Option<&Kept> {
    crate::stage::node::kept(head, output)
}
