//! Stages without cachers, and with some: what fails in them, what is forced, and what runs again.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use memo_runtime::MissReason;

use crate::common::*;

#[stage(outputs = [data])]
fn load(params: &u32) -> Result<u32> {
    if *params == 13 { Err("unlucky".into()) } else { Ok(*params) }
}

#[stage(inputs = [data], outputs = [score], cachers = [Json])]
fn score(data: &u32) -> u32 {
    data * 10
}

#[aggregate(inputs = [score], outputs = [board], cachers = [Json])]
fn board(score: Across<Option<u32>>) -> Result<Vec<Option<u32>>> {
    score.iter().map(|item| Ok(item.present()?.map(|value| *value))).collect()
}

#[test]
fn one_failed_load_costs_its_record_alone() {
    for numbers in [[13, 1, 2], [1, 13, 2], [1, 2, 13]] {
        for jobs in [1, 4] {
            let lab = Lab::new();
            let experiment = Experiment::new("scores", |record: &mut Record<u32>| {
                load(record)?;
                score(record)?;
                Ok(())
            });
            let records = numbers.map(|number| (format!("r{number}"), number));
            let experiment = experiment.records(records).aggregate(board);
            let expected = numbers.map(|number| (number != 13).then_some(number * 10));
            // The second time two are hits.
            for (ran, cached) in [(5, 0), (0, 3)] {
                let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
                assert_eq!((outcome.failed, outcome.skipped), (1, 1), "{numbers:?}, {outcome:?}");
                assert_eq!((outcome.ran, outcome.cached), (ran, cached), "{outcome:?}");
                let board = outcome.aggregated::<Vec<Option<u32>>>("board").unwrap();
                assert_eq!(*board.load().unwrap(), expected);
                let text = outcome.failures[0].chain();
                assert!(text.contains("load") && text.contains("unlucky"), "{text}");
            }
        }
    }
}

#[stage(outputs = [fine])]
fn fine() -> u32 {
    1
}

#[stage(outputs = [fails])]
fn fails() -> Result<u32> {
    Err("it fails".into())
}

#[stage(inputs = [fine, fails], outputs = [sum], cachers = [Json])]
fn fine_first(fine: &u32, fails: &u32) -> u32 {
    fine + fails
}

#[stage(inputs = [fails, fine], outputs = [sum], cachers = [Json])]
fn fails_first(fine: &u32, fails: &u32) -> u32 {
    fine + fails
}

#[test]
fn what_nobody_reads_any_more_does_not_run() {
    let ran = [true, false].map(|first| {
        let lab = Lab::new();
        let experiment = Experiment::new("needless", move |record: &mut Record<()>| {
            fine(record)?;
            fails(record)?;
            if first {
                fine_first(record)?
            } else {
                fails_first(record)?
            };
            Ok(())
        });
        let outcome = experiment.record("base", ()).run(&lab.options().jobs(1)).unwrap();
        assert_eq!((outcome.failed, outcome.skipped), (1, 1), "{outcome:?}");
        lab.ran()
    });
    // Whichever comes first: nothing starts after the failure.
    assert!(ran.iter().all(|ran| ran.last().unwrap() == "fails"), "{ran:?}");
    assert!(ran.iter().any(|ran| ran.len() == 1), "{ran:?}");
}

static SOURCE: AtomicU32 = AtomicU32::new(1);

#[stage(outputs = [source])]
fn source() -> u32 {
    SOURCE.load(Ordering::SeqCst)
}

#[stage(inputs = [source], outputs = [between])]
fn between(source: &u32) -> u32 {
    source * 10
}

#[stage(inputs = [between], outputs = [kept], cachers = [Json])]
fn kept(between: &u32) -> u32 {
    between + 1
}

#[stage(inputs = [kept], outputs = [last], cachers = [Json])]
fn last(kept: &u32) -> u32 {
    kept + 1
}

