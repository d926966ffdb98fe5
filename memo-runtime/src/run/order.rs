//! Which of the calls that could run is next: the one that soonest lets a value go, then the one that most work
//! waits for, then the one that was declared first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::graph::Graph;
use super::limits::Need;
use super::readers::Readers;
use crate::stage::node::Status;

/// How many entries of a stage tell how long it takes.
const RECORDED: usize = 8;

/// How often a call that needs much is passed by others.
const PASSED: usize = 8;

/// How urgent a call is (the fewer calls still read a value that it lets go, the more), the time that it and
/// all that waits for it will take, its position.
type Rank = (Reverse<usize>, u64, Reverse<usize>);

pub(super) struct Queue {
    heap: BinaryHeap<Rank>,
    /// What is in the heap. A call is there again when it became more urgent.
    waits: Vec<bool>,
    /// For each call, the fewest readers that are left of a value which is in memory and which the call reads,
    /// or helps to be read.
    urgency: Vec<usize>,
    /// The values that are known to be in memory.
    held: Vec<bool>,
    /// How often each call could not begin, since it needs more than was free, and another one did.
    passed: HashMap<usize, usize>,
    /// The call that room is kept for.
    reserved: Option<usize>,
    /// For each call, how long it and the longest chain behind it take; found out when something must run.
    paths: Option<Vec<f64>>,
}

impl Queue {
    pub(super) fn new(calls: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            waits: vec![false; calls],
            urgency: vec![usize::MAX; calls],
            held: vec![false; calls],
            passed: HashMap::new(),
            reserved: None,
            paths: None,
        }
    }

    pub(super) fn push(&mut self, graph: &Graph<'_>, index: usize) {
        if !std::mem::replace(&mut self.waits[index], true) {
            self.rank(graph, index);
        }
    }

    fn rank(&mut self, graph: &Graph<'_>, index: usize) {
        let paths = self.paths.get_or_insert_with(|| paths(graph));
        // The bits of floats that are not negative are ordered as the floats are.
        let path = paths[index].to_bits();
        self.heap.push((Reverse(self.urgency[index]), path, Reverse(index)));
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.waits[index] = false;
    }

    /// Takes the first call that `take` has room for. Others pass a large one a few times at most, whatever
    /// their ranks: then nothing begins before it.
    pub(super) fn take(
        &mut self,
        mut take: impl FnMut(usize) -> Option<Need>,
    ) -> Option<(usize, Need)> {
        if let Some(index) = self.reserved.filter(|index| self.waits[*index]) {
            let need = take(index)?;
            self.begins(index);
            return Some((index, need));
        }
        let mut large: Vec<Rank> = Vec::new();
        let mut taken = None;
        while let Some(rank) = self.heap.pop() {
            let Reverse(index) = rank.2;
            if !self.waits[index] || large.iter().any(|large| large.2 == rank.2) {
                continue;
            }
            if let Some(need) = take(index) {
                self.begins(index);
                taken = Some((index, need));
                break;
            }
            large.push(rank);
            if large.len() > PASSED {
                break;
            }
        }
        if taken.is_some() {
            large.iter().for_each(|rank| self.is_passed(rank.2.0));
        }
        self.heap.extend(large);
        taken
    }

    fn begins(&mut self, index: usize) {
        self.waits[index] = false;
        self.passed.remove(&index);
        self.reserved = None;
    }

    fn is_passed(&mut self, index: usize) {
        let times = self.passed.entry(index).or_default();
        *times += 1;
        if *times >= PASSED {
            self.reserved.get_or_insert(index);
        }
    }

    /// Notes that the values of a call are in memory: what reads them is urgent, and so is what that waits for.
    pub(super) fn held(&mut self, graph: &Graph<'_>, values: &Readers, index: usize) {
        if !std::mem::replace(&mut self.held[index], true) {
            let left = values.left(index);
            graph.readers[index].iter().for_each(|reader| self.hurry(graph, *reader, left));
        }
    }

    /// Notes that `source` was asked for a value by a call.
    pub(super) fn inherit(&mut self, graph: &Graph<'_>, call: usize, source: usize) {
        if !graph.nodes[call].reads_across() {
            self.hurry(graph, source, self.urgency[call]);
        }
    }

    fn hurry(&mut self, graph: &Graph<'_>, call: usize, left: usize) {
        let mut open = vec![call];
        while let Some(call) = open.pop() {
            if self.urgency[call] <= left {
                continue;
            }
            self.urgency[call] = left;
            if self.waits[call] {
                self.rank(graph, call);
            }
            // An aggregate takes its values one by one: that one is there does not make the others urgent.
            if !graph.nodes[call].reads_across() {
                open.extend(&graph.sources[call]);
            }
        }
    }
}

/// For each call, how long it and the longest chain behind it take, as far as that is recorded.
fn paths(graph: &Graph<'_>) -> Vec<f64> {
    let seconds = seconds(graph);
    let known: Vec<f64> = seconds.values().flatten().copied().collect();
    let mean = mean(&known).unwrap_or(1.0);
    let mut paths = vec![0.0_f64; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let behind = graph.readers[index].iter().map(|reader| paths[*reader]);
        let behind = behind.fold(0.0, f64::max);
        let own = match node.status() {
            Status::Hit | Status::Ran | Status::Failed(_) => 0.0,
            _ => seconds.get(node.spec.name).copied().flatten().unwrap_or(mean),
        };
        paths[index] = own + behind;
    }
    paths
}

/// How long the stages of a plan take, where that is known: from what this run has found, or else from the last
/// entries of the store.
fn seconds(graph: &Graph<'_>) -> HashMap<&'static str, Option<f64>> {
    let mut found: HashMap<&'static str, Vec<f64>> = HashMap::new();
    for node in graph.nodes {
        let seconds = found.entry(node.spec.name).or_default();
        seconds.extend(node.head().map(|head| head.seconds));
    }
    let store = graph.nodes.first().map(|node| &node.session.store);
    let recorded = |stage: &'static str| {
        store.map(|store| store.recorded_seconds(stage, RECORDED)).unwrap_or_default()
    };
    let all = found.into_iter().map(|(stage, seconds)| {
        let seconds = if seconds.is_empty() { recorded(stage) } else { seconds };
        (stage, mean(&seconds))
    });
    all.collect()
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many entries")]
fn mean(all: &[f64]) -> Option<f64> {
    let sum: f64 = all.iter().filter(|seconds| seconds.is_finite()).map(|s| s.max(0.0)).sum();
    (!all.is_empty()).then(|| sum / all.len() as f64)
}

#[cfg(test)]
mod tests;
