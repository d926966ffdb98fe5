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
