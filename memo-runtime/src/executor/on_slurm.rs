//! Runs shards of arrays, and calls that ask for resources, as array jobs of a Slurm cluster.
//!
//! One `sbatch` is sent for the shards of a call that are missing, or for calls of one stage that are ready
//! together ([`gathered`]); several go in a task. From then on the store is watched; Slurm is only asked what
//! will never come. [`work`] is what is submitted together, [`submission`] its array job, [`batches`] cuts it
//! into tasks, [`verdict`] says what follows from how a task has ended. [`submit`] asks and waits for room,
//! [`adopt`] takes up what another start has left, [`follow`] sees everything to its end.

mod adopt;
mod batches;
mod follow;
mod gathered;
mod later;
mod ready;
mod submission;
mod submit;
mod verdict;
mod work;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use super::Executor;
use super::asked::Asked;
use crate::digest::Digest;
use crate::error::Error;
use crate::slurm::{Answer, Commands, Pace, Slurm, Watch};
use crate::stage::node::{Node, Status};
use gathered::Gathered;
use later::Later;
use ready::Ready;
use submission::Submission;
use submit::usage;

/// What the command line says of Slurm.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlurmOptions {
    /// Options of `sbatch`, as `key=value`.
    pub(crate) options: Vec<String>,
    /// How many tasks of an array may run at once.
    pub(crate) max_running: Option<NonZeroU32>,
    /// Whether jobs go on when this process is interrupted.
    pub(crate) detach: bool,
    /// What this program was called with, its name left out.
    pub(crate) arguments: Vec<String>,
}

/// Submits to Slurm.
pub(crate) struct OnSlurm {
    slurm: Arc<Slurm>,
    options: SlurmOptions,
    /// The copy of this program that workers run, and its digest.
    program: OnceCell<(PathBuf, Digest)>,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    submissions: Vec<Submission>,
    /// What Slurm has no room for yet.
    later: Vec<Later>,
    /// Arrays over the shards of others that are not all there.
    ready: Vec<Ready>,
    /// Whole calls that are ready.
    gathered: Gathered,
    /// Where Slurm's next answer comes in: it may take half a minute while the controller is away.
    asked: Option<Receiver<Result<Answer, crate::slurm::Error>>>,
    stopped: bool,
}

impl OnSlurm {
    /// Asks the cluster for its limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if Slurm's commands are missing.
    pub(crate) fn connect(
        options: SlurmOptions,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let slurm = Slurm::connect(Commands::default()).map_err(|error| usage(&error))?;
        let slurm = slurm.pausing(move |time| pause(time, &interrupted));
        let watch = Watch::new(Pace::new(Instant::now()));
        let (submissions, later, ready) = (Vec::new(), Vec::new(), Vec::new());
        let gathered = Gathered::default();
        let state =
            State { watch, submissions, later, ready, gathered, asked: None, stopped: false };
        let (slurm, state) = (Arc::new(slurm), Mutex::new(state));
        Ok(Self { slurm, options, program: OnceCell::new(), state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Executor for OnSlurm {
    fn takes(&self, node: &Node) -> bool {
        let is_kept = node.is_kept() && !node.session.store.is_read_only();
        is_kept && (node.array.is_some() || node.goes_elsewhere())
    }

    fn check(&self, nodes: &[Arc<Node>]) -> Result<(), Error> {
        let taken = nodes.iter().filter(|node| self.takes(node)).map(|node| node.spec.name);
        let mut unchecked: BTreeSet<&str> = taken.collect();
        for node in nodes {
            if unchecked.is_empty() {
                break;
            }
            // What is found is not submitted. What cannot be looked up yet may have to be.
            let is_found = node.settle() && matches!(node.status(), Status::Hit);
            if !is_found && self.takes(node) && unchecked.remove(node.spec.name) {
                self.can_be_had(node, &Asked::of(&node.spec.resources), true)?;
            }
        }
        Ok(())
    }

    fn begin(&self, position: usize, node: &Arc<Node>) -> Result<(), Error> {
        if node.array.is_none() {
            self.state().gathered.add(position, node, Instant::now());
            return Ok(());
        }
        let Some(table) = node.table() else { return Ok(()) };
        // Asked before they are taken: what becomes ready in between is none of these.
        let is_all = table.knows_all_elements();
        let mut shards: BTreeSet<usize> = table.take_all().into_iter().collect();
        for adopted in self.adopt(position, node, table)? {
            shards.remove(&adopted);
        }
        let shards: Vec<usize> = shards.into_iter().collect();
        if !is_all {
            let asked = Asked::of(&node.spec.resources);
            let request = self.request(node.spec, &asked, "memo-test")?;
            let slots = self.slots(&request).unwrap_or(batches::SLOTS);
            let ready = Ready::new(position, node, shards, slots, Instant::now());
            self.state().ready.push(ready);
            return Ok(());
        }
        if shards.is_empty() {
            return Ok(());
        }
        self.submit_or_wait(Later::of_shards(position, node, shards))
    }

    fn look(&self) -> Vec<usize> {
        self.look_now()
    }

    fn stop(&self) {
        self.stop_all();
    }
}

/// Waits, but not on when the run is to end. Returns whether it goes on.
fn pause(time: Duration, interrupted: &AtomicBool) -> bool {
    const STEP: Duration = Duration::from_millis(100);
    let end = Instant::now() + time;
    while Instant::now() < end && !interrupted.load(Ordering::Relaxed) {
        std::thread::sleep(STEP.min(time));
    }
    !interrupted.load(Ordering::Relaxed)
}
