//! Whole calls whose entries are not served for ever: they run once a run, and what follows reads the new value.

use std::fs;
use std::path::PathBuf;

use memo_tests::{age, files_below};

use crate::calls::{records, start};
use crate::cluster::Cluster;
use crate::submitter::{Place, Told, until};

const WEEK: i64 = 7 * 24 * 3_600_000;

/// Runs records with what the file `news` is to hold.
fn run(place: &Place<'_>, news: usize, which: &[&str]) -> Told {
    fs::write(place.folder.join("news"), news.to_string()).unwrap();
    let flags: Vec<&str> = which.iter().flat_map(|name| ["--record", name]).collect();
    let told = start(place, &flags).end();
    assert_eq!(told.code, Some(0), "{told:?}");
    told
}

/// Returns the value that a record has in the end: three times the news, and one more.
fn spread(place: &Place<'_>, record: &str) -> usize {
    let path = place.folder.join(".memo/v1/results/calls").join(record).join("spread.json");
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

/// Lists why calls of a stage have started.
fn reasons(told: &Told, stage: &str) -> Vec<String> {
    let of_stage =
        told.all("started").filter(|one| one["stage"] == format!("calls_helper::{stage}"));
    of_stage.map(|one| one["reason"]["why"].as_str().unwrap().to_owned()).collect()
}

/// Makes all entries a week older.
fn age_all(place: &Place<'_>) {
    let entries = files_below(&place.folder.join(".memo/v1/entries"));
    let is_entry = |path: &&PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    entries.iter().filter(is_entry).for_each(|path| age(path, WEEK));
}

fn times(place: &Place<'_>, word: &str) -> Vec<usize> {
    place.noted(word).into_values().collect()
}

#[test]
fn a_stage_that_always_runs_does_so_once_a_run_and_only_what_is_new_goes_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "polled");
    let told = run(&place, 20, &["polled"]);
    assert_eq!(reasons(&told, "poll"), ["rerun"], "{told:?}");
    assert_eq!((told.jobs_of("poll").len(), told.jobs_of("spread").len()), (1, 1), "{told:?}");
    // The result before is there, and is not taken for this run's.
    for (round, (news, goes_on)) in [(30, true), (30, false), (20, false)].into_iter().enumerate() {
        let told = run(&place, news, &["polled"]);
        assert_eq!(reasons(&told, "poll"), ["rerun"], "{told:?}");
        assert_eq!(records(&told, "finished", "poll"), ["polled"], "{told:?}");
        assert_eq!(reasons(&told, "spread").len(), usize::from(goes_on), "{told:?}");
        assert_eq!(records(&told, "hit", "spread").len(), usize::from(!goes_on), "{told:?}");
        assert_eq!(told.jobs().len(), 1 + usize::from(goes_on), "{told:?}");
        assert_eq!(
            (times(&place, "begins "), spread(&place, "polled")),
            (vec![round + 2], 3 * news + 1)
        );
    }
    assert_eq!(place.noted("spreads "), [(60, 1), (90, 1)].into());
    assert_eq!(place.job_folders_of("poll"), 0);
}

#[test]
fn an_entry_that_is_too_old_is_made_once_more() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "fetched");
    run(&place, 20, &["fetched"]);
    let told = run(&place, 30, &["fetched"]);
    assert_eq!((told.submitted(), times(&place, "begins ")), (vec![], vec![1]), "{told:?}");

    age_all(&place);
    let told = run(&place, 30, &["fetched"]);
    assert_eq!(reasons(&told, "fetch"), ["expired"], "{told:?}");
    assert_eq!(records(&told, "finished", "fetch"), ["fetched"], "{told:?}");
    assert_eq!((times(&place, "begins "), spread(&place, "fetched")), (vec![2], 91), "{told:?}");
    assert_eq!(place.noted("spreads "), [(60, 1), (90, 1)].into());

    let told = run(&place, 40, &["fetched"]);
    assert_eq!((told.submitted(), times(&place, "begins ")), (vec![], vec![2]), "it was renewed");
}

#[test]
fn one_that_is_too_old_for_two_at_once_is_made_once() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "fetched-twice");
    run(&place, 20, &["fetched"]);
    age_all(&place);
    fs::write(place.folder.join("news"), "30").unwrap();
    let flags = ["--record", "fetched", "--set", "hold=[11]"];
    let first = start(&place, &flags);
    until("begun", || times(&place, "begins ") == [2]);
    place.forget_jobs("fetch");
    let second = start(&place, &flags);
    second.job();
    place.go();
    for one in [first, second] {
        let told = one.end();
        assert_eq!((told.code, reasons(&told, "fetch").len()), (Some(0), 1), "{told:?}");
    }
    assert_eq!((times(&place, "begins "), spread(&place, "fetched")), (vec![2], 91));
}

#[test]
fn calls_that_come_to_the_same_key_are_one() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "same-key");
    let told = run(&place, 20, &["polled", "fetched"]);
    assert_eq!((place.noted("spreads "), spread(&place, "polled")), ([(60, 1)].into(), 61));
    assert_eq!(spread(&place, "fetched"), 61);
    let (ran, hit) = (records(&told, "finished", "spread"), records(&told, "hit", "spread"));
    assert_eq!((ran.len(), hit.len()), (1, 1), "{told:?}");
    assert_eq!(told.jobs_of("spread").len(), 1, "{told:?}");
}
