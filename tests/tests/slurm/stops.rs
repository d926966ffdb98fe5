//! The submitter goes before its jobs: by a signal, or without a word.

use crate::cluster::Cluster;
use crate::submitter::{Place, until};

const HELD: &[&str] = &["--record", "plain", "--max-running", "2", "--set", "hold=[2,3,4,5,6,7]"];

/// Waits until two shards have ended, and the next two have begun.
fn until_half_way(place: &Place<'_>, submitter: &crate::submitter::Submitter) {
    until("two there", || submitter.so_far().count("shard_finished") == 2);
    place.until_begun(4);
}

#[test]
fn a_submitter_that_is_killed_takes_its_jobs_up_again() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "killed");
    let first = place.start(HELD);
    let job = first.job();
    until_half_way(&place, &first);
    first.signal("-KILL");
    assert_eq!(first.end().code, None);

    let second = place.start(HELD);
    until("taken up", || !second.so_far().submitted().is_empty());
    place.go();
    let told = second.end();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.submitted(), [format!("6 shards on the way already in Slurm job {job}")]);
    place.each_ran_once(8);
    place.is_all_there(8);
}

#[test]
fn an_interrupt_takes_the_jobs_back_and_keeps_what_is_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "interrupted");
    let submitter = place.start(HELD);
    let job = submitter.job();
    until_half_way(&place, &submitter);
    submitter.signal("-INT");
    let told = submitter.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    // A task that ends may be in the queue a moment longer.
    until("gone", || cluster.tasks(&job).is_empty());

    place.go();
    let told = place.run(HELD);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 6), "{told:?}");
    place.is_all_there(8);
}

#[test]
fn jobs_that_are_left_behind_on_purpose_go_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "detached");
    let mut flags = HELD.to_vec();
    flags.push("--detach");
    let submitter = place.start(&flags);
    let job = submitter.job();
    until_half_way(&place, &submitter);
    submitter.signal("-INT");
    let told = submitter.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    told.has("goes on");
    assert!(!cluster.tasks(&job).is_empty());

    place.go();
    until("ended", || cluster.tasks(&job).is_empty());
    let told = place.run(&["--record", "plain"]);
    assert_eq!((told.code, told.submitted()), (Some(0), vec![]), "{told:?}");
    place.each_ran_once(8);
    place.is_all_there(8);
}

#[test]
fn jobs_that_have_ended_without_a_submitter_are_not_waited_for() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "ended");
    let first = place.start(HELD);
    let job = first.job();
    until_half_way(&place, &first);
    first.signal("-KILL");
    first.end();
    cluster.outside("scancel", &[&job]);
    until("gone", || cluster.tasks(&job).is_empty());

    place.go();
    let told = place.run(HELD);
    assert_eq!((told.code, told.failed()), (Some(0), vec![]), "{told:?}");
    told.has("6 shards in 6 tasks");
    place.is_all_there(8);
}

/// Pages `2..6`, while the job of another start makes `0..4`.
const OTHERS: &[&str] = &["--record", "plain", "--set", "first=2", "--set", "count=6"];

#[test]
fn a_start_with_other_elements_leaves_the_job_alone() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "other-elements");
    let hold = ["--record", "plain", "--max-running", "2", "--set", "hold=[0,1,2,3]"];
    let first = place.start(&[&hold[..], &["--set", "count=4"]].concat());
    first.job();
    place.until_begun(2);

    // Nothing of it is theirs. Two tasks of the job have not begun, and are to find its folder.
    let told = place.run(&["--record", "plain", "--set", "first=4"]);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 4), "{told:?}");
    place.go();
    let told = first.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 4), "{told:?}");
    place.each_ran_once(8);
    assert_eq!(place.job_folders(), 0);
    assert_eq!(place.run(&["--record", "plain"]).submitted(), Vec::<String>::new());
    place.is_all_there(8);
}

#[test]
fn a_job_that_others_want_more_of_outlives_an_interrupt() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "other-elements-too");
    let hold = ["--set", "hold=[0,2,3,4,5]"];
    let first = ["--record", "plain", "--set", "count=4", "--max-running", "2"];
    let first = place.start(&[&first[..], &hold].concat());
    let job = first.job();
    place.until_begun(2);
    let second = place.start(&[OTHERS, &hold].concat());
    until("taken up", || second.so_far().submitted().len() == 2);
    second.signal("-INT");
    let told = second.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    told.has(&format!("2 shards on the way already in Slurm job {job}")).has("goes on");

    place.go();
    let told = first.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 4), "{told:?}");
    assert!((0..4).all(|page| place.begun()[&page] == 1), "{:?}", place.begun());
    assert_eq!(place.run(&["--record", "plain"]).code, Some(0));
    place.is_all_there(8);
}

#[test]
fn a_shard_does_not_fail_for_that_of_another_start_with_its_number() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "other-elements-torn");
    let first = ["--record", "plain", "--set", "count=4", "--set", "fail=1"];
    let first = place.start(&[&first[..], &["--set", "hold=[0,2,3]"]].concat());
    until("failed", || first.so_far().failed() == [1]);
    // Page 3 has the number 1 here.
    let second = place.start(OTHERS);
    until("the others there", || second.so_far().count("shard_finished") == 2);
    place.go();
    let told = second.end();
    assert_eq!((told.code, told.failed()), (Some(0), vec![]), "{told:?}");
    assert_eq!(first.end().code, Some(1));
    place.each_ran_once(6);
}
