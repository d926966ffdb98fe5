//! Two starts of a program that come to the same call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memo_runtime::Event;
use memo_runtime::testing::Recorder;

use crate::common::*;

static FIRST: AtomicBool = AtomicBool::new(false);
static SECOND: AtomicBool = AtomicBool::new(false);

#[stage(outputs = [slow], cachers = [Json])]
fn slow(second: bool) -> bool {
    wait_until(|| if second { &SECOND } else { &FIRST }.load(Ordering::SeqCst));
    second
}

fn wait_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "nothing happens");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn has_started(recorder: &Recorder) -> bool {
    recorder.events().iter().any(|event| matches!(event, Event::Started { .. }))
}

fn waits(recorder: &Recorder) -> bool {
    recorder.events().iter().any(|event| matches!(event, Event::Waiting { .. }))
}

#[test]
fn whoever_waits_for_another_says_so_and_finds_its_result() {
    let lab = Lab::new();
    let second = Recorder::new();
    std::thread::scope(|scope| {
        scope.spawn(|| slow(&mut lab.record(()), false).unwrap());
        wait_until(|| has_started(&lab.recorder()));
        let waiter = scope.spawn(|| {
            let store = Store::options().observer(second.clone()).open(lab.store_path()).unwrap();
            *slow(&mut Record::new(&store, "base", ()), false).unwrap().load().unwrap()
        });
        wait_until(|| waits(&second));
        FIRST.store(true, Ordering::SeqCst);
        assert!(!waiter.join().unwrap());
    });
    assert_eq!(second.lines(), ["waits for slow", "hit slow", "loaded slow"]);
    assert_eq!(lab.lines(), ["ran slow: never ran"], "nobody was before it");
}

#[test]
fn whoever_waits_can_be_interrupted() {
    let lab = Lab::new();
    let (second, interrupted) = (Recorder::new(), Arc::new(AtomicBool::new(false)));
    let experiment = Experiment::new("waits", |record: &mut Record<()>| {
        slow(record, true)?;
        Ok(())
    });
    let experiment = experiment.record("base", ());
    let options = RunOptions::new().store(lab.store_path()).observer(second.clone());
    let options = options.interrupted_by(Arc::clone(&interrupted));
    std::thread::scope(|scope| {
        scope.spawn(|| slow(&mut lab.record(()), true).unwrap());
        wait_until(|| has_started(&lab.recorder()));
        let waiter = scope.spawn(|| experiment.run(&options).unwrap());
        wait_until(|| waits(&second));
        interrupted.store(true, Ordering::SeqCst);
        let outcome = waiter.join().unwrap();
        assert_eq!((outcome.exit_code(), outcome.ran, outcome.failed), (130, 0, 0), "{outcome:?}");
        SECOND.store(true, Ordering::SeqCst);
    });
}
