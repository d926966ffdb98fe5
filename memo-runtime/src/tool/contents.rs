//! What a store holds of one stage: its entries, and the arrays with their shards. Nothing of it is trusted.

use std::cmp::Reverse;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::store::Store;
use crate::store::manifest::{Head, Kept};
use crate::store::packs::{Packs, Place};

/// What is kept of a stage, the latest first.
pub(super) struct Contents {
    entries: Vec<Held>,
    arrays: Vec<Array>,
    /// What cannot be believed.
    pub(super) broken: Vec<String>,
}

/// An entry, or a shard of an array.
#[derive(Clone)]
pub(super) struct Held {
    /// The position of its element when it was computed, of a shard.
    pub(super) index: Option<u64>,
    pub(super) head: Head,
    pub(super) record: Option<String>,
}

/// The shards that have one part of their keys in common.
pub(super) struct Array {
    pub(super) shared: Digest,
    pub(super) packs: Packs,
    pub(super) record: Option<String>,
    /// Those that count, in the order of their elements.
    pub(super) shards: Vec<Listed>,
    /// What is wrong with lines that are damaged.
    pub(super) damaged: Vec<String>,
    pub(super) size: u64,
    /// When the latest shard was done.
    pub(super) latest: u64,
}

/// A shard, and where its line lies.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    index: u64,
    completed: u64,
    key: Digest,
    place: Place,
}

/// What can be chosen.
pub(super) enum Matter<'a> {
    Held(Held),
    Array(&'a Array),
}

impl Contents {
    pub(super) fn of(store: &Store, stage: &str) -> Self {
        let all = store.entries_of(stage, usize::MAX);
        let folders = store.folders_of_shards(stage);
        let array = |(shared, packs): (Digest, Packs)| {
            let entry = all.iter().find(|entry| entry.head.key == shared);
            Array::of(shared, packs, entry.and_then(|entry| entry.detail.record.clone()))
        };
        let mut arrays: Vec<Array> = store.packs_of(stage).into_iter().map(array).collect();
        arrays.sort_by_key(|array| Reverse((array.latest, array.shared)));
        let is_read = |shared: &&Digest| !arrays.iter().any(|array| array.shared == **shared);
        let unread = |shared: &Digest| {
            format!("the array {}: no line of its packs can be read", shared.short())
        };
        let mut broken: Vec<String> = folders.iter().filter(is_read).map(unread).collect();
        let mut entries = Vec::new();
        for entry in all {
            let (head, record) = (entry.head, entry.detail.record);
            let is_array = folders.contains(&head.key);
            if !is_array && head.stays_inside() && head.kept().all(Kept::sizes_agree) {
                entries.push(Held { index: None, head, record });
            } else if !is_array {
                broken.push(format!("the entry {} names what cannot be", head.key.short()));
            }
        }
        Self { entries, arrays, broken }
    }

    /// Returns everything, or what was asked for: by the first digits of keys, and by the position in an array.
    pub(super) fn choose(
        &self,
        keys: &[String],
        shard: Option<u64>,
    ) -> Result<Vec<Matter<'_>>, Error> {
        if let Some(shard) = shard {
            return self.shards_at(keys, shard);
        }
        if keys.is_empty() {
            let entries = self.entries.iter().cloned().map(Matter::Held);
            return Ok(self.arrays.iter().map(Matter::Array).chain(entries).collect());
        }
        let mut chosen = Vec::new();
        for wanted in keys {
            let before = chosen.len();
            let is_it = |key: &Digest| begins(key, wanted);
            chosen.extend(self.arrays.iter().filter(|a| is_it(&a.shared)).map(Matter::Array));
            let entries = self.entries.iter().filter(|held| is_it(&held.head.key));
            chosen.extend(entries.cloned().map(Matter::Held));
            for array in &self.arrays {
                let shards = array.shards.iter().filter(|listed| is_it(&listed.key));
                chosen
                    .extend(shards.filter_map(|listed| array.read(listed).ok()).map(Matter::Held));
            }
            if chosen.len() == before {
                let message = format!("no key of the stage begins with `{wanted}`");
                return Err(Error::new(ErrorKind::Usage, message));
            }
        }
        Ok(chosen)
    }

    /// Returns the shards at a position: of the arrays that are named, or of the latest that has one there.
    fn shards_at(&self, keys: &[String], shard: u64) -> Result<Vec<Matter<'_>>, Error> {
        let is_meant =
            |array: &&Array| keys.is_empty() || keys.iter().any(|key| begins(&array.shared, key));
        for array in self.arrays.iter().filter(is_meant) {
            let mut there: Vec<_> = array.shards.iter().filter(|l| l.index == shard).collect();
            there.sort_by_key(|listed| Reverse(listed.completed));
            let held = there.into_iter().map(|listed| array.read(listed).map(Matter::Held));
            let held: Vec<_> = held.collect::<Result<_, _>>()?;
            if !held.is_empty() {
                return Ok(held);
            }
        }
        let which = if keys.is_empty() { "any array of the stage" } else { "such an array" };
        let message = format!("no shard {shard} of {which} is kept");
        Err(Error::new(ErrorKind::Usage, message))
    }
}

impl Array {
    pub(super) fn of(shared: Digest, packs: Packs, record: Option<String>) -> Self {
        let (size, latest) = (0, 0);
        let (shards, damaged) = Default::default();
        let mut array = Self { shared, packs, record, shards, damaged, size, latest };
        for read in array.packs.all() {
            let (place, line) = match read {
                Ok(read) => read,
                Err(damage) => {
                    array.damaged.push(damage.what);
                    continue;
                }
            };
            let (key, completed) = (line.head.key, line.head.completed);
            // Others have the same key, and count no more.
            if array.packs.find_one(&key).is_some_and(|shard| shard.place == place) {
                array.size = array.size.saturating_add(size_of(&line.head));
                array.latest = array.latest.max(completed);
                array.shards.push(Listed { index: line.index, completed, key, place });
            }
        }
        array.shards.sort_by_key(|listed| (listed.index, Reverse(listed.completed), listed.key));
        array
    }

    /// Reads a shard.
    pub(super) fn read(&self, listed: &Listed) -> Result<Held, Error> {
        let line = self.packs.read(&listed.key, listed.place).map_err(|damage| {
            Error::new(ErrorKind::Damaged, format!("shard {}: {damage}", listed.index))
        })?;
        let (index, record) = (Some(listed.index), self.record.clone());
        Ok(Held { index, head: line.head, record })
    }
}

/// Returns the size of all that is kept.
pub(super) fn size_of(head: &Head) -> u64 {
    head.kept().fold(0, |sum, kept| sum.saturating_add(kept.size))
}

fn begins(key: &Digest, wanted: &str) -> bool {
    key.to_string().starts_with(&wanted.to_ascii_lowercase())
}