#[test]
fn forcing_a_stage_in_memory_runs_what_is_kept_of_it() {
    let lab = Lab::new();
    let experiment = Experiment::new("forced", |record: &mut Record<()>| {
        source(record)?;
        between(record)?;
        kept(record)?;
        last(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", ());
    let run = |options: RunOptions| {
        let outcome = experiment.run(&options).unwrap();
        *outcome.output::<u32>("base", "last").unwrap().load().unwrap()
    };
    assert_eq!(run(lab.options()), 12);
    SOURCE.store(2, Ordering::SeqCst);
    assert_eq!(run(lab.options()), 12, "nobody was told");
    lab.lines();
    assert_eq!(run(lab.options().force(["source"])), 22);
    assert_eq!(lab.ran(), ["source", "between", "kept", "last"]);
    assert_eq!(run(lab.options()), 22, "the former entries are replaced");
    assert_eq!(lab.ran(), [""; 0]);
    assert_eq!(run(lab.options().force(["between"])), 22);
    assert!(lab.reasons().contains(&MissReason::Forced));
}

static MODELS: AtomicU32 = AtomicU32::new(0);
static SLOW: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [model, Lazy(rest)])]
fn train() -> (u32, Vec<u32>) {
    let seed = MODELS.fetch_add(1, Ordering::SeqCst);
    (seed, vec![seed])
}

#[stage(inputs = [model, rest], outputs = [used], cachers = [Json])]
fn uses(model: &u32, rest: Lazy<Vec<u32>>, count: u32) -> Result<(u32, u32, u32)> {
    Ok((*model, rest.load()?[0], count))
}

#[test]
fn a_mixed_stage_may_give_another_value_each_time() {
    let lab = Lab::new();
    let used = |count: u32| {
        let experiment = Experiment::new("mixed", move |record: &mut Record<()>| {
            train(record)?;
            uses(record, count)?;
            Ok(())
        });
        let outcome = experiment.record("base", ()).run(&lab.options()).unwrap();
        assert_eq!(outcome.failed, 0, "{:?}", outcome.failures);
        *outcome.output::<(u32, u32, u32)>("base", "used").unwrap().load().unwrap()
    };
    let (first, rest, _) = used(1);
    assert_eq!(first, rest);
    lab.lines();
    for count in [2, 3] {
        // What is kept stays what it was, what lives in memory is made once more.
        let (model, kept, found) = used(count);
        assert_eq!((kept, found), (rest, count));
        assert_ne!(model, first);
        let lines = lab.lines();
        let ran = lines.iter().filter(|line| line.starts_with("ran train"));
        assert_eq!(ran.count(), 1, "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("not deterministic")), "{lines:?}");
    }
    // The same on a record of one's own.
    let mut record = lab.record(());
    let (model, rest_again) = train(&mut record).unwrap();
    assert_eq!(uses(&mut record, 4).unwrap().load().unwrap().2, 4);
    assert_ne!(*model.load().unwrap(), first);
    assert_eq!(*rest_again.load().unwrap(), [rest]);
}

#[stage(outputs = [model, Lazy(rest)])]
fn slow() -> (u32, u32) {
    SLOW.fetch_add(1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(100));
    (1, 2)
}

#[stage(inputs = [model], outputs = [one], cachers = [Json])]
fn one(model: &u32, count: u32) -> u32 {
    model + count
}

#[stage(inputs = [model], outputs = [two], cachers = [Json])]
fn two(model: &u32, count: u32) -> u32 {
    model + count
}

#[test]
fn two_that_wait_for_a_value_of_a_mixed_stage_run_it_once() {
    let lab = Lab::new();
    for count in 1..=3 {
        let experiment = Experiment::new("mixed", move |record: &mut Record<()>| {
            slow(record)?;
            one(record, count)?;
            two(record, count)?;
            Ok(())
        });
        let outcome = experiment.record("base", ()).run(&lab.options().jobs(4)).unwrap();
        assert_eq!(*outcome.output::<u32>("base", "two").unwrap().load().unwrap(), count + 1);
        assert_eq!(SLOW.load(Ordering::SeqCst), count as usize);
    }
}
