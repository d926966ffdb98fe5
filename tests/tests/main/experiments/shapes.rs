//! Every small shape of a pipeline with every part of it kept, gone or in memory, against a model that knows
//! nothing but who reads whom.

use std::fs;
use std::sync::{Arc, Mutex};

use memo_runtime::{Event, Verdict};

use crate::common::*;

/// What ran, by number.
type Log = Arc<Mutex<Vec<usize>>>;

#[stage(outputs = [node], cachers = [Bytes], skip = [log])]
fn source(id: usize, log: Log) -> Vec<u8> {
    made(&[], id, &log)
}

#[stage(inputs = [left], outputs = [node], cachers = [Bytes], skip = [log])]
fn one(left: &[u8], id: usize, log: Log) -> Vec<u8> {
    made(&[left], id, &log)
}

#[stage(inputs = [left, right], outputs = [node], cachers = [Bytes], skip = [log])]
fn two(left: &[u8], right: &[u8], id: usize, log: Log) -> Vec<u8> {
    made(&[left, right], id, &log)
}

#[stage(outputs = [node], skip = [log])]
fn source_in_memory(id: usize, log: Log) -> Vec<u8> {
    made(&[], id, &log)
}

#[stage(inputs = [left], outputs = [node], skip = [log])]
fn one_in_memory(left: &[u8], id: usize, log: Log) -> Vec<u8> {
    made(&[left], id, &log)
}

#[stage(inputs = [left, right], outputs = [node], skip = [log])]
fn two_in_memory(left: &[u8], right: &[u8], id: usize, log: Log) -> Vec<u8> {
    made(&[left, right], id, &log)
}

/// A value too large for a manifest, another one for each node and each value of its inputs.
fn made(inputs: &[&[u8]], id: usize, log: &Log) -> Vec<u8> {
    log.lock().unwrap().push(id);
    value(inputs, id)
}

fn value(inputs: &[&[u8]], id: usize) -> Vec<u8> {
    let sum = inputs.iter().fold(1_u8, |sum, input| sum.wrapping_mul(3).wrapping_add(input[0]));
    vec![sum.wrapping_mul(7).wrapping_add(u8::try_from(id).unwrap()); 5000 + id]
}

/// How a node is before the run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Its entry and its artifact are there.
    Kept,
    /// Its entry is there, the artifact is not.
    Gone,
    /// Nothing is there.
    Missing,
    /// Its output has no cacher.
    Memory,
}

/// For each node, those that it reads.
type Shape = &'static [&'static [usize]];

fn declare(record: &mut Record<()>, shape: Shape, states: &[State], log: &Log) -> Result<()> {
    for (id, inputs) in shape.iter().enumerate() {
        for (name, input) in ["left", "right"].into_iter().zip(*inputs) {
            record.alias(name, &format!("n{input}"))?;
        }
        let (name, log) = ([format!("n{id}")], Arc::clone(log));
        match (inputs.len(), states[id]) {
            (0, State::Memory) => source_in_memory::named(record, name, id, log)?,
            (1, State::Memory) => one_in_memory::named(record, name, id, log)?,
            (2, State::Memory) => two_in_memory::named(record, name, id, log)?,
            (0, _) => source::named(record, name, id, log)?,
            (1, _) => one::named(record, name, id, log)?,
            _ => two::named(record, name, id, log)?,
        };
    }
    Ok(())
}

fn experiment(shape: Shape, states: &[State], log: &Log) -> Experiment<()> {
    let (states, log) = (states.to_vec(), Arc::clone(log));
    Experiment::new("shapes", move |record| declare(record, shape, &states, &log)).record("r", ())
}

/// The model: who runs, from the last node to the first.
fn runs(shape: Shape, states: &[State]) -> Vec<bool> {
    let mut runs = vec![false; shape.len()];
    for id in (0..shape.len()).rev() {
        let mut readers = (0..shape.len()).filter(|reader| shape[*reader].contains(&id)).peekable();
        let is_last = readers.peek().is_none();
        runs[id] = match states[id] {
            State::Kept => false,
            State::Missing => true,
            State::Gone | State::Memory => is_last || readers.any(|reader| runs[reader]),
        };
    }
    runs
}

fn values(shape: Shape) -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = Vec::new();
    for (id, inputs) in shape.iter().enumerate() {
        let inputs: Vec<&[u8]> = inputs.iter().map(|input| values[*input].as_slice()).collect();
        values.push(value(&inputs, id));
    }
    values
}

