//! How the elements of an array enter the keys of their shards: those of a `Vec` by their [`CacheKey`], else by
//! serde. The shards of another array enter by their identity, so a type may have neither.
//!
//! The generated code says `(&&&Elements::<T>::new()).keys()`, as it does of a [`Part`](super::Part).

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::{CacheKey, PartSlot};

/// Asks how a `T` enters keys.
pub struct Elements<T>(PhantomData<fn() -> T>);

impl<T> Elements<T> {
    /// Makes the question.
    #[expect(clippy::new_without_default, reason = "only generated code asks")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elements")
    }
}

/// Enters one element.
pub type EnterElement<T> = fn(&T, PartSlot<'_>);

/// Answers for a type that has a [`CacheKey`].
pub trait ElementsByCacheKey {
    /// The type of the elements.
    type Element;

    /// Returns how one enters keys by its value.
    fn keys(&self) -> Option<EnterElement<Self::Element>>;
}

impl<T: CacheKey> ElementsByCacheKey for &&Elements<T> {
    type Element = T;

    fn keys(&self) -> Option<EnterElement<T>> {
        Some(|element, slot| slot.cache_key(element))
    }
}

/// Answers for a type that has a [`Serialize`].
pub trait ElementsBySerialize {
    /// The type of the elements.
    type Element;

    /// Returns how one enters keys by its value.
    fn keys(&self) -> Option<EnterElement<Self::Element>>;
}

impl<T: Serialize> ElementsBySerialize for &Elements<T> {
    type Element = T;

    fn keys(&self) -> Option<EnterElement<T>> {
        Some(|element, slot| slot.serialize(element))
    }
}

/// Answers for all other types: they do for the shards of another array, and for nothing else.
pub trait ByOrigin {
    /// The type of the elements.
    type Element;

    /// Returns `None`: none enters keys by its value.
    fn keys(&self) -> Option<EnterElement<Self::Element>>;
}

impl<T> ByOrigin for Elements<T> {
    type Element = T;

    fn keys(&self) -> Option<EnterElement<T>> {
        None
    }
}
