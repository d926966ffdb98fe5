use super::super::tests::fake::Fake;
use super::super::{Cause, Interruption};
use super::*;

const JOB: JobId = JobId(1);

/// A watch of tasks 0 to 3 of job 1, and a clock.
struct Seen {
    watch: Watch,
    begin: Instant,
}

impl Seen {
    fn new() -> Self {
        let begin = Instant::now();
        let mut watch = Watch::new(Pace::new(begin)).grace(Duration::from_secs(10));
        watch.follow(JOB, Some(&(0..4).collect()), begin);
        Self { watch, begin }
    }

    /// Takes in an answer `seconds` after the begin, and returns what changed, in short.
    fn at(&mut self, seconds: u64, answer: &str) -> Vec<(u32, State)> {
        let rows = queue::read(answer).unwrap();
        let changes = self.watch.observe(&rows, self.begin + Duration::from_secs(seconds));
        changes.into_iter().map(|change| (change.task.index.unwrap(), change.now)).collect()
    }
}

#[test]
fn tasks_are_followed_to_their_ends() {
    let mut seen = Seen::new();
    assert_eq!(seen.at(0, "1|0-3%2|PENDING||Resources"), []);
    let changes =
        seen.at(1, "1|0|RUNNING|n1|None\n1|1|COMPLETING|n1|None\n1|2-3%2|PENDING||Resources");
    assert_eq!(changes, [(0, State::Running), (1, State::Running)]);
    let changes = seen.at(2, "1|0|COMPLETED|n1|None\n1|1|FAILED|n1|NonZeroExitCode\n1|2|OUT_OF_MEMORY|n1|x\n1|3|NODE_FAIL|n1|x");
    let expected = [
        (0, State::Done),
        (1, State::Failed(Cause::Unknown)),
        (2, State::Failed(Cause::OutOfMemory)),
        (3, State::Again(Interruption::NodeLost)),
    ];
    assert_eq!(changes, expected);
    assert_eq!(seen.watch.jobs(), [], "nothing is left to ask about");
}

#[test]
fn a_waiting_task_that_leaves_no_trace_is_gone_after_a_while() {
    let mut seen = Seen::new();
    seen.at(0, "1|0-3|PENDING||Resources");
    let rest = "1|0-2|PENDING||Resources";
    assert_eq!(seen.at(1, rest), []);
    assert_eq!(seen.at(10, rest), [], "not yet: missing for 9 s");
    assert_eq!(seen.at(11, rest), [(3, State::Gone)]);
    assert_eq!(seen.at(12, rest), [], "told once");
    assert_eq!(seen.watch.alive().count(), 3);
}

#[test]
fn one_answer_is_not_enough_to_be_gone() {
    let mut seen = Seen::new();
    seen.at(0, "1|0-3|PENDING||Resources");
    assert_eq!(seen.at(1000, ""), [], "the first without it, however late");
    assert_eq!(seen.at(1001, "1|0-3|PENDING||Resources"), []);
    assert_eq!(seen.at(1012, ""), [], "it was there in between");
    assert_eq!(seen.at(1022, "").len(), 4);
}

#[test]
fn what_has_ended_stays_ended_when_slurm_forgets() {
    let mut seen = Seen::new();
    seen.at(0, "1|0-3|COMPLETED|n1|None");
    assert_eq!(seen.at(400, ""), []);
    assert_eq!(seen.at(500, ""), []);
    assert_eq!(seen.watch.state(Task { job: JOB, index: Some(2) }), Some(&State::Done));
}

#[test]
fn a_task_that_is_put_back_waits_again() {
    let mut seen = Seen::new();
    seen.at(0, "1|0-3|RUNNING|n1|None");
    // Both lines of it, in either order.
    let rest = "1|1-3|RUNNING|n1|None";
    let changes = seen.at(1, &format!("1|0|NODE_FAIL|n1|x\n1|0|PENDING||BeginTime\n{rest}"));
    assert_eq!(changes, [(0, State::Waiting)]);
    assert_eq!(seen.at(2, &format!("1|0|PENDING||BeginTime\n1|0|NODE_FAIL|n1|x\n{rest}")), []);
    let rows = queue::read("1|1|PENDING||BeginTime").unwrap();
    let changes = seen.watch.observe(&rows, seen.begin);
    assert!(changes[0].is_put_back());
}

#[test]
fn tasks_of_others_are_of_no_concern() {
    let mut seen = Seen::new();
    assert_eq!(seen.at(0, "2|0-3|RUNNING|n1|None\n1|9|FAILED|n1|x\n1|N/A|FAILED|n1|x"), []);
    seen.watch.forget(Task { job: JOB, index: Some(0) });
    assert_eq!(seen.at(1, "1|0|FAILED|n1|x\n1|1-3|PENDING||Resources"), []);
}

#[test]
fn unknown_words_are_waited_for_and_told() {
    let mut seen = Seen::new();
    let rows = queue::read("1|0|FROZEN|n1|None").unwrap();
    let changes = seen.watch.observe(&rows, seen.begin);
    assert_eq!((&changes[0].now, changes[0].unknown.as_deref()), (&State::Running, Some("FROZEN")));
}

#[test]
fn what_waits_in_vain_is_told_once() {
    let mut seen = Seen::new();
    let begin = seen.begin;
    let later = |seconds| begin + Duration::from_secs(seconds);
    let (now, soon, late) = (later(0), later(4), later(6));
    seen.at(0, "1|0-3|PENDING||PartitionTimeLimit");
    assert_eq!(seen.watch.stuck(now), []);
    assert_eq!(seen.watch.stuck(soon), [], "reasons change at first");
    let stuck = seen.watch.stuck(late);
    assert_eq!((stuck.len(), stuck[0].outlook), (1, Outlook::Never));
    assert_eq!(seen.watch.stuck(late), []);
    seen.at(7, "1|0-3|PENDING||Priority");
    assert_eq!(seen.watch.stuck(later(100)), [], "that is no trouble");
}

#[test]
fn all_jobs_are_asked_for_at_once_and_only_when_it_is_time() {
    let fake = Fake::new("squeue", "echo \"$@\" >>\"$CALLS\"; echo '5|N/A|RUNNING|n1|None'");
    let slurm = fake.slurm();
    let begin = Instant::now();
    let mut watch = Watch::new(Pace::new(begin));
    assert_eq!(
        watch.look(&slurm, begin + Duration::from_mins(1)),
        Ok(vec![]),
        "nothing to look for"
    );
    watch.follow(JobId(4), Some(&[7].into_iter().collect()), begin);
    watch.follow(JobId(5), None, begin);
    assert_eq!(watch.look(&slurm, begin), Ok(vec![]), "too early");
    let changes = watch.look(&slurm, begin + Duration::from_mins(1)).unwrap();
    assert_eq!((changes.len(), &changes[0].now), (1, &State::Running));
    assert_eq!(fake.calls("squeue"), ["-h --states=all --jobs=4,4,5 -o %F|%K|%T|%N|%r"]);
}

#[test]
fn no_answer_changes_nothing() {
    let fake = Fake::new(
        "squeue",
        "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1",
    );
    let slurm = fake.slurm();
    let begin = Instant::now();
    let mut watch = Watch::new(Pace::new(begin)).grace(Duration::ZERO);
    watch.follow(JobId(4), None, begin);
    for minute in 1..5 {
        let error = watch.look(&slurm, begin + Duration::from_mins(5 * minute)).unwrap_err();
        assert!(error.passes());
    }
    assert_eq!(watch.alive().count(), 1);
}
