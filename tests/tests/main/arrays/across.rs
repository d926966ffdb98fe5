//! Arrays of all records, as an aggregate takes them.

use super::shards_in;
use crate::common::*;

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    count: u32,
    /// Elements from here on are one more.
    from: u32,
    fails: bool,
    skips: bool,
}

fn params(count: u32) -> Params {
    Params { count, from: count, fails: false, skips: false }
}

#[stage(outputs = [pages], cachers = [Json])]
fn split(params: &Params) -> Vec<u32> {
    (0..params.count).map(|page| page + u32::from(page >= params.from)).collect()
}

#[stage(each = [page in pages], outputs = [half], cachers = [Json])]
fn halve(params: &Params, page: u32) -> Result<u32> {
    if params.fails && page == 1 { Err("unlucky".into()) } else { Ok(page / 2) }
}

#[stage(each = [page in pages], outputs = [held])]
fn hold(page: u32) -> u32 {
    page * 100
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    split(record)?;
    if !record.params().skips {
        halve(record)?;
    }
    hold(record)?;
    Ok(())
}

#[aggregate(inputs = [half], outputs = [all], cachers = [Json])]
fn all(half: Across<Shards<u32>>) -> Result<Vec<(String, Vec<u32>)>> {
    let item = |item: memo_runtime::AcrossItem<'_, Shards<u32>>| {
        Ok((item.record().to_owned(), item.shards()?.collect()?))
    };
    half.iter().map(item).collect()
}

#[aggregate(inputs = [half], outputs = [lasts], cachers = [Json])]
fn lasts(half: Across<Option<Shards<u32>>, Params>) -> Result<Vec<(u32, Option<u32>)>> {
    let mut lasts = Vec::new();
    for item in &half {
        let last = match item.shards() {
            Some(shards) => Some(*shards.get(shards.len()? - 1).load()?),
            None => None,
        };
        lasts.push((item.params().count, last));
    }
    Ok(lasts)
}

#[aggregate(inputs = [held], outputs = [sum], cachers = [Json])]
fn sum(held: Across<Shards<u32>>) -> Result<u32> {
    let mut sum = 0;
    for item in &held {
        for value in item.shards()?.iter() {
            sum += *value?;
        }
    }
    Ok(sum)
}

type All = Vec<(String, Vec<u32>)>;

fn experiment(records: &[Params]) -> Experiment<Params> {
    let records = records.iter().enumerate();
    let records = records.map(|(number, params)| (format!("r{number}"), params.clone()));
    Experiment::new("halves", pipeline).records(records)
}

#[test]
fn an_aggregate_reads_the_arrays_of_all_records() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let run = |records: &[Params]| {
            let experiment = experiment(records).aggregate(all).aggregate(sum);
            let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
            assert_eq!(outcome.exit_code(), 0, "{outcome:?}");
            let all = outcome.aggregated::<All>("all").unwrap().load().unwrap();
            let all: Vec<_> = all.iter().map(|(_, values)| values.clone()).collect();
            let sum = *outcome.aggregated::<u32>("sum").unwrap().load().unwrap();
            let events = lab.recorder().take();
            let ran = aggregates_in(&events);
            (all, sum, shards_in(&events, "halve").len(), shards_in(&events, "hold").len(), ran)
        };
        let both = ["all".to_owned(), "sum".to_owned()];
        let (two, three) = (params(2), params(3));
        let right = vec![vec![0, 0], vec![0, 0, 1]];
        let (values, total, halved, held, ran) = run(&[two.clone(), three.clone()]);
        assert_eq!((values, total, halved, ran), (right.clone(), 400, 3, both.to_vec()));
        assert_eq!(held, 5, "what is in memory is there for its own record");
        let again = run(&[two.clone(), three.clone()]);
        assert_eq!(again, (right.clone(), 400, 0, 0, vec![]));
        // One element is another, and gives the same: only what its shard feeds by its own value runs.
        let other = Params { from: 2, ..three.clone() };
        let (values, total, halved, _, ran) = run(&[two.clone(), other]);
        assert_eq!((values, total, halved, ran), (right, 500, 1, both[1..].to_vec()));
        // One more record, and records in another order.
        let (values, _, halved, _, ran) = run(&[two.clone(), three.clone(), params(1)]);
        assert_eq!((values[2].clone(), halved, ran), (vec![0], 0, both.to_vec()));
        let (values, _, halved, _, ran) = run(&[three, two]);
        assert_eq!((values[0].len(), halved, ran), (3, 0, both.to_vec()));
    }
}

