//! Where the values of an array's output live while they are in memory.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Shards;
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::{BoxError, Error};
use crate::key::files::FileDigest;
use crate::slot::{AnySlot, Slot};

pub(crate) struct ShardSlot<T> {
    cacher: Option<Arc<dyn Cacheable<T>>>,
    format: Option<Format>,
    values: Mutex<Values<T>>,
}

struct Values<T> {
    /// What nothing keeps, by shard.
    held: HashMap<usize, Arc<T>>,
    /// What somebody has a handle of, so that its readers share it.
    open: HashMap<usize, Weak<Slot<T>>>,
    /// How many handles there may be before those are looked for that are gone.
    room: usize,
}

impl<T: Send + Sync + 'static> ShardSlot<T> {
    pub(crate) fn new(cacher: Option<Arc<dyn Cacheable<T>>>) -> Self {
        let format = cacher.as_ref().map(|cacher| cacher.format());
        let values = Values { held: HashMap::new(), open: HashMap::new(), room: 64 };
        Self { cacher, format, values: Mutex::new(values) }
    }

    fn values(&self) -> MutexGuard<'_, Values<T>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the slot of one shard.
    pub(crate) fn of_shard(&self, shard: usize) -> Arc<Slot<T>> {
        let mut values = self.values();
        if let Some(slot) = values.open.get(&shard).and_then(Weak::upgrade) {
            return slot;
        }
        let slot = Arc::new(Slot::of_shard(self.cacher.clone(), self.format.clone()));
        if let Some(value) = values.held.get(&shard) {
            slot.hold(Arc::clone(value));
        }
        if values.open.len() >= values.room {
            values.open.retain(|_, slot| slot.strong_count() > 0);
            values.room = 2 * values.open.len() + 64;
        }
        values.open.insert(shard, Arc::downgrade(&slot));
        slot
    }
}

impl<T: Send + Sync + 'static> AnySlot for ShardSlot<T> {
    fn type_name(&self) -> &'static str {
        type_name::<Shards<T>>()
    }

    fn type_of_value(&self) -> TypeId {
        TypeId::of::<Shards<T>>()
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn published(&self) -> Option<&str> {
        self.cacher.as_ref().and_then(|cacher| cacher.published())
    }

    fn files(&self) -> &[FileDigest] {
        &[]
    }

    fn is_lazy(&self) -> bool {
        true
    }

    fn takes_over(&self) -> bool {
        self.cacher.as_ref().is_some_and(|cacher| cacher.takes_over())
    }

    /// Values come one by one.
    fn put(&self, _: Box<dyn Any + Send + Sync>) -> Option<Arc<dyn Any + Send + Sync>> {
        None
    }

    fn hold_shard(&self, shard: usize, value: Arc<dyn Any + Send + Sync>) -> bool {
        let Ok(value) = value.downcast::<T>() else { return false };
        let mut values = self.values();
        if let Some(slot) = values.open.get(&shard).and_then(Weak::upgrade) {
            slot.hold(Arc::clone(&value));
        }
        values.held.insert(shard, value);
        true
    }

    fn evict(&self) -> bool {
        // Dropped after the lock is free: dropping values may take long.
        let held = std::mem::take(&mut self.values().held);
        !held.is_empty()
    }

    fn held_size(&self) -> Option<u64> {
        let values = self.values();
        let sum = values.held.values().map(|value| crate::slot::size::of(&**value)).sum();
        if values.held.is_empty() { None } else { Some(sum) }
    }

    fn save(&self, _: &Artifact) -> Result<(), BoxError> {
        Err("an array is kept shard by shard".into())
    }

    fn save_value(
        &self,
        value: &(dyn Any + Send + Sync),
        artifact: &Artifact,
    ) -> Result<(), BoxError> {
        Slot::of_shard(self.cacher.clone(), self.format.clone()).save_value(value, artifact)
    }

    fn looks_outside(&self) -> bool {
        self.cacher.as_ref().is_some_and(|cacher| cacher.looks_outside())
    }

    fn check(&self, artifact: &Artifact) -> Result<(), BoxError> {
        Slot::of_shard(self.cacher.clone(), self.format.clone()).check(artifact)
    }

    fn load_any(&self, artifact: Artifact) -> Result<Arc<dyn Any + Send + Sync>, Error> {
        Ok(Slot::of_shard(self.cacher.clone(), self.format.clone()).load(artifact)?)
    }

    fn peek_any(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        None
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
