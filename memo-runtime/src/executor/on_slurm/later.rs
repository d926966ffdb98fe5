//! Pieces that are to be submitted, if need be when there is room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::work::Work;
use crate::error::Error;
use crate::executor::asked::Asked;
use crate::stage::node::Node;

/// When Slurm is asked again whether there is room, and at most how much later each time.
pub(super) const FIRST_GAP: Duration = Duration::from_secs(2);
pub(super) const LAST_GAP: Duration = Duration::from_mins(1);

pub(super) struct Later {
    pub(super) work: Arc<Work>,
    pub(super) pieces: Vec<usize>,
    /// How often they were submitted before, for a reason that counts.
    pub(super) tries: u32,
    /// What each task is given.
    pub(super) asked: Asked,
    /// Whether each makes a task of its own.
    pub(super) alone: bool,
    /// What they have failed with, if they are given more now. It stands if there is no more to be had.
    pub(super) failed: Option<Error>,
    /// How many are submitted at once at most.
    pub(super) most: usize,
    pub(super) next: Instant,
    pub(super) gap: Duration,
    /// Whether it was told that there is no room.
    pub(super) told: bool,
}

impl Later {
    /// Takes pieces that were not submitted before.
    pub(super) fn new(work: Arc<Work>, pieces: Vec<usize>) -> Self {
        let asked = Asked::of(&work.node().spec.resources);
        let (most, gap, next) = (usize::MAX, FIRST_GAP, Instant::now());
        let (tries, alone, failed, told) = (0, false, None, false);
        Self { work, pieces, tries, asked, alone, failed, most, next, gap, told }
    }

    /// Returns what the pieces fail with that could not be submitted.
    pub(super) fn still(&self, error: Error) -> Error {
        match &self.failed {
            Some(failed) => {
                let more = &self.asked;
                let message = format!(
                    "{}; more cannot be given ({more}): {}",
                    failed.chain(),
                    error.chain_without_place()
                );
                Error::new(failed.kind(), message)
            }
            None => error,
        }
    }

    /// Takes shards of a call.
    pub(super) fn of_shards(position: usize, node: &Arc<Node>, shards: Vec<usize>) -> Self {
        Self::new(Arc::new(Work::shards(position, node)), shards)
    }
}
