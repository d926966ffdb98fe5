//! Whole calls on Slurm: those of a stage go together, and each is its record's.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::submitter::{Place, Submitter, Told, until};

pub const CALLS: &str = env!("CARGO_BIN_EXE_calls_helper");

pub const ALL: &[&str] = &[
    "--record", "r0", "--record", "r1", "--record", "r2", "--record", "r3", "--record", "r4",
    "--record", "r5",
];

/// Starts it on Slurm.
pub fn start(place: &Place<'_>, flags: &[&str]) -> Submitter {
    let mut command = place.command(CALLS, flags);
    place.start_as(command.args(["--executor", "slurm"]))
}

pub fn start_all(place: &Place<'_>, flags: &[&str]) -> Submitter {
    start(place, &[ALL, flags].concat())
}

fn run_all(place: &Place<'_>, flags: &[&str]) -> Told {
    start_all(place, flags).end()
}

/// Lists the records of the events of a stage.
pub fn records(told: &Told, event: &str, stage: &str) -> Vec<String> {
    let of_stage = |one: &&Value| one["stage"] == format!("calls_helper::{stage}");
    let name = |one: &Value| one["record"].as_str().unwrap_or("-").to_owned();
    let mut all: Vec<String> = told.all(event).filter(of_stage).map(name).collect();
    all.sort_unstable();
    all
}

pub fn six() -> Vec<String> {
    (0..6).map(|number| format!("r{number}")).collect()
}

/// Returns the sum over the records that a run has made.
pub fn sum(place: &Place<'_>) -> usize {
    let text = fs::read_to_string(place.folder.join(".memo/v1/results/calls/sum.json"));
    text.unwrap().trim().parse().unwrap()
}

/// Each number is one more than its record's, and three times that.
pub const SUM: usize = 3 * (1 + 2 + 3 + 4 + 5 + 6);

#[test]
fn calls_of_many_records_are_one_array_and_are_then_found() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls");
    let told = run_all(&place, &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(records(&told, "finished", "fit"), six());
    assert_eq!(records(&told, "started", "fit"), six());
    assert_eq!((told.jobs().len(), sum(&place)), (2, SUM), "{told:?}");
    assert!(told.submitted()[0].starts_with("6 calls in "), "{told:?}");
    assert!(told.submitted()[1].starts_with("1 call in 1 task"), "an aggregate asks for something");
    told.has("number 3 was fitted");
    assert_eq!(place.begun().values().collect::<BTreeSet<_>>(), BTreeSet::from([&1]));
    assert_eq!(place.job_folders_of("fit"), 0, "what has gone well leaves no folder");
    // What asks for nothing has run here; what nobody keeps only there; nothing was watched again.
    let ran_in = |word: &str| -> BTreeSet<String> {
        let lines = place.lines().into_iter().filter(|line| line.starts_with(word));
        lines.filter_map(|line| line.rsplit_once(" in ").map(|(_, id)| id.to_owned())).collect()
    };
    let (loads, prepares) = (ran_in("loads "), ran_in("prepares "));
    assert_eq!((loads.len(), loads.intersection(&prepares).count()), (1, 0));
    assert!(ran_in("sums").is_disjoint(&loads));
    assert_eq!(place.lines().iter().filter(|line| line.starts_with("watches")).count(), 6);

    let told = run_all(&place, &[]);
    assert_eq!((told.code, told.submitted()), (Some(0), vec![]), "{told:?}");
    assert_eq!(records(&told, "hit", "fit"), six());
    // On threads it is found too.
    let told = place.start_as(&mut place.command(CALLS, ALL)).end();
    assert_eq!(records(&told, "hit", "fit"), six(), "{told:?}");
}

#[test]
fn a_call_that_fails_is_named_with_its_record_and_the_others_go_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "odd");
    let told = run_all(&place, &["--set", "fail=3"]);
    // An aggregate that does without one that failed runs here: elsewhere that one might not fail.
    assert_eq!((told.code, told.jobs().len()), (Some(1), 1), "{told:?}");
    assert_eq!(records(&told, "failed", "fit"), ["r3"]);
    assert_eq!(records(&told, "finished", "fit").len(), 5);
    told.has("stage `calls_helper::fit` of record `r3`: the stage failed: number 3 is odd");
    assert_eq!(records(&told, "finished", "sum"), ["-"]);
    assert_eq!(sum(&place), SUM - 3 * 4);
    assert_eq!(place.job_folders_of("fit"), 1, "the logs are kept");

    let told = run_all(&place, &[]);
    assert_eq!((told.code, sum(&place)), (Some(0), SUM), "{told:?}");
    assert_eq!(records(&told, "finished", "fit"), ["r3"]);
}

