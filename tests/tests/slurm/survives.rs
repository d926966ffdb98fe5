//! What goes wrong with the cluster while a run goes on.

use crate::cluster::Cluster;
use crate::submitter::{Place, until};

const HELD: &[&str] = &["--record", "plain", "--set", "count=4", "--set", "hold=[0,1,2,3]"];

#[test]
fn a_task_that_slurm_puts_back_runs_again() {
    let Some(cluster) = Cluster::up(&["--cpus", "8"]) else { return };
    let place = Place::new(&cluster, "requeued");
    let submitter = place.start(HELD);
    let job = submitter.job();
    place.until_begun(4);
    cluster.outside("scontrol", &["requeue", &format!("{job}_2")]);
    until("begun again", || place.begun()[&2] == 2);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs().len()), (Some(0), 1), "{told:?}");
    assert_eq!(place.begun().values().sum::<usize>(), 5);
    place.is_all_there(4);

    // Somebody with better rights wants the nodes.
    let place = Place::new(&cluster, "preempted");
    let mut flags = HELD.to_vec();
    flags.extend(["--slurm", "partition=low"]);
    let submitter = place.start(&flags);
    submitter.job();
    place.until_begun(4);
    let line = "--wrap=sleep 2";
    cluster.outside("sbatch", &["-p", "high", "-N", "2", "--exclusive", "-o", "/dev/null", line]);
    until("begun again", || place.begun().values().all(|times| *times == 2));
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs().len()), (Some(0), 1), "{told:?}");
    place.is_all_there(4);
}

#[test]
fn a_node_that_is_lost_and_a_controller_that_is_away_cost_time_only() {
    let Some(cluster) = Cluster::up(&["--cpus", "8"]) else { return };
    let place = Place::new(&cluster, "lost");
    let submitter = place.start(HELD);
    let job = submitter.job();
    place.until_begun(4);

    cluster.act("controller", &["stop"]);
    until("told", || submitter.so_far().text().contains("controller does not answer"));
    cluster.act("controller", &["start"]);

    let on =
        |node: &str| cluster.tasks(&job).iter().filter(|(_, state)| state.ends_with(node)).count();
    let node = if on("n1") > 0 { "n1" } else { "n2" };
    let lost = on(node);
    cluster.act("node", &["kill", node]);
    until("begun again", || place.begun().values().sum::<usize>() == 4 + lost);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs().len()), (Some(0), 1), "{told:?}");
    place.is_all_there(4);
}

#[test]
fn a_node_that_takes_nothing_more_is_done_without() {
    let Some(cluster) = Cluster::up(&["--cpus", "2"]) else { return };
    let place = Place::new(&cluster, "drained");
    let submitter = place.start(&["--record", "plain", "--set", "hold=[0,1,2,3]"]);
    let job = submitter.job();
    place.until_begun(4);
    cluster.outside("scontrol", &["update", "nodename=n1", "state=drain", "reason=test"]);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs()), (Some(0), vec![job]), "{told:?}");
    place.each_ran_once(8);

    cluster.outside("scontrol", &["update", "nodename=n2", "state=drain", "reason=test"]);
    let submitter = place.start(&["--record", "plain", "--set", "count=9"]);
    submitter.job();
    until("told", || submitter.so_far().count("warning") > 0);
    cluster.outside("scontrol", &["update", "nodename=n2", "state=resume"]);
    let told = submitter.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 1), "{told:?}");
    place.is_all_there(9);
}

#[test]
fn more_tasks_than_a_site_takes_at_once_go_in_rounds() {
    let Some(cluster) = Cluster::up(&["--nodes", "1", "--cpus", "8", "--accounting"]) else {
        return;
    };
    let place = Place::new(&cluster, "rounds");
    // Five may be submitted, two may run.
    let told = place.run(&["--record", "plain", "--slurm", "qos=tiny"]);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 8), "{told:?}");
    assert!(told.jobs().len() > 1, "{told:?}");
    told.has("no room");
    place.each_ran_once(8);
    place.is_all_there(8);
}

#[test]
fn where_the_queue_is_full_the_rest_waits_and_an_interrupt_is_heard() {
    let full = ["--nodes", "1", "--cpus", "8", "--conf", "MaxJobCount=5", "--conf", "MinJobAge=2"];
    let Some(cluster) = Cluster::up(&full) else { return };
    let place = Place::new(&cluster, "full");
    let submitter = place.start(&["--record", "plain", "--set", "hold=[1,2,3]"]);
    until("told", || submitter.so_far().text().contains("no room"));
    // What is there is noted, and more is submitted, though not all that is wanted.
    until("the first", || submitter.so_far().count("shard_finished") > 0);
    submitter.signal("-INT");
    let told = submitter.end();
    assert_eq!(told.code, Some(130), "{told:?}");
    until("gone", || cluster.outside("squeue", &["-h"]).is_empty());
    place.go();
    let told = place.run(&["--record", "plain"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.jobs().len() > 1, "{told:?}");
    place.is_all_there(8);
}
