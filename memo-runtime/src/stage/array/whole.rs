//! What an array is to others: one call, that is found or has run when all its shards are there.

use std::any::Any;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::thread;

use super::elements::EachInput;
use super::open::MOST_RANGES;
use super::ranges::ranges;
use super::shard::kept_output;
use super::table::{Counts, Far, Table};
use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, MissReason};
use crate::key::{ComponentKind, KeyMaker};
use crate::lazy::Origin;
use crate::stage::execute::IfTaken;
use crate::stage::node::{Node, Status};
use crate::stage::validate::Outputs;
use crate::store::history;
use crate::store::manifest::{Head, Output};

impl Node {
    /// Returns how far the shards are, of an array that is open.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.array.as_ref()?.table()
    }

    /// Returns the digest by which all shards of an output enter the keys of what takes them together.
    pub(crate) fn identity_of_all(&self, output: usize) -> Option<Digest> {
        let table = self.table()?;
        if !self.is_kept() || self.outputs[output].format().is_none() {
            // It is known before it was made.
            let keys = table.digest_of_keys(output)?;
            if !table.is_spoiled() {
                return Some(keys);
            }
            let mut maker = KeyMaker::new();
            maker.add(ComponentKind::Input, "", &keys);
            maker.add_text(ComponentKind::Input, self.session.store.run());
            return Some(maker.finish());
        }
        let mut hasher = blake3::Hasher::new();
        let all_there = table.each_identity(output, |identity| {
            hasher.update(identity.as_bytes());
        });
        if all_there {
            let all: Digest = hasher.finalize().into();
            let mut maker = KeyMaker::new();
            maker.add_text(ComponentKind::Input, "shards");
            maker.add(ComponentKind::Input, "", &all);
            return Some(maker.finish());
        }
        None
    }

    /// Runs what is missing of an array, where no plan does it: on as many threads as started calls have.
    pub(crate) fn run_array(&self) -> Result<(), Error> {
        self.make_inputs_ready(IfTaken::Wait)?;
        if self.open_array()?.is_none() {
            return Err(Error::new(ErrorKind::Wiring, "the elements of an array are not known"));
        }
        self.catch_up();
        let Some(table) = self.table() else { return Ok(()) };
        let jobs = self.session.store.pool().jobs().min(table.counts().missing()).max(1);
        let work = || -> Result<(), Error> {
            // What others compute is waited for when nothing else is left.
            let next = || {
                let left = || table.take_left().map(|shard| (shard, IfTaken::Wait));
                table.take().map(|shard| (shard, IfTaken::ComeBack)).or_else(left)
            };
            while let Some((shard, if_taken)) = next() {
                self.run_shard(shard, if_taken)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..jobs).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let join = |other: thread::ScopedJoinHandle<'_, _>| {
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            others.into_iter().map(join).fold(mine, Result::and)
        })?;
        table.ends_now();
        self.end_array()
    }

    /// Tells, before the first body, that the call runs.
    pub(crate) fn told_array_started(&self) {
        let (Some(key), Some(table)) = (self.key(), self.table()) else { return };
        if !table.tells() {
            return;
        }
        let reason = self.missed().unwrap_or(MissReason::InMemory);
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Started { stage, record, key, reason });
        if let Some(progress) = self.progress.get() {
            progress.runs();
        }
    }

    /// Notes that all shards have ended: the call has run, or failed.
    pub(crate) fn end_array(&self) -> Result<(), Error> {
        let Some(table) = self.table() else { return Ok(()) };
        self.let_go_of_elements();
        let counts = table.counts();
        self.set_seconds(counts.seconds);
        if counts.ran > 0 {
            self.write_array_down(counts);
            // What cannot be merged now is merged by a later run.
            let _ = table.packs.compact();
        }
        let failures = table.failures();
        if !failures.is_empty() {
            let error = self.blame(failed(counts.total, &failures));
            self.set_status(Status::Failed(error.clone()));
            let (stage, record) = (self.spec.name, self.record_name());
            let told = error.clone();
            self.session.store.emit(|| Event::Failed { stage, record, error: told });
            return Err(error);
        }
        if !table.has_begun() && counts.lost == 0 && self.never_looked_up().is_none() {
            // Its elements came out as before, or another process has been quicker.
            self.set_status(Status::Hit);
            self.told_array_hit(counts);
            return Ok(());
        }
        self.told_array_started();
        self.set_status(Status::Ran);
        let Some(key) = self.key() else { return Ok(()) };
        let (stage, record) = (self.spec.name, self.record_name());
        let (seconds, size) = (counts.seconds, counts.size);
        let kept = self.is_kept() && counts.unkept == 0;
        self.session.store.emit(|| Event::Finished { stage, record, key, seconds, size, kept });
        Ok(())
    }

    /// Keeps an entry for what the shards share, so that it can be said what has changed when they are all new.
    fn write_array_down(&self, counts: Counts) {
        let (Some(key), store) = (self.key(), &self.session.store) else { return };
        if !self.is_kept() || store.is_read_only() || counts.unkept > 0 {
            return;
        }
        let outputs = self.spec.outputs.iter();
        let outputs = outputs.map(|spec| Output { name: spec.name.into(), artifact: None });
        #[expect(clippy::cast_precision_loss, reason = "nobody has so many shards")]
        let seconds = counts.seconds / counts.ran as f64;
        let head = Head {
            key,
            stage: self.spec.name.into(),
            outputs: outputs.collect(),
            seconds,
            completed: history::now(),
            run: store.run().to_owned(),
            logged: false,
            validator: None,
        };
        self.keep_code();
        let detail = self.detail(1, Vec::new());
        // Without it less can be explained, and nothing else is lost.
        let _ = store.commit(head, &detail, false);
    }

    pub(crate) fn let_go_of_elements(&self) {
        self.each_inputs().for_each(|(_, each)| EachInput::let_go(each));
    }

    /// Tells how many shards are there, and which are not.
    pub(super) fn told_shards(&self, counts: Counts) {
        let store = &self.session.store;
        let Some(key) = self.key().filter(|_| store.is_observed()) else { return };
        let missing = self.table().map(Table::missing).unwrap_or_default();
        store.emit(|| Event::Shards {
            stage: self.spec.name,
            record: self.record_name(),
            key,
            total: counts.total,
            cached: counts.found,
            to_compute: counts.missing(),
            waiting: counts.waits,
            missing: ranges(missing, MOST_RANGES),
        });
    }

    /// Tells that all shards were found.
    pub(super) fn told_array_hit(&self, counts: Counts) {
        let store = &self.session.store;
        let Some(key) = self.key().filter(|_| store.is_observed()) else { return };
        let first = self.shard_head(0).and_then(Result::ok);
        store.emit(|| Event::Hit {
            stage: self.spec.name,
            record: self.record_name(),
            key,
            saved: counts.saved,
            completed: first.as_ref().map_or(0, |head| head.completed),
            made_by: first.map(|head| head.run).unwrap_or_default(),
        });
    }

    /// Names a file outside the store that a shard refers to and that is gone or changed.
    pub(crate) fn changed_outside(&self) -> Option<String> {
        let table = self.table().filter(|table| table.is_complete())?;
        let memory = self.session.store.files();
        table.outside().iter().find_map(|shard| {
            let head = self.shard_head(*shard)?.ok()?;
            head.broken_reference(memory).map(str::to_owned)
        })
    }

    /// Whether a shard can be loaded though others may still run.
    pub(crate) fn is_shard_there(&self, shard: usize) -> bool {
        self.table().and_then(|table| table.far(shard)).is_some_and(Far::is_there)
    }

    pub(crate) fn told_shard_loaded(&self, shard: usize, output: usize) {
        let store = &self.session.store;
        if !store.is_observed() {
            return;
        }
        let head = self.shard_head(shard).and_then(Result::ok);
        let kept = head.as_ref().and_then(|head| kept_output(head, output));
        let size = kept.map_or(0, |kept| kept.size);
        let (stage, output) = (self.spec.name, self.spec.outputs[output].name);
        store.emit(|| Event::Loaded { stage, output, size });
    }

    /// Returns the path of the main file of a shard's output.
    pub(crate) fn path_of_shard(&self, shard: usize, output: usize) -> Result<PathBuf, Error> {
        let head = self.shard_head(shard).and_then(Result::ok);
        if let Some(kept) = head.as_ref().and_then(|head| kept_output(head, output)) {
            return self.session.store.file_of(kept).map_err(|error| self.blame(error));
        }
        let name = self.spec.outputs[output].name;
        let message = format!(
            "the output `{name}` of shard {shard} has no file: it has no cacher, or could not be kept"
        );
        Err(self.blame(Error::new(ErrorKind::Cacher, message)))
    }

    pub(crate) fn no_such_shard(&self, shard: usize) -> Error {
        let total = self.table().map_or(0, Table::total);
        let message = format!("there is no shard {shard}: there are {total}");
        self.blame(Error::new(ErrorKind::Wiring, message))
    }

    /// Makes the values ready whose elements the shards take.
    pub(crate) fn make_elements_ready(&self) -> Result<(), Error> {
        for (_, each) in self.each_inputs() {
            if let (None, Origin::Node(node, output)) = (each.array(), &each.handle.origin)
                && !node.has_value(*output)
            {
                node.run_for_value()?;
            }
        }
        Ok(())
    }

    /// Notes that the array could not be opened.
    pub(crate) fn fail_array(&self, error: Error) {
        let error = self.blame(self.hide_secrets_in(error));
        self.set_status(Status::Failed(error.clone()));
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Failed { stage, record, error });
    }

    /// Opens what is kept of a shard's output; `None` if it is in memory only.
    ///
    /// # Errors
    ///
    /// Its line is damaged, or there is no such shard.
    pub(crate) fn open_shard(
        &self,
        shard: usize,
        output: usize,
    ) -> Result<Option<Artifact>, Error> {
        let table = self.table();
        let total = table.map_or(0, Table::total);
        if shard >= total {
            return Err(self.no_such_shard(shard));
        }
        match self.shard_head(shard) {
            None => Ok(None),
            Some(Ok(head)) => {
                let kept = kept_output(&head, output).is_some();
                let store = &self.session.store;
                Ok(kept.then(|| Artifact::kept(store, Arc::new(head), output)))
            }
            Some(Err(what)) => Err(Error::new(ErrorKind::Damaged, what)),
        }
    }

    /// Runs a shard again whose values cannot be read.
    pub(crate) fn heal_shard(
        &self,
        shard: usize,
        seen: Option<Far>,
        error: Option<&Error>,
    ) -> Result<(), Error> {
        let Some(table) = self.table() else { return Ok(()) };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever came first has made it again.
        if table.far(shard) != seen {
            return Ok(());
        }
        if let Some(error) = error {
            let what = error.chain();
            self.warn(format!("shard {shard} is damaged and computed again: {what}"), false);
        }
        if self.session.is_dry() {
            let message = "its result is damaged, and a plan runs nothing";
            return Err(self.blame(Error::new(ErrorKind::NotCached, message)));
        }
        let generation = table.generation_after(shard);
        table.make_again(shard, generation);
        self.make_inputs_ready(IfTaken::Wait)?;
        for (_, each) in self.each_inputs().filter(|(_, each)| each.array().is_none()) {
            each.load()?;
        }
        // In the middle of another call nobody waits for a lock.
        let outcome = self.run_shard(shard, IfTaken::RunToo);
        if table.is_complete() {
            self.let_go_of_elements();
        }
        outcome?;
        match table.failure(shard) {
            Some(error) => Err(self.blame(failed(table.total(), &[(shard, error)]))),
            None => Ok(()),
        }
    }
}