#[test]
fn a_submitter_that_is_killed_takes_its_calls_up_again() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls-killed");
    let held = ["--set", "hold=[0,1,2,3]", "--max-running", "6"];
    let first = start_all(&place, &held);
    let job = first.job();
    until("two there", || records(&first.so_far(), "finished", "fit").len() == 2);
    place.until_begun(6);
    first.signal("-KILL");
    assert_eq!(first.end().code, None);

    // One of them only: the others are not its own.
    let alone = start(&place, &["--record", "r0", "--set", "hold=[0,1,2,3]", "--max-running", "6"]);
    until("taken up", || !alone.so_far().submitted().is_empty());
    alone.signal("-INT");
    let told = alone.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    told.has("goes on");

    let second = start_all(&place, &held);
    until("taken up", || !second.so_far().submitted().is_empty());
    place.go();
    let told = second.end();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.submitted()[0], format!("4 calls on the way already in Slurm job {job}"));
    assert_eq!(place.begun().values().sum::<usize>(), 6, "nothing ran twice");
    assert_eq!(sum(&place), SUM);
}

#[test]
fn calls_that_are_forced_run_though_they_are_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "forced");
    let two = ["--record", "r0", "--record", "r1", "--max-running", "1"];
    let told = start(&place, &two).end();
    assert_eq!(told.code, Some(0), "{told:?}");
    told.has("2 calls in 2 tasks");
    let told = start(&place, &[&two[..], &["--force", "fit"]].concat()).end();
    // It is known by now how short they are.
    told.has("2 calls in 1 task of");
    assert_eq!((told.code, records(&told, "finished", "fit").len()), (Some(0), 2), "{told:?}");
    assert!(
        told.all("started")
            .all(|one| one["reason"]["why"] == "forced" || one["stage"] != "calls_helper::fit")
    );
    assert_eq!(place.begun().into_iter().collect::<Vec<_>>(), [(0, 2), (1, 2)]);

    // None suffers for another that shares its task and comes after it: one job makes both ready in order.
    let crash = ["--force", "fit", "--set", "crash=0", "--jobs", "1"];
    let told = start(&place, &[&two[..], &crash].concat()).end();
    assert_eq!(
        (told.code, records(&told, "failed", "fit")),
        (Some(1), vec!["r0".to_owned()]),
        "{told:?}"
    );
    assert_eq!(records(&told, "finished", "fit"), ["r1"]);
    told.has("2 calls in 1 task of").has("2 calls in 2 tasks of").has("SIGABRT");
}

#[test]
fn a_task_of_calls_that_is_put_back_goes_on_where_it_was() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls-requeued");
    let two = ["--record", "r0", "--record", "r1", "--max-running", "1"];
    assert_eq!(start(&place, &two).end().code, Some(0));
    // It is known by now how short they are, and one job makes them ready in order.
    let forced = ["--force", "fit", "--jobs", "1", "--set", "hold=[1]"];
    let submitter = start(&place, &[&two[..], &forced].concat());
    let job = submitter.job();
    until("begun", || place.begun()[&1] == 2);
    cluster.outside("scontrol", &["requeue", &format!("{job}_0")]);
    until("begun again", || place.begun()[&1] == 3);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs_of("fit").len()), (Some(0), 1), "{told:?}");
    told.has("2 calls in 1 task of");
    assert_eq!(place.begun(), [(0, 2), (1, 3)].into());
}

#[test]
fn an_interrupt_takes_calls_back_and_keeps_what_is_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls-interrupted");
    let submitter = start_all(&place, &["--set", "hold=[2,3,4,5]", "--max-running", "6"]);
    let job = submitter.job();
    until("two there", || records(&submitter.so_far(), "finished", "fit").len() == 2);
    submitter.signal("-INT");
    let told = submitter.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    until("gone", || cluster.tasks(&job).is_empty());

    place.go();
    let told = run_all(&place, &[]);
    assert_eq!((told.code, sum(&place)), (Some(0), SUM), "{told:?}");
    assert_eq!(records(&told, "hit", "fit").len(), 2);
}

#[test]
fn what_a_call_asks_for_that_the_cluster_cannot_give_is_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls-refused");
    let told = start(&place, &["--record", "r0", "--record", "huge"]).end();
    assert_eq!((told.code, told.count("started")), (Some(2), 0), "{told:?}");
    told.has("calls_helper::huge").has("`cpus`");
    assert!(place.lines().is_empty());

    // What is there already asks for nothing.
    let told = place.start_as(&mut place.command(CALLS, &["--record", "huge"])).end();
    assert_eq!(told.code, Some(0), "{told:?}");
    let told = start(&place, &["--record", "huge"]).end();
    assert_eq!((told.code, told.submitted()), (Some(0), vec![]), "{told:?}");
}

#[test]
fn a_call_that_comes_out_otherwise_where_it_runs_is_refused_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls-differ");
    fs::write(place.folder.join("params.toml"), "factor = 3\n").unwrap();
    let flags =
        ["--record", "r0", "--record", "r1", "--params", "params.toml", "--max-running", "1"];
    let submitter = start(&place, &[&flags[..], &["--set", "hold=[0,1]"]].concat());
    place.until_begun(1);
    fs::write(place.folder.join("params.toml"), "factor = 4\n").unwrap();
    place.go();
    let told = submitter.end();
    assert_eq!(told.code, Some(1), "{told:?}");
    assert_eq!((records(&told, "finished", "fit").len(), place.begun().len()), (1, 1), "{told:?}");
    told.has("another plan");
}
