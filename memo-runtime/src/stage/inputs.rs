//! What a body is given and what it gives back, between generated code and the runtime.

use std::any::Any;
use std::sync::Arc;

use super::array::Element;
use super::array::elements::EachInput;
use crate::aggregate::{Across, AcrossInput};
use crate::context::Context;
use crate::digest::Digest;
use crate::error::{BoxError, Error, ErrorKind};
use crate::key::part::Parts;
use crate::lazy::{Handle, Lazy, Origin};
use crate::private::{BodyError, Cloned, Kept};
use crate::shards::Shards;

/// Why a body gave no values: it failed, or its inputs could not be had.
#[derive(Debug)]
pub enum Failure {
    /// What the body returned.
    Body(BoxError),
    /// What went wrong around it.
    Around(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Around(error)
    }
}

/// The values that a body returned, in order.
#[derive(Default)]
pub struct Values(pub(crate) Vec<Box<dyn Any + Send + Sync>>);

impl Values {
    /// Starts with none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next.
    #[must_use]
    pub fn and<T: Kept>(mut self, value: T) -> Self {
        self.0.push(Box::new(value));
        self
    }
}

/// One bound input of a call.
pub(crate) enum Input {
    /// What the record's state held; `None` for an optional one that it did not.
    One(Option<Handle>),
    /// What the records held, for an aggregate.
    Across(AcrossInput),
    /// An array, each element of which goes to a shard.
    Each(Box<EachInput>),
}

/// One value that is read.
pub(crate) struct InputRow<'a> {
    /// The name of its record, for an aggregate.
    pub(crate) name: &'a str,
    pub(crate) handle: Option<&'a Handle>,
    /// The digest of the params beside it.
    pub(crate) params: Option<&'a Digest>,
}

impl InputRow<'_> {
    /// Returns where the value comes from; `None` if there is none.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.handle.map(|handle| &handle.origin).filter(|origin| !matches!(origin, Origin::Broken))
    }
}

impl Input {
    /// Whether a call that has failed counts as absent here.
    pub(crate) fn may_be_absent(&self) -> bool {
        matches!(self, Self::Across(across) if across.is_optional())
    }

    /// Whether this is bound to the very value that another is. An aggregate's never counts as such.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let (Self::One(one), Self::One(other)) = (self, other) else { return false };
        match (one.as_ref().map(|h| &h.origin), other.as_ref().map(|h| &h.origin)) {
            (None, None) => true,
            (Some(Origin::Node(one, a)), Some(Origin::Node(other, b))) => {
                Arc::ptr_eq(one, other) && a == b
            }
            (Some(Origin::Inserted(one)), Some(Origin::Inserted(other))) => one == other,
            _ => false,
        }
    }

    /// Whether a record ended early whose value is needed here.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Across(across) if across.is_unknown())
    }

    /// Whether a record ended early that might add others, which would be read here.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self, Self::Across(across) if across.is_incomplete())
    }

    /// Returns each value that is read.
    pub(crate) fn rows(&self) -> impl Iterator<Item = InputRow<'_>> {
        let (one, across) = match self {
            Self::One(handle) => (Some(("", handle.as_ref())), None),
            Self::Each(each) => (Some(("each", Some(&each.handle))), None),
            Self::Across(across) => (None, Some(across.rows())),
        };
        let one = one.into_iter().map(|(name, handle)| InputRow { name, handle, params: None });
        let across = across.into_iter().flatten().map(|row| InputRow {
            name: &row.name,
            handle: row.handle.as_ref(),
            params: row.params_digest.as_ref(),
        });
        one.chain(across)
    }

    /// Returns all handles.
    pub(crate) fn handles(&self) -> impl Iterator<Item = &Handle> {
        let (one, across) = match self {
            Self::One(handle) => (handle.as_ref(), None),
            Self::Across(across) => (None, Some(across)),
            Self::Each(each) => (Some(&each.handle), None),
        };
        one.into_iter().chain(across.into_iter().flat_map(AcrossInput::handles))
    }
}

/// The inputs of a call, as the body's closure asks for them.
pub struct Inputs<'a> {
    pub(crate) inputs: &'a [Input],
    /// Which shard of an array is to run.
    pub(crate) shard: usize,
}

