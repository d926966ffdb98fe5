//! Where calls run that do not run on threads of this process.
//!
//! An [`Executor`] is handed calls that must run, and tells what has become of them. The store is the only
//! channel between it and those who run them: what counts as done is what lies in the store, and as failed
//! what its worker has written down, or what can never come any more.
//!
//! [`job`] is the folder of one submission, [`worker`] what runs in it on another machine, [`on_slurm`] the
//! executor that submits to Slurm. Another launcher of arrays needs no other worker: it starts the same
//! program with `--worker FOLDER`, and with the number of the task in the variable [`TASK`].

use std::sync::Arc;

use crate::error::Error;
use crate::stage::node::Node;

#[cfg(all(feature = "slurm", unix))]
mod asked;
#[cfg(all(feature = "slurm", unix))]
pub(crate) mod job;
#[cfg(all(feature = "slurm", unix))]
pub(crate) mod on_slurm;
#[cfg(all(feature = "slurm", unix))]
pub(crate) mod worker;

/// The variable in which a worker finds the number of its task, from 0.
#[cfg(all(feature = "slurm", unix))]
pub(crate) const TASK: &str = "MEMO_TASK";

/// Runs calls elsewhere.
pub(crate) trait Executor: Send + Sync {
    /// Whether it runs this call; others run here.
    fn takes(&self, node: &Node) -> bool;

    /// Looks up what it can, and fails if what some call asks for that may have to run can never be had.
    /// Nothing has run yet.
    ///
    /// # Errors
    ///
    /// What cannot be had, and what to change.
    fn check(&self, nodes: &[Arc<Node>]) -> Result<(), Error>;

    /// Begins to run a call, or the shards of it that are missing. `position` is the call's in the plan. Shards
    /// that wait for their elements are taken up when they can run.
    ///
    /// # Errors
    ///
    /// Why none of them will run.
    fn begin(&self, position: usize, node: &Arc<Node>) -> Result<(), Error>;

    /// Notes in the calls and their tables what has ended since the last time. Returns the positions of those calls.
    fn look(&self) -> Vec<usize>;

    /// Ends what runs, or lets it go on without this process where that was asked for.
    fn stop(&self);
}