/// Lists the aggregates that started.
fn aggregates_in(events: &[memo_runtime::Event]) -> Vec<String> {
    let started = |event: &memo_runtime::Event| match event {
        memo_runtime::Event::Started { stage, record: None, .. } => {
            Some(stage.rsplit("::").next().unwrap_or(stage).to_owned())
        }
        _ => None,
    };
    let mut ran: Vec<String> = events.iter().filter_map(started).collect();
    ran.sort();
    ran
}

#[test]
fn an_array_that_has_failed_in_part_or_is_not_there_is_absent() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let run = |third: Params| {
            let skips = Params { skips: true, ..params(4) };
            let experiment = experiment(&[params(3), third, skips]).aggregate(lasts);
            let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
            let lasts = outcome.aggregated::<Vec<(u32, Option<u32>)>>("lasts").unwrap();
            let lasts = lasts.load().unwrap().to_vec();
            let events = lab.recorder().take();
            (lasts, outcome.failed, shards_in(&events, "halve").len(), aggregates_in(&events))
        };
        let fails = Params { fails: true, ..params(5) };
        let ran = vec!["lasts".to_owned()];
        let absent = vec![(3, Some(1)), (5, None), (4, None)];
        // `fails` is read by the stage, so none of its shards is one of the first record's.
        assert_eq!(run(fails.clone()), (absent.clone(), 1, 8, ran.clone()));
        // It fails again, and gives the same.
        assert_eq!(run(fails), (absent, 1, 1, vec![]));
        let there = vec![(3, Some(1)), (5, Some(2)), (4, None)];
        assert_eq!(run(params(5)), (there, 0, 2, ran));
    }
}

#[test]
fn without_an_option_all_records_must_have_their_array() {
    let lab = Lab::new();
    let skips = Params { skips: true, ..params(4) };
    let run = experiment(&[params(3), skips]).aggregate(all).run(&lab.options());
    let told = run.unwrap_err().chain();
    assert!(told.contains("the input `half` is not in the state of record `r1`"), "{told}");
    assert!(lab.ran().is_empty());

    let fails = Params { fails: true, ..params(5) };
    let outcome = experiment(&[params(3), fails]).aggregate(all).run(&lab.options()).unwrap();
    assert_eq!((outcome.failed, outcome.skipped), (1, 1), "{outcome:?}");
}

#[aggregate(inputs = [half], outputs = [wrong], cachers = [Json])]
fn wrong(half: Across<Vec<u32>>) -> usize {
    half.len()
}

#[aggregate(inputs = [pages], outputs = [other], cachers = [Json])]
fn other(pages: Across<Shards<u32>>) -> usize {
    pages.len()
}

#[aggregate(inputs = [half], outputs = [loaded], cachers = [Json])]
fn loaded(half: Across<Shards<u32>>) -> Result<usize> {
    half.iter()
        .map(|item| item.load().map(|_| 1))
        .sum::<std::result::Result<_, _>>()
        .map_err(Into::into)
}

#[test]
fn an_array_is_no_single_value() {
    let lab = Lab::new();
    let told = experiment(&[params(3)]).aggregate(wrong).run(&lab.options()).unwrap_err().chain();
    assert!(told.contains("is a `Vec<u32>`, but record `r0` holds a `Shards<u32>`"), "{told}");
    let told = experiment(&[params(3)]).aggregate(other).run(&lab.options()).unwrap_err().chain();
    assert!(told.contains("is a `Shards<u32>`, but record `r0` holds a `Vec<u32>`"), "{told}");
    let outcome = experiment(&[params(3)]).aggregate(loaded).run(&lab.options()).unwrap();
    let told = outcome.failures[0].chain();
    assert!(told.contains("it is an array; ask for it with `shards()`"), "{told}");
}
