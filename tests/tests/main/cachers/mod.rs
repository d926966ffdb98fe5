//! Every built-in cacher through a stage, and some of one's own.

mod files;
mod own;
mod publish;
mod round_trip;
