//! Tests of the client: against commands that are scripts, and against a real cluster.

mod cluster;
pub(super) mod fake;
mod real;
