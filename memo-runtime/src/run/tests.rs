//! The parts of a run, each driven by hand: what is decided in which order is then a matter of the test.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "stages take their inputs by reference")]

mod follow;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::End;
use super::graph::Graph;
use super::limits::Limits;
use super::progress::{Needs, Next, Progress};
use crate::error::{Error, ErrorKind};
use crate::experiment::declare::{Declaration, declare};
use crate::prelude::*;
use crate::stage::node::Node;

/// A plan of an experiment with one record, and the folder of its store.
pub(super) struct Planned {
    pub(super) declaration: Declaration,
    _folder: tempfile::TempDir,
}

impl Planned {
    pub(super) fn of(experiment: Experiment<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = RunOptions::new().store(folder.path());
        let declaration = declare(&experiment.record("base", 1), &options, false).unwrap();
        Self { declaration, _folder: folder }
    }

    pub(super) fn graph(&self) -> Graph<'_> {
        Graph::new(&self.declaration.nodes)
    }

    /// Returns the place of a stage's only call.
    pub(super) fn place(&self, stage: &str) -> usize {
        let is_it = |node: &Arc<Node>| node.spec.short_name() == stage;
        self.declaration.nodes.iter().position(is_it).unwrap()
    }
}

pub(super) fn experiment(
    pipeline: impl Fn(&mut Record<u32>) -> Result<()> + Send + Sync + 'static,
) -> Experiment<u32> {
    Experiment::new("parts", pipeline)
}

fn progress(graph: &Graph<'_>, jobs: usize) -> Progress {
    Progress::new(graph, Limits::new(jobs, None, graph), None)
}

#[stage(outputs = [base])]
fn base(params: &u32) -> u32 {
    *params
}

#[stage(inputs = [base], outputs = [above])]
fn above(base: &u32) -> u32 {
    *base
}

#[stage(outputs = [fails])]
fn fails(params: &u32) -> Result<u32> {
    Err(params.to_string().into())
}

#[stage(inputs = [above, fails], outputs = [needs_both], cachers = [Json])]
fn needs_both(above: &u32, fails: &u32) -> u32 {
    above + fails
}

#[aggregate(inputs = [fails], outputs = [present], cachers = [Json])]
fn present(fails: Across<Option<u32>>) -> usize {
    fails.len()
}

fn failure() -> End {
    End::Failed(Error::new(ErrorKind::Stage, "it has failed"))
}

#[test]
fn what_fails_just_before_it_is_asked_for_may_be_absent_all_the_same() {
    let pipeline = |record: &mut Record<u32>| fails(record).map(drop).map_err(Into::into);
    let planned = Planned::of(experiment(pipeline).aggregate(present));
    let graph = planned.graph();
    let (source, reader) = (planned.place("fails"), planned.place("present"));
    let mut progress = progress(&graph, 8);
    for index in [source, reader] {
        assert!(graph.nodes[index].settle());
        progress.settled(&graph, index);
    }
    // The reader sees that a value is not there; before it asks for it, another worker notes the failure.
    let without = graph.nodes[reader].valueless();
    assert_eq!(without.len(), 1);
    progress.failed(&graph, source, failure(), "fails");
    assert!(matches!(progress.ask(&graph, reader, &without), Needs::Nothing));
}

#[test]
fn what_nobody_asks_for_any_more_lets_its_sources_go() {
    let pipeline = |record: &mut Record<u32>| {
        base(record)?;
        above(record)?;
        fails(record)?;
        needs_both(record)?;
        Ok(())
    };
    let planned = Planned::of(experiment(pipeline));
    let graph = planned.graph();
    let [base, above, source, reader] =
        ["base", "above", "fails", "needs_both"].map(|stage| planned.place(stage));
    let mut progress = progress(&graph, 8);
    for index in [base, above, source, reader] {
        assert!(graph.nodes[index].settle());
        progress.settled(&graph, index);
    }
    let without = graph.nodes[reader].valueless();
    assert!(matches!(progress.ask(&graph, reader, &without), Needs::Others));
    // `above` is wanted now. Its only reader is skipped before it has begun.
    let (skipped, _) = progress.failed(&graph, source, failure(), "fails");
    assert_eq!(skipped, [reader]);
    assert!(!progress.is_wanted_now(&graph, above));
    assert_eq!(progress.rests(&graph, above), [base]);
    assert_eq!(progress.rests(&graph, above), [0_usize; 0], "once");
}

