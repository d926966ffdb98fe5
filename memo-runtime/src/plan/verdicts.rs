//! What would happen to each call, and why, without running anything.

use std::sync::Arc;

use serde::Serialize;

use super::edges::{PlannedInput, PlannedOutput, Positions};
use crate::digest::Digest;
use crate::event::MissReason;
use crate::plan::Declared;
use crate::stage::array::table::Table;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};

/// Every call of a run, in an order in which each follows those that it depends on.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The experiment's name.
    pub experiment: String,
    /// The calls; equal ones are one. Each stands at the place that its [`id`](PlannedCall::id) says.
    pub calls: Vec<PlannedCall>,
    /// Records whose pipeline function ended early, since it asked for a value that is not cached: the
    /// record's name, and the value's stage.
    pub unknown_beyond: Vec<(String, String)>,
}

/// One call and what would happen to it.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedCall {
    /// Its place in the plan, from 0. Another plan gives other ids.
    pub id: usize,
    /// The stage's full name.
    pub stage: &'static str,
    /// The records that make this call; none for an aggregate.
    pub records: Vec<String>,
    /// The key, where it is known.
    pub key: Option<Digest>,
    /// The params fields and arguments in the key, as people read them.
    pub parts: Vec<String>,
    /// What it reads.
    pub inputs: Vec<PlannedInput>,
    /// What it gives.
    pub outputs: Vec<PlannedOutput>,
    /// What would happen.
    pub verdict: Verdict,
    /// What people should know of it: code that the fingerprint does not see.
    pub notes: Vec<String>,
    /// How long the body took when it ran, in seconds, for a call that is cached; of an array, all bodies.
    pub seconds: Option<f64>,
    /// Which shards are there, of an array whose elements are known.
    pub shards: Option<PlannedShards>,
}

/// How many shards of an array are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlannedShards {
    /// How many elements there are.
    pub total: usize,
    /// How many were found.
    pub cached: usize,
    /// How many would run.
    pub to_compute: usize,
    /// How many wait for elements that another array makes.
    pub waiting: usize,
}

impl PlannedShards {
    /// Counts the shards of a call, if it is an open array.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let counts = node.table()?.counts();
        let (total, cached, waiting) = (counts.total, counts.found, counts.waits);
        Some(Self { total, cached, to_compute: counts.missing(), waiting })
    }
}

/// What would happen to a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is found.
    Cached,
    /// It runs.
    WillRun {
        /// Why it is a miss.
        reason: MissReason,
    },
    /// It runs unless what it waits for gives the same bytes as before.
    ///
    /// So it is with an aggregate while a record's pipeline function waits for a value: nobody knows yet which
    /// records that one adds.
    MayRun {
        /// The stages whose outputs are not known yet, by their full names.
        waits_for: Vec<&'static str>,
    },
    /// Its outputs live in memory, and nobody needs them.
    NotNeeded,
}

/// Settles what can be settled, in order, and says what would happen to each node.
pub(crate) fn verdicts(nodes: &[Arc<Node>]) -> Vec<Verdict> {
    let awaited = awaited(nodes);
    let mut verdicts: Vec<Verdict> = nodes.iter().map(|node| verdict(node, &awaited)).collect();
    let positions = Positions::of(nodes);
    // From the last to the first: an output in memory, or whose artifact was removed, is made if
    // somebody who runs reads it.
    let mut read_by_one_that_runs = vec![false; nodes.len()];
    let mut has_reader = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        let on_demand =
            matches!(verdicts[index], Verdict::WillRun { reason: MissReason::InMemory })
                || node.has_outlived_artifacts();
        if on_demand && has_reader[index] && !read_by_one_that_runs[index] {
            verdicts[index] = Verdict::NotNeeded;
        }
        let runs = matches!(verdicts[index], Verdict::WillRun { .. } | Verdict::MayRun { .. });
        for above in node.upstream().filter_map(|above| positions.get(above)) {
            has_reader[above] = true;
            read_by_one_that_runs[above] |= runs;
        }
    }
    verdicts
}

/// Lists the stages whose values ended the declaration of a record.
fn awaited(nodes: &[Arc<Node>]) -> Vec<&'static str> {
    let declared = nodes.first().and_then(|node| node.session.declared());
    let stages = declared.map(Declared::awaited_stages).unwrap_or_default();
    let named = |stage: &String| nodes.iter().find(|node| node.spec.name == *stage);
    stages.iter().filter_map(named).map(|node| node.spec.name).collect()
}

/// `awaited` are the stages whose values are to be known before all records are.
fn verdict(node: &Arc<Node>, awaited: &[&'static str]) -> Verdict {
    if !node.settle() {
        let mut waits_for: Vec<_> = node
            .upstream()
            .filter(|above| (0..above.outputs.len()).any(|output| above.identity(output).is_none()))
            .map(|above| above.spec.name)
            .collect();
        if node.inputs.iter().any(Input::is_incomplete) {
            waits_for.extend(awaited);
        }
        if waits_for.is_empty() {
            waits_for.push("a record that ended early");
        }
        waits_for.sort_unstable();
        waits_for.dedup();
        return Verdict::MayRun { waits_for };
    }
    // Which of its shards are there is known when their elements are.
    if let Some(counts) = node.table().map(Table::counts)
        && counts.waits > 0
        && counts.missing() == 0
    {
        let above = node.upstream().filter(|above| above.table().is_some_and(|t| !t.is_complete()));
        let mut waits_for: Vec<_> = above.map(|above| above.spec.name).collect();
        waits_for.dedup();
        return Verdict::MayRun { waits_for };
    }
    match node.status() {
        Status::Miss(reason) => Verdict::WillRun { reason },
        _ => Verdict::Cached,
    }
}
