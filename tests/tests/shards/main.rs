//! What may go wrong around the shards of arrays: none is found that should not be, none is made twice, and no
//! array is left without an end.

#![allow(
    clippy::needless_pass_by_value,
    clippy::ptr_arg,
    clippy::trivially_copy_pass_by_ref,
    clippy::type_complexity,
    clippy::unnecessary_wraps,
    reason = "stages are called with every form of parameter, and return every form of value"
)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

mod chains;
mod fresh;
mod harm;
mod random;
mod stale;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memo_runtime::Event;
use memo_tests::Lab;

/// A counter that is in no key.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Lists the shards of a stage that started, in their order.
fn started(events: &[Event], stage: &str) -> Vec<usize> {
    let started = |event: &Event| match event {
        Event::ShardStarted { stage: name, shard, .. } if name.ends_with(stage) => Some(*shard),
        _ => None,
    };
    let mut shards: Vec<usize> = events.iter().filter_map(started).collect();
    shards.sort_unstable();
    shards
}

/// Lists the shards of a stage that started since the last question.
fn ran(lab: &Lab, stage: &str) -> Vec<usize> {
    started(&lab.recorder().take(), stage)
}
