//! Many calls: none is loaded without need, and no chain is too long for the stack.

use std::path::Path;

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;
use memo_runtime::{Event, Outcome};

#[stage(outputs = [base], cachers = [Json])]
fn base(params: &u32) -> u32 {
    *params
}

#[stage(inputs = [base], outputs = [squared], cachers = [Bincode])]
fn squared(base: &u32) -> u64 {
    u64::from(*base).pow(2)
}

#[stage(inputs = [squared], outputs = [words], cachers = [Text])]
fn words(squared: &u64) -> String {
    format!("{squared} in words")
}

#[stage(inputs = [words, base], outputs = [count], cachers = [Json])]
fn count(words: &str, base: &u32) -> usize {
    words.len() + *base as usize
}

#[test]
fn a_thousand_cached_records_load_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new();
    let run = || {
        let pipeline = |record: &mut Record<u32>| {
            base(record)?;
            squared(record)?;
            words(record)?;
            count(record)?;
            Ok(())
        };
        let records = (0..1000).map(|number| (number.to_string(), number));
        let options = RunOptions::new().store(folder.path()).observer(recorder.clone());
        Experiment::new("thousand", pipeline).records(records).run(&options).unwrap()
    };
    let outcome = run();
    assert_eq!((outcome.ran, outcome.exit_code()), (4000, 0));
    drop(outcome);
    recorder.take();
    let outcome = run();
    assert_eq!((outcome.cached, outcome.ran, outcome.exit_code()), (4000, 0, 0));
    let events = recorder.take();
    let read = events.iter().filter(|event| !matches!(event, Event::Hit { .. })).count();
    assert_eq!((events.len(), read), (4002, 2), "the hits, the run's beginning and its end");
    assert_eq!(*outcome.output::<usize>("999", "count").unwrap().load().unwrap(), 999 + 15);
    assert_eq!(recorder.lines(), ["loaded count"]);
}

#[stage(inputs = [last], outputs = [next])]
fn next(last: &u64, step: u64) -> u64 {
    last ^ step
}

#[stage(inputs = [last], outputs = [kept], cachers = [Json])]
fn kept(last: &u64, step: u64) -> u64 {
    last ^ step
}

type Link = fn(&mut Record<u64>, [String; 1], u64) -> Result<Lazy<u64>, memo_runtime::Error>;

/// Makes a chain of calls, each the input of the one after it.
fn chain(record: &mut Record<u64>, link: Link) -> Result<()> {
    record.insert("last", 0_u64)?;
    let length = *record.params();
    for step in 0..length {
        let name = format!("step {step}");
        link(record, [name.clone()], step)?;
        record.alias("last", &name)?;
    }
    record.alias("end", "last")?;
    Ok(())
}

fn in_memory(record: &mut Record<u64>) -> Result<()> {
    chain(record, next::named)
}

fn on_disk(record: &mut Record<u64>) -> Result<()> {
    chain(record, kept::named)
}

fn run(
    store: &Path,
    length: u64,
    pipeline: fn(&mut Record<u64>) -> Result<()>,
    recorder: &Recorder,
) -> Outcome {
    let experiment = Experiment::new("chain", pipeline).record("only", length);
    let options = RunOptions::new().store(store).jobs(2);
    let plan = experiment.plan(&options).unwrap();
    assert_eq!(plan.calls.len() as u64, length);
    experiment.run(&options.observer(recorder.clone())).unwrap()
}

fn right(length: u64) -> u64 {
    (0..length).fold(0, |last, step| last ^ step)
}

#[test]
fn a_chain_of_a_hundred_thousand_calls_runs_in_memory() {
    const LENGTH: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new();
    let outcome = run(folder.path(), LENGTH, in_memory, &recorder);
    assert_eq!((outcome.ran as u64, outcome.exit_code()), (LENGTH, 0));
    let end = outcome.output::<u64>("only", "end").unwrap();
    assert_eq!(*end.load().unwrap(), right(LENGTH));
    // Dropping all but the end leaves the whole chain to this one handle.
    drop(outcome);
    drop(end);
}

#[test]
fn a_chain_on_a_record_of_ones_own_is_made_and_dropped() {
    const LENGTH: u64 = 30_000;
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::new(&Store::open(folder.path()).unwrap(), "own", LENGTH);
    in_memory(&mut record).unwrap();
    let end = record.get::<u64>("end").unwrap();
    assert_eq!(*end.load().unwrap(), right(LENGTH));
    drop(record);
    drop(end);
}

#[test]
fn a_long_chain_is_kept_found_and_made_again_from_the_middle() {
    const LENGTH: u64 = 3000;
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new();
    let outcome = run(folder.path(), LENGTH, on_disk, &recorder);
    assert_eq!((outcome.ran as u64, outcome.exit_code()), (LENGTH, 0));
    recorder.take();
    let outcome = run(folder.path(), LENGTH, on_disk, &recorder);
    assert_eq!((outcome.cached as u64, outcome.ran), (LENGTH, 0));
    let opened = recorder.take().into_iter().filter(|e| matches!(e, Event::Loaded { .. })).count();
    assert_eq!(opened, 0);
    // Every other entry is damaged.
    let manifests = crate::support::files(&folder.path().join("v1/entries"));
    for manifest in manifests.iter().step_by(2) {
        std::fs::write(manifest, "damaged").unwrap();
    }
    let outcome = run(folder.path(), LENGTH, on_disk, &recorder);
    assert_eq!((outcome.ran as u64, outcome.cached as u64), (LENGTH / 2, LENGTH / 2));
    let end = outcome.output::<u64>("only", "end").unwrap();
    assert_eq!(*end.load().unwrap(), right(LENGTH));
}