/// Makes everything, takes away what `states` say, runs again, and compares with the model.
fn check(shape: Shape, states: &[State], jobs: usize) {
    let context = format!("{shape:?} {states:?} with {jobs} jobs");
    let (lab, log) = (Lab::new(), Log::default());
    let experiment = experiment(shape, states, &log);
    let first = experiment.run(&lab.options().jobs(jobs)).unwrap();
    assert_eq!(first.ran, shape.len(), "{context}");
    let plan = experiment.plan(&lab.options()).unwrap();
    for (id, state) in states.iter().enumerate() {
        match state {
            State::Gone => {
                let handle = first.output::<Vec<u8>>("r", &format!("n{id}")).unwrap();
                fs::remove_file(handle.path().unwrap()).unwrap();
            }
            State::Missing => {
                let key = plan.calls[id].key.unwrap().to_string();
                let entry = lab.files(&key).into_iter().find(|path| path.is_file()).unwrap();
                fs::remove_file(entry).unwrap();
            }
            State::Kept | State::Memory => {}
        }
    }
    drop(first);
    log.lock().unwrap().clear();
    lab.lines();

    let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
    let expected = runs(shape, states);
    let mut ran = std::mem::take(&mut *log.lock().unwrap());
    ran.sort_unstable();
    let model: Vec<usize> = (0..shape.len()).filter(|id| expected[*id]).collect();
    assert_eq!(ran, model, "{context}");
    assert_eq!((outcome.ran, outcome.failed, outcome.lost), (model.len(), 0, 0), "{context}");

    let is_read = |id: usize| {
        states[id] == State::Kept
            && (0..shape.len()).any(|reader| expected[reader] && shape[reader].contains(&id))
    };
    let loads = (0..shape.len()).filter(|id| is_read(*id)).count();
    let events = lab.recorder().take();
    let loaded = events.iter().filter(|event| matches!(event, Event::Loaded { .. })).count();
    assert_eq!(loaded, loads, "{context}");

    for (id, value) in values(shape).iter().enumerate() {
        let handle = outcome.output::<Vec<u8>>("r", &format!("n{id}")).unwrap();
        assert_eq!(*handle.load().unwrap(), *value, "{context}");
    }
}

fn check_all(shape: Shape, all: &[State]) {
    let count = all.len().pow(u32::try_from(shape.len()).unwrap());
    let mut turn = 0;
    for mut number in 0..count {
        let states: Vec<State> = shape
            .iter()
            .map(|_| {
                let state = all[number % all.len()];
                number /= all.len();
                state
            })
            .collect();
        // One job and several take turns; they must agree with one model.
        turn += 1;
        check(shape, &states, if turn % 2 == 0 { 1 } else { 8 });
    }
}

const CHAINS: [Shape; 3] = [&[&[]], &[&[], &[0]], &[&[], &[0], &[1]]];
const FORK: Shape = &[&[], &[0], &[0]];
const JOIN: Shape = &[&[], &[], &[0, 1]];
const DIAMOND: Shape = &[&[], &[0], &[0], &[1, 2]];

const THERE_OR_NOT: [State; 3] = [State::Kept, State::Missing, State::Memory];
const ALL: [State; 4] = [State::Kept, State::Gone, State::Missing, State::Memory];

#[test]
fn chains_of_one_two_and_three() {
    CHAINS.iter().for_each(|shape| check_all(shape, &THERE_OR_NOT));
}

#[test]
fn a_fork_and_a_join() {
    check_all(FORK, &THERE_OR_NOT);
    check_all(JOIN, &THERE_OR_NOT);
}

#[test]
fn a_diamond() {
    check_all(DIAMOND, &THERE_OR_NOT);
}

#[test]
fn a_manifest_outlives_its_artifact() {
    CHAINS.iter().for_each(|shape| check_all(shape, &ALL));
    check_all(FORK, &ALL);
    check_all(JOIN, &ALL);
    check_all(DIAMOND, &ALL);
}

#[test]
fn a_plan_agrees_with_the_run() {
    let shape = DIAMOND;
    let (lab, log) = (Lab::new(), Log::default());
    let experiment =
        experiment(shape, &[State::Memory, State::Kept, State::Kept, State::Kept], &log);
    experiment.run(&lab.options()).unwrap();
    let plan = experiment.plan(&lab.options()).unwrap();
    let verdicts: Vec<_> = plan.calls.iter().map(|call| &call.verdict).collect();
    assert_eq!(
        verdicts,
        [&Verdict::NotNeeded, &Verdict::Cached, &Verdict::Cached, &Verdict::Cached]
    );
}
