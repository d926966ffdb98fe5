//! Arrays over the shards of other arrays.

use crate::cluster::Cluster;
use crate::submitter::{HELPER, Place, once_each, until};

/// Runs it once more on threads: everything must be there.
fn all_is_there(place: &Place<'_>, record: &str, calls: u64) {
    let told = place.start_as(&mut place.command(HELPER, &["--record", record])).end();
    let found = (told.code, told.number("cached"), told.number("ran"));
    assert_eq!(found, (Some(0), calls, 0), "{told:?}");
}

#[test]
fn shards_do_not_wait_for_others_that_their_elements_have_nothing_to_do_with() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "chain");
    let submitter = place.start(&["--record", "chain", "--set", "hold=[0]"]);
    until("the others", || place.noted("followed ") == once_each(1..8));
    assert!(!place.lines().contains(&"ends 0".to_owned()));
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 16), "{told:?}");
    place.each_ran_once(8);
    assert_eq!(place.noted("follows "), once_each(0..8));
    all_is_there(&place, "chain", 3);
    let told = place.run(&["--record", "chain"]);
    assert_eq!((told.code, told.submitted()), (Some(0), vec![]), "{told:?}");
}

#[test]
fn what_follows_a_failed_shard_is_lost_and_nothing_else() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "chain-torn");
    let told = place.run(&["--record", "chain", "--set", "fail=5"]);
    assert_eq!((told.code, told.failed()), (Some(1), vec![5]), "{told:?}");
    told.has("page 5 is torn");
    let because: Vec<_> = told.all("skipped").map(|one| &one["because"]).collect();
    assert_eq!(because, ["plain"]);
    assert_eq!(told.count("shard_finished"), 14);
    assert!(!place.noted("follows ").contains_key(&5));

    let told = place.run(&["--record", "chain"]);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 2), "{told:?}");
    assert_eq!(place.noted("follows "), once_each(0..8));
    all_is_there(&place, "chain", 3);
}

#[test]
fn a_submitter_that_is_killed_takes_both_arrays_up_again() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "chain-killed");
    let flags = ["--record", "chain", "--set", "hold=[0]", "--set", "hold_after=[1,2,3]"];
    let first = place.start(&flags);
    until("some wait", || place.noted("follows ") == once_each(1..8));
    until("the others there", || first.so_far().count("shard_finished") == 11);
    first.signal("-KILL");
    assert_eq!(first.end().code, None);

    let second = place.start(&flags);
    until("taken up", || second.so_far().text().matches("on the way already").count() > 1);
    place.go();
    let told = second.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 5), "{told:?}");
    assert_eq!(told.jobs().len(), 1, "what follows the one that was held: {told:?}");
    place.each_ran_once(8);
    assert_eq!(place.noted("follows "), once_each(0..8));
    all_is_there(&place, "chain", 3);
}

#[test]
fn what_nobody_keeps_is_made_where_it_is_taken() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "memory-chain");
    let told = place.run(&["--record", "memory", "--set", "fail=6"]);
    assert_eq!((told.code, told.failed()), (Some(1), vec![6]), "{told:?}");
    told.has("page 6 is torn").has("8 shards in 2 tasks");
    let count = |word: &str| place.lines().iter().filter(|line| line.starts_with(word)).count();
    assert_eq!((count("lends "), count("lends on ")), (8 + 7, 7));

    let told = place.run(&["--record", "memory"]);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 1), "{told:?}");
    assert_eq!((count("lends "), count("lends on ")), (9 + 8, 8));
}
