//! What generated code calls. Outside semantic versioning: only `memo-macros` of the same version may
//! name anything in here.

mod alias;
mod bounds;

pub use std::any::type_name;
pub use std::borrow::{Borrow, Cow, ToOwned};
pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::convert::Into;
pub use std::option::Option::{self, None, Some};
pub use std::path::PathBuf;
pub use std::result::Result::{self, Err, Ok};
pub use std::string::String;
pub use std::sync::Arc;
pub use std::vec::Vec;

pub use alias::*;
pub use bounds::*;

pub use crate::aggregate::{Across, Records, RowParams};
pub use crate::context::Context;
pub use crate::error::Error;
pub use crate::key::part::elements::{
    ByOrigin, Elements, ElementsByCacheKey, ElementsBySerialize, EnterElement,
};
pub use crate::key::part::{ByCacheKey, ByNothing, BySerialize, Part, Parts};
pub use crate::lazy::Lazy;
pub use crate::record::{Frame, Params, Provides, Record};
pub use crate::shards::Shards;
pub use crate::stage::array::Element;
pub use crate::stage::call::{Gathering, Outputs};
pub use crate::stage::inputs::{Failure, Inputs, Values, cloned, fallible, work};
pub use crate::stage::{Attempt, InputSpec, More, MoreResources, OutputSpec, Resources, StageSpec};
pub use crate::started::{Call, start};
/// The program `memo`.
#[cfg(feature = "cli")]
pub use crate::tool::main as tool;

/// Opens a record: `let (frame, owner) = parts(record);` leads every wrapper.
pub fn parts<P>(record: &mut Record<P>) -> (&mut Frame, &Arc<P>) {
    (&mut record.frame, &record.params)
}

/// Opens the records, in the wrapper of an aggregate.
pub fn records_parts<P>(records: &mut Records<P>) -> (&mut Frame, &RowParams<P>) {
    (&mut records.frame, &records.params)
}

/// Finds the part of the params that a stage takes.
pub fn provide<P: ?Sized, Q: Provides<P>>(owner: &Arc<Q>) -> &P {
    owner.provide()
}

/// The cacher of a `Lazy(..)` output without `cachers`.
#[cfg(feature = "bincode")]
pub fn default_cacher() -> crate::Bincode {
    crate::Bincode
}
