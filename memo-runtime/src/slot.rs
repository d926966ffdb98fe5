//! A slot is where one output's value lives while it is in memory.
//!
//! It holds the value strongly while the value should stay, and weakly after that, so that whoever
//! still reads it shares it with the next reader.

use std::any::{Any, TypeId, type_name};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::{BoxError, Error, ErrorKind, panic_text};
use crate::key::files::FileDigest;

pub(crate) mod size;

pub(crate) struct Slot<T> {
    held: Mutex<Held<T>>,
    /// Taken for the length of a load, so that readers at the same time load once.
    pub(crate) loading: Mutex<()>,
    cacher: Option<Arc<dyn Cacheable<T>>>,
    format: Option<Format>,
    /// Whether the value leaves memory as soon as nobody reads it.
    lazy: bool,
    /// Files that an inserted value refers to.
    files: Vec<FileDigest>,
}

struct Held<T> {
    strong: Option<Arc<T>>,
    weak: Weak<T>,
}

impl<T: Send + Sync + 'static> Slot<T> {
    pub(crate) fn new(cacher: Option<Arc<dyn Cacheable<T>>>, lazy: bool) -> Self {
        let format = cacher.as_ref().map(|cacher| cacher.format());
        Self::with_format(cacher, format, lazy)
    }

    /// Makes a slot of one shard, whose value is in memory as long as somebody reads it.
    pub(crate) fn of_shard(cacher: Option<Arc<dyn Cacheable<T>>>, format: Option<Format>) -> Self {
        Self::with_format(cacher, format, true)
    }

    fn with_format(
        cacher: Option<Arc<dyn Cacheable<T>>>,
        format: Option<Format>,
        lazy: bool,
    ) -> Self {
        let held = Mutex::new(Held { strong: None, weak: Weak::new() });
        Self { held, loading: Mutex::new(()), cacher, format, lazy, files: Vec::new() }
    }

    /// Makes a slot that holds a value from outside for good.
    pub(crate) fn inserted(value: T, files: Vec<FileDigest>) -> Self {
        let slot = Self { files, ..Self::new(None, false) };
        slot.hold(Arc::new(value));
        slot
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn peek(&self) -> Option<Arc<T>> {
        let held = self.held();
        held.strong.clone().or_else(|| held.weak.upgrade())
    }

    pub(crate) fn hold(&self, value: Arc<T>) {
        *self.held() = Held { weak: Arc::downgrade(&value), strong: Some(value) };
    }

    /// Reads the value from its artifact. A lazy one is held by its readers only.
    pub(crate) fn load(&self, artifact: Artifact) -> Result<Arc<T>, Error> {
        let Some(cacher) = &self.cacher else {
            return Err(Error::new(ErrorKind::Cacher, "the output has no cacher"));
        };
        let loaded = contained(|| cacher.load(&artifact));
        // A wrong digest explains whatever the cacher stumbled over.
        artifact.end_load()?;
        let value = loaded.map_err(|error| {
            let message = format!("the cacher `{}` could not read the value", cacher.format());
            Error::new(ErrorKind::Cacher, message).because(error)
        })?;
        let value = Arc::new(value);
        let strong = (!self.lazy).then(|| Arc::clone(&value));
        *self.held() = Held { strong, weak: Arc::downgrade(&value) };
        Ok(value)
    }
}

/// Calls a cacher, whose panic is an error like any other.
fn contained<R>(call: impl FnOnce() -> Result<R, BoxError>) -> Result<R, BoxError> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(format!("the cacher panicked: {}", panic_text(&*panic)).into()))
}

/// A slot whose type is not known.
pub(crate) trait AnySlot: Send + Sync {
    fn type_name(&self) -> &'static str;
    /// Returns the type of what it is a slot of: `T`, or `Shards<T>`.
    fn type_of_value(&self) -> TypeId;
    fn format(&self) -> Option<&Format>;
    fn published(&self) -> Option<&str>;
    /// Returns the files that an inserted value refers to.
    fn files(&self) -> &[FileDigest];
    fn is_lazy(&self) -> bool;
    fn takes_over(&self) -> bool;
    /// Holds a fresh value, and returns it; `None` if it is of another type.
    fn put(&self, value: Box<dyn Any + Send + Sync>) -> Option<Arc<dyn Any + Send + Sync>>;
    /// Holds a value of one shard, of an array's output. False if it is of another type.
    fn hold_shard(&self, _shard: usize, _value: Arc<dyn Any + Send + Sync>) -> bool {
        false
    }
    /// Drops the strong half. Returns whether there was one.
    fn evict(&self) -> bool;
    /// Returns how many bytes the value takes that stays in memory, as far as its type tells; `None` if none does.
    fn held_size(&self) -> Option<u64>;
    /// Writes the value that is held.
    fn save(&self, artifact: &Artifact) -> Result<(), BoxError>;
    /// Writes another value of the same type.
    fn save_value(
        &self,
        value: &(dyn Any + Send + Sync),
        artifact: &Artifact,
    ) -> Result<(), BoxError>;
    /// Whether `check` looks at anything.
    fn looks_outside(&self) -> bool;
    /// Checks what lies outside the store.
    fn check(&self, artifact: &Artifact) -> Result<(), BoxError>;
    /// Reads the value, for validators.
    fn load_any(&self, artifact: Artifact) -> Result<Arc<dyn Any + Send + Sync>, Error>;
    fn peek_any(&self) -> Option<Arc<dyn Any + Send + Sync>>;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<T: Send + Sync + 'static> AnySlot for Slot<T> {
    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn type_of_value(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn published(&self) -> Option<&str> {
        self.cacher.as_ref().and_then(|cacher| cacher.published())
    }

    fn files(&self) -> &[FileDigest] {
        &self.files
    }

    fn is_lazy(&self) -> bool {
        self.lazy
    }

    fn takes_over(&self) -> bool {
        self.cacher.as_ref().is_some_and(|cacher| cacher.takes_over())
    }

    fn put(&self, value: Box<dyn Any + Send + Sync>) -> Option<Arc<dyn Any + Send + Sync>> {
        let value: Arc<T> = value.downcast::<T>().ok()?.into();
        self.hold(Arc::clone(&value));
        Some(value)
    }

    fn evict(&self) -> bool {
        // Dropped after the lock is free: dropping a value may take long.
        let strong = self.held().strong.take();
        strong.is_some()
    }

    fn held_size(&self) -> Option<u64> {
        self.held().strong.as_deref().map(size::of)
    }

    fn save(&self, artifact: &Artifact) -> Result<(), BoxError> {
        match (&self.cacher, self.peek()) {
            (Some(cacher), Some(value)) => contained(|| cacher.save(&value, artifact)),
            _ => Err("there is no value to keep".into()),
        }
    }

    fn save_value(
        &self,
        value: &(dyn Any + Send + Sync),
        artifact: &Artifact,
    ) -> Result<(), BoxError> {
        match (&self.cacher, value.downcast_ref::<T>()) {
            (Some(cacher), Some(value)) => contained(|| cacher.save(value, artifact)),
            _ => Err("there is no value to keep".into()),
        }
    }

    fn looks_outside(&self) -> bool {
        self.cacher.as_ref().is_some_and(|cacher| cacher.looks_outside())
    }

    fn check(&self, artifact: &Artifact) -> Result<(), BoxError> {
        self.cacher.as_ref().map_or(Ok(()), |cacher| contained(|| cacher.check(artifact)))
    }

    fn load_any(&self, artifact: Artifact) -> Result<Arc<dyn Any + Send + Sync>, Error> {
        Ok(self.load(artifact)?)
    }

    fn peek_any(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(self.peek()?)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
