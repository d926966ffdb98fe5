//! Shards that are to be submitted, if need be when there is room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::node::Node;

/// When Slurm is asked again whether there is room, and at most how much later each time.
pub(super) const FIRST_GAP: Duration = Duration::from_secs(2);
pub(super) const LAST_GAP: Duration = Duration::from_mins(1);

pub(super) struct Later {
    pub(super) position: usize,
    pub(super) node: Arc<Node>,
    pub(super) shards: Vec<usize>,
    pub(super) tries: u32,
    /// How many are submitted at once at most.
    pub(super) most: usize,
    pub(super) next: Instant,
    pub(super) gap: Duration,
    /// Whether it was told that there is no room.
    pub(super) told: bool,
}

impl Later {
    pub(super) fn new(position: usize, node: &Arc<Node>, shards: Vec<usize>, tries: u32) -> Self {
        let (node, next) = (Arc::clone(node), Instant::now());
        let (most, gap, told) = (usize::MAX, FIRST_GAP, false);
        Self { position, node, shards, tries, most, next, gap, told }
    }
}
