//! What became of each call, with its edges: what is drawn after a run.

use super::End;
use crate::event::MissReason;
use crate::experiment::declare::Declaration;
use crate::plan::PlannedShards;
use crate::plan::edges::{PlannedInput, PlannedOutput, Positions, inputs_of, outputs_of};

/// One call of a run that is over.
pub(crate) struct EndedCall {
    pub(crate) stage: &'static str,
    /// The records that make this call; none for an aggregate.
    pub(crate) records: Vec<String>,
    pub(crate) inputs: Vec<PlannedInput>,
    pub(crate) outputs: Vec<PlannedOutput>,
    pub(crate) end: End,
    /// Why it was a miss, if it was one.
    pub(crate) reason: Option<MissReason>,
    /// How long the body took, now or when it ran.
    pub(crate) seconds: f64,
    /// How many shards of an array were there, and how many have failed or could not run.
    pub(crate) shards: Option<(PlannedShards, usize)>,
}

/// Lists all calls in the order of the plan.
pub(super) fn calls(declaration: &Declaration, ends: &[End]) -> Vec<EndedCall> {
    let positions = Positions::of(&declaration.nodes);
    let all = declaration.nodes.iter().zip(declaration.callers.iter()).zip(ends);
    let ended = all.map(|((node, callers), end)| EndedCall {
        stage: node.spec.name,
        records: callers.iter().map(|index| declaration.records[*index].to_string()).collect(),
        inputs: inputs_of(node, &positions),
        outputs: outputs_of(node),
        end: end.clone(),
        reason: node.missed(),
        seconds: match end {
            End::Cached => node.head().map_or(0.0, |head| head.seconds),
            _ => node.seconds(),
        },
        shards: PlannedShards::of(node).zip(node.table()).map(|(shards, table)| {
            let counts = table.counts();
            (shards, counts.failed + counts.lost)
        }),
    });
    ended.collect()
}
