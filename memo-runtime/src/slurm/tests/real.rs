//! The client against a real Slurm: each way that a task can go is seen as what it is.

use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use super::super::{
    Cause, Environment, Error, Interruption, JobId, Logs, Name, Outlook, State, Task, tail,
};
use super::cluster::{Cluster, Followed};
use super::fake::Fake;

fn task(job: JobId, index: u32) -> Task {
    Task { job, index: Some(index) }
}

fn single(job: JobId) -> Task {
    Task { job, index: None }
}

/// Waits for the file `go`, a second at most between two looks.
const UNTIL_GO: &str = "echo begun; while ! [ -e go ]; do sleep 0.2; done; echo ended";

// The first by its name, since it waits for a minute and a half: Slurm looks at times twice a minute.
#[test]
fn a_bad_end_is_told_for_what_it_is() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut ends = cluster.request(
        "ends",
        "case $MEMO_TASK in 0) exit 0;; 1) exit 3;; 2) kill -9 $$;; 3) exec missing;; *) kill -SEGV $$;; esac",
    );
    let ends = followed.submit_array(&mut ends, 5);
    let mut slow = cluster.request("slow", "exec sleep 1000");
    slow.time = Some(Duration::from_secs(1));
    let slow = followed.submit(&slow)[0];
    let mut cancelled = cluster.request("cancelled", UNTIL_GO);
    let cancelled = followed.submit_array(&mut cancelled, 2);
    followed.until("running", |f| f.watch.state(task(cancelled, 1)) == Some(&State::Running));
    cluster.outside("scancel", &[&cancelled.to_string()]);
    followed.until_over();

    let end = |task: Task| slurm.details(task.job)[&task].state.clone();
    assert_eq!(followed.watch.state(task(ends, 0)), Some(&State::Done));
    assert_eq!(followed.watch.state(task(ends, 1)), Some(&State::Failed(Cause::Unknown)));
    assert_eq!(end(task(ends, 1)), State::Failed(Cause::Exit(3)));
    assert_eq!(end(task(ends, 2)), State::Failed(Cause::Signal(9)));
    assert_eq!(end(task(ends, 3)), State::Failed(Cause::Exit(127)));
    assert_eq!(end(task(ends, 4)), State::Failed(Cause::Signal(11)));
    assert_eq!(followed.watch.state(single(slow)), Some(&State::Failed(Cause::TimeLimit)));
    for index in [0, 1] {
        let state = followed.watch.state(task(cancelled, index));
        assert_eq!(state, Some(&State::Failed(Cause::Cancelled)));
    }
}

#[test]
fn a_task_finds_what_it_was_given() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let mut request = cluster.request("given", "");
    let line = r#"pwd; echo "$MEMO_TASK $GREETING ${SLURM_CPUS_PER_TASK} ${PATH:-none}"; printf '<%s>' "$@""#;
    request.arguments =
        ["-c", line, "sh", "it's", "$(id) `id`", "a\nb", ""].map(Into::into).to_vec();
    request.setup = vec!["export GREETING='good day'".to_owned()];
    request.environment = Environment::Nothing;
    request.cpus = NonZeroU32::new(3);
    request.memory = Some(50 << 20);
    request.gpus = NonZeroU32::new(1);
    request.time = Some(Duration::from_secs(90));
    request.warning = Some(Duration::from_secs(30));
    request.option("comment=a b 'c'").unwrap();
    // A name that Slurm would take for a placeholder.
    request.logs = cluster.work("given").join("log %j of %%x");
    request.indices = Some([5, 1000, 2500, 2501].into_iter().collect());
    slurm.check(&request).unwrap();

    let mut followed = Followed::new(&slurm);
    let jobs = followed.submit(&request);
    assert_eq!(jobs.len(), 2, "indices beyond MaxArraySize are another array");
    followed.until_over();
    let folder = cluster.work("given");
    for (job, index, own) in [(0, 5, 5), (0, 1000, 1000), (1, 0, 2500), (1, 1, 2501)] {
        let task = task(jobs[job], index);
        assert_eq!(followed.watch.state(task), Some(&State::Done));
        let told = tail(&Logs(request.logs.clone()).of(task), 100, 10_000).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], folder.to_str().unwrap());
        assert!(lines[1].starts_with(&format!("{own} good day 3")), "{told}");
        assert_eq!(lines[2..], ["<it's><$(id) `id`><a", "b><>"]);
    }
}

