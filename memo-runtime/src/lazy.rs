//! [`Lazy`]: the handle of a value that may still be on disk.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use serde::de::DeserializeOwned;

use crate::artifact::read_meta;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::shards::Shards;
use crate::shards::slot::ShardSlot;
use crate::slot::{AnySlot, Slot};
use crate::stage::call::without_paths;
use crate::stage::node::{Node, kept};

/// A handle of a value: an output of a stage, or a value that was inserted.
///
/// Nothing is read before [`load`](Self::load). While anybody holds the loaded value, all readers share
/// it; readers at the same time load it once.
///
/// ```
/// use memo_runtime::prelude::*;
///
/// #[stage(outputs = [squares], cachers = [Json])]
/// fn squares(count: u64) -> Vec<u64> {
///     (0..count).map(|n| n * n).collect()
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path())?;
/// let mut record = Record::new(&store, "base", ());
/// let handle: Lazy<Vec<u64>> = squares(&mut record, 4)?;
/// assert_eq!(*handle.load()?, [0, 1, 4, 9]);
/// handle.evict();
/// assert!(!handle.is_loaded());
/// assert_eq!(*handle.load()?, [0, 1, 4, 9]);
/// # Ok(())
/// # }
/// ```
pub struct Lazy<T> {
    pub(crate) slot: Arc<Slot<T>>,
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// The output of a call, by its position.
    Node(Arc<Node>, usize),
    /// A shard of an array's output: the output's position, then the shard's.
    Shard(Arc<Node>, usize, usize),
    /// From outside, with the digest by which it enters keys.
    Inserted(Digest),
    /// The call was wired wrongly; that has been reported.
    Broken,
}

/// A [`Lazy`] whose type is not known.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) slot: Arc<dyn AnySlot>,
    pub(crate) origin: Origin,
}

impl Handle {
    /// Returns the typed handle, or `None` if the value is of another type.
    pub(crate) fn typed<T: Send + Sync + 'static>(&self) -> Option<Lazy<T>> {
        let slot = Arc::clone(&self.slot).into_any().downcast::<Slot<T>>().ok()?;
        Some(Lazy { slot, origin: self.origin.clone() })
    }

    /// Returns the typed handle of all shards, or `None` if it is none of an array of such values.
    pub(crate) fn shards<T: Send + Sync + 'static>(&self) -> Option<Shards<T>> {
        let slot = Arc::clone(&self.slot).into_any().downcast::<ShardSlot<T>>().ok()?;
        Some(Shards { slot, origin: self.origin.clone() })
    }

    /// Says that it is a handle of something else than a `T`.
    pub(crate) fn is_no<T>(&self, name: &str) -> Error {
        let (is, asked) = (self.slot.type_name(), std::any::type_name::<T>());
        let mend = match (is.contains("Shards<"), asked.contains("Shards<")) {
            (true, false) => "; ask for it by `shards`",
            (false, true) => "; ask for it as a single value",
            _ => "",
        };
        let message = format!(
            "`{name}` is a `{}`, not a `{}`{mend}",
            without_paths(is),
            without_paths(asked)
        );
        Error::new(ErrorKind::Wiring, message)
    }

    /// Returns the call that makes the value, where one does.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        match &self.origin {
            Origin::Node(node, _) | Origin::Shard(node, ..) => Some(node),
            Origin::Inserted(_) | Origin::Broken => None,
        }
    }
}

impl<T> Clone for Lazy<T> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), origin: self.origin.clone() }
    }
}

