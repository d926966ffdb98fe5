//! Folding: calls of one stage that are alike become one box.
//!
//! Two calls are alike if the same happens to them, and they read from and are read by calls that are
//! alike. That is found by giving calls numbers of classes, in turns along the arrows and against them,
//! until no class falls apart any more. The first turn along the arrows puts the whole way to a call
//! into its class, so arrows never lead from a class to itself or back.

use std::collections::{BTreeMap, HashMap};

use super::super::text::{counted, short_names};
use super::{Arrow, Call, Drawn, Fate, Graph, Shards};
use crate::digest::Digest;
use crate::experiment::outcome::duration_text;
use crate::plan::Source;

/// How often classes are made smaller. After that, what is drawn as one box may have neighbours that
/// differ; the arrows are still right.
const TURNS: usize = 12;

/// How many records, and how many reasons, are listed of a box.
const LISTED: usize = 8;

/// What a class of calls is made of before it is told apart by neighbours.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind<'a> {
    Call(&'a str, Fate, bool),
    Inserted(&'a str),
}

/// One call or inserted value, with numbers in place of what it reads.
struct Item<'a> {
    kind: Kind<'a>,
    /// What it reads: the item's number, the input's name and the output's.
    reads: Vec<(usize, &'a str, &'a str)>,
}

/// Makes boxes and arrows of calls, each of which follows those that it reads from.
pub(super) fn fold(calls: &[Call<'_>]) -> Graph {
    let items = items(calls);
    let classes = classes(&items);
    let names = short_names(calls.iter().map(|call| call.stage));
    let count = classes.iter().max().map_or(0, |last| last + 1);
    let mut members = vec![Vec::new(); count];
    classes.iter().enumerate().for_each(|(item, class)| members[*class].push(item));
    let inserted = items.len() - calls.len();
    let boxes = members.iter().map(|members| {
        let first = members[0];
        match items[first].kind {
            Kind::Inserted(name) => Drawn {
                label: times(name, members.len()),
                fate: None,
                is_aggregate: false,
                shards: None,
                details: vec!["inserted".to_owned()],
            },
            Kind::Call(stage, fate, is_aggregate) => Drawn {
                label: times(names[stage], members.len()),
                fate: Some(fate),
                is_aggregate,
                shards: shards(members.iter().filter_map(|item| calls[item - inserted].shards)),
                details: details(members.iter().map(|item| &calls[item - inserted])),
            },
        }
    });
    let (title, notes) = (String::new(), Vec::new());
    let outputs = |item: usize| item.checked_sub(inserted).map(|call| calls[call].outputs);
    Graph { title, boxes: boxes.collect(), arrows: arrows(&items, &classes, outputs), notes }
}

/// Adds up the shards of a box's calls; `None` where they have none.
fn shards(all: impl Iterator<Item = Shards>) -> Option<Shards> {
    all.reduce(|sum, one| Shards {
        total: sum.total + one.total,
        cached: sum.cached + one.cached,
        failed: sum.failed + one.failed,
    })
}

fn times(name: &str, count: usize) -> String {
    if count == 1 { name.to_owned() } else { format!("{name} × {count}") }
}

/// Lists inserted values, and then all calls.
fn items<'a>(calls: &[Call<'a>]) -> Vec<Item<'a>> {
    let mut inserted: HashMap<(&str, Digest), usize> = HashMap::new();
    let mut items: Vec<Item<'a>> = Vec::new();
    for input in calls.iter().flat_map(|call| call.inputs) {
        if let Source::Inserted { digest } = input.source {
            inserted.entry((input.name, digest)).or_insert_with(|| {
                items.push(Item { kind: Kind::Inserted(input.name), reads: Vec::new() });
                items.len() - 1
            });
        }
    }
    let before = items.len();
    items.extend(calls.iter().map(|call| {
        let reads = call.inputs.iter().filter_map(|input| match &input.source {
            Source::Call { call, output } => Some((before + call, input.name, *output)),
            Source::Inserted { digest } => {
                Some((inserted[&(input.name, *digest)], input.name, input.name))
            }
            Source::Absent | Source::Unknown => None,
        });
        let kind = Kind::Call(call.stage, call.fate, call.records.is_empty());
        Item { kind, reads: reads.collect() }
    }));
    items
}

