//! What an array is to those who run its shards elsewhere: a worker, and the process that has submitted them.

use std::sync::Arc;

use super::table::{Given, Table};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::stage::execute::IfTaken;
use crate::stage::node::{Node, Status};

impl Node {
    /// Makes ready what a worker needs to run shards, and returns the key that they share. Arrays above are
    /// opened only: what is not in the store of one is computed by others.
    pub(crate) fn open_for_worker(&self) -> Result<Option<Digest>, Error> {
        for array in self.arrays_one_by_one() {
            array.open_as_found()?;
        }
        for above in self.upstream().filter(|above| above.table().is_none()) {
            above.resolve()?;
        }
        self.make_elements_ready()?;
        self.make_inputs_ready(IfTaken::Wait)?;
        self.open_array()?;
        Ok(self.table().and_then(|_| self.key()))
    }

    /// Looks once more whether the elements are in the store that a worker needs. Returns the first shard that
    /// has none.
    pub(crate) fn without_element(&self, shards: impl Iterator<Item = usize>) -> Option<usize> {
        let table = self.table()?;
        let waits = |shard: &usize| table.far(*shard) == Some(super::table::Far::Waits);
        let waiting: Vec<usize> = shards.filter(waits).collect();
        if waiting.is_empty() {
            return None;
        }
        for array in self.arrays_one_by_one() {
            array.find_in_store();
            array.catch_up();
        }
        self.catch_up();
        waiting.into_iter().find(waits)
    }

    /// Runs a shard, and before it those of arrays in memory that it takes. They leave memory after it.
    pub(crate) fn run_shard_of_worker(&self, shard: usize) -> Result<(), Error> {
        let Some(table) = self.table() else { return Ok(()) };
        let arrays = self.arrays_one_by_one();
        let in_memory = || arrays.iter().filter(|array| array.lives_in_memory());
        let missing = || in_memory().filter(|array| !array.is_shard_there(shard));
        // Each after those that it takes, so that the last need not make them all.
        let made = missing().try_for_each(|array| {
            let far = array.table().and_then(|table| table.far(shard));
            array.heal_shard(shard, far, None)
        });
        let outcome = match made {
            Ok(()) => self.run_shard(shard, IfTaken::Wait).map(drop),
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                table.failed(shard, &error);
                Ok(())
            }
        };
        in_memory().flat_map(|array| &array.outputs).for_each(|slot| {
            slot.evict();
        });
        outcome
    }

    /// Returns the arrays whose shards are taken one by one, directly or by others of these; each after those
    /// that it takes itself.
    fn arrays_one_by_one(&self) -> Vec<Arc<Node>> {
        let above = |node: &Node| -> Vec<Arc<Node>> {
            node.arrays_above().map(|(array, _)| Arc::clone(array)).collect()
        };
        let (mut arrays, mut open) = (Vec::<Arc<Node>>::new(), above(self));
        while let Some(node) = open.last() {
            let is_new = |one: &Arc<Node>| !arrays.iter().any(|known| Arc::ptr_eq(known, one));
            let before: Vec<_> = above(node).into_iter().filter(is_new).collect();
            if !before.is_empty() {
                open.extend(before);
            } else if let Some(node) = open.pop().filter(is_new) {
                arrays.push(node);
            }
        }
        arrays
    }

    /// Opens an array for a worker, which takes what is in the store, and computes nothing but what nobody keeps.
    fn open_as_found(&self) -> Result<(), Error> {
        for above in self.upstream().filter(|above| above.table().is_none()) {
            above.make_known()?;
        }
        self.make_elements_ready()?;
        if self.open_array()?.is_none() {
            let message = "its key, or what its elements are, is not known here";
            return Err(self.blame(Error::new(ErrorKind::Wiring, message)));
        }
        self.find_in_store();
        // Whoever asks for it as a whole is not to run the rest.
        self.set_status(Status::Hit);
        Ok(())
    }

    /// Finds what is in the store of an array by now, also what a run of its own would compute anew.
    fn find_in_store(&self) {
        let Some(table) = self.table().filter(|_| self.is_kept()) else { return };
        let missing = table.missing();
        if !missing.is_empty() {
            table.packs.refresh();
        }
        for shard in missing {
            let key = table.key(shard);
            if let Some(kept) = table.packs.find_one(&key) {
                let identities = self.known_identities(&key, &kept);
                table.found(shard, kept.place, &identities, f64::from(kept.seconds));
            }
        }
    }

    /// Whether a shard that runs elsewhere is in the store by now, at this generation or a later one. It is
    /// noted then.
    pub(crate) fn note_made_elsewhere(&self, shard: usize, generation: u32) -> bool {
        let Some(table) = self.table() else { return false };
        let key = table.key(shard);
        let Some(kept) = table.packs.find_one(&key).filter(|kept| kept.generation >= generation)
        else {
            return false;
        };
        let seconds = f64::from(kept.seconds);
        let identities = self.known_identities(&table.oldest_key(shard), &kept);
        let place = Some(kept.place);
        let (size, unkept, spoiled, skipped) = (0, false, false, None);
        let given = Given { place, identities, seconds, size, unkept, spoiled, skipped };
        table.ran(shard, &given);
        self.told_shard_finished(shard, key, &given);
        true
    }

    /// Notes that a shard which ran elsewhere has failed.
    pub(crate) fn note_failed_elsewhere(&self, shard: usize, error: &Error) {
        let Some(table) = self.table() else { return };
        table.failed(shard, error);
        let (stage, record) = (self.spec.name, self.record_name());
        let error = error.clone();
        self.session.store.emit(|| Event::ShardFailed { stage, record, shard, error });
    }
}

impl Table {
    /// Takes all shards that are to run.
    pub(crate) fn take_all(&self) -> Vec<usize> {
        std::iter::from_fn(|| self.take()).collect()
    }

    /// Whether no shard waits for its elements.
    pub(crate) fn knows_all_elements(&self) -> bool {
        self.counts().waits == 0
    }

    /// Lists the shards that are running.
    pub(crate) fn running(&self) -> Vec<usize> {
        self.all_that(|far| far == super::table::Far::Runs)
    }

    /// Whether a shard of this generation, or a later one, is in the store, of this call or of an equal one with
    /// other elements.
    pub(crate) fn is_kept(&self, key: &Digest, generation: u32) -> bool {
        self.packs.find_one(key).is_some_and(|kept| kept.generation >= generation)
    }

    /// Takes a shard that a worker was asked for, so that its result counts as of `generation`. False if it
    /// is there.
    pub(crate) fn take_for_worker(&self, shard: usize, generation: u32) -> bool {
        if self.is_kept(&self.key(shard), generation) {
            return false;
        }
        self.make_again_as(shard, generation);
        true
    }
}
