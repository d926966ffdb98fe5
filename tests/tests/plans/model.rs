//! What a run is to do, told by a sequential model that knows nothing of threads, files or digests.

use std::collections::{HashMap, HashSet};

use crate::generate::{AGGREGATES, Pipeline};
use crate::stages::{Fails, Flavour, Make, Params, digest, stage_name};

/// A call, equal ones once.
pub(crate) struct Node {
    pub(crate) stage: &'static str,
    flavour: Flavour,
    pub(crate) make: Make,
    sources: Vec<usize>,
    /// Whether it can do without sources that have failed.
    optional: bool,
    /// Record names, where they enter the key.
    names: Vec<String>,
    readers: usize,
    forced: bool,
    /// Whether caching is off for it.
    uncached: bool,
    /// The first record that calls it, and what it is called there.
    pub(crate) output: (Option<String>, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Artifact {
    There,
    Gone,
    /// It will turn out to be damaged when it is read.
    Flipped,
}

/// What the store holds: by key the value, and by value its artifact.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) entries: HashMap<u64, u64>,
    pub(crate) artifacts: HashMap<u64, Artifact>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    None,
    Cached,
    Ran,
    Failed,
    Skipped,
}

/// What became of the calls of a run.
pub(crate) struct Expected {
    pub(crate) nodes: Vec<Node>,
    pub(crate) ends: Vec<End>,
    pub(crate) keys: Vec<Option<u64>>,
    pub(crate) values: Vec<Option<u64>>,
    /// What ran, sorted.
    pub(crate) ran: Vec<u64>,
    pub(crate) exact: Exact,
}

impl Expected {
    /// Whether something that failed was absent from what a call read, or from what that was made of.
    pub(crate) fn did_without(&self, node: usize) -> bool {
        let it = &self.nodes[node];
        let has_failed = |source: &usize| matches!(self.ends[*source], End::Failed | End::Skipped);
        it.optional && it.sources.iter().any(has_failed)
            || it.sources.iter().any(|source| self.did_without(*source))
    }
}

/// How much of a run is the same whatever the order of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exact {
    /// Some calls might run or not: two that have failed, or two of one key.
    Values,
    /// Which bodies run, but not how often.
    Bodies,
    All,
}

pub(crate) fn nodes(pipeline: &Pipeline, records: &[Params], force: &[&str]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut known: HashMap<(usize, u32, Vec<usize>), usize> = HashMap::new();
    let mut columns = Vec::new();
    for (index, params) in records.iter().enumerate() {
        let mut positions: Vec<usize> = Vec::new();
        for (id, call) in pipeline.calls.iter().enumerate() {
            let sources: Vec<usize> =
                call.sources.iter().map(|source| positions[*source]).collect();
            let make = call.make(id, *params);
            let next = nodes.len();
            let position = *known.entry((id, make.salt, sources.clone())).or_insert(next);
            if position == next {
                let output = (Some(format!("r{index}")), format!("n{id}"));
                let stage = stage_name(sources.len(), call.flavour);
                let (optional, names) = (false, Vec::new());
                add(
                    &mut nodes,
                    Node {
                        stage,
                        flavour: call.flavour,
                        make,
                        sources,
                        optional,
                        names,
                        readers: 0,
                        forced: false,
                        uncached: false,
                        output,
                    },
                    force,
                );
            }
            positions.push(position);
        }
        columns.push(positions[pipeline.last]);
    }
    let names: Vec<String> = (0..records.len()).map(|index| format!("r{index}")).collect();
    let mut present = 0;
    for (number, make) in pipeline.aggregates().into_iter().enumerate() {
        let Some(make) = make else { continue };
        let of_records = number < 2;
        let sources = if of_records { columns.clone() } else { vec![present] };
        present = nodes.len();
        add(
            &mut nodes,
            Node {
                stage: AGGREGATES[number],
                flavour: Flavour::Kept,
                make,
                sources,
                optional: number == 1,
                names: if of_records { names.clone() } else { Vec::new() },
                readers: 0,
                forced: false,
                uncached: false,
                output: (None, AGGREGATES[number].to_owned()),
            },
            force,
        );
    }
    nodes
}

fn add(nodes: &mut Vec<Node>, mut node: Node, force: &[&str]) {
    let mut seen = HashSet::new();
    for source in node.sources.iter().filter(|source| seen.insert(**source)) {
        nodes[*source].readers += 1;
    }
    let above = || node.sources.iter().map(|source| &nodes[*source]);
    node.uncached = node.flavour == Flavour::Uncached || above().any(|above| above.uncached);
    node.forced = force.contains(&node.stage)
        || above().any(|above| above.forced && above.flavour == Flavour::Memory);
    nodes.push(node);
}

pub(crate) fn run(
    pipeline: &Pipeline,
    records: &[Params],
    force: &[&str],
    fails: &HashMap<(usize, u32), Fails>,
    kept: &mut Kept,
) -> Expected {
    let nodes = nodes(pipeline, records, force);
    let count = nodes.len();
    let mut run = Run {
        fails,
        kept,
        ends: vec![End::None; count],
        keys: vec![None; count],
        identities: vec![None; count],
        values: vec![None; count],
        held: vec![false; count],
        ran: Vec::new(),
        exact: Exact::All,
        nodes,
    };
    for node in 0..count {
        run.visit(node);
    }
    run.look_for_twins();
    run.ran.sort_unstable();
    let Run { nodes, ends, keys, values, ran, exact, .. } = run;
    Expected { nodes, ends, keys, values, ran, exact }
}

