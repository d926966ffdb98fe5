//! Declaring stages, and calling them on records of one's own.

mod arguments;
mod errors;
mod forms;
mod generics;
mod inputs;
mod state;
