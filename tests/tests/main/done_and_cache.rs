//! Stages without outputs, and stages without a cache.

use std::sync::atomic::{AtomicU32, Ordering};

use memo_runtime::{Event, MissReason};

use crate::common::*;

#[stage]
fn always(number: u32) -> Result<()> {
    if number == 0 { Err("zero".into()) } else { Ok(()) }
}

#[stage(done = true)]
fn once(number: u32) -> Result<()> {
    if number == 0 { Err("zero".into()) } else { Ok(()) }
}

#[stage(inputs = [x], done = true)]
fn once_for_each_input(x: &u32) {
    let _ = x;
}

#[test]
fn a_stage_without_outputs_runs_each_time() {
    let lab = Lab::new();
    for _ in 0..3 {
        always(&mut lab.record(()), 1).unwrap();
    }
    assert_eq!(lab.ran().len(), 3);
    assert!(!lab.store_path().exists(), "and keeps nothing");
}

#[test]
fn a_marker_lets_it_run_once_for_each_key() {
    let lab = Lab::new();
    for _ in 0..3 {
        once(&mut lab.record(()), 1).unwrap();
        let mut record = lab.record(());
        for x in [1_u32, 2] {
            record.insert("x", x).unwrap();
            once_for_each_input(&mut record).unwrap();
        }
    }
    assert_eq!(lab.ran(), ["once", "once_for_each_input", "once_for_each_input"]);
    once(&mut lab.record(()), 2).unwrap();
    assert_eq!(lab.reasons()[0].to_string(), "argument `number` 1 → 2");
}

#[test]
fn a_failure_leaves_no_marker() {
    let lab = Lab::new();
    for _ in 0..2 {
        once(&mut lab.record(()), 0).unwrap_err();
    }
    assert_eq!(lab.ran(), ["once", "once"]);
    assert!(lab.entries().is_empty());
}

#[stage(outputs = [rows], cachers = [Json])]
fn rows() -> Vec<f64> {
    vec![1.0, 3.0]
}

static EXECUTIONS: AtomicU32 = AtomicU32::new(0);

#[stage(inputs = [rows], outputs = [normal], cachers = [Json], cache = false)]
fn normalise(rows: &[f64]) -> Vec<f64> {
    EXECUTIONS.fetch_add(1, Ordering::SeqCst);
    let sum: f64 = rows.iter().sum();
    rows.iter().map(|row| row / sum).collect()
}

#[stage(inputs = [normal], outputs = [model], cachers = [Json])]
fn fit(normal: &[f64]) -> f64 {
    normal.iter().sum()
}

#[stage(inputs = [model], outputs = [score], cachers = [Json], done = false)]
fn score(model: &f64) -> f64 {
    model * 2.0
}

#[test]
fn without_a_cache_it_and_what_depends_on_it_always_run() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        rows(&mut record).unwrap();
        normalise(&mut record).unwrap();
        fit(&mut record).unwrap();
        let score = score(&mut record).unwrap().load().unwrap();
        assert!((*score - 2.0).abs() < 1e-9);
    };
    run();
    assert_eq!(lab.ran(), ["rows", "normalise", "fit", "score"]);
    run();
    assert_eq!(lab.ran(), ["normalise", "fit", "score"]);
    assert_eq!(lab.entries().len(), 1, "nothing of them is kept");
    run();
    let reasons = lab.reasons();
    let stage = concat!(module_path!(), "::normalise");
    assert_eq!(
        reasons,
        [
            MissReason::NotCached { by: "the stage" },
            MissReason::DependsOnUncached { stage },
            MissReason::DependsOnUncached { stage },
        ]
    );
}

#[test]
fn without_a_cache_calls_run_in_order() {
    let lab = Lab::new();
    let mut record = lab.record(());
    rows(&mut record).unwrap();
    let before = EXECUTIONS.load(Ordering::SeqCst);
    for _ in 0..6 {
        normalise(&mut record).unwrap();
    }
    // Another test may run it too, never less often.
    assert!(EXECUTIONS.load(Ordering::SeqCst) >= before + 6);
    assert_eq!(lab.ran().iter().filter(|stage| *stage == "normalise").count(), 6);
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    rows(record)?;
    normalise(record)?;
    fit(record)?;
    score(record)?;
    Ok(())
}

/// Who turned caching off for each stage that ran.
fn turned_off(lab: &Lab) -> Vec<(String, String)> {
    let told = |event| match event {
        Event::Started { stage, reason: MissReason::NotCached { by }, .. } => Some((stage, by)),
        _ => None,
    };
    let short = |stage: &str| stage.rsplit("::").next().unwrap().to_owned();
    let mut all: Vec<_> = lab
        .recorder()
        .take()
        .into_iter()
        .filter_map(told)
        .map(|(stage, by)| (short(stage), by.to_owned()))
        .collect();
    all.sort();
    all
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect()
}

#[test]
fn the_run_beats_the_stage_and_the_stage_the_experiment() {
    let experiment = |cache| Experiment::new("off", pipeline).record("base", ()).cache(cache);
    let lab = Lab::new();
    experiment(true).run(&lab.options()).unwrap();
    assert_eq!(turned_off(&lab), pairs(&[("normalise", "the stage")]));

    let outcome = experiment(true).run(&lab.options().no_cache(["rows", "normalise"])).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (4, 0));
    assert_eq!(turned_off(&lab), pairs(&[("normalise", "the run"), ("rows", "the run")]));

    let outcome = experiment(false).run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (4, 0));
    let off = turned_off(&lab);
    assert!(off.contains(&("rows".to_owned(), "the experiment".to_owned())), "{off:?}");
    assert!(off.contains(&("normalise".to_owned(), "the stage".to_owned())), "{off:?}");

    experiment(false).run(&lab.options().no_cache([""; 0])).unwrap();
    let off = turned_off(&lab);
    assert!(off.len() == 4 && off.iter().all(|(_, by)| by == "the run"), "{off:?}");
    assert_eq!(lab.entries().len(), 1, "only the first run kept something");
}

#[test]
fn without_a_cache_what_is_kept_is_not_looked_at_and_not_touched() {
    let lab = Lab::new();
    rows(&mut lab.record(())).unwrap();
    let entry = lab.entries().pop().unwrap();
    let before = std::fs::read(&entry).unwrap();
    let experiment = Experiment::new("off", |record: &mut Record<()>| {
        rows(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().no_cache(["rows"])).unwrap();
    assert_eq!((outcome.ran, outcome.lost, outcome.exit_code()), (1, 0, 0));
    assert_eq!(std::fs::read(&entry).unwrap(), before);
}

#[stage(outputs = [x], cachers = [Json], cache = true)]
fn says_so() -> u32 {
    1
}

#[test]
fn a_stage_that_asks_for_its_cache_is_not_turned_off_by_the_experiment() {
    let lab = Lab::new();
    let experiment = Experiment::new("off", |record: &mut Record<()>| {
        says_so(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", ()).cache(false);
    experiment.run(&lab.options()).unwrap();
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (0, 1));
}