struct Run<'a> {
    fails: &'a HashMap<(usize, u32), Fails>,
    kept: &'a mut Kept,
    nodes: Vec<Node>,
    ends: Vec<End>,
    keys: Vec<Option<u64>>,
    /// By what a call enters the keys of its readers.
    identities: Vec<Option<u64>>,
    values: Vec<Option<u64>>,
    /// Whether the value can be had without running the body.
    held: Vec<bool>,
    ran: Vec<u64>,
    exact: Exact,
}

impl Run<'_> {
    fn is_kept(&self, node: usize) -> bool {
        !self.nodes[node].uncached && self.nodes[node].flavour != Flavour::Memory
    }

    fn has_failed(&self, node: usize) -> bool {
        matches!(self.ends[node], End::Failed | End::Skipped)
    }

    /// Looks a call up, and runs it if it is wanted though nobody has asked for it.
    fn visit(&mut self, node: usize) {
        let optional = self.nodes[node].optional;
        let unknown = |source: &&usize| self.identities[**source].is_none();
        if !optional && self.nodes[node].sources.iter().any(|source| unknown(&source)) {
            self.ends[node] = End::Skipped;
            return;
        }
        let Some(gone) = self.look_up(node) else { return };
        let is_last = self.nodes[node].readers == 0;
        let wanted = is_last || self.nodes[node].uncached || (self.is_kept(node) && !gone);
        if wanted {
            self.make(node);
        }
    }

    fn key(&self, node: usize) -> u64 {
        let it = &self.nodes[node];
        let identities: Vec<Option<u64>> = it
            .sources
            .iter()
            .map(|source| {
                // What an aggregate can do without enters as absent.
                let absent = it.optional && self.has_failed(*source);
                if absent { None } else { self.identities[*source] }
            })
            .collect();
        let nonce = if it.uncached { node + 1 } else { 0 };
        digest(&(it.stage, it.make, identities, &it.names, nonce))
    }

    /// Returns whether the artifact is gone; `None` for a hit.
    fn look_up(&mut self, node: usize) -> Option<bool> {
        let key = self.key(node);
        self.keys[node] = Some(key);
        if !self.is_kept(node) {
            self.identities[node] = Some(digest(&("key", key)));
            return Some(false);
        }
        if self.nodes[node].forced {
            return Some(false);
        }
        let Some(value) = self.kept.entries.get(&key).copied() else { return Some(false) };
        self.identities[node] = Some(digest(&("content", value)));
        if self.kept.artifacts.get(&value) == Some(&Artifact::Gone) {
            return Some(true);
        }
        self.values[node] = Some(value);
        self.held[node] = true;
        self.ends[node] = End::Cached;
        None
    }

    /// Runs a call, and before it those whose values it needs.
    fn make(&mut self, node: usize) {
        let mut sources = self.nodes[node].sources.clone();
        sources.sort_unstable();
        sources.dedup();
        let without: Vec<usize> =
            sources.iter().copied().filter(|source| !self.held[*source]).collect();
        for source in &without {
            if self.ends[*source] == End::None {
                self.make(*source);
            }
        }
        let failed = without.iter().filter(|source| self.has_failed(**source)).count();
        if failed > 0 && !self.nodes[node].optional {
            if without.len() > 1 {
                // Who comes first decides whether the others run.
                self.exact = Exact::Values;
            }
            self.ends[node] = End::Skipped;
            return;
        }
        if failed > 0
            && self.is_kept(node)
            && !self.nodes[node].forced
            && self.look_up(node).is_none()
        {
            return;
        }
        for source in &sources {
            self.read(*source);
        }
        let values: Vec<Option<u64>> = self.nodes[node]
            .sources
            .iter()
            .map(|source| if self.has_failed(*source) { None } else { self.values[*source] })
            .collect();
        let make = self.nodes[node].make;
        self.ran.push(make.label(&values));
        if self.fails.contains_key(&(make.id, make.salt)) {
            self.ends[node] = End::Failed;
            return;
        }
        let value = make.number(&values);
        self.values[node] = Some(value);
        self.held[node] = true;
        self.ends[node] = End::Ran;
        if let (true, Some(key)) = (self.is_kept(node), self.keys[node]) {
            self.identities[node] = Some(digest(&("content", value)));
            self.kept.entries.insert(key, value);
            self.kept.artifacts.insert(value, Artifact::There);
        }
    }

    /// Reads a value; one that is damaged is made again.
    fn read(&mut self, node: usize) {
        let flipped = |run: &Self| {
            let value = run.values[node]?;
            let flipped = run.kept.artifacts.get(&value) == Some(&Artifact::Flipped);
            (flipped && run.ends[node] == End::Cached).then_some(value)
        };
        let Some(value) = flipped(self) else { return };
        self.exact = self.exact.min(Exact::Bodies);
        self.kept.artifacts.insert(value, Artifact::There);
        for source in self.nodes[node].sources.clone() {
            if !self.held[source] && self.ends[source] == End::None {
                self.make(source);
            }
            self.read(source);
        }
        let values: Vec<Option<u64>> =
            self.nodes[node].sources.iter().map(|source| self.values[*source]).collect();
        let make = self.nodes[node].make;
        self.ran.push(make.label(&values));
    }

    /// Two calls of one key, or of one artifact, take turns as it comes.
    fn look_for_twins(&mut self) {
        let mut keys = HashSet::new();
        let mut values = HashSet::new();
        for node in 0..self.nodes.len() {
            let twin = self.keys[node].is_some_and(|key| !keys.insert(key));
            let same =
                self.values[node].is_some_and(|value| self.is_kept(node) && !values.insert(value));
            if twin || same {
                self.exact = Exact::Values;
            }
        }
    }
}