/// Numbers the classes of items that are alike.
fn classes(items: &[Item<'_>]) -> Vec<usize> {
    let mut readers = vec![Vec::new(); items.len()];
    for (item, reads) in items.iter().enumerate() {
        reads.reads.iter().for_each(|(source, name, output)| {
            readers[*source].push((item, *name, *output));
        });
    }
    let mut kinds = Numbers::default();
    let mut classes: Vec<usize> = items.iter().map(|item| kinds.of(item.kind.clone())).collect();
    let mut count = 0;
    for _ in 0..TURNS {
        // Those before are numbered already in this turn: the whole way to an item counts.
        let mut along = Numbers::default();
        for (index, item) in items.iter().enumerate() {
            let reads = neighbours(&item.reads, &classes);
            classes[index] = along.of((classes[index], reads));
        }
        let mut against = Numbers::default();
        for (index, readers) in readers.iter().enumerate().rev() {
            let readers = neighbours(readers, &classes);
            classes[index] = against.of((classes[index], readers));
        }
        if std::mem::replace(&mut count, against.0.len()) == against.0.len() {
            break;
        }
    }
    in_order(items, classes)
}

/// Numbers classes anew, so that arrows lead from a lower number to a higher one.
fn in_order(items: &[Item<'_>], mut classes: Vec<usize>) -> Vec<usize> {
    let mut depths = vec![0; items.len()];
    for (index, item) in items.iter().enumerate() {
        let above = item.reads.iter().map(|(source, ..)| depths[*source] + 1);
        depths[index] = above.max().unwrap_or(0);
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|item| depths[*item]);
    let mut numbers = Numbers::default();
    for item in order {
        classes[item] = numbers.of(classes[item]);
    }
    classes
}

/// Lists the classes of neighbours, each once: how many there are does not count.
fn neighbours<'a>(
    all: &[(usize, &'a str, &'a str)],
    classes: &[usize],
) -> Vec<(usize, &'a str, &'a str)> {
    let mut all: Vec<_> =
        all.iter().map(|(item, name, output)| (classes[*item], *name, *output)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Gives equal things one number.
struct Numbers<T>(HashMap<T, usize>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Eq + std::hash::Hash> Numbers<T> {
    fn of(&mut self, thing: T) -> usize {
        let next = self.0.len();
        *self.0.entry(thing).or_insert(next)
    }
}

/// Draws one arrow from a class to another, with the names that the boxes do not tell.
fn arrows(
    items: &[Item<'_>],
    classes: &[usize],
    outputs: impl Fn(usize) -> Option<usize>,
) -> Vec<Arrow> {
    let mut labels: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        for (source, name, output) in &item.reads {
            let arrow = labels.entry((classes[*source], classes[index])).or_default();
            let is_obvious = outputs(*source).is_none_or(|count| count == 1 && name == output);
            if !is_obvious && !arrow.contains(name) {
                arrow.push(name);
            }
        }
    }
    let arrow = |((from, to), names): (_, Vec<&str>)| Arrow { from, to, label: names.join(", ") };
    labels.into_iter().map(arrow).collect()
}

/// Tells of the calls of a box: the stage, why, for which records, and how long they took.
fn details<'a, 'b: 'a>(calls: impl Iterator<Item = &'a Call<'b>> + Clone) -> Vec<String> {
    let mut lines: Vec<String> =
        calls.clone().take(1).map(|call| format!("{}: {}", call.stage, call.fate.word())).collect();
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    let mut others = 0;
    for why in calls.clone().map(|call| &*call.why).filter(|why| !why.is_empty()) {
        match reasons.iter().position(|(reason, _)| *reason == why) {
            Some(place) => reasons[place].1 += 1,
            None if reasons.len() < LISTED => reasons.push((why, 1)),
            None => others += 1,
        }
    }
    lines.extend(reasons.into_iter().map(|(reason, count)| match count {
        1 => reason.to_owned(),
        count => format!("{count} ×: {reason}"),
    }));
    if others > 0 {
        lines.push(format!("and {} with other reasons", counted(others, "call")));
    }
    let records = calls.clone().flat_map(|call| call.records);
    let mut names: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut more = 0;
    for record in records.filter(|record| seen.insert(record.as_str())) {
        if names.len() < LISTED { names.push(record) } else { more += 1 }
    }
    match more {
        0 if names.is_empty() => lines.push("across records".to_owned()),
        0 => lines.push(format!("{}: {}", plural(names.len()), names.join(", "))),
        more => lines.push(format!("records: {} and {more} more", names.join(", "))),
    }
    let seconds: Vec<f64> = calls.filter_map(|call| call.seconds).collect();
    if !seconds.is_empty() {
        lines.push(format!("took {}", duration_text(seconds.iter().sum())));
    }
    lines
}

fn plural(records: usize) -> &'static str {
    if records == 1 { "record" } else { "records" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::PlannedInput;

    /// A call as a test writes it: its stage, what happens to it, and the calls it reads from.
    type Written = (&'static str, Fate, Vec<usize>);

    fn folded(written: &[Written]) -> Graph {
        let input = |call: &usize| {
            let source = Source::Call { call: *call, output: written[*call].0 };
            PlannedInput { name: written[*call].0, record: None, source }
        };
        let inputs: Vec<Vec<PlannedInput>> =
            written.iter().map(|(.., reads)| reads.iter().map(input).collect()).collect();
        let records = ["base".to_owned()];
        let call = |((stage, fate, _), inputs): (&Written, &'_ Vec<PlannedInput>)| {
            (*stage, *fate, inputs.clone())
        };
        let calls: Vec<_> = written.iter().zip(&inputs).map(call).collect();
        let calls: Vec<Call<'_>> = calls
            .iter()
            .map(|(stage, fate, inputs)| Call {
                stage,
                records: &records,
                inputs,
                outputs: 1,
                fate: *fate,
                why: String::new(),
                seconds: None,
                shards: None,
            })
            .collect();
        fold(&calls)
    }

    fn labels(graph: &Graph) -> Vec<&str> {
        graph.boxes.iter().map(|drawn| &*drawn.label).collect()
    }

    #[test]
    fn calls_with_equal_verdicts_and_neighbours_are_one_box() {
        let (cached, runs) = (Fate::Cached, Fate::WillRun);
        let mut written: Vec<Written> = vec![("load", cached, vec![])];
        for record in 0..5 {
            let fit = written.len();
            let fate = if record == 3 { runs } else { cached };
            written.push(("fit", fate, vec![0]));
            written.push(("score", cached, vec![fit]));
        }
        let scores = (0..written.len()).filter(|call| written[*call].0 == "score").collect();
        written.push(("compare", runs, scores));
        let graph = folded(&written);
        let mut boxes = labels(&graph);
        boxes.sort_unstable();
        // The score of the record that runs reads from another box, so it is one by itself.
        assert_eq!(boxes, ["compare", "fit", "fit × 4", "load", "score", "score × 4"]);
        assert_eq!(graph.arrows.len(), 6);
        assert!(graph.arrows.iter().all(|arrow| arrow.label.is_empty()), "all are obvious");
    }

    #[test]
    fn a_value_that_is_read_by_different_stages_is_a_box_by_itself() {
        let runs = Fate::WillRun;
        let one: Written = ("fit", runs, vec![]);
        let graph = folded(&[one.clone(), one.clone(), one, ("score", runs, vec![1])]);
        assert_eq!(labels(&graph), ["fit × 2", "fit", "score"]);
    }

    fn any_calls() -> impl Strategy<Value = Vec<Written>> {
        let stage = prop_oneof![Just("a"), Just("b"), Just("c")];
        let fate = prop_oneof![Just(Fate::Cached), Just(Fate::MayRun)];
        let call = (stage, fate, proptest::collection::vec(any::<prop::sample::Index>(), 0..4));
        proptest::collection::vec(call, 1..40).prop_map(|calls| {
            let reads =
                |(index, (stage, fate, reads)): (usize, (_, _, Vec<prop::sample::Index>))| {
                    let reads = reads.iter().filter(|_| index > 0).map(|read| read.index(index));
                    (stage, fate, reads.collect())
                };
            calls.into_iter().enumerate().map(reads).collect()
        })
    }

    proptest! {
        #[test]
        fn arrows_lead_from_a_box_to_a_later_one(written in any_calls()) {
            let graph = folded(&written);
            prop_assert!(graph.arrows.iter().all(|arrow| arrow.from < arrow.to));
            let count = |drawn: &Drawn| drawn.label.split_once(" × ").map_or(1, |(_, n)| n.parse().unwrap());
            prop_assert_eq!(graph.boxes.iter().map(count).sum::<usize>(), written.len());
            for text in [super::super::svg::text(&graph), super::super::dot::text(&graph), super::super::mermaid::text(&graph)] {
                prop_assert!(!text.is_empty());
            }
        }
    }
}
