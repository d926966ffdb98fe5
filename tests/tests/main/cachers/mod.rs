//! Every built-in cacher through a stage, and some of one's own.

mod files;
mod own;
mod ownership;
mod publish;
mod publish_parts;
mod round_trip;
