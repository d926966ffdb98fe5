//! Where the elements of an array stage come from: a `Vec` in the record's state, or the shards of another
//! array stage.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::key::ComponentKind;
use crate::key::canonical::Encoded;
use crate::key::files::{FileDigest, FileMemory};
use crate::key::part::Parts;
use crate::key::part::elements::EnterElement;
use crate::lazy::{Handle, Lazy, Origin};
use crate::private::Kept;
use crate::stage::node::Node;

/// An input of an array stage, one element of which goes to each shard.
pub(crate) struct EachInput {
    pub(crate) handle: Handle,
    /// A `Vec` of them; `None` for the shards of another array, which is asked itself.
    elements: Option<Box<dyn Elements>>,
    /// A `Vec` stays in memory as long as shards of it are to run.
    held: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
}

/// Why what a handle holds cannot be taken one by one.
pub(crate) enum NoElements {
    /// It is neither a `Vec` of such values nor the shards of an array of them.
    OtherType,
    /// It is a `Vec` of values that cannot enter keys.
    NoKey,
}

/// What enters the key of a shard for one of its elements.
pub(crate) enum ElementKey {
    /// The value.
    Value(Encoded),
    /// The identity of a shard.
    Shard(Digest),
}

impl ElementKey {
    /// Adds the element to a shard's key, by the name of the parameter that takes it.
    pub(crate) fn add_to(&self, maker: &mut crate::key::KeyMaker, parameter: &'static str) {
        match self {
            Self::Value(value) => maker.add_encoded(ComponentKind::Argument, parameter, value),
            Self::Shard(identity) => maker.add(ComponentKind::Input, parameter, identity),
        }
    }
}

impl EachInput {
    /// Takes the elements of a handle. `enter` enters one of a `Vec` into the key of its shard, by the name of
    /// the parameter; shards of another array do without.
    pub(crate) fn of<T: Kept>(
        handle: Handle,
        parameter: &'static str,
        enter: Option<EnterElement<T>>,
    ) -> Result<Self, NoElements> {
        let elements: Option<Box<dyn Elements>> = match (handle.typed::<Vec<T>>(), enter) {
            (Some(values), Some(enter)) => Some(Box::new(OfVec { values, parameter, enter })),
            (Some(_), None) => return Err(NoElements::NoKey),
            (None, _) => {
                handle.shards::<T>().ok_or(NoElements::OtherType)?;
                None
            }
        };
        Ok(Self { handle, elements, held: Mutex::default() })
    }

    /// Returns the array whose shards are the elements, and which of its outputs they are.
    pub(crate) fn array(&self) -> Option<(&Arc<Node>, usize)> {
        match &self.handle.origin {
            Origin::Node(node, output) if node.array.is_some() => Some((node, *output)),
            _ => None,
        }
    }

    /// Returns how many elements there are, where that is known before anything runs.
    pub(crate) fn known_length(&self) -> Option<usize> {
        match (&self.handle.origin, &self.elements) {
            (Origin::Inserted(_), Some(elements)) => Some(elements.load().ok()?.1),
            (Origin::Node(node, _), None) => node.array.as_ref()?.known_length,
            _ => None,
        }
    }

    /// Loads a `Vec` of elements, holds it, and returns how many there are.
    pub(crate) fn load(&self) -> Result<usize, Error> {
        let Some(elements) = &self.elements else { return Ok(0) };
        let (held, count) = elements.load()?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(count)
    }

    /// Loads a `Vec` of elements that is not held, and holds it.
    pub(crate) fn hold(&self) -> Result<(), Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(elements), None) = (&self.elements, &*held) {
            *held = Some(elements.load()?.0);
        }
        Ok(())
    }

    /// Lets go of a `Vec` of elements.
    pub(crate) fn let_go(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Dropped when the lock is free: that may take long.
        drop(held);
    }

    /// Digests a `Vec`'s elements: calls `take` for each in order with what enters its key, and the files that
    /// it names.
    pub(crate) fn digest(
        &self,
        range: std::ops::Range<usize>,
        files: &Arc<FileMemory>,
        take: &mut dyn FnMut(Encoded, Vec<FileDigest>),
    ) -> Result<(), Error> {
        let Some(elements) = &self.elements else { return Ok(()) };
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        elements.digest(held, range, files, take)
    }
}

/// Returns how many shards there are of arrays that are taken together, by the parameters that take their
/// elements.
pub(crate) fn common_length(lengths: &[(&'static str, usize)]) -> Result<Option<usize>, Error> {
    let length = lengths.first().map(|(_, length)| *length);
    if lengths.iter().all(|(_, other)| Some(*other) == length) {
        return Ok(length);
    }
    let texts = lengths.iter().map(|(name, length)| format!("{length} for `{name}`"));
    let texts: Vec<String> = texts.collect();
    let message = format!(
        "arrays that are taken together must be of one length, but there are {}",
        texts.join(" and ")
    );
    Err(Error::new(ErrorKind::Wiring, message))
}

trait Elements: Send + Sync {
    /// Returns what holds the elements, and how many there are.
    fn load(&self) -> Result<(Arc<dyn Any + Send + Sync>, usize), Error>;

    fn digest(
        &self,
        held: Option<Arc<dyn Any + Send + Sync>>,
        range: std::ops::Range<usize>,
        files: &Arc<FileMemory>,
        take: &mut dyn FnMut(Encoded, Vec<FileDigest>),
    ) -> Result<(), Error>;
}

struct OfVec<T> {
    values: Lazy<Vec<T>>,
    parameter: &'static str,
    enter: EnterElement<T>,
}

impl<T: Kept> Elements for OfVec<T> {
    fn load(&self) -> Result<(Arc<dyn Any + Send + Sync>, usize), Error> {
        let values = self.values.load()?;
        let count = values.len();
        Ok((values, count))
    }

    fn digest(
        &self,
        held: Option<Arc<dyn Any + Send + Sync>>,
        range: std::ops::Range<usize>,
        files: &Arc<FileMemory>,
        take: &mut dyn FnMut(Encoded, Vec<FileDigest>),
    ) -> Result<(), Error> {
        let values = match held.map(Arc::downcast::<Vec<T>>) {
            Some(Ok(values)) => values,
            _ => self.values.load()?,
        };
        let mut parts = Parts::digesting(files);
        for (index, element) in range.clone().zip(&values[range]) {
            (self.enter)(element, parts.argument(self.parameter));
            let (value, files) = parts.take_element().map_err(|error| {
                Error::new(ErrorKind::Key, format!("element {index}")).because(error)
            })?;
            take(value, files);
        }
        Ok(())
    }
}
