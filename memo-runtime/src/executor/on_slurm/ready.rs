//! Shards of an array that can run and are not submitted yet: those of an array over the shards of another
//! become ready one after the other, and go in groups.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::array::table::Table;
use crate::stage::node::Node;

/// How long shards wait for others to go with them.
const PATIENCE: Duration = Duration::from_secs(2);

/// An array, some shards of which are to become ready.
pub(super) struct Ready {
    pub(super) position: usize,
    pub(super) node: Arc<Node>,
    shards: Vec<usize>,
    /// Since when there are any.
    since: Instant,
    /// How many tasks the cluster may run at once.
    slots: usize,
}

/// What of an array is on its way.
#[derive(Default, Clone, Copy)]
pub(super) struct OnItsWay {
    /// How many shards.
    pub(super) shards: usize,
    /// Whether some task has not begun.
    pub(super) waits: bool,
}

impl Ready {
    pub(super) fn new(
        position: usize,
        node: &Arc<Node>,
        shards: Vec<usize>,
        slots: usize,
        now: Instant,
    ) -> Self {
        Self { position, node: Arc::clone(node), shards, since: now, slots }
    }

    /// Whether no other shards will become ready.
    pub(super) fn is_last(&self) -> bool {
        let is_over = |table: &Table| table.knows_all_elements() && !table.has_work();
        self.shards.is_empty() && self.node.table().is_none_or(is_over)
    }

    /// Takes what is to be submitted now.
    pub(super) fn take_due(&mut self, on_its_way: OnItsWay, now: Instant) -> Vec<usize> {
        let Some(table) = self.node.table() else { return Vec::new() };
        // Asked before they are taken: what becomes ready in between is none of these.
        let is_all = table.knows_all_elements();
        let more = table.take_all();
        if self.shards.is_empty() {
            self.since = now;
        }
        self.shards.extend(more);
        let waited = now.saturating_duration_since(self.since);
        if is_due(self.shards.len(), is_all, self.slots, waited, on_its_way) {
            return std::mem::take(&mut self.shards);
        }
        Vec::new()
    }
}

/// Whether a group of so many shards is submitted. `is_all` says that none will come after it.
fn is_due(
    count: usize,
    is_all: bool,
    slots: usize,
    waited: Duration,
    on_its_way: OnItsWay,
) -> bool {
    let fills = count >= slots.max(1);
    count > 0
        && if on_its_way.waits {
            // They would only wait with the others. So that not all of them are idle when that is noticed late,
            // groups go that are larger each time.
            is_all || (fills && count >= on_its_way.shards)
        } else {
            is_all || fills || waited >= PATIENCE
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: OnItsWay = OnItsWay { shards: 0, waits: false };
    const SOON: Duration = Duration::from_millis(200);

    #[test]
    fn what_is_ready_goes_when_slots_are_free_and_not_one_by_one() {
        assert!(!is_due(1, false, 4, SOON, NONE));
        assert!(is_due(4, false, 4, SOON, NONE));
        assert!(is_due(1, false, 4, PATIENCE, NONE));
        let run = OnItsWay { shards: 100, waits: false };
        assert!(!is_due(1, false, 4, SOON, run));
        assert!(is_due(1, false, 4, PATIENCE, run));
    }

    #[test]
    fn behind_others_only_many_go() {
        let waits = OnItsWay { shards: 10, waits: true };
        assert!(!is_due(9, false, 4, PATIENCE * 9, waits));
        assert!(is_due(10, false, 4, SOON, waits));
        let waits = OnItsWay { shards: 2, waits: true };
        assert!(!is_due(3, false, 4, PATIENCE * 9, waits));
    }

    #[test]
    fn the_last_ones_go_at_once() {
        let waits = OnItsWay { shards: 10, waits: true };
        assert!(is_due(1, true, 4, SOON, waits));
        assert!(is_due(1, true, 4, SOON, NONE));
        assert!(!is_due(0, true, 4, PATIENCE * 9, NONE));
    }
}
