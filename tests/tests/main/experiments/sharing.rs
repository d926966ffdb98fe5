//! Equal work is done once, and values live no longer than they are read.

use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::Event;

use crate::common::*;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Params {
    share: f64,
    rate: f64,
}

#[stage(outputs = [train, test], cachers = [Json, Json])]
fn split(params: &Params) -> (Vec<f64>, Vec<f64>) {
    (vec![params.share; 1000], vec![1.0 - params.share; 10])
}

#[stage(inputs = [train], outputs = [model], cachers = [Json])]
fn fit(params: &Params, train: &[f64]) -> f64 {
    params.rate * train.iter().sum::<f64>()
}

#[stage(inputs = [model, test], outputs = [score], cachers = [Json])]
fn evaluate(model: &f64, test: &[f64], top: usize) -> f64 {
    test.iter().take(top).map(|row| row * model).sum()
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    split(record)?;
    fit(record)?;
    evaluate(record, 3)?;
    Ok(())
}

fn rates(count: u32) -> Experiment<Params> {
    let rates = (1..=count).map(|n| f64::from(n) / 100.0);
    let base = Params { share: 0.5, rate: 0.0 };
    Experiment::new("rates", pipeline).records(grid(base).over("rate", rates))
}

#[test]
fn ten_rates_are_one_split() {
    for jobs in [1, 8] {
        let lab = Lab::new();
        let outcome = rates(10).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.ran, outcome.cached), (21, 0));
        let ran = lab.ran_sorted();
        assert_eq!(ran.iter().filter(|stage| *stage == "split").count(), 1);
        let outcome = rates(11).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.ran, outcome.cached), (2, 21));
    }
}

#[test]
fn one_job_and_eight_give_equal_results() {
    let outcomes = [1, 8].map(|jobs| {
        let lab = Lab::new();
        let outcome = rates(10).run(&lab.options().jobs(jobs)).unwrap();
        let score = |n: u32| {
            let name = format!("rate={}", f64::from(n) / 100.0);
            outcome.output::<f64>(&name, "score").unwrap().load().unwrap().to_bits()
        };
        let scores: Vec<u64> = (1..=10).map(score).collect();
        let entries = lab.entries();
        let keys: Vec<_> =
            entries.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        (scores, keys)
    });
    assert_eq!(outcomes[0], outcomes[1]);
}

#[test]
fn a_cached_run_loads_nothing_and_runs_nothing() {
    let lab = Lab::new();
    rates(3).run(&lab.options()).unwrap();
    lab.lines();
    let outcome = rates(3).run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (0, 7));
    let lines = lab.lines();
    assert!(lines.len() == 7 && lines.iter().all(|line| line.starts_with("hit ")), "{lines:?}");
}

#[test]
fn a_stage_added_after_a_cached_run_loads_only_what_it_needs() {
    let lab = Lab::new();
    rates(1).run(&lab.options()).unwrap();
    lab.lines();
    let experiment = Experiment::new("rates", |record: &mut Record<Params>| {
        pipeline(record)?;
        evaluate::named(record, ["score_5"], 5)?;
        Ok(())
    });
    let base = Params { share: 0.5, rate: 0.0 };
    let outcome = experiment.records(grid(base).over("rate", [0.01])).run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (1, 3));
    let mut loaded: Vec<_> =
        lab.lines().into_iter().filter(|line| line.starts_with("loaded")).collect();
    loaded.sort();
    assert_eq!(loaded, ["loaded model", "loaded test"]);
}

#[test]
fn equal_calls_on_one_record_are_one() {
    let lab = Lab::new();
    let experiment = Experiment::new("twice", |record: &mut Record<Params>| {
        split(record)?;
        split(record)?;
        fit(record)?;
        fit::named(record, ["other"])?;
        evaluate::named(record, ["score_1"], 1)?;
        evaluate::named(record, ["score_2"], 2)?;
        evaluate::named(record, ["again_2"], 2)?;
        Ok(())
    });
    let outcome = experiment.record("base", Params::default()).run(&lab.options()).unwrap();
    assert_eq!(outcome.ran, 4);
    let load = |name| outcome.output::<f64>("base", name).unwrap().load().unwrap().to_bits();
    assert_eq!(load("model"), load("other"));
    assert_eq!(load("score_2"), load("again_2"));
}

#[test]
fn a_value_leaves_memory_after_its_last_reader() {
    let lab = Lab::new();
    let outcome = rates(3).run(&lab.options().jobs(1)).unwrap();
    let events = lab.recorder().take();
    let position = |wanted: &dyn Fn(&Event) -> bool| events.iter().rposition(wanted);
    let last_fit =
        position(&|e| matches!(e, Event::Finished { stage, .. } if stage.ends_with("::fit")));
    let evicted = position(&|e| matches!(e, Event::Evicted { output: "train", .. }));
    let train = outcome.output::<Vec<f64>>("rate=0.01", "train").unwrap();
    assert!(!train.is_loaded());
    assert!(evicted.is_some() && evicted > last_fit, "{evicted:?} {last_fit:?}");
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// A value that knows how many there are.
struct Counted(u32);

impl Counted {
    fn new(number: u32) -> Self {
        let alive = ALIVE.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(alive, Ordering::SeqCst);
        Self(number)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[stage(outputs = [big])]
fn big(params: &u32) -> Counted {
    Counted::new(*params)
}

#[stage(inputs = [big], outputs = [small], cachers = [Json])]
fn small(big: &Counted) -> u32 {
    big.0
}

#[test]
fn many_records_need_no_more_memory_than_one() {
    let lab = Lab::new();
    let experiment = Experiment::new("big", |record: &mut Record<u32>| {
        big(record)?;
        small(record)?;
        Ok(())
    });
    let records = (0..30).map(|number| (format!("r{number}"), number));
    let outcome = experiment.records(records).run(&lab.options().jobs(1)).unwrap();
    assert_eq!(outcome.ran, 60);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "none is left");
    let most = MOST.load(Ordering::SeqCst);
    assert!(most <= 2, "one job holds what one stage reads and what one makes, not {most}");
}
