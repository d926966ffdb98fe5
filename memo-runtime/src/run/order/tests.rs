//! Which call is next.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "stages take their inputs by reference")]

use super::*;
use crate::prelude::*;
use crate::run::limits::Limits;
use crate::run::tests::{Planned, experiment};

#[stage(outputs = [a])]
fn one() -> u32 {
    1
}

#[stage(inputs = [a], outputs = [b])]
fn two(a: &u32) -> u32 {
    a + 1
}

#[stage(inputs = [b], outputs = [c])]
fn three(b: &u32) -> u32 {
    b + 1
}

#[stage(outputs = [d])]
fn alone() -> u32 {
    1
}

#[stage(inputs = [a], outputs = [e])]
fn other(a: &u32) -> u32 {
    a + 2
}

#[aggregate(inputs = [a], outputs = [sum])]
fn sum(a: Across<u32>) -> usize {
    a.len()
}

fn planned() -> Planned {
    let pipeline = |record: &mut Record<u32>| {
        alone(record)?;
        one(record)?;
        other(record)?;
        two(record)?;
        three(record)?;
        Ok(())
    };
    Planned::of(experiment(pipeline).aggregate(sum))
}

fn readers(graph: &Graph<'_>) -> Readers {
    Readers::new(graph.readers.lengths().collect())
}

/// Takes all calls that wait, one after the other.
fn order(queue: &mut Queue, graph: &Graph<'_>) -> Vec<&'static str> {
    let mut limits = Limits::new(1, None, graph);
    let mut order = Vec::new();
    while let Some((index, need)) = queue.take(|index| limits.take(graph, index)) {
        limits.give_back(&need);
        order.push(graph.nodes[index].spec.short_name());
    }
    order
}

#[test]
fn the_longest_chain_goes_first_then_what_was_declared_first() {
    let planned = planned();
    let graph = planned.graph();
    // Nothing is recorded, so each call counts the same.
    let of = |stage: &str| paths(&graph)[planned.place(stage)];
    let lengths = ["alone", "one", "two", "three", "other", "sum"].map(of);
    let times = lengths.map(|length| (length / lengths[0]).to_bits());
    assert_eq!(times, [1.0, 3.0, 2.0, 1.0, 1.0, 1.0].map(f64::to_bits));
    let mut queue = Queue::new(graph.nodes.len());
    for index in (0..graph.nodes.len()).rev() {
        queue.push(&graph, index);
    }
    let expected = ["one", "two", "alone", "other", "three", "sum"];
    assert_eq!(order(&mut queue, &graph), expected);
}

#[test]
fn what_lets_a_value_go_soonest_goes_first() {
    let planned = planned();
    let graph = planned.graph();
    let waiting = |held: &[&str]| {
        let mut queue = Queue::new(graph.nodes.len());
        for stage in ["alone", "other", "three"] {
            queue.push(&graph, planned.place(stage));
        }
        for stage in held {
            queue.held(&graph, &readers(&graph), planned.place(stage));
        }
        order(&mut queue, &graph)
    };
    assert_eq!(waiting(&[]), ["alone", "other", "three"]);
    // Three calls read the value of `one`.
    assert_eq!(waiting(&["one"]), ["other", "alone", "three"]);
    // Only `three` reads that of `two`.
    assert_eq!(waiting(&["one", "two"]), ["three", "other", "alone"]);
}

#[test]
fn what_a_value_waits_for_is_as_urgent_as_its_reader() {
    let planned = planned();
    let graph = planned.graph();
    let mut queue = Queue::new(graph.nodes.len());
    let (two, three) = (planned.place("two"), planned.place("three"));
    queue.push(&graph, planned.place("one"));
    queue.push(&graph, two);
    // `three` is urgent, and asks `two` for a value.
    queue.urgency[three] = 1;
    queue.inherit(&graph, three, two);
    assert_eq!((queue.urgency[two], queue.urgency[planned.place("one")]), (1, 1));
    // An aggregate takes its values one by one: it hurries nobody.
    queue.urgency[planned.place("sum")] = 0;
    queue.inherit(&graph, planned.place("sum"), planned.place("one"));
    assert_eq!(queue.urgency[planned.place("one")], 1);
}

#[test]
fn who_is_skipped_waits_no_more() {
    let planned = planned();
    let graph = planned.graph();
    let mut queue = Queue::new(graph.nodes.len());
    for stage in ["alone", "one"] {
        queue.push(&graph, planned.place(stage));
    }
    queue.remove(planned.place("one"));
    assert_eq!(order(&mut queue, &graph), ["alone"]);
}
