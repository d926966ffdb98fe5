//! How many pieces make a task: a task costs Slurm about half a second, a shard or call may cost a millisecond.

use crate::stage::array::table::Table;
use crate::stage::node::Node;

/// What a task costs beside its shards, in seconds.
const TASK: f64 = 0.5;

/// How many tasks a slot gets at most, so that slots which are done early take over from others.
const TASKS_OF_A_SLOT: f64 = 8.0;

/// Slots that are assumed where the cluster does not tell.
pub(super) const SLOTS: usize = 32;

/// Cuts pieces of a stage into tasks: as `batch = n` says, else by how long they have taken.
pub(super) fn cut(pieces: &[usize], node: &Node, slots: Option<usize>) -> Vec<Vec<usize>> {
    let mean = mean(node);
    let size = match node.spec.batch {
        0 => size(pieces.len(), mean, slots.unwrap_or(SLOTS)),
        batch => batch as usize,
    };
    let size = match mean {
        // Calls take turns in a task, and its time is that of all.
        Some(mean) if node.table().is_none() => size.min(fitting(node.spec.resources.time, mean)),
        _ => size,
    };
    pieces.chunks(size.max(1)).map(<[usize]>::to_vec).collect()
}

/// Returns how many calls of so many seconds fit well into a time limit in milliseconds.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a guess"
)]
fn fitting(limit: u64, mean: f64) -> usize {
    match limit {
        0 => usize::MAX,
        limit => (limit as f64 / 2000.0 / mean.max(1e-3)) as usize,
    }
}

/// Returns how long a piece has taken, in seconds, if any is known.
#[expect(clippy::cast_precision_loss, reason = "a guess")]
fn mean(node: &Node) -> Option<f64> {
    let counts = node.table().map(Table::counts).unwrap_or_default();
    let known = counts.found + counts.ran;
    if known > 0 {
        return Some((counts.saved + counts.seconds) / known as f64);
    }
    let recorded = node.session.store.recorded_seconds(node.spec.name, 8);
    let sum: f64 = recorded.iter().sum();
    (!recorded.is_empty()).then(|| sum / recorded.len() as f64)
}

/// Returns how many shards make a task. Every slot gets one task, or several if those are long: then what a
/// task costs is little beside it, and slots need not wait for the slowest.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a guess"
)]
fn size(count: usize, mean: Option<f64>, slots: usize) -> usize {
    let slots = slots.max(1).min(count.max(1));
    let of_a_slot = match mean {
        // Nothing is known: a few tasks a slot, whatever they cost.
        None => 4.0,
        Some(mean) => {
            let work = mean.max(0.0) * count as f64 / slots as f64;
            // No more than a twentieth of the time is to go into beginning tasks.
            (work / (20.0 * TASK)).floor().clamp(1.0, TASKS_OF_A_SLOT)
        }
    };
    count.div_ceil((slots as f64 * of_a_slot) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::{fitting, size};

    #[test]
    fn short_shards_go_together_and_long_ones_alone() {
        // 200 shards of 50 ms on 4 slots: a task each.
        assert_eq!(size(200, Some(0.05), 4), 50);
        // An hour each: one in a task.
        assert_eq!(size(8, Some(3600.0), 4), 1);
        assert_eq!(size(55, Some(60.0), 4), 2);
        assert_eq!(size(1, None, 4), 1);
        assert_eq!(size(55, None, 4), 4);
        assert_eq!(size(0, None, 0), 1);
    }

    #[test]
    fn no_task_is_given_more_calls_than_it_has_time_for() {
        assert_eq!(fitting(60_000, 1.0), 30);
        assert_eq!(fitting(60_000, 45.0), 0);
        assert_eq!(fitting(0, 45.0), usize::MAX);
    }
}
