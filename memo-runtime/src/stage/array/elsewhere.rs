//! What an array is to those who run its shards elsewhere: a worker, and the process that has submitted them.

use super::table::{Given, Table};
use crate::digest::Digest;
use crate::error::Error;
use crate::event::Event;
use crate::stage::execute::IfTaken;
use crate::stage::node::Node;

impl Node {
    /// Makes ready what a worker needs to run shards, and returns the key that they share.
    pub(crate) fn open_for_worker(&self) -> Result<Option<Digest>, Error> {
        for above in self.upstream() {
            above.resolve()?;
        }
        self.make_elements_ready()?;
        self.make_inputs_ready(IfTaken::Wait)?;
        self.open_array()?;
        Ok(self.table().and_then(|_| self.key()))
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
        let identities = self.known_identities(&key, &kept);
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

    /// Tells where shards are on their way.
    pub(crate) fn told_elsewhere(&self, message: String) {
        let (stage, record) = (self.spec.name, self.record_name());
        self.session.store.emit(|| Event::Submitted { stage, record, message });
    }
}

impl Table {
    /// Takes all shards that are to run.
    pub(crate) fn take_all(&self) -> Vec<usize> {
        std::iter::from_fn(|| self.take()).collect()
    }

    /// Lists the shards that are running.
    pub(crate) fn running(&self) -> Vec<usize> {
        self.all_that(|far| far == super::table::Far::Runs)
    }

    /// Takes a shard that a worker was asked for, so that its result counts as of `generation`. False if it
    /// is there.
    pub(crate) fn take_for_worker(&self, shard: usize, generation: u32) -> bool {
        let kept = self.packs.find_one(&self.key(shard));
        if kept.is_some_and(|kept| kept.generation >= generation) {
            return false;
        }
        self.make_again_as(shard, generation);
        true
    }
}