impl<T: Send + Sync + 'static> Lazy<T> {
    /// Returns the value, read through its cacher unless it is in memory.
    ///
    /// In an experiment's pipeline function, this runs just what the value needs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotCached`] under `--plan`, if the value is not cached. If what was kept turns out
    /// to be damaged the stage runs again, so the errors are those of calling the stage.
    pub fn load(&self) -> Result<Arc<T>, Error> {
        if let Some(value) = self.slot.peek() {
            return Ok(value);
        }
        if let Origin::Shard(node, output, shard) = &self.origin {
            return self.load_shard(node, *output, *shard);
        }
        let (node, output) = self.node()?;
        node.resolve()?;
        // A load that fails sets the entry aside and runs the stage, after which the value is there.
        for _ in 0..3 {
            let _once = self.slot.loading.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = self.slot.peek() {
                return Ok(value);
            }
            let head = node.head();
            let kept = head.as_ref().and_then(|head| Some((head, node.artifact_of(head, output)?)));
            let Some((head, artifact)) = kept else {
                node.run_for_value()?;
                continue;
            };
            match self.slot.load(artifact) {
                Ok(value) => {
                    node.told_loaded(output);
                    return Ok(value);
                }
                Err(error) => node.heal(output, head, &error)?,
            }
        }
        Err(Error::new(ErrorKind::Damaged, "the value is damaged each time it is made")
            .in_stage(node.spec.name))
    }

    fn load_shard(&self, node: &Arc<Node>, output: usize, shard: usize) -> Result<Arc<T>, Error> {
        if !node.is_shard_there(shard) {
            node.resolve()?;
        }
        let mut last = None;
        for _ in 0..3 {
            let _once = self.slot.loading.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = self.slot.peek() {
                return Ok(value);
            }
            let far = node.table().and_then(|table| table.far(shard));
            let loaded = match node.open_shard(shard, output) {
                Ok(Some(artifact)) => self.slot.load(artifact),
                Ok(None) => {
                    if let Some(equal) = Self::of_equal_shard(node, output, shard) {
                        return equal.load();
                    }
                    node.heal_shard(shard, far, None)?;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Wiring => return Err(error),
                Err(error) => Err(error),
            };
            match loaded {
                Ok(value) => {
                    node.told_shard_loaded(shard, output);
                    return Ok(value);
                }
                Err(error) => {
                    node.heal_shard(shard, far, Some(&error))?;
                    last = Some(error);
                }
            }
        }
        let message = format!("the value of shard {shard} is damaged each time it is made");
        let error = Error::new(ErrorKind::Damaged, message).in_stage(node.spec.name);
        Err(match last {
            Some(last) => error.because(last),
            None => error,
        })
    }

    /// Returns the handle of the shard that has run for this one too, where another has.
    fn of_equal_shard(node: &Arc<Node>, output: usize, shard: usize) -> Option<Self> {
        let first = node.table()?.first_of(shard).filter(|first| *first != shard)?;
        let all =
            Arc::clone(node.outputs.get(output)?).into_any().downcast::<ShardSlot<T>>().ok()?;
        let origin = Origin::Shard(Arc::clone(node), output, first);
        Some(Self { slot: all.of_shard(first), origin })
    }

    /// Drops the value from memory, if it can be read again. Whoever holds it keeps it.
    pub fn evict(&self) {
        if let Origin::Node(node, output) = &self.origin {
            node.evict(*output);
        }
    }

    /// Whether the value is in memory.
    pub fn is_loaded(&self) -> bool {
        self.slot.peek().is_some()
    }

    /// Returns the digest by which the value enters the keys of what reads it.
    ///
    /// # Errors
    ///
    /// Those of calling the stage, if it has to run for it.
    pub fn digest(&self) -> Result<Digest, Error> {
        if let Origin::Inserted(digest) = &self.origin {
            return Ok(*digest);
        }
        if let Origin::Shard(node, output, shard) = &self.origin {
            node.resolve()?;
            let identity = node.table().and_then(|table| table.identity(*shard, *output));
            return identity.ok_or_else(|| node.no_such_shard(*shard));
        }
        let (node, output) = self.node()?;
        node.resolve()?;
        node.identity(output).ok_or_else(|| {
            Error::new(ErrorKind::NotCached, "the value is not known yet").in_stage(node.spec.name)
        })
    }

    /// Returns the path of the main file, checked. A small value, which lies inside its manifest, is
    /// written to a file of the store first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cacher`] if the value has no file: it was inserted, or its output has no cacher;
    /// otherwise those of [`load`](Self::load).
    pub fn path(&self) -> Result<PathBuf, Error> {
        if let Origin::Shard(node, output, shard) = &self.origin {
            self.load()?;
            return node.path_of_shard(*shard, *output);
        }
        let (node, output) = self.node()?;
        node.resolve()?;
        let head = node.head();
        match (node.path(output), head) {
            (Err(error), Some(head))
                if kept(&head, output).is_some_and(|kept| kept.inline().is_none()) =>
            {
                node.heal(output, &head, &error)?;
                node.path(output)
            }
            (found, _) => found,
        }
    }

    /// Returns a fact that the cacher attached, without loading the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cacher`] if it is of another type; otherwise those of [`load`](Self::load).
    pub fn meta<M: DeserializeOwned>(&self, name: &str) -> Result<Option<M>, Error> {
        if let Origin::Shard(node, output, shard) = &self.origin {
            node.resolve()?;
            let head = node.shard_head(*shard).and_then(Result::ok);
            let kept = head.as_ref().and_then(|head| kept(head, *output));
            return read_meta(kept.and_then(|kept| kept.meta.get(name).cloned()), name);
        }
        let (node, output) = self.node()?;
        node.resolve()?;
        let kept = node.kept(output);
        read_meta(kept.and_then(|kept| kept.meta.get(name).cloned()), name)
    }

    fn node(&self) -> Result<(&Arc<Node>, usize), Error> {
        match &self.origin {
            Origin::Node(node, output) | Origin::Shard(node, output, _) => Ok((node, *output)),
            Origin::Inserted(_) => {
                let message = "the value was inserted into the record, so it has no artifact";
                Err(Error::new(ErrorKind::Cacher, message))
            }
            Origin::Broken => {
                Err(Error::new(ErrorKind::Wiring, "the call that makes the value is wired wrongly"))
            }
        }
    }
}

impl<T> std::fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Lazy");
        match &self.origin {
            Origin::Node(node, output) | Origin::Shard(node, output, _) => {
                shown.field("stage", &node.spec.name).field("output", output);
            }
            Origin::Inserted(digest) => {
                shown.field("inserted", digest);
            }
            Origin::Broken => {}
        }
        shown.finish_non_exhaustive()
    }
}
