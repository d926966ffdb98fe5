//! Experiments on a real Slurm cluster that is brought up for the tests: each way that a task, a node, the
//! controller or the submitter can go, and what the run makes of it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod anew;
mod calls;
mod chains;
mod cluster;
mod ends;
mod refused;
mod runs;
mod stops;
mod submitter;
mod survives;
mod together;
