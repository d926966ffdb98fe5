//! Aggregates: once, over all records.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::*;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Params {
    rate: f64,
    number: u32,
    unread: u32,
}

#[stage(outputs = [score], cachers = [Json])]
fn score(params: &Params) -> Result<u32> {
    if params.number == 13 { Err("unlucky".into()) } else { Ok(params.number * 10) }
}

#[stage(outputs = [extra], cachers = [Json])]
fn extra(params: &Params) -> u32 {
    params.number
}

#[stage(outputs = [Lazy(own)], cachers = [Json])]
fn own(params: &Params) -> u32 {
    params.number
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    score(record)?;
    own(record)?;
    if record.params().number > 1 {
        extra(record)?;
    }
    Ok(())
}

fn numbered(number: u32) -> Params {
    Params { number, rate: f64::from(number) / 2.0, unread: 0 }
}

fn experiment(numbers: &[u32]) -> Experiment<Params> {
    let records = numbers.iter().map(|number| (format!("r{number}"), numbered(*number)));
    Experiment::new("numbers", pipeline).records(records)
}

#[aggregate(inputs = [score], outputs = [board], cachers = [Json])]
fn board(score: Across<u32>) -> Result<Vec<(String, u32)>> {
    score.iter().map(|item| Ok((item.record().to_owned(), *item.load()?))).collect()
}

#[aggregate(inputs = [score], outputs = [rates], cachers = [Json])]
fn rates(score: Across<u32, Params>) -> Result<Vec<(u32, f64)>> {
    score.iter().map(|item| Ok((*item.load()?, item.params().rate))).collect()
}

#[aggregate(inputs = [score], outputs = [present], cachers = [Json])]
fn present(score: Across<Option<u32>>) -> Result<Vec<Option<u32>>> {
    score.iter().map(|item| Ok(item.present()?.map(|value| *value))).collect()
}

#[aggregate(inputs = [extra], outputs = [extras], cachers = [Json])]
fn extras(extra: Across<Option<u32>>) -> Result<Vec<Option<u32>>> {
    extra.iter().map(|item| Ok(item.present()?.map(|value| *value))).collect()
}

#[aggregate(inputs = [extra], outputs = [strict], cachers = [Json])]
fn strict(extra: Across<u32>) -> usize {
    extra.len()
}

#[aggregate(inputs = [own], outputs = [owned], cachers = [Json])]
fn owned(own: Across<u32>) -> Result<Vec<u32>> {
    own.iter().map(|item| Ok(*item.load()?)).collect()
}

#[aggregate(inputs = [board], outputs = [best], cachers = [Json])]
fn best(board: &[(String, u32)], top: usize) -> Vec<String> {
    let mut board = board.to_vec();
    board.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    board.into_iter().take(top).map(|(name, _)| name).collect()
}

#[test]
fn values_come_by_record_in_record_order() {
    let lab = Lab::new();
    let experiment = experiment(&[3, 1, 2]).aggregate(board).aggregate(owned).aggregate(rates);
    for jobs in [1, 8] {
        let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
        let lines = outcome.aggregated::<Vec<(String, u32)>>("board").unwrap().load().unwrap();
        let expected = [("r3", 30), ("r1", 10), ("r2", 20)].map(|(n, s)| (n.to_owned(), s));
        assert_eq!(*lines, expected);
        let own = outcome.aggregated::<Vec<u32>>("owned").unwrap().load().unwrap();
        assert_eq!(*own, [3, 1, 2], "each record's lazy output is its own");
        let rates = outcome.aggregated::<Vec<(u32, f64)>>("rates").unwrap().load().unwrap();
        assert_eq!(*rates, [(30, 1.5), (10, 0.5), (20, 1.0)]);
    }
    let ran = lab.ran_sorted();
    assert_eq!(ran.iter().filter(|stage| *stage == "board").count(), 1);
}

#[test]
fn the_key_is_names_digests_and_params_read() {
    let lab = Lab::new();
    let run = |experiment: Experiment<Params>| {
        lab.lines();
        experiment.aggregate(board).aggregate(rates).run(&lab.options()).unwrap();
        let ran = lab.ran_sorted();
        ran.into_iter().filter(|stage| stage == "board" || stage == "rates").collect::<Vec<_>>()
    };
    assert_eq!(run(experiment(&[1, 2])), ["board", "rates"]);
    assert_eq!(run(experiment(&[1, 2])), [""; 0]);
    assert_eq!(run(experiment(&[2, 1])), ["board", "rates"], "the order");
    assert_eq!(run(experiment(&[1, 2, 3])), ["board", "rates"], "a record more");
    let named = |names: [&str; 2]| {
        let records = names.into_iter().zip([1, 2]);
        let records = records.map(|(name, number)| (name, numbered(number)));
        Experiment::new("other name", pipeline).records(records)
    };
    assert_eq!(run(named(["r1", "r2"])), [""; 0], "the experiment's name is not in it");
    assert_eq!(run(named(["r1", "r9"])), ["board", "rates"], "a record's name is");
    let with = |change: fn(&mut Params)| {
        let mut params = numbered(1);
        change(&mut params);
        Experiment::new("numbers", pipeline).record("r1", params).record("r2", numbered(2))
    };
    assert_eq!(run(with(|params| params.rate = 9.0)), ["rates"], "params where they are taken");
}

