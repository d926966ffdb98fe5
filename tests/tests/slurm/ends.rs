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

    let array = Place::new(cluster, "longer-array");
    let grown = array.start(&["--record", "grown", "--set", "count=4", "--set", "hold=[0]"]);

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

    grown.nth_job(2);
    until("begun again", || array.begun()[&0] == 2);
    let job = &grown.so_far().jobs()[1];
    assert_eq!(cluster.outside("squeue", &["-h", "-j", job, "-o", "%l"]).trim(), "3:00");
    array.go();
    let told = grown.end();
    assert_eq!((told.code, told.jobs().len()), (Some(0), 2), "{told:?}");
    told.has("4 shards in 2 tasks").has("2 shards in 1 task");
    told.has("out of its time limit; submitted again with memory = 64 MiB, time = 3 min");
    assert_eq!(array.begun(), [(0, 2), (1, 1), (2, 1), (3, 1)].into());
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

    let array = Place::new(&cluster, "more-array");
    let told = array.run(&["--record", "grown", "--set", "count=4", "--set", "megabytes=200"]);
    assert_eq!((told.code, told.jobs().len()), (Some(0), 2), "{told:?}");
    told.has("out of memory; submitted again with memory = 512 MiB, time = 1 min");
    assert_eq!(array.begun(), [(0, 2), (1, 1), (2, 2), (3, 1)].into());

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

/// Tells the first task of a job to end.
fn tell_to_end(cluster: &Cluster, job: &str) {
    cluster.outside("scancel", &["--signal=TERM", "--batch", &format!("{job}_0")]);
}

#[test]
fn a_call_whose_worker_is_told_to_end_is_submitted_again_but_not_for_ever() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "told-call");
    let held = ["--record", "r0", "--set", "hold=[0]"];
    let submitter = calls::start(&place, &held);
    for times in 1..=4 {
        let job = submitter.nth_job(times);
        until("begun", || place.begun().get(&0) == Some(&times));
        tell_to_end(cluster, &job);
    }
    let told = submitter.end();
    assert_eq!((told.code, told.jobs_of("fit").len()), (Some(1), 4), "{told:?}");
    told.has("told to end again and again");

    let submitter = calls::start(&place, &held);
    let job = submitter.job();
    until("begun", || place.begun()[&0] == 5);
    tell_to_end(cluster, &job);
    submitter.nth_job(2);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, place.begun()[&0]), (Some(0), 6), "{told:?}");
}

#[test]
fn a_call_whose_worker_is_told_to_end_is_given_more_time_where_the_stage_says_so() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "told-timed");
    let submitter = calls::start(&place, &["--record", "timed", "--set", "hold=[6]"]);
    place.until_begun(1);
    tell_to_end(cluster, &submitter.so_far().jobs_of("timed")[0]);
    until("begun again", || place.begun()[&6] == 2);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs_of("timed").len()), (Some(0), 2), "{told:?}");
    told.has("told to end before it had finished anything; submitted again with time = 3 min");
}

#[test]
fn calls_of_a_task_that_is_told_to_end_go_on_by_themselves() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "told-calls");
    let two = ["--record", "r0", "--record", "r1", "--max-running", "1"];
    assert_eq!(calls::start(&place, &two).end().code, Some(0));
    // It is known by now how short they are.
    let held = ["--force", "fit", "--set", "hold=[0,1]"];
    let submitter = calls::start(&place, &[&two[..], &held].concat());
    let job = submitter.job();
    until("begun", || place.begun().values().sum::<usize>() == 3);
    tell_to_end(cluster, &job);
    submitter.nth_job(2);
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.jobs_of("fit").len()), (Some(0), 2), "{told:?}");
    told.has("2 calls in 1 task of").has("2 calls in 2 tasks of");
    assert_eq!(place.begun().values().sum::<usize>(), 5);
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
