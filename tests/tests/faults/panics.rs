//! Bodies, cachers, validators and observers that panic.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;
use memo_runtime::{Event, Outcome};

use crate::support::within;

#[stage(outputs = [first], cachers = [Json])]
fn first(params: &u32) -> u32 {
    assert_ne!(*params, 2, "two is too much");
    *params
}

#[stage(inputs = [first], outputs = [second], cachers = [Json])]
fn second(first: &u32) -> u32 {
    first * 10
}

/// Panics in one of its methods.
struct Panicking(&'static str);

impl Cacheable<u32> for Panicking {
    fn format(&self) -> Format {
        Format::new("panicking", 1)
    }

    fn save(&self, value: &u32, artifact: &Artifact) -> Result<()> {
        assert_ne!(self.0, "save", "the cacher is at its end");
        Ok(std::io::Write::write_all(&mut artifact.writer()?, &value.to_le_bytes())?)
    }

    fn load(&self, artifact: &Artifact) -> Result<u32> {
        assert_ne!(self.0, "load", "the cacher is at its end");
        Ok(u32::from_le_bytes(artifact.bytes()?[..].try_into()?))
    }

    fn check(&self, _: &Artifact) -> Result<()> {
        assert_ne!(self.0, "check", "the cacher is at its end");
        Ok(())
    }
}

#[stage(outputs = [saved], cachers = [Panicking("save")])]
fn saved(params: &u32) -> u32 {
    *params
}

#[stage(outputs = [loaded], cachers = [Panicking("load")])]
fn loaded(params: &u32) -> u32 {
    *params
}

#[stage(outputs = [checked], cachers = [Panicking("check")])]
fn checked(params: &u32) -> u32 {
    *params
}

#[stage(inputs = [loaded], outputs = [reader], cachers = [Json])]
fn reader(loaded: &u32, round: u32) -> u32 {
    *loaded + round
}

static STRICT: AtomicBool = AtomicBool::new(false);

fn moody(value: &u32) -> bool {
    assert!(!STRICT.load(Ordering::SeqCst) && *value != 3, "the validator is at its end");
    true
}

#[stage(outputs = [validated], cachers = [Json], validate = moody)]
fn validated(params: &u32) -> u32 {
    *params
}

type Pipeline = fn(&mut Record<u32>) -> Result<()>;

/// Runs an experiment, which must come to an end.
fn run(store: &Path, pipeline: Pipeline, options: RunOptions) -> Outcome {
    let options = options.store(store).jobs(2);
    let run = move || {
        let records = (1..=4).map(|number| (number.to_string(), number));
        Experiment::new("panics", pipeline).records(records).run(&options).unwrap()
    };
    within(Duration::from_mins(1), run).expect("the panic got out")
}

#[test]
fn a_stage_that_panics_stops_nothing_but_what_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline: Pipeline = |record| {
        first(record)?;
        second(record)?;
        Ok(())
    };
    for (ran, cached) in [(6, 0), (0, 6)] {
        let outcome = run(folder.path(), pipeline, RunOptions::new());
        assert_eq!((outcome.ran, outcome.cached), (ran, cached), "{outcome:?}");
        assert_eq!((outcome.failed, outcome.skipped, outcome.exit_code()), (1, 1, 1));
        let failure = outcome.failures[0].chain();
        assert!(failure.contains("two is too much") && failure.contains("`2`"), "{failure}");
        assert_eq!(*outcome.output::<u32>("4", "second").unwrap().load().unwrap(), 40);
        let error = outcome.output::<u32>("2", "second").unwrap().load().unwrap_err();
        assert_eq!(error.record(), Some("2"));
    }
}

#[test]
fn a_cacher_that_panics_while_saving_fails_its_stage() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline: Pipeline = |record| {
        first(record)?;
        saved(record)?;
        Ok(())
    };
    let outcome = run(folder.path(), pipeline, RunOptions::new());
    assert_eq!((outcome.ran, outcome.failed, outcome.exit_code()), (3, 5, 1), "{outcome:?}");
    let all: Vec<_> = outcome.failures.iter().map(memo_runtime::Error::chain).collect();
    let told = all.iter().filter(|text| text.contains("the cacher is at its end")).count();
    assert_eq!(told, 4, "{all:?}");
}

#[test]
fn a_cacher_that_panics_while_loading_has_its_stage_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let first: Pipeline = |record| {
        loaded(record)?;
        reader(record, 1)?;
        Ok(())
    };
    assert_eq!(run(folder.path(), first, RunOptions::new()).exit_code(), 0);
    let then: Pipeline = |record| {
        loaded(record)?;
        reader(record, 2)?;
        Ok(())
    };
    let recorder = Recorder::new();
    let outcome = run(folder.path(), then, RunOptions::new().observer(recorder.clone()));
    assert_eq!((outcome.failed, outcome.exit_code()), (0, 0), "{outcome:?}");
    assert_eq!(*outcome.output::<u32>("4", "reader").unwrap().load().unwrap(), 6);
    let lines = recorder.lines();
    let told = |line: &&String| line.starts_with("ran loaded: entry damaged");
    assert_eq!(lines.iter().filter(told).count(), 4, "{lines:?}");
}

#[test]
fn a_cacher_that_panics_while_checking_makes_a_miss() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline: Pipeline = |record| checked(record).map(drop).map_err(Into::into);
    for _ in 0..2 {
        let outcome = run(folder.path(), pipeline, RunOptions::new());
        assert_eq!((outcome.ran, outcome.exit_code()), (4, 0), "{outcome:?}");
    }
}

#[test]
fn a_validator_that_panics_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline: Pipeline = |record| validated(record).map(drop).map_err(Into::into);
    let outcome = run(folder.path(), pipeline, RunOptions::new());
    assert_eq!((outcome.ran, outcome.failed, outcome.exit_code()), (3, 1, 1), "{outcome:?}");
    // What was found is computed again, and is refused once more.
    STRICT.store(true, Ordering::SeqCst);
    let outcome = run(folder.path(), pipeline, RunOptions::new());
    STRICT.store(false, Ordering::SeqCst);
    assert_eq!((outcome.cached, outcome.failed, outcome.exit_code()), (0, 4, 1), "{outcome:?}");
    let outcome = run(folder.path(), pipeline, RunOptions::new());
    assert_eq!(outcome.failed, 1, "{outcome:?}");
}

#[test]
fn an_observer_that_panics_leaves_nobody_waiting() {
    let pipeline: Pipeline = |record| {
        first(record)?;
        second(record)?;
        Ok(())
    };
    for word in ["started", "finished", "skipped"] {
        let folder = tempfile::tempdir().unwrap();
        let observer = move |event: &Event| {
            let is_it = match event {
                Event::Started { stage, .. } => word == "started" && stage.ends_with("second"),
                Event::Finished { stage, .. } => word == "finished" && stage.ends_with("second"),
                Event::Skipped { .. } => word == "skipped",
                _ => false,
            };
            assert!(!is_it, "the observer is at its end");
        };
        let outcome = run(folder.path(), pipeline, RunOptions::new().observer(observer));
        assert_eq!(outcome.exit_code(), 1, "{word}: {outcome:?}");
        let outcome = run(folder.path(), pipeline, RunOptions::new());
        assert_eq!((outcome.failed, outcome.skipped), (1, 1), "{word}: {outcome:?}");
    }
}
