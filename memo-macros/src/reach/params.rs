//! Params: the fields that a stage reads, also in functions that it hands them to, and the types
//! that count for it.

mod body;
mod narrow;
mod shape;
mod source;
mod through;
mod types;

pub use body::Body;
pub use narrow::narrowed;
pub use source::Sources;
pub use through::{Handed, HandedAt, Led, Step, through};
pub use types::ParamsRead;
