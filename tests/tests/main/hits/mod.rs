//! What decides a hit, and what does not.

mod again;
mod arguments;
mod bindings;
mod files;
mod indexed;
mod kept_digests;
mod observed;
mod params;
mod processes;
mod references;
mod secrets;
mod waiting;
