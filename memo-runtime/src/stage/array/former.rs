//! Shards that are kept under a former name of their stage, or under code whose entries the user has accepted.
//!
//! Those of a former name are carried over: they get a line under today's key. Those of accepted code are read
//! where they lie, so that the user's word can be taken back.

use super::elements::ElementKey;
use super::table::{State, Table};
use crate::digest::Digest;
use crate::error::Error;
use crate::stage::node::Node;
use crate::store::Found;
use crate::store::manifest::Head;
use crate::store::packs::{Packs, Place, Shard};

/// Where shards of an array may lie beside their own packs.
pub(crate) struct FormerShards {
    /// The part of their keys that they have in common.
    pub(in crate::stage) shared: Digest,
    pub(in crate::stage) packs: Packs,
    /// Whether only the stage's name was another.
    pub(in crate::stage) is_renamed: bool,
}

/// A shard that was found there.
pub(super) struct FormerShard<'a> {
    pub(super) former: &'a FormerShards,
    pub(super) key: Digest,
    pub(super) kept: Shard<'a>,
}

/// A shard that is read where it was found.
#[derive(Clone)]
pub(super) struct Lies {
    pub(super) packs: Packs,
    pub(super) key: Digest,
}

impl Node {
    /// Finds the shards that have no line under today's keys.
    pub(super) fn fill_from_formers(
        &self,
        table: &Table,
        state: &mut State,
        waits: &[bool],
        is_missing: &dyn Fn(usize) -> bool,
    ) -> Result<(), Error> {
        let total = state.far.len();
        let is_open = |shard: usize| waits.get(shard).is_none_or(|waits| !waits);
        for former in &table.formers {
            let missing: Vec<usize> = (0..total)
                .filter(|shard| is_open(*shard) && is_missing(*shard))
                .filter(|shard| state.waits(*shard))
                .collect();
            if missing.is_empty() {
                return Ok(());
            }
            let mut keys = vec![Digest::from_bytes([0; 32]); total];
            self.enter_keys(&former.shared, &mut keys, waits)?;
            let found = former.packs.find(&keys);
            let mut renamed = false;
            for shard in missing {
                let Some(kept) = found.get(shard) else { continue };
                let shard_there = FormerShard { former, key: keys[shard], kept };
                renamed |= self.take_former(table, state, shard, &shard_there);
            }
            if renamed {
                self.carry_array_over(former);
            }
        }
        Ok(())
    }

    /// Looks for one shard whose elements have just ended. False if it is not there.
    pub(super) fn find_in_formers(
        &self,
        table: &Table,
        shard: usize,
        elements: &[(&'static str, ElementKey)],
    ) -> bool {
        table.formers.iter().any(|former| {
            let key = self.shard_key(&former.shared, shard, elements);
            let Some(kept) = former.packs.find_one(&key) else { return false };
            let mut state = table.state();
            if !state.waits(shard) {
                return true;
            }
            let there = FormerShard { former, key, kept };
            self.take_former(table, &mut state, shard, &there);
            let is_found = !state.waits(shard);
            drop(state);
            is_found
        })
    }

    /// Notes a shard as found, if it can be used. Returns whether it was carried over.
    fn take_former(
        &self,
        table: &Table,
        state: &mut State,
        shard: usize,
        there: &FormerShard<'_>,
    ) -> bool {
        let FormerShard { former, key, kept } = there;
        if !self.is_shard_good(&former.packs, key, kept) {
            return false;
        }
        let today = state.keys[shard];
        let carried = former.is_renamed.then(|| self.carry_shard_over(table, shard, &today, there));
        let carried = carried.flatten();
        let place = carried.unwrap_or(kept.place);
        let identities = self.known_identities(&state.oldest_key(shard), kept);
        state.found(shard, self.outputs.len(), place, &identities, f64::from(kept.seconds));
        if carried.is_none() {
            state.lies.insert(shard, Lies { packs: former.packs.clone(), key: *key });
        }
        carried.is_some()
    }

    /// Adds a line under today's key. A plan and a read-only store write nothing, and find the shard where it
    /// was again.
    fn carry_shard_over(
        &self,
        table: &Table,
        shard: usize,
        today: &Digest,
        there: &FormerShard<'_>,
    ) -> Option<Place> {
        if self.session.store.is_read_only() || self.session.is_dry() {
            return None;
        }
        let line = there.former.packs.read(&there.key, there.kept.place).ok()?;
        let mut head = line.head;
        (head.key, head.stage) = (*today, self.spec.name.into());
        table.packs.append(&head, &line.log, shard as u64, 0).ok()
    }

    /// Keeps what the shards share under today's name.
    fn carry_array_over(&self, former: &FormerShards) {
        let store = &self.session.store;
        let (stage, key) = (former.packs.stage(), &former.shared);
        let Found::Entry(head) = store.look_up(stage, key, None) else { return };
        let Some(today) = self.compute_key() else { return };
        let Some(mut detail) = store.detail(stage, key) else { return };
        detail.components = self.components();
        detail.was = Some(stage.to_owned());
        let mut head = Head::clone(&head);
        (head.key, head.stage) = (today, self.spec.name.into());
        self.keep_code();
        // Without it less can be explained, and nothing else is lost.
        let _ = store.commit(head, &detail, false);
    }
}

impl Table {
    /// Reads the line of a shard that is there, wherever that is.
    pub(super) fn read(&self, shard: usize, place: Place) -> Result<Head, String> {
        let lies = self.state().lies.get(&shard).cloned();
        let line = match lies {
            Some(lies) => lies.packs.read(&lies.key, place),
            None => self.packs.read(&self.key(shard), place),
        };
        line.map(|line| line.head).map_err(|damage| damage.what)
    }
}
