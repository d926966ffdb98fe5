//! What holds a handle of all shards holds no values.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::{Artifact, Cacheable, Event, Format};

use crate::common::*;

/// How many values there are, and how many there were at most.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Counts itself.
#[derive(Debug)]
struct Counted(u32);

impl Counted {
    fn new(value: u32) -> Self {
        MOST.fetch_max(LIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Self(value)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

struct AsText;

impl Cacheable<Counted> for AsText {
    fn format(&self) -> Format {
        Format::new("counted", 1)
    }

    fn save(&self, value: &Counted, artifact: &Artifact) -> Result<()> {
        Ok(fs::write(artifact.path()?, value.0.to_string())?)
    }

    fn load(&self, artifact: &Artifact) -> Result<Counted> {
        Ok(Counted::new(fs::read_to_string(artifact.path()?)?.parse()?))
    }
}

#[stage(each = [x in xs], outputs = [counted], cachers = [AsText])]
fn count(x: u32) -> Counted {
    Counted::new(x)
}

#[stage(inputs = [counted], outputs = [sum], cachers = [Json])]
fn sum(counted: &Shards<Counted>) -> Result<u32> {
    let mut sum = 0;
    for value in counted.iter() {
        sum += value?.0;
    }
    Ok(sum)
}

#[stage(inputs = [counted], outputs = [picked], cachers = [Json])]
fn pick(counted: Shards<Counted>, which: usize) -> Result<u32> {
    Ok(counted.get(which).load()?.0)
}

/// One test, since the counters are those of the process.
#[test]
fn values_are_loaded_one_by_one_and_only_those_that_are_asked_for() {
    let lab = Lab::new();
    let run = || {
        let experiment = Experiment::new("counted", |record: &mut Record<()>| {
            record.insert("xs", (0..50).collect::<Vec<u32>>())?;
            count(record)?;
            sum(record)?;
            pick(record, 7)?;
            Ok(())
        });
        let outcome = experiment.record("base", ()).run(&lab.options().jobs(1)).unwrap();
        assert_eq!(outcome.failed, 0, "{outcome:?}");
        let events = lab.recorder().take();
        let loaded = |event: &&Event| matches!(event, Event::Loaded { output: "counted", .. });
        (MOST.swap(0, Ordering::SeqCst), events.iter().filter(loaded).count())
    };
    assert_eq!(run(), (1, 51), "one at a time, while they are made and while they are read");
    assert_eq!(LIVE.load(Ordering::SeqCst), 0);
    assert_eq!(run(), (0, 0), "a hit loads nothing");
}