#[test]
fn a_waiting_task_that_somebody_cancels_is_gone_and_the_others_go_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut request = cluster.request("vanish", UNTIL_GO);
    request.max_running = NonZeroU32::new(1);
    let job = followed.submit_array(&mut request, 4);
    followed.until("running", |f| f.watch.state(task(job, 0)) == Some(&State::Running));
    cluster.outside("scancel", &[&format!("{job}_2")]);
    followed.until("gone", |f| f.watch.state(task(job, 2)) == Some(&State::Gone));
    assert_eq!(followed.watch.alive().count(), 3);
    fs::write(cluster.work("vanish").join("go"), "").unwrap();
    followed.until_over();
    for index in [0, 1, 3] {
        assert_eq!(followed.watch.state(task(job, index)), Some(&State::Done));
    }
}

#[test]
fn what_is_cancelled_by_us_ends_whether_it_runs_or_waits() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut request = cluster.request("ours", UNTIL_GO);
    request.max_running = NonZeroU32::new(1);
    let one = followed.submit_array(&mut request, 3);
    request.name = Name::new("ours-2").unwrap();
    let other = followed.submit_array(&mut request, 3);
    followed.until("running", |f| f.watch.state(task(one, 0)) == Some(&State::Running));
    slurm.cancel(&[one]).unwrap();
    slurm.cancel_named(&request.name).unwrap();
    followed.until_over();
    for task in [task(one, 0), task(one, 2), task(other, 1)] {
        assert_eq!(followed.watch.state(task), Some(&State::Failed(Cause::Cancelled)), "{task}");
    }
    slurm.cancel(&[one, other]).unwrap();
}

#[test]
fn a_throttle_holds_over_all_parts_of_an_array() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut slurm = cluster.slurm();
    slurm.limits.max_array = 4;
    let mut followed = Followed::new(&slurm);
    let line = "mkdir -p run; : >run/$MEMO_TASK; ls run | wc -l; sleep 0.5; rm run/$MEMO_TASK";
    let mut request = cluster.request("throttle", line);
    request.max_running = NonZeroU32::new(2);
    request.indices = Some((0..8).collect());
    let jobs = followed.submit(&request);
    assert_eq!(jobs.len(), 2);
    followed.until_over();
    for index in 0..8 {
        let task = task(jobs[index as usize / 4], index % 4);
        assert_eq!(followed.watch.state(task), Some(&State::Done));
        let told = tail(&Logs(request.logs.clone()).of(task), 5, 100).unwrap();
        assert!(["1", "2"].contains(&told.as_str()), "{told} ran at once");
    }
}

#[test]
fn a_task_that_is_requeued_waits_runs_and_keeps_its_log() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut request = cluster.request("requeue", UNTIL_GO);
    let job = followed.submit_array(&mut request, 1);
    followed.until("running", |f| f.watch.state(task(job, 0)) == Some(&State::Running));
    cluster.outside("scontrol", &["requeue", &format!("{job}_0")]);
    followed.until("put back", |f| f.changes.iter().any(super::super::Change::is_put_back));
    fs::write(cluster.work("requeue").join("go"), "").unwrap();
    followed.until_over();
    let detail = slurm.details(job).remove(&task(job, 0)).unwrap();
    assert_eq!((detail.state, detail.restarts), (State::Done, 1));
    let told = tail(&Logs(request.logs).of(task(job, 0)), 100, 10_000).unwrap();
    assert_eq!(told.matches("begun").count(), 2, "{told}");
}

