//! [`Shards`]: the handle of what an array stage gives, a value for each element.

use std::sync::Arc;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::lazy::{Lazy, Origin};
use crate::stage::array::table::Table;
use crate::stage::node::Node;

pub(crate) mod slot;

use slot::ShardSlot;

/// What an array stage gives: a value for each element, in the order of the elements.
///
/// It is a handle, as [`Lazy`] is: nothing is read before a value is asked for, and a value lives in
/// memory as long as somebody holds it. A stage takes it as a parameter of type `&Shards<T>`; another
/// array stage takes its values one by one, with `each = [part in parts]`.
///
/// ```
/// use memo_runtime::prelude::*;
///
/// #[stage(each = [word in words], outputs = [length], cachers = [Json])]
/// fn length(word: &str) -> usize {
///     word.len()
/// }
///
/// #[stage(inputs = [length as lengths], outputs = [total], cachers = [Json])]
/// fn total(lengths: &Shards<usize>) -> Result<usize> {
///     let mut total = 0;
///     for length in lengths.iter() {
///         total += *length?;
///     }
///     Ok(total)
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let mut record = Record::new(&Store::open(folder.path())?, "base", ());
/// record.insert("words", vec!["one".to_owned(), "three".to_owned()])?;
/// let lengths: Shards<usize> = length(&mut record)?;
/// assert_eq!(lengths.collect()?, [3, 5]);
/// assert_eq!(*lengths.get(1).load()?, 5);
/// assert_eq!(*total(&mut record)?.load()?, 8);
/// # Ok(())
/// # }
/// ```
pub struct Shards<T> {
    pub(crate) slot: Arc<ShardSlot<T>>,
    pub(crate) origin: Origin,
}

impl<T> Clone for Shards<T> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), origin: self.origin.clone() }
    }
}

impl<T: Send + Sync + 'static> Shards<T> {
    /// Returns how many there are.
    ///
    /// In an experiment's pipeline function, this runs the stage.
    ///
    /// # Errors
    ///
    /// Those of calling the stage, if it has to run.
    pub fn len(&self) -> Result<usize, Error> {
        let (node, _) = self.resolved()?;
        Ok(node.table().map_or(0, Table::total))
    }

    /// Whether there are none.
    ///
    /// # Errors
    ///
    /// Those of [`len`](Self::len).
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// Returns the handle of the value of the element `index`, from 0. Whether there is one is found out
    /// when it is loaded.
    pub fn get(&self, index: usize) -> Lazy<T> {
        let origin = match &self.origin {
            Origin::Node(node, output) => Origin::Shard(Arc::clone(node), *output, index),
            _ => Origin::Broken,
        };
        Lazy { slot: self.slot.of_shard(index), origin }
    }

    /// Loads one value after the other. Each is in memory as long as the caller holds it.
    pub fn iter(&self) -> impl Iterator<Item = Result<Arc<T>, Error>> + '_ {
        let (count, failed) = match self.len() {
            Ok(count) => (count, None),
            Err(error) => (0, Some(Err(error))),
        };
        failed.into_iter().chain((0..count).map(|index| self.get(index).load()))
    }

    /// Loads all values.
    ///
    /// # Errors
    ///
    /// Those of [`Lazy::load`].
    pub fn collect(&self) -> Result<Vec<T>, Error>
    where
        T: Clone,
    {
        self.iter().map(|value| value.map(Arc::unwrap_or_clone)).collect()
    }

    /// Returns the digest by which all values together enter the keys of what takes them.
    ///
    /// # Errors
    ///
    /// Those of calling the stage, if it has to run for it.
    pub fn digest(&self) -> Result<Digest, Error> {
        let (node, output) = self.resolved()?;
        node.identity(output).ok_or_else(|| {
            Error::new(ErrorKind::NotCached, "the values are not known yet")
                .in_stage(node.spec.name)
        })
    }

    fn resolved(&self) -> Result<(&Arc<Node>, usize), Error> {
        let Origin::Node(node, output) = &self.origin else {
            let message = "the call that makes the values is wired wrongly";
            return Err(Error::new(ErrorKind::Wiring, message));
        };
        node.resolve()?;
        Ok((node, *output))
    }
}

impl<T> std::fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Shards");
        if let Origin::Node(node, output) = &self.origin {
            shown.field("stage", &node.spec.name).field("output", output);
        }
        shown.finish_non_exhaustive()
    }
}
