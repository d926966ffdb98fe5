//! Runs of many records: what was kept is read while further records are declared.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::Event;

use crate::common::*;

const RECORDS: u32 = 200;

#[stage(outputs = [first], cachers = [Json])]
fn first(params: &u32) -> u32 {
    *params
}

#[stage(inputs = [first], outputs = [second], cachers = [Json])]
fn second(first: u32) -> u32 {
    first / 2
}

#[stage(inputs = [second], outputs = [last])]
fn last(second: u32) -> u32 {
    second + 1
}

fn pipeline(record: &mut Record<u32>) -> Result<()> {
    first(record)?;
    second(record)?;
    Ok(())
}

fn records() -> impl Iterator<Item = (String, u32)> {
    (0..RECORDS).map(|number| (format!("r{number}"), number))
}

fn experiment() -> Experiment<u32> {
    Experiment::new("many", pipeline).records(records())
}

/// Two for each record.
const CALLS: usize = 2 * RECORDS as usize;

#[test]
fn what_is_read_while_others_are_declared_is_found_once() {
    let lab = Lab::new();
    let options = lab.options().jobs(2);
    assert_eq!(experiment().run(&options).unwrap().ran, CALLS);
    lab.lines();
    let again = experiment().run(&options).unwrap();
    assert_eq!((again.cached, again.ran), (CALLS, 0));
    let hits = lab.recorder().take().into_iter().filter(|event| matches!(event, Event::Hit { .. }));
    assert_eq!(hits.count(), CALLS);
}

#[test]
fn a_damaged_entry_among_many_is_made_again() {
    let lab = Lab::new();
    let options = lab.options().jobs(2);
    experiment().run(&options).unwrap();
    let entries = lab.entries();
    for entry in [&entries[7], &entries[entries.len() - 7]] {
        let text = fs::read_to_string(entry).unwrap();
        fs::write(entry, text.replace("\"seconds\"", "\"hours\"")).unwrap();
    }
    lab.lines();
    let healed = experiment().run(&options).unwrap();
    assert_eq!((healed.cached, healed.ran), (CALLS - 2, 2));
    let damaged = |reason: &_| matches!(reason, memo_runtime::MissReason::Damaged { .. });
    assert!(lab.reasons().iter().all(damaged));
    let again = experiment().run(&options).unwrap();
    assert_eq!((again.cached, again.ran), (CALLS, 0));
}

#[test]
fn what_is_forced_runs_though_it_was_read() {
    let lab = Lab::new();
    experiment().run(&lab.options().jobs(2)).unwrap();
    let forced = experiment().run(&lab.options().jobs(2).force(["second"])).unwrap();
    assert_eq!((forced.cached, forced.ran), (RECORDS as usize, CALLS - RECORDS as usize));
}

#[test]
fn the_pipeline_function_runs_once_for_each_of_many_records() {
    let lab = Lab::new();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let experiment = Experiment::new("many", move |record: &mut Record<u32>| {
        counted.fetch_add(1, Ordering::Relaxed);
        pipeline(record)?;
        last(record)?;
        Ok(())
    });
    let experiment = experiment.records(records());
    for _ in 0..2 {
        count.store(0, Ordering::Relaxed);
        experiment.run(&lab.options().jobs(2)).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), RECORDS as usize);
    }
}

#[test]
fn a_pipeline_function_that_panics_among_many_records_ends_the_run() {
    let lab = Lab::new();
    experiment().run(&lab.options().jobs(2)).unwrap();
    let experiment = Experiment::new("many", |record: &mut Record<u32>| {
        pipeline(record)?;
        assert!(*record.params() < RECORDS / 2, "enough");
        Ok(())
    });
    let experiment = experiment.records(records());
    let run = AssertUnwindSafe(|| experiment.run(&lab.options().jobs(2)).map(|_| ()));
    assert!(catch_unwind(run).is_err());
}

#[stage(inputs = [link], outputs = [link], cachers = [Json])]
fn follow(link: u32) -> u32 {
    link + 1
}

#[test]
fn a_long_chain_is_found() {
    const LENGTH: usize = 2000;
    let lab = Lab::new();
    let experiment = Experiment::new("chain", |record: &mut Record<()>| {
        record.insert("link", 0_u32)?;
        for index in 0..LENGTH {
            let name = format!("link {index}");
            follow::named(record, [name.clone()])?;
            record.alias("link", &name)?;
        }
        Ok(())
    });
    let experiment = experiment.record("base", ());
    assert_eq!(experiment.run(&lab.options()).unwrap().ran, LENGTH);
    let again = experiment.run(&lab.options()).unwrap();
    assert_eq!((again.cached, again.ran), (LENGTH, 0));
}