#[test]
fn a_failed_record_is_absent_or_an_error() {
    let lab = Lab::new();
    let experiment =
        experiment(&[1, 13, 2]).aggregate(present).aggregate(board).aggregate(best_of_3);
    for jobs in [1, 8, 1] {
        let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
        let present = outcome.aggregated::<Vec<Option<u32>>>("present").unwrap().load().unwrap();
        assert_eq!(*present, [Some(10), None, Some(20)]);
        assert_eq!((outcome.failed, outcome.exit_code()), (1, 1));
        assert_eq!(outcome.skipped, 2, "`board` and `best` cannot be made");
        assert!(outcome.aggregated::<Vec<(String, u32)>>("board").unwrap().load().is_err());
        let text = outcome.failures[0].chain();
        assert!(
            text.contains("score") && text.contains("r13") && text.contains("unlucky"),
            "{text}"
        );
    }
    let ran = lab.ran_sorted();
    assert_eq!(ran.iter().filter(|stage| *stage == "present").count(), 1, "the second is a hit");
}

fn best_of_3(records: &mut memo_runtime::Records<Params>) -> Result<Lazy<Vec<String>>, Error> {
    best(records, 3)
}

#[test]
fn a_record_that_never_calls_the_stage_is_absent_or_an_error() {
    let lab = Lab::new();
    let outcome = experiment(&[1, 2, 3]).aggregate(extras).run(&lab.options()).unwrap();
    let extras = outcome.aggregated::<Vec<Option<u32>>>("extras").unwrap().load().unwrap();
    assert_eq!(*extras, [None, Some(2), Some(3)]);
    lab.lines();
    let error = experiment(&[1, 2]).aggregate(strict).run(&lab.options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    let text = error.chain();
    assert!(text.contains("`extra` is not in the state of record `r1`"), "{text}");
    assert_eq!(lab.lines(), [""; 0]);
}

#[test]
fn an_aggregate_of_an_aggregate_depends_on_everything_below() {
    let lab = Lab::new();
    let run = |numbers: &[u32]| {
        lab.lines();
        let experiment = experiment(numbers).aggregate(board).aggregate(best_of_3);
        let outcome = experiment.run(&lab.options()).unwrap();
        (*outcome.aggregated::<Vec<String>>("best").unwrap().load().unwrap()).clone()
    };
    assert_eq!(run(&[1, 2]), ["r2", "r1"]);
    assert!(lab.ran().contains(&"best".to_owned()));
    assert_eq!(run(&[1, 2]), ["r2", "r1"]);
    assert_eq!(lab.ran(), [""; 0]);
    assert_eq!(run(&[1, 5]), ["r5", "r1"]);
    assert!(lab.ran().contains(&"best".to_owned()));
}

#[test]
fn a_filter_chooses_records() {
    let lab = Lab::new();
    let outcome = experiment(&[1, 2, 3])
        .aggregate_where(board, |record| record.params().number % 2 == 1)
        .run(&lab.options())
        .unwrap();
    let board = outcome.aggregated::<Vec<(String, u32)>>("board").unwrap().load().unwrap();
    assert_eq!(*board, [("r1".to_owned(), 10), ("r3".to_owned(), 30)]);
}

static LARGEST: AtomicUsize = AtomicUsize::new(0);

#[aggregate(inputs = [score], outputs = [largest])]
fn largest(score: Across<u32>, at_least: u32) -> Result<u32> {
    LARGEST.fetch_add(1, Ordering::SeqCst);
    let mut largest = at_least;
    for item in &score {
        largest = largest.max(*item.load()?);
    }
    Ok(largest)
}

#[test]
fn an_aggregate_takes_arguments_and_runs_once() {
    let lab = Lab::new();
    let numbers: Vec<u32> = (20..40).collect();
    let experiment = experiment(&numbers).aggregate(|records| largest(records, 5));
    let outcome = experiment.run(&lab.options().jobs(8)).unwrap();
    assert_eq!(*outcome.aggregated::<u32>("largest").unwrap().load().unwrap(), 390);
    assert_eq!(LARGEST.load(Ordering::SeqCst), 1);
    assert!(outcome.aggregated::<u32>("largst").unwrap_err().to_string().contains("`largest`"));
    assert!(outcome.aggregated::<u64>("largest").is_err());
}