/// Says which shards have failed, and with what. Those that have failed alike are told together.
fn failed(total: usize, failures: &[(usize, Error)]) -> Error {
    /// How many different failures are told in full.
    const MOST: usize = 10;
    let mut alike: Vec<(String, Vec<usize>)> = Vec::new();
    for (shard, error) in failures {
        let text = error.chain();
        if let Some((_, shards)) = alike.iter_mut().find(|(told, _)| *told == text) {
            shards.push(*shard);
        } else if alike.len() < MOST {
            alike.push((text, vec![*shard]));
        }
    }
    let mut texts = vec![format!("{} of {total} shards failed", failures.len())];
    let mut told = 0;
    for (text, shards) in alike {
        told += shards.len();
        let plural = if shards.len() == 1 { "" } else { "s" };
        texts.push(format!("shard{plural} {}: {text}", ranges(shards, MOST_RANGES)));
    }
    if told < failures.len() {
        texts.push(format!("and {} more", failures.len() - told));
    }
    // The kind of all, where they are of one kind.
    let kind = failures.first().map_or(ErrorKind::Stage, |(_, error)| error.kind());
    let same = failures.iter().all(|(_, error)| error.kind() == kind);
    Error::new(if same { kind } else { ErrorKind::Stage }, texts.join("; "))
}

/// A kept shard, as a validator is given it.
pub(super) struct FoundShard<'a> {
    pub(super) node: &'a Node,
    pub(super) head: Arc<Head>,
}

impl FoundShard<'_> {
    /// Whether what lies outside of the store is what it was, as its cachers tell.
    pub(super) fn is_outside_unchanged(&self) -> bool {
        let slots = self.node.outputs.iter().enumerate();
        slots.filter(|(_, slot)| slot.looks_outside()).all(|(output, slot)| {
            self.artifact(output).is_ok_and(|artifact| slot.check(&artifact).is_ok())
        })
    }
}

impl Outputs for FoundShard<'_> {
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, Error> {
        self.node.outputs[index].load_any(self.artifact(index)?)
    }

    fn artifact(&self, index: usize) -> Result<Artifact, Error> {
        if kept_output(&self.head, index).is_none() {
            let message = "an output without a cacher has no file to validate";
            return Err(Error::new(ErrorKind::Cacher, message));
        }
        Ok(Artifact::kept(&self.node.session.store, Arc::clone(&self.head), index))
    }
}
