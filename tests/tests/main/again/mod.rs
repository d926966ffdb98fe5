//! Entries that are found under another name, and those that do not last.

mod expires;
mod rerun;
mod was;