#[test]
fn a_value_whose_readers_are_skipped_while_it_is_made_goes_at_once() {
    let pipeline = |record: &mut Record<u32>| {
        base(record)?;
        above(record)?;
        fails(record)?;
        needs_both(record)?;
        Ok(())
    };
    let planned = Planned::of(experiment(pipeline));
    let graph = planned.graph();
    let [base, above, source, reader] =
        ["base", "above", "fails", "needs_both"].map(|stage| planned.place(stage));
    let mut progress = progress(&graph, 8);
    for index in [base, above, source, reader] {
        assert!(graph.nodes[index].settle());
        progress.settled(&graph, index);
    }
    let without = graph.nodes[reader].valueless();
    assert!(matches!(progress.ask(&graph, reader, &without), Needs::Others));
    assert!(progress.is_wanted_now(&graph, above), "it begins");
    progress.failed(&graph, source, failure(), "fails");
    let mut unread = progress.finished(&graph, above, End::Ran);
    unread.sort_unstable();
    assert_eq!(unread, [base, above]);
}

#[stage(outputs = [small], resources(cpus = 1))]
fn small(number: u32) -> u32 {
    number
}

#[stage(outputs = [large], resources(cpus = 3))]
fn large() -> u32 {
    0
}

#[test]
fn what_needs_much_is_not_passed_for_ever() {
    let pipeline = |record: &mut Record<u32>| {
        large(record)?;
        for number in 0..100 {
            small::named(record, [format!("s{number}")], number)?;
        }
        Ok(())
    };
    let planned = Planned::of(experiment(pipeline));
    let graph = planned.graph();
    let mut progress = progress(&graph, 3);
    // Nothing is ready but what waits for its turn.
    while let Some(Next::LookUp(index)) = {
        let is_left = progress.has_ready();
        if is_left { progress.next(&graph) } else { None }
    } {
        assert!(graph.nodes[index].settle());
    }
    let large = planned.place("large");
    let smalls: Vec<usize> = (0..graph.nodes.len()).filter(|index| *index != large).collect();
    // One small call begins first, and whenever it ends another one is there.
    progress.wait_for_turn(&graph, smalls[0]);
    let Some(Next::Run(_, mut need)) = progress.next(&graph) else { panic!("it could begin") };
    progress.wait_for_turn(&graph, large);
    let mut passed = 0;
    for small in &smalls[1..] {
        progress.wait_for_turn(&graph, *small);
        // The next one begins beside it, if it may; the former one ends.
        let next = progress.next(&graph);
        progress.limits.give_back(&need);
        match next.or_else(|| progress.next(&graph)) {
            Some(Next::Run(index, _)) if index == large => break,
            Some(Next::Run(_, next)) => (passed, need) = (passed + 1, next),
            _ => panic!("nothing begins"),
        }
    }
    assert_eq!(passed, 8, "then room is kept");
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [twin, other], cachers = [Json, Json])]
fn twins() -> (u32, u32) {
    let run = RUNS.fetch_add(1, Ordering::SeqCst);
    (run, run)
}

#[test]
fn who_stumbles_over_what_was_made_anew_meanwhile_tries_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::new(&Store::open(folder.path()).unwrap(), "base", ());
    let (first, _) = twins(&mut record).unwrap();
    let crate::lazy::Origin::Node(node, _) = &first.origin else { panic!("it is an output") };
    let before = node.head().unwrap();
    let error = Error::new(ErrorKind::Damaged, "both artifacts were found damaged");
    // Two readers, each of one output, have opened the same entry.
    node.heal(0, &before, &error).unwrap();
    let after = node.head().unwrap();
    node.heal(1, &before, &error).unwrap();
    assert_eq!(RUNS.load(Ordering::SeqCst), 2);
    assert!(Arc::ptr_eq(&after, &node.head().unwrap()));
}

#[test]
fn no_more_threads_are_started_than_have_something_to_do() {
    assert_eq!(super::workers(3, false, 8), 3);
    assert_eq!(super::workers(3, true, 8), 8, "shards are many");
    assert_eq!(super::workers(0, false, 8), 1);
    assert_eq!(super::workers(3, true, usize::MAX), super::MOST_WORKERS);
}
