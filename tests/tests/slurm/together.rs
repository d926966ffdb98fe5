//! Several processes that want the same at once.

use crate::calls::{SUM, records, six, start_all, sum};
use crate::cluster::Cluster;
use crate::submitter::{Place, Submitter, once_each, until};

const HELD: &[&str] = &["--set", "hold=[0,1,2,3,4,5]"];

/// Waits until a process has submitted something, or has taken it up.
fn until_told(process: &Submitter) {
    until("on its way", || !process.so_far().submitted().is_empty());
}

fn count(place: &Place<'_>, word: &str) -> usize {
    place.lines().iter().filter(|line| line.starts_with(word)).count()
}

#[test]
fn two_that_start_at_once_run_nothing_twice() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "twins");
    let both = [start_all(&place, HELD), start_all(&place, HELD)];
    both.iter().for_each(until_told);
    place.go();
    for one in both {
        let told = one.end();
        assert_eq!((told.code, told.number("failed")), (Some(0), 0), "{told:?}");
    }
    assert_eq!((place.begun(), sum(&place)), (once_each(0..6), SUM));
    assert_eq!((count(&place, "loads "), count(&place, "sums ")), (6, 1));
}

#[test]
fn one_that_has_not_seen_what_another_submits_runs_nothing_twice() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "strangers");
    let first = start_all(&place, HELD);
    let job = first.job();
    place.until_begun(1);
    place.forget_jobs("fit");
    let second = start_all(&place, HELD);
    assert_ne!(second.job(), job);
    // What it asks for is looked for before it waits, and once more after it.
    until("waits", || place.logs_of("fit").contains("another process computes it"));
    place.go();
    for one in [first, second] {
        let told = one.end();
        assert_eq!((told.code, told.number("failed")), (Some(0), 0), "{told:?}");
    }
    assert_eq!((place.begun(), sum(&place)), (once_each(0..6), SUM));
}

#[test]
fn calls_that_are_forced_twice_at_once_run_once_for_both() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "twins-forced");
    let forced = [HELD, &["--force", "fit"]].concat();
    let first = start_all(&place, &forced);
    let job = first.job();
    let second = start_all(&place, &forced);
    until_told(&second);
    place.go();
    for one in [first, second] {
        let told = one.end();
        assert_eq!((told.code, told.number("failed")), (Some(0), 0), "{told:?}");
        assert_eq!(told.text().matches(&format!(" Slurm job {job}")).count(), 1, "{told:?}");
    }
    assert_eq!(place.begun(), once_each(0..6));
    assert_eq!(place.job_folders_of("fit"), 0);
}

#[test]
fn the_shards_of_another_process_are_left_to_it() {
    let Some(cluster) = Cluster::shared() else { return };
    for (name, is_killed) in [("neighbours", false), ("neighbours-killed", true)] {
        let place = Place::new(cluster, name);
        assert_eq!(place.run(&["--record", "plain"]).code, Some(0));
        let more = ["--record", "plain", "--set", "count=12", "--set", "hold=[8]"];
        let more = [&more[..], &["--max-running", "1"]].concat();
        let mut first = place.start(&more);
        let job = first.job();
        place.until_begun(9);
        if is_killed {
            first.kill();
        }
        // It wants other shards of the same array.
        let told = place.run(&["--record", "plain", "--force", "plain"]);
        assert_eq!((told.code, told.count("shard_finished")), (Some(0), 8), "{told:?}");
        if is_killed {
            first = place.start(&more);
            until_told(&first);
        }
        place.go();
        let told = first.end();
        assert_eq!((told.code, told.count("shard_finished")), (Some(0), 4), "{told:?}");
        told.has(&format!(" Slurm job {job}"));
        assert_eq!(told.submitted().len(), 1, "{told:?}");
        place.is_all_there(12);
    }
}

#[test]
fn who_wants_some_shards_of_a_job_only_leaves_it_to_go_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "some-shards");
    let held = ["--record", "plain", "--set", "hold=[0,1,2,3,4,5,6,7]"];
    let mut first = place.start(&held);
    let job = first.job();
    place.until_begun(8);
    first.kill();
    let some = place.start(&[&held[..], &["--set", "count=4"]].concat());
    until_told(&some);
    some.signal("-INT");
    let told = some.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    told.has("4 shards on the way already").has("goes on");
    let second = place.start(&held);
    until_told(&second);
    place.go();
    let told = second.end();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.submitted(), [format!("8 shards on the way already in Slurm job {job}")]);
    place.each_ran_once(8);
    place.is_all_there(8);
}

#[test]
fn an_interrupt_leaves_what_another_waits_for() {
    let Some(cluster) = Cluster::shared() else { return };
    for (name, which) in [("stays", 0), ("goes", 1)] {
        let place = Place::new(cluster, name);
        let first = start_all(&place, HELD);
        let job = first.job();
        let second = start_all(&place, HELD);
        until_told(&second);
        place.until_begun(6);
        let mut both = [first, second];
        both.rotate_left(which);
        let [gone, stays] = both;
        gone.signal("-INT");
        let told = gone.end();
        assert_eq!(told.code, Some(130), "{told:?}");
        told.has("goes on");
        place.go();
        let told = stays.end();
        assert_eq!((told.code, told.number("failed")), (Some(0), 0), "{told:?}");
        told.has(&format!(" Slurm job {job}"));
        assert_eq!((place.begun(), sum(&place)), (once_each(0..6), SUM));
    }
}

#[test]
fn shards_that_are_forced_are_not_taken_from_a_job_that_was_there_before() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "forced-shards");
    let flags = ["--record", "timed", "--set", "count=3", "--set", "hold=[2]"];
    let mut first = place.start(&flags);
    until("two there", || first.so_far().count("shard_finished") == 2);
    place.until_begun(3);
    first.kill();
    let second = place.start(&[&flags[..], &["--force", "timed"]].concat());
    until("submitted", || second.so_far().submitted().len() == 2);
    place.go();
    let told = second.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 3), "{told:?}");
    told.has("1 shard on the way already").has("2 shards in ");
    assert_eq!(place.begun(), [(0, 2), (1, 2), (2, 1)].into());
}

#[test]
fn calls_that_are_left_behind_on_purpose_are_taken_up_or_found() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "calls-detached");
    let flags = ["--set", "hold=[0,1,2,3]", "--max-running", "6", "--detach"];
    let first = start_all(&place, &flags);
    let job = first.job();
    until("two there", || records(&first.so_far(), "finished", "fit").len() == 2);
    place.until_begun(6);
    first.signal("-INT");
    let told = first.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    told.has("goes on");

    let second = start_all(&place, &flags);
    until_told(&second);
    second.signal("-INT");
    let told = second.end();
    assert_eq!((told.code, told.jobs().len()), (Some(130), 0), "{told:?}");
    told.has(&format!("4 calls on the way already in Slurm job {job}")).has("goes on");
    assert_eq!(cluster.tasks(&job).len(), 4);

    place.go();
    until("ended", || cluster.tasks(&job).is_empty());
    let told = start_all(&place, &[]).end();
    assert_eq!((told.code, records(&told, "hit", "fit")), (Some(0), six()), "{told:?}");
    assert_eq!((told.jobs_of("fit").len(), told.jobs_of("sum").len()), (0, 1), "{told:?}");
    assert_eq!((place.begun(), sum(&place)), (once_each(0..6), SUM));
}
