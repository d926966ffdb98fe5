//! What decides a hit, and what does not.

mod again;
mod arguments;
mod files;
mod params;
mod processes;
mod secrets;