#[test]
fn what_cannot_come_true_is_refused_in_slurms_words_with_the_mend() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let check = |change: &dyn Fn(&mut super::super::Request)| {
        let mut request = cluster.request("refused", "true");
        request.indices = Some((0..2000).collect());
        change(&mut request);
        slurm.check(&request).map_err(|error| error.to_string())
    };
    assert_eq!(check(&|_| {}), Ok(()));
    let option = |option: &'static str| check(&move |request| request.option(option).unwrap());
    let cases = [
        (check(&|r| r.cpus = NonZeroU32::new(17)), "fewer `cpus`"),
        (check(&|r| r.memory = Some(17 << 30)), "less `memory`"),
        (check(&|r| r.gpus = NonZeroU32::new(3)), "`gpus`"),
        (option("partition=nowhere"), "`sinfo -s` lists"),
        (option("constraint=fast"), "features"),
        (option("colour=red"), "`sbatch --help` lists"),
        (option("time=abc"), "`1:30:00`"),
    ];
    for (answer, mend) in cases {
        let told = answer.unwrap_err();
        assert!(told.contains(mend), "{mend}: {told}");
    }
    let told = check(&|request| {
        request.time = Some(Duration::from_mins(5));
        request.option("partition=short").unwrap();
    });
    assert!(told.unwrap_err().starts_with("partition `short` allows 1 min, and 5 are asked for"));
    assert_eq!(cluster.outside("squeue", &["-h", "--name=refused"]), "", "nothing was submitted");
}

#[test]
fn what_waits_in_vain_is_told_with_the_reason() {
    let Some(cluster) = Cluster::shared() else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let cases = [
        ("long", "partition=short", "PartitionTimeLimit", Outlook::Never),
        ("closed", "partition=closed", "PartitionDown", Outlook::Unavailable),
        ("held", "hold", "JobHeldUser", Outlook::Held),
    ];
    let mut jobs = Vec::new();
    for (name, option, ..) in cases {
        let mut request = cluster.request(name, "true");
        request.time = Some(Duration::from_mins(5));
        request.option(option).unwrap();
        jobs.extend(followed.submit(&request));
    }
    followed.until("told", |f| f.stuck.len() == cases.len());
    for (job, (_, _, reason, outlook)) in jobs.iter().zip(cases) {
        let stuck = followed.stuck.iter().find(|stuck| stuck.job == *job).unwrap();
        assert_eq!((stuck.reason.as_str(), stuck.outlook), (reason, outlook));
    }
    slurm.cancel(&jobs).unwrap();
    followed.until_over();
}

#[test]
fn a_submission_whose_answer_is_lost_exists_once() {
    let Some(cluster) = Cluster::shared() else { return };
    let real = cluster.bin();
    let lost = "echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1";
    let fake =
        Fake::new("sbatch", &format!("'{}/sbatch' \"$@\" >/dev/null; {lost}", real.display()));
    for command in ["squeue", "scontrol", "scancel"] {
        fake.and(command, &format!("exec '{}/{command}' \"$@\"", real.display()));
    }
    let slurm = fake.slurm();
    let mut followed = Followed::new(&slurm);
    let mut request = cluster.request("lost", UNTIL_GO);
    let job = followed.submit_array(&mut request, 2);
    assert_eq!(slurm.find(&request.name), Ok(Some(job)));
    let listed = cluster.outside("squeue", &["-h", "--states=all", "--name=lost", "-o", "%F"]);
    assert!(listed.lines().all(|line| line == job.to_string()), "{listed}");
    fs::write(cluster.work("lost").join("go"), "").unwrap();
    followed.until_over();
    assert_eq!(followed.watch.state(task(job, 1)), Some(&State::Done));
}

#[test]
fn a_lost_node_is_told_and_its_tasks_run_again_where_they_may() {
    let Some(cluster) = Cluster::up(&[]) else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut again = cluster.request("again", UNTIL_GO);
    again.option("nodelist=n2").unwrap();
    let mut once = again.clone();
    let again = followed.submit_array(&mut again, 1);
    once.name = Name::new("once").unwrap();
    once.requeue = false;
    let once = followed.submit(&once)[0];
    followed.until("running", |f| f.watch.alive().all(|(_, state)| *state == State::Running));
    cluster.act("node", &["kill", "n2"]);
    followed.until("told", |f| {
        f.watch.state(single(once)).is_some_and(State::is_over)
            && f.watch.state(task(again, 0)) == Some(&State::Waiting)
    });
    assert_eq!(followed.watch.state(single(once)), Some(&State::Again(Interruption::NodeLost)));
    followed.until("told why it waits", |f| f.stuck.iter().any(|stuck| stuck.job == again));
    assert_eq!(followed.stuck[0].outlook, Outlook::Unavailable, "{:?}", followed.stuck);
    fs::write(cluster.work("again").join("go"), "").unwrap();
    cluster.act("node", &["start", "n2"]);
    followed.until_over();
    assert_eq!(followed.watch.state(task(again, 0)), Some(&State::Done));
    assert_eq!(slurm.details(again)[&task(again, 0)].restarts, 1);
}

