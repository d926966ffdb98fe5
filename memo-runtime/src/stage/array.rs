//! Array stages: the body runs once for each element. Each of these runs, a *shard*, has a key of its own, and
//! is found, run and kept by itself.
//!
//! The call is one node all the same. Its key is what all shards share: stage, code, params, and the inputs
//! that each of them reads. A shard's key is made of that and of its element, and of the index where the body
//! takes it. [`open`] finds which shards are there, [`table`] knows how far each of them is, [`shard`] runs
//! one, [`former`] finds what was kept under
//! another name or accepted code, [`whole`] is what the call is to others.

pub(crate) mod elements;
#[cfg(all(feature = "slurm", unix))]
mod elsewhere;
mod former;
mod open;
mod ranges;
mod shard;
pub(crate) mod table;
mod whole;

use std::ops::Deref;
use std::sync::Arc;

use once_cell::sync::OnceCell;

pub(crate) use former::FormerShards;
use table::Table;

/// An element of an array, as the body's closure is given it.
pub enum Element<T> {
    /// One of a `Vec` that is held as a whole.
    OfVec(Arc<Vec<T>>, usize),
    /// A shard of another array.
    Shard(Arc<T>),
}

impl<T> Deref for Element<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::OfVec(values, index) => &values[*index],
            Self::Shard(value) => value,
        }
    }
}

/// What makes a call that of an array stage.
pub(crate) struct Array {
    /// Whether the body takes the index of its element.
    takes_index: bool,
    /// How many elements there are, where that was known before anything ran.
    known_length: Option<usize>,
    /// How far each shard is, once the elements are known.
    table: OnceCell<Table>,
}

impl Array {
    pub(crate) fn new(takes_index: bool, known_length: Option<usize>) -> Self {
        Self { takes_index, known_length, table: OnceCell::new() }
    }

    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.get()
    }
}
