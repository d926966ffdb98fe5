//! What every user sees: the same results as on threads, nothing submitted twice, a failure by its name.

use crate::cluster::Cluster;
use crate::submitter::{HELPER, Place};

#[test]
fn an_array_gives_what_it_gives_on_threads_and_is_then_found() {
    let Some(cluster) = Cluster::shared() else { return };
    let local = Place::new(cluster, "local");
    let told = local.start_as(&mut local.command(HELPER, &["--record", "plain"])).end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 8), "{told:?}");
    local.is_all_there(8);

    let place = Place::new(cluster, "equal");
    let told = place.run(&["--record", "plain"]);
    assert_eq!((told.code, told.number("ran")), (Some(0), 3), "{told:?}");
    assert_eq!((told.jobs().len(), told.count("shard_finished")), (1, 8));
    assert_eq!(place.job_folders(), 0, "what has gone well leaves no folder");
    place.each_ran_once(8);
    place.is_all_there(8);

    let told = place.run(&["--record", "plain"]);
    assert_eq!((told.code, told.number("cached"), told.number("ran")), (Some(0), 3, 0));
    assert_eq!(told.submitted(), [""; 0]);

    // Some more elements: only these are submitted.
    let told = place.run(&["--record", "plain", "--set", "count=10"]);
    assert_eq!(told.count("shard_finished"), 2, "{told:?}");
    place.each_ran_once(10);
}

#[test]
fn a_shard_that_fails_is_named_and_only_it_runs_again() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "torn");
    let told = place.run(&["--record", "plain", "--set", "fail=5"]);
    assert_eq!((told.code, told.failed()), (Some(1), vec![5]), "{told:?}");
    told.has("page 5 is torn");
    assert_eq!((told.jobs().len(), told.count("shard_finished")), (1, 7));
    assert_eq!(place.job_folders(), 1, "the logs are kept");

    let told = place.run(&["--record", "plain"]);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 1), "{told:?}");
    told.has("1 shard in 1 task");
    assert_eq!(place.begun().values().sum::<usize>(), 9);
    place.is_all_there(8);
}

#[test]
fn no_more_tasks_run_at_once_than_is_said() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "throttle");
    let told = place.run(&["--record", "plain", "--max-running", "2", "--set", "millis=150"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let (mut now, mut most) = (0, 0);
    for line in place.lines() {
        now += if line.starts_with("begins") { 1 } else { -1 };
        most = most.max(now);
    }
    assert_eq!((now, most), (0, 2));
}

#[test]
fn the_program_that_was_submitted_runs_though_another_took_its_place() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "replaced");
    let program = place.folder.join("program");
    std::fs::copy(HELPER, &program).unwrap();
    let flags =
        ["--record", "plain", "--executor", "slurm", "--max-running", "1", "--set", "hold=[0]"];
    let submitter = place.start_as(&mut place.command(program.to_str().unwrap(), &flags));
    place.until_begun(1);
    std::fs::remove_file(&program).unwrap();
    std::fs::copy("/bin/false", &program).unwrap();
    place.go();
    let told = submitter.end();
    assert_eq!(told.code, Some(0), "{told:?}");
    place.each_ran_once(8);
}

#[test]
fn an_array_that_is_larger_than_slurm_takes_is_several() {
    let Some(cluster) = Cluster::up(&["--cpus", "8", "--conf", "MaxArraySize=6"]) else { return };
    let place = Place::new(&cluster, "several");
    let told = place.run(&["--record", "plain", "--set", "count=14"]);
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 14), "{told:?}");
    assert_eq!(told.submitted().len(), 1, "{told:?}");
    place.each_ran_once(14);
}
