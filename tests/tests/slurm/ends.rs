//! Tasks that do not end well.

use crate::calls;
use crate::cluster::Cluster;
use crate::submitter::{Place, Submitter, until};

// The first by its name, since it waits for a minute and a half: Slurm looks at times twice a minute.
#[test]
fn a_task_out_of_time_is_submitted_again_if_it_got_somewhere_or_may_have_more() {
    let Some(cluster) = Cluster::shared() else { return };
    let further = Place::new(cluster, "further");
    let nowhere = Place::new(cluster, "nowhere");
    let some = further.start(&["--record", "timed", "--set", "count=3", "--set", "hold=[2]"]);
    let none = nowhere.start(&["--record", "timed", "--set", "count=3", "--set", "hold=[0]"]);

    let longer = Place::new(cluster, "longer");
    let more = calls::start(&longer, &["--record", "timed", "--set", "hold=[6]"]);

    some.nth_job(2);
    further.go();
    let told = some.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 3), "{told:?}");
    assert_eq!(further.begun()[&0], 1, "what was finished is kept");
    assert_eq!(further.begun()[&2], 2);

    let told = none.end();
    assert_eq!((told.code, told.failed()), (Some(1), vec![0, 1, 2]), "{told:?}");
    told.has("`time = ..`");
    assert_eq!(told.jobs().len(), 1);

    let timed = |submitter: &Submitter| submitter.so_far().jobs_of("timed");
    until("submitted again", || timed(&more).len() == 2);
    let job = &timed(&more)[1];
    until("begun again", || longer.begun()[&6] == 2);
    assert_eq!(cluster.outside("squeue", &["-h", "-j", job, "-o", "%l"]).trim(), "3:00");
    longer.go();
    let told = more.end();
    assert_eq!((told.code, told.jobs_of("timed").len()), (Some(0), 2), "{told:?}");
    told.has("out of its time limit; submitted again with time = 3 min");
}

#[test]
fn a_task_out_of_memory_says_what_to_change() {
    let Some(cluster) = Cluster::up(&["--nodes", "1", "--cpus", "8", "--cgroup"]) else { return };
    let place = Place::new(&cluster, "memory");
    let told = place.run(&["--record", "large", "--set", "count=2", "--set", "megabytes=200"]);
    assert_eq!((told.code, told.failed()), (Some(1), vec![0, 1]), "{told:?}");
    told.has("`memory = ..`");

    let place = Place::new(&cluster, "more");
    let large = calls::start(&place, &["--record", "large", "--set", "megabytes=200"]);
    let vast = Place::new(&cluster, "vast");
    let none = calls::start(&vast, &["--record", "vast", "--set", "megabytes=200"]);
    let told = large.end();
    assert_eq!((told.code, told.jobs_of("large").len()), (Some(0), 2), "{told:?}");
    told.has("out of memory; submitted again with memory = 512 MiB");
    assert_eq!(place.begun()[&7], 2);

    // What the cluster does not have is not asked for.
    let told = none.end();
    assert_eq!((told.code, told.jobs_of("vast").len()), (Some(1), 1), "{told:?}");
    told.has("out of memory").has("more cannot be given (memory = 921600 MiB)");
}

#[test]
fn a_running_task_that_is_cancelled_has_failed_and_the_others_go_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "cancelled");
    let submitter = place.start(&["--record", "plain", "--set", "hold=[0,1,2,3,4,5,6,7]"]);
    let job = submitter.job();
    place.until_begun(8);
    cluster.outside("scancel", &[&format!("{job}_3")]);
    until("cancelled", || cluster.tasks(&job).iter().all(|(index, _)| index != "3"));
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.failed()), (Some(1), vec![3]), "{told:?}");
    told.has("cancelled from outside");
    assert_eq!((told.jobs().len(), told.count("shard_finished")), (1, 7));
    assert_eq!(place.run(&["--record", "plain"]).count("shard_finished"), 1);
    place.is_all_there(8);
}

#[test]
fn a_waiting_task_that_is_cancelled_is_missed_and_submitted_again() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "vanished");
    let submitter = place.start(&["--record", "plain", "--max-running", "1", "--set", "hold=[0]"]);
    let job = submitter.job();
    place.until_begun(1);
    cluster.outside("scancel", &[&format!("{job}_3")]);
    submitter.nth_job(2);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs().len()), (Some(0), 2), "{told:?}");
    place.each_ran_once(8);
    place.is_all_there(8);
}

#[test]
fn an_array_that_is_cancelled_is_not_submitted_again() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "withdrawn");
    let flags = ["--record", "plain", "--max-running", "3", "--set", "hold=[1,2,3,4,5,6,7]"];
    let submitter = place.start(&flags);
    let job = submitter.job();
    until("the first", || submitter.so_far().count("shard_finished") == 1);
    place.until_begun(4);
    cluster.outside("scancel", &[&job]);
    let told = submitter.end();
    assert_eq!((told.code, told.failed()), (Some(1), vec![1, 2, 3, 4, 5, 6, 7]), "{told:?}");
    told.has("cancelled from outside");
    assert_eq!(told.jobs().len(), 1, "somebody has decided");
    place.go();
    assert_eq!(place.run(&["--record", "plain"]).count("shard_finished"), 7);
    place.is_all_there(8);
}

#[test]
fn a_worker_that_is_told_to_end_keeps_what_it_has_finished() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "told");
    let submitter = place.start(&["--record", "timed", "--set", "count=3", "--set", "hold=[2]"]);
    let job = submitter.job();
    place.until_begun(3);
    cluster.outside("scancel", &["--signal=TERM", "--batch", &format!("{job}_0")]);
    submitter.nth_job(2);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(0), 3), "{told:?}");
    assert_eq!(told.jobs().len(), 2, "{told:?}");
    told.has("1 shard in 1 task");
    assert_eq!(place.begun(), [(0, 1), (1, 1), (2, 2)].into());
}

#[test]
fn tasks_whose_log_cannot_be_written_have_failed_and_say_so() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "unlogged");
    let submitter = place.start(&["--record", "plain", "--max-running", "1", "--set", "hold=[0]"]);
    submitter.job();
    place.until_begun(1);
    let jobs = place.folder.join(".memo/v1/jobs/plain");
    let job = std::fs::read_dir(jobs).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(job.join("log"), job.join("gone")).unwrap();
    std::fs::write(job.join("log"), "").unwrap();
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.failed()), (Some(1), (1..8).collect()), "{told:?}");
    told.has("could not be started").has("store's folder");
    assert_eq!((told.jobs().len(), told.count("shard_finished")), (1, 1));

    assert_eq!(place.run(&["--record", "plain"]).count("shard_finished"), 7);
    place.each_ran_once(8);
    place.is_all_there(8);
}