#[test]
fn a_controller_that_is_away_for_a_while_changes_nothing() {
    let Some(cluster) = Cluster::up(&["--nodes", "1"]) else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut request = cluster.request("away", UNTIL_GO);
    let job = followed.submit_array(&mut request, 2);
    followed.until("running", |f| f.watch.alive().all(|(_, state)| *state == State::Running));
    cluster.act("controller", &["stop"]);
    followed.until("not answered", |f| f.failures == 1);
    assert_eq!(followed.watch.state(task(job, 1)), Some(&State::Running));
    assert!(slurm.cancel(&[job]).is_err_and(|error| error.passes()));
    // They end meanwhile.
    fs::write(cluster.work("away").join("go"), "").unwrap();
    cluster.act("controller", &["start"]);
    followed.until_over();
    for index in [0, 1] {
        assert_eq!(followed.watch.state(task(job, index)), Some(&State::Done));
    }
}

#[test]
fn a_task_that_makes_room_for_another_is_put_back() {
    let Some(cluster) = Cluster::up(&["--nodes", "1", "--cpus", "1"]) else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut low = cluster.request("low", UNTIL_GO);
    low.option("partition=low").unwrap();
    let low = followed.submit_array(&mut low, 1);
    followed.until("running", |f| f.watch.state(task(low, 0)) == Some(&State::Running));
    let mut high = cluster.request("high", "exit 0");
    high.option("partition=high").unwrap();
    let high = followed.submit(&high)[0];
    followed.until("put back", |f| f.changes.iter().any(super::super::Change::is_put_back));
    followed.until("ended", |f| f.watch.state(single(high)) == Some(&State::Done));
    fs::write(cluster.work("low").join("go"), "").unwrap();
    followed.until_over();
    assert_eq!(followed.watch.state(task(low, 0)), Some(&State::Done));
    assert_eq!(slurm.details(low)[&task(low, 0)].restarts, 1);
}

#[test]
fn too_much_memory_is_told_as_such() {
    let Some(cluster) = Cluster::up(&["--nodes", "1", "--cgroup"]) else { return };
    let slurm = cluster.slurm();
    let mut followed = Followed::new(&slurm);
    let mut request = cluster.request("memory", "head -c 300M /dev/zero | tail -c 200M | wc -c");
    request.memory = Some(50 << 20);
    let job = followed.submit(&request)[0];
    followed.until_over();
    assert_eq!(followed.watch.state(single(job)), Some(&State::Failed(Cause::OutOfMemory)));
}

#[test]
fn the_accounting_tells_what_the_controller_has_forgotten() {
    let options = ["--nodes", "1", "--accounting", "--conf", "MinJobAge=2"];
    let Some(cluster) = Cluster::up(&options) else { return };
    let slurm = cluster.slurm();
    assert!(slurm.limits().accounting);
    assert_eq!(slurm.limits().min_job_age, Duration::from_secs(2));
    let mut followed = Followed::new(&slurm);
    let request = cluster.request("forgotten", "exit 3");
    let job = followed.submit(&request)[0];
    followed.until_over();
    let forgotten =
        || cluster.commands().run("scontrol", ["show", "job", &job.to_string()]).is_err();
    let code = State::Failed(Cause::Exit(3));
    followed.until("forgotten", |_| forgotten());
    followed.until("known", |f| {
        f.slurm.details(job).get(&single(job)).is_some_and(|detail| detail.state == code)
    });

    // A limit on jobs is no refusal: there will be room.
    let mut many = cluster.request("many", UNTIL_GO);
    many.option("qos=tiny").unwrap();
    let five = followed.submit_array(&mut many, 5);
    many.name = Name::new("sixth").unwrap();
    let part = many.parts(slurm.limits()).remove(0);
    assert!(matches!(slurm.submit(&many, &part, None), Err(Error::Full { .. })));
    slurm.cancel(&[five]).unwrap();
    followed.until_over();
    let mut wrong = cluster.request("wrong", "true");
    wrong.option("qos=big").unwrap();
    let told = slurm.check(&wrong).unwrap_err().to_string();
    assert!(told.contains("`sacctmgr show qos`"), "{told}");
}
