//! What runs beside what, and in which order.

use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

use crate::common::*;

#[stage(outputs = [a], cachers = [Json])]
fn top() -> u32 {
    1
}

#[stage(inputs = [a], outputs = [b], cachers = [Json], skip = [both])]
fn left(a: &u32, both: Arc<Barrier>) -> u32 {
    both.wait();
    a + 1
}

#[stage(inputs = [a], outputs = [c], cachers = [Json], skip = [both])]
fn right(a: &u32, both: Arc<Barrier>) -> u32 {
    both.wait();
    a + 2
}

#[stage(inputs = [b, c], outputs = [d], cachers = [Json])]
fn bottom(b: &u32, c: &u32) -> u32 {
    b * c
}

#[test]
fn both_sides_of_a_diamond_run_at_the_same_time() {
    let lab = Lab::new();
    let both = Arc::new(Barrier::new(2));
    let experiment = Experiment::new("diamond", move |record: &mut Record<()>| {
        top(record)?;
        left(record, Arc::clone(&both))?;
        right(record, Arc::clone(&both))?;
        bottom(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().jobs(2)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (4, 0));
    assert_eq!(*outcome.output::<u32>("base", "d").unwrap().load().unwrap(), 6);
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Rates {
    share: u32,
    last: u32,
}

#[stage(outputs = [one], cachers = [Json])]
fn one(params: &Rates) -> u32 {
    params.share
}

#[stage(inputs = [one], outputs = [two], cachers = [Json])]
fn two(one: &u32) -> u32 {
    one + 1
}

#[stage(inputs = [two], outputs = [three], cachers = [Json])]
fn three(two: &u32) -> u32 {
    two + 1
}

#[stage(inputs = [three], outputs = [four], cachers = [Json])]
fn four(params: &Rates, three: &u32) -> u32 {
    three + params.last
}

#[test]
fn a_thousand_records_share_what_they_do_not_differ_in() {
    let lab = Lab::new();
    let experiment = Experiment::new("thousand", |record: &mut Record<Rates>| {
        one(record)?;
        two(record)?;
        three(record)?;
        four(record)?;
        Ok(())
    });
    let records = (0..1000).map(|last| (format!("r{last}"), Rates { share: 1, last }));
    let experiment = experiment.records(records);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (1003, 0));
    lab.lines();
    let plan = experiment.plan(&lab.options()).unwrap();
    assert!(plan.calls.iter().all(|call| call.verdict == memo_runtime::Verdict::Cached));
    assert!(lab.lines().iter().all(|line| line.starts_with("hit ")), "a plan loads nothing");
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (0, 1003));
    assert!(lab.lines().iter().all(|line| line.starts_with("hit ")));
}

#[test]
fn four_thousand_cached_calls_load_nothing() {
    let lab = Lab::new();
    let experiment = Experiment::new("thousand", |record: &mut Record<Rates>| {
        one(record)?;
        two(record)?;
        three(record)?;
        four(record)?;
        Ok(())
    });
    // Values that no two records have in common.
    let records = (0..1000).map(|n| (format!("r{n}"), Rates { share: n * 10_000, last: n }));
    let experiment = experiment.records(records);
    assert_eq!(experiment.run(&lab.options()).unwrap().ran, 4000);
    lab.lines();
    assert_eq!(experiment.plan(&lab.options()).unwrap().calls.len(), 4000);
    assert_eq!(experiment.run(&lab.options()).unwrap().cached, 4000);
    let lines = lab.lines();
    assert_eq!(lines.len(), 8000);
    assert!(lines.iter().all(|line| line.starts_with("hit ")), "neither loads a value");
}

#[stage(outputs = [model], cachers = [Json], skip = [broken])]
fn train(params: &u32, broken: bool) -> Result<u32> {
    if broken && *params == 7 { Err("the seventh fails".into()) } else { Ok(*params) }
}

#[stage(inputs = [model], outputs = [score], cachers = [Json])]
fn score(model: &u32) -> u32 {
    model * 10
}

#[aggregate(inputs = [score], outputs = [leaders], cachers = [Json])]
fn leaders(score: Across<Option<u32>>) -> Result<Vec<(String, u32)>> {
    let present = score.iter().filter_map(|item| match item.present() {
        Ok(value) => value.map(|value| Ok((item.record().to_owned(), *value))),
        Err(error) => Some(Err(error.into())),
    });
    present.collect()
}

#[test]
fn one_failed_record_of_twenty_costs_one_line() {
    let lab = Lab::new();
    let run = |broken: bool| {
        let experiment = Experiment::new("leaders", move |record: &mut Record<u32>| {
            train(record, broken)?;
            score(record)?;
            Ok(())
        });
        let records = (1..=20).map(|number| (format!("r{number}"), number));
        let experiment = experiment.records(records).aggregate(leaders);
        let outcome = experiment.run(&lab.options().jobs(4)).unwrap();
        let leaders = outcome.aggregated::<Vec<(String, u32)>>("leaders").unwrap().load().unwrap();
        (outcome, leaders.len())
    };
    let (outcome, lines) = run(true);
    assert_eq!((lines, outcome.exit_code(), outcome.failures.len()), (19, 1, 1));
    let text = outcome.failures[0].chain();
    assert!(text.contains("`r7`") && text.contains("the seventh fails"), "{text}");
    lab.lines();
    let (outcome, lines) = run(false);
    assert_eq!((lines, outcome.exit_code()), (20, 0));
    assert_eq!(lab.ran_sorted(), ["leaders", "score", "train"]);
}

static STEP: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LONG_BEGUN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

#[stage(outputs = [short], cachers = [Json])]
fn short(n: u32) -> u32 {
    STEP.lock().unwrap().push("short".to_owned());
    // A short one may begin while the long one is still looked up. It then stays until that has begun; the
    // limit is for a queue that never comes to it.
    let begun = LONG_BEGUN.0.lock().unwrap();
    let wait = LONG_BEGUN.1.wait_timeout_while(begun, Duration::from_secs(20), |begun| !*begun);
    drop(wait.unwrap());
    n
}

#[stage(outputs = [long], cachers = [Json])]
fn long(n: u32) -> u32 {
    STEP.lock().unwrap().push("long".to_owned());
    *LONG_BEGUN.0.lock().unwrap() = true;
    LONG_BEGUN.1.notify_all();
    n
}

#[stage(inputs = [long], outputs = [longer], cachers = [Json])]
fn longer(long: &u32) -> u32 {
    STEP.lock().unwrap().push("longer".to_owned());
    *long
}

/// Takes all jobs, so that the order in which calls begin is that of the queue.
#[stage(outputs = [all], resources(cpus = 2))]
fn takes_all() -> u32 {
    1
}

#[test]
fn what_most_work_waits_for_comes_first() {
    let lab = Lab::new();
    let experiment = Experiment::new("order", |record: &mut Record<()>| {
        for n in 0..6 {
            short::named(record, [format!("s{n}")], n)?;
        }
        long(record, 1)?;
        longer(record)?;
        takes_all(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().jobs(2)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (9, 0));
    let order = STEP.lock().unwrap();
    let long = order.iter().position(|name| name == "long").unwrap();
    assert!(long <= 1, "one of the first two, though it was declared last: {order:?}");
}
