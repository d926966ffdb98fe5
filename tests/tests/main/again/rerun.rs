//! `rerun = true`: a stage that always runs, and whose result goes on only if it differs.

use std::sync::atomic::{AtomicU32, Ordering};

use memo_runtime::{MissReason, Verdict};

use crate::common::*;

static LISTED: AtomicU32 = AtomicU32::new(3);

#[stage(outputs = [names], cachers = [Json], rerun = true)]
fn list() -> Vec<u32> {
    (0..LISTED.load(Ordering::SeqCst)).collect()
}

#[stage(inputs = [names], outputs = [count], cachers = [Json])]
fn count(names: &[u32]) -> usize {
    names.len()
}

#[stage(outputs = [x], cachers = [Json], rerun = true)]
fn fetch() -> u32 {
    1
}

#[stage(inputs = [x], outputs = [y], cachers = [Json])]
fn follow(x: &u32) -> u32 {
    x + 1
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    fetch(record)?;
    follow(record)?;
    Ok(())
}

#[test]
fn it_runs_each_time_and_only_a_difference_goes_on() {
    let lab = Lab::new();
    let run = || {
        let record = &mut lab.record(());
        list(record).unwrap();
        count(record).unwrap();
        lab.ran()
    };
    assert_eq!(run(), ["list", "count"]);
    assert_eq!(run(), ["list"]);
    LISTED.store(4, Ordering::SeqCst);
    assert_eq!(run(), ["list", "count"]);
    LISTED.store(3, Ordering::SeqCst);
    assert_eq!(run(), ["list"], "what follows from the first result is still kept");
    assert_eq!(lab.warnings(), [""; 0]);
}

#[test]
fn a_record_of_ones_own_runs_it_at_each_call() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    fetch(record).unwrap();
    fetch(record).unwrap();
    assert_eq!(lab.reasons(), [MissReason::Rerun, MissReason::Rerun]);
    assert_eq!(lab.entries().len(), 1);
    assert!(lab.files("/former/").is_empty(), "the same result replaces nothing");
}

const FETCH: &str = concat!(module_path!(), "::fetch");

#[test]
fn a_plan_knows_that_what_follows_may_run() {
    let lab = Lab::new();
    let experiment = || Experiment::new("rerun", pipeline).record("base", ());
    experiment().run(&lab.options()).unwrap();
    lab.ran();
    let plan = experiment().plan(&lab.options()).unwrap();
    assert_eq!(plan.calls[0].verdict, Verdict::WillRun { reason: MissReason::Rerun });
    assert_eq!(plan.calls[1].verdict, Verdict::MayRun { waits_for: vec![FETCH] });
    assert_eq!(lab.ran(), [""; 0]);
    let outcome = experiment().run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (1, 1));
}

#[test]
fn a_result_that_is_not_kept_is_nobodys_hit() {
    let lab = Lab::new();
    let run = |value: u32| {
        LATEST.store(value, Ordering::SeqCst);
        let store = Store::options().read_only(true).observer(lab.recorder());
        let store = store.open(lab.store_path()).unwrap();
        let record = &mut Record::new(&store, "base", ());
        latest(record).unwrap();
        *twice(record).unwrap().load().unwrap()
    };
    assert_eq!([run(1), run(2)], [2, 4]);
}

static LATEST: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [latest], cachers = [Json], rerun = true)]
fn latest() -> u32 {
    LATEST.load(Ordering::SeqCst)
}

#[stage(inputs = [latest], outputs = [twice], cachers = [Json])]
fn twice(latest: &u32) -> u32 {
    2 * latest
}