impl Inputs<'_> {
    fn handle(&self, index: usize) -> Option<&Handle> {
        match self.inputs.get(index) {
            Some(Input::One(handle)) => handle.as_ref(),
            Some(Input::Across(_) | Input::Each(_)) | None => None,
        }
    }

    /// Returns the value of a present input.
    ///
    /// # Errors
    ///
    /// Those of [`Lazy::load`].
    pub fn value<T: Kept>(&self, index: usize) -> Result<Arc<T>, Failure> {
        Ok(self.lazy::<T>(index)?.load()?)
    }

    /// Returns the value of an input that may be absent.
    ///
    /// # Errors
    ///
    /// Those of [`Lazy::load`].
    pub fn optional<T: Kept>(&self, index: usize) -> Result<Option<Arc<T>>, Failure> {
        match self.optional_lazy::<T>(index)? {
            Some(handle) => Ok(Some(handle.load()?)),
            None => Ok(None),
        }
    }

    /// Returns the handle of a present input.
    ///
    /// # Errors
    ///
    /// None where the call was wired rightly, which is checked before.
    pub fn lazy<T: Kept>(&self, index: usize) -> Result<Lazy<T>, Failure> {
        let missing = || Failure::Around(Error::new(ErrorKind::Wiring, "an input is not bound"));
        self.optional_lazy(index)?.ok_or_else(missing)
    }

    /// Returns the handle of an input that may be absent.
    ///
    /// # Errors
    ///
    /// None where the call was wired rightly, which is checked before.
    pub fn optional_lazy<T: Kept>(&self, index: usize) -> Result<Option<Lazy<T>>, Failure> {
        let Some(handle) = self.handle(index) else { return Ok(None) };
        let typed = handle.typed::<T>();
        typed.map(Some).ok_or_else(|| {
            Failure::Around(Error::new(ErrorKind::Wiring, "an input is of another type"))
        })
    }

    /// Returns the element of a shard.
    ///
    /// # Errors
    ///
    /// Those of [`Lazy::load`].
    pub fn element<T: Kept>(&self, index: usize) -> Result<Element<T>, Failure> {
        let unbound = || Failure::Around(Error::new(ErrorKind::Wiring, "an element is not bound"));
        let Some(Input::Each(each)) = self.inputs.get(index) else { return Err(unbound()) };
        if let Some(shards) = each.handle.shards::<T>() {
            return Ok(Element::Shard(shards.get(self.shard).load()?));
        }
        let values = each.handle.typed::<Vec<T>>().ok_or_else(unbound)?.load()?;
        if self.shard >= values.len() {
            return Err(unbound());
        }
        Ok(Element::OfVec(values, self.shard))
    }

    /// Returns the index of the shard's element.
    pub fn index(&self) -> usize {
        self.shard
    }

    /// Returns all that an array stage gave.
    ///
    /// # Errors
    ///
    /// None where the call was wired rightly, which is checked before.
    pub fn shards<T: Kept>(&self, index: usize) -> Result<Shards<T>, Failure> {
        let shards = self.handle(index).and_then(Handle::shards);
        let unbound = || Failure::Around(Error::new(ErrorKind::Wiring, "an input is not bound"));
        shards.ok_or_else(unbound)
    }

    /// Returns an aggregate's input.
    ///
    /// # Errors
    ///
    /// None where the call was wired rightly, which is checked before.
    pub fn across<T, P: 'static>(&self, index: usize) -> Result<Across<T, P>, Failure> {
        match self.inputs.get(index) {
            Some(Input::Across(input)) => Ok(Across::new(input.clone())),
            _ => Err(Failure::Around(Error::new(ErrorKind::Wiring, "an input is not bound"))),
        }
    }

    /// Returns an aggregate's input of which some may be absent.
    ///
    /// # Errors
    ///
    /// None where the call was wired rightly, which is checked before.
    pub fn across_optional<T, P: 'static>(
        &self,
        index: usize,
    ) -> Result<Across<Option<T>, P>, Failure> {
        self.across::<Option<T>, P>(index)
    }
}

/// Turns what a body returned into what the runtime tells apart.
///
/// # Errors
///
/// The body's.
pub fn fallible<T, E: BodyError>(result: Result<T, E>) -> Result<T, Failure> {
    result.map_err(|error| Failure::Body(error.boxed()))
}

/// What a call does when it runs, and how its parts are shown. The generated code makes one with
/// [`work`].
pub trait Work: Send + Sync {
    /// Runs the body.
    ///
    /// # Errors
    ///
    /// The body's, and those of loading its inputs.
    fn run(&self, inputs: &Inputs<'_>, ctx: &Context) -> Result<Values, Failure>;

    /// Tells the params fields and arguments, for people.
    fn show(&self, parts: &mut Parts);
}

struct Job<C, R, S> {
    captured: C,
    run: R,
    show: S,
}

impl<C, R, S> Work for Job<C, R, S>
where
    C: Send + Sync,
    R: Fn(&C, &Inputs<'_>, &Context) -> Result<Values, Failure> + Send + Sync,
    S: Fn(&C, &mut Parts) + Send + Sync,
{
    fn run(&self, inputs: &Inputs<'_>, ctx: &Context) -> Result<Values, Failure> {
        (self.run)(&self.captured, inputs, ctx)
    }

    fn show(&self, parts: &mut Parts) {
        (self.show)(&self.captured, parts);
    }
}

/// Makes the work of a call: what it captured, and two functions of that.
pub fn work<C, R, S>(captured: C, run: R, show: S) -> Box<dyn Work>
where
    C: Kept,
    R: Fn(&C, &Inputs<'_>, &Context) -> Result<Values, Failure> + Send + Sync + 'static,
    S: Fn(&C, &mut Parts) + Send + Sync + 'static,
{
    Box::new(Job { captured, run, show })
}

/// Returns an owned value of a shared one: the value itself where nobody else holds it.
pub fn cloned<T: Cloned>(value: Arc<T>) -> T {
    Arc::try_unwrap(value).unwrap_or_else(|shared| T::cloned(&shared))
}
