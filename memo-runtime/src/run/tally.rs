//! Adds up what became of all calls, and publishes what was kept.

use std::sync::Arc;

use super::End;
use crate::experiment::declare::Declaration;
use crate::experiment::outcome::{Outcome, StageSummary};
use crate::stage::array::table::Table;
use crate::stage::node::{Node, Status};
use crate::store::history::{CallEnd, CallRecord};

/// Publishes what each record's calls have kept. Returns how many could not be.
pub(super) fn publish(declaration: &Declaration, ends: &[End]) -> usize {
    let mut lost = 0;
    if !declaration.publishes {
        return lost;
    }
    let done = |end: &End| matches!(end, End::Cached | End::Ran);
    let all = declaration.nodes.iter().zip(declaration.callers.iter()).zip(ends);
    for ((node, callers), _) in all.filter(|(_, end)| done(end)) {
        if !node.outputs.iter().any(|slot| slot.published().is_some()) {
            continue;
        }
        let last = declaration.frames.len() - 1;
        let aggregate = [last];
        let frames = if callers.is_empty() { &aggregate[..] } else { callers };
        for frame in frames.iter().filter_map(|index| declaration.frames.get(*index)) {
            if let Err(error) = frame.publish(node) {
                lost += 1;
                node.warn(error.chain(), false);
            }
        }
    }
    lost
}

/// Lists the calls that were no hits, those that failed first.
pub(super) fn misses(declaration: &Declaration, ends: &[End]) -> Vec<CallRecord> {
    /// A run's record stays small, however many calls the run makes.
    const MOST: usize = 5000;
    let record = |(node, end): (&Arc<Node>, &End)| {
        let (end, error) = match end {
            End::None | End::Cached => return None,
            End::Ran => (CallEnd::Ran, None),
            End::Failed(error) => (CallEnd::Failed, Some(error.chain())),
            End::Skipped => match node.status() {
                Status::Failed(error) => (CallEnd::Skipped, Some(error.chain())),
                _ => (CallEnd::Skipped, None),
            },
        };
        let reason = node.known_reason().map(|reason| node.kept_reason(reason));
        let (stage, record) = (node.spec.name.to_owned(), node.record_name());
        Some(CallRecord { stage, record, end, reason, error })
    };
    let order = |wanted: CallEnd| {
        let all = declaration.nodes.iter().zip(ends).filter_map(record);
        all.filter(move |call| call.end == wanted)
    };
    let all = [CallEnd::Failed, CallEnd::Skipped, CallEnd::Ran].into_iter().flat_map(order);
    all.take(MOST).collect()
}

/// Adds up what became of all calls.
pub(super) fn outcome(declaration: &Declaration, ends: &[End]) -> Outcome {
    let mut outcome = Outcome::default();
    for (node, end) in declaration.nodes.iter().zip(ends) {
        // One that was found, turned out to be damaged and was made again may be lost as well.
        let done = matches!(end, End::Ran | End::Cached);
        let lost = done && !node.is_all_kept() && node.is_kept();
        outcome.lost += usize::from(lost);
        if let End::Failed(error) = end {
            outcome.failures.push(error.clone());
        }
        let stage = node.spec.name;
        let line = outcome.stages.iter().position(|line| line.stage == stage);
        let line = line.unwrap_or_else(|| {
            outcome.stages.push(StageSummary { stage, ..StageSummary::default() });
            outcome.stages.len() - 1
        });
        add(&mut outcome.stages[line], node, end);
    }
    for line in &outcome.stages {
        outcome.cached += line.cached;
        outcome.ran += line.ran;
        outcome.failed += line.failed;
        outcome.skipped += line.skipped;
        outcome.saved += line.saved;
    }
    outcome
}

impl Node {
    /// Whether all that was made is kept.
    fn is_all_kept(&self) -> bool {
        match self.table() {
            Some(table) => table.counts().unkept == 0,
            None => self.head().is_some(),
        }
    }
}

fn add(summary: &mut StageSummary, node: &Node, end: &End) {
    let head = node.head();
    let counts = node.table().map(Table::counts).unwrap_or_default();
    let seconds = head.as_ref().map_or(counts.saved, |head| head.seconds);
    match end {
        End::None => {}
        End::Cached => {
            summary.cached += 1;
            summary.saved += seconds;
        }
        End::Ran => {
            summary.ran += 1;
            summary.seconds += node.seconds();
            summary.saved += counts.saved;
        }
        End::Failed(_) => summary.failed += 1,
        End::Skipped => summary.skipped += 1,
    }
    summary.shards_ran += counts.ran;
    summary.shards_cached += counts.found;
    summary.shards_failed += counts.failed;
    let kept = head.iter().flat_map(|head| head.kept());
    summary.size += kept.map(|kept| kept.size).sum::<u64>() + counts.size;
}
