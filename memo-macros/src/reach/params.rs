//! Params: the fields that a stage reads, also in functions that it hands them to, and the types
//! that count for it.

mod body;
mod shape;
mod source;
mod through;
mod types;

pub use body::Body;
pub use source::Sources;
pub use through::{Handed, through};
pub use types::ParamsRead;
