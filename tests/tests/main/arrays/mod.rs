//! Array stages: what each shard costs, and what it does not.

mod across;
mod basics;
mod chains;
mod check;
mod choices;
mod damage;
mod experiments;
mod failures;
mod handles;
mod keyless;
mod options;
mod renamed;
mod values;

use memo_runtime::Event;

use crate::common::Lab;

/// Lists the shards of a stage that started since the last question, in their order.
fn shards_of(lab: &Lab, stage: &str) -> Vec<usize> {
    shards_in(&lab.recorder().take(), stage)
}

/// Lists the shards of a stage that started, in their order.
fn shards_in(events: &[Event], stage: &str) -> Vec<usize> {
    let started = |event: &Event| match event {
        Event::ShardStarted { stage: name, shard, .. } if name.ends_with(stage) => Some(*shard),
        _ => None,
    };
    let mut shards: Vec<usize> = events.iter().filter_map(started).collect();
    shards.sort_unstable();
    shards
}
