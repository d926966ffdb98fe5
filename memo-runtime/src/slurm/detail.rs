//! [`Detail`]: how tasks ended, for messages. Nothing is decided by it.

use std::collections::BTreeMap;

use super::state::Cause;
use super::{Error, Indices, JobId, Slurm, State, Task};

/// What Slurm knows of one task beyond its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) state: State,
    /// How often it was started again.
    pub(crate) restarts: u32,
    pub(crate) node: Option<String>,
}

impl Slurm {
    /// Asks how the tasks of `job` ended: the accounting, where there is one, and the controller, who knows
    /// more and forgets after minutes. What neither knows is not there.
    pub(crate) fn details(&self, job: JobId) -> BTreeMap<Task, Detail> {
        let mut details = self.accounted(job).unwrap_or_default();
        let asked = self.commands.run("scontrol", ["-o", "show", "job", &job.to_string()]);
        details.extend(asked.unwrap_or_default().lines().filter_map(of_controller));
        details
    }

    fn accounted(&self, job: JobId) -> Result<BTreeMap<Task, Detail>, Error> {
        if !self.limits.accounting {
            return Ok(BTreeMap::new());
        }
        let job = format!("--jobs={job}");
        let fields = ["-X", "-n", "-P", "-o", "JobID,State,ExitCode,NodeList", job.as_str()];
        let answer = self.commands.run("sacct", fields)?;
        Ok(answer.lines().filter_map(of_accounting).collect())
    }
}

/// Reads a line of `scontrol -o show job`. No value before those read here has a blank in it: the only
/// name among them is the job's own.
fn of_controller(line: &str) -> Option<(Task, Detail)> {
    let value = |name: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let task = match value("ArrayJobId") {
        Some(job) => task(job, Some(value("ArrayTaskId")?)),
        None => task(value("JobId")?, None),
    };
    let detail = Detail {
        state: explained(State::read(value("JobState")?), value("ExitCode")?),
        restarts: value("Restarts").and_then(|count| count.parse().ok()).unwrap_or(0),
        node: value("BatchHost").map(str::to_owned),
    };
    Some((task?, detail))
}

/// Reads `job_index|state|code:signal|nodes`.
fn of_accounting(line: &str) -> Option<(Task, Detail)> {
    let mut fields = line.split('|');
    let (id, state, code, node) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let task = match id.split_once('_') {
        Some((job, index)) => task(job, Some(index)),
        None => task(id, None),
    };
    let node = (!node.is_empty() && node != "None assigned").then(|| node.to_owned());
    Some((task?, Detail { state: explained(State::read(state), code), restarts: 0, node }))
}

/// Several tasks that wait share a line; of those there is nothing to tell.
fn task(job: &str, index: Option<&str>) -> Option<Task> {
    let job = JobId::read(job)?;
    let Some(index) = index else { return Some(Task { job, index: None }) };
    let indices = Indices::read(index)?;
    let mut all = indices.iter();
    let index = Some(all.next()?);
    all.next().is_none().then_some(Task { job, index })
}

/// The code says more than the word `FAILED`, and nothing beside any other word.
fn explained(state: State, code: &str) -> State {
    match state {
        State::Failed(Cause::Unknown) => State::Failed(Cause::read(code).unwrap_or(Cause::Unknown)),
        state => state,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::fake::Fake;
    use super::*;

    /// As 22.05 writes it.
    const KILLED: &str = "JobId=3 ArrayJobId=1 ArrayTaskId=1 ArrayTaskThrottle=8 JobName=job.sh UserId=root(0) \
        GroupId=root(0) MCS_label=N/A Priority=4294901759 Nice=0 Account=(null) QOS=(null) JobState=FAILED \
        Reason=JobLaunchFailure Dependency=(null) Requeue=1 Restarts=2 BatchFlag=1 Reboot=0 ExitCode=0:9 \
        RunTime=00:00:00 TimeLimit=365-00:00:00 NodeList=n1 BatchHost=n1 NumNodes=1 ";

    const TASK: Task = Task { job: JobId(1), index: Some(1) };

    fn state(line: &str) -> State {
        of_controller(line).unwrap().1.state
    }

    #[test]
    fn the_controller_is_understood() {
        let (task, detail) = of_controller(KILLED).unwrap();
        assert_eq!((task, detail.state), (TASK, State::Failed(Cause::Signal(9))));
        assert_eq!((detail.restarts, detail.node.as_deref()), (2, Some("n1")));
        assert_eq!(state(&KILLED.replace("0:9", "3:0")), State::Failed(Cause::Exit(3)));
        let over = KILLED.replace("FAILED", "TIMEOUT").replace("0:9", "0:0");
        assert_eq!(state(&over), State::Failed(Cause::TimeLimit));
        let plain = KILLED.replace("ArrayJobId=1 ArrayTaskId=1 ", "");
        assert_eq!(of_controller(&plain).unwrap().0, Task { job: JobId(3), index: None });
        let waiting = KILLED.replace("ArrayTaskId=1 ", "ArrayTaskId=4-9%8 ");
        for nothing in [&*waiting, "slurm_load_jobs error: Invalid job id specified", ""] {
            assert_eq!(of_controller(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_accounting_is_understood() {
        let (task, detail) = of_accounting("1_1|CANCELLED by 0|0:15|n2").unwrap();
        assert_eq!((task, detail.state), (TASK, State::Failed(Cause::Cancelled)));
        assert_eq!(detail.node.as_deref(), Some("n2"));
        let (task, detail) = of_accounting("7|FAILED|0:53|None assigned").unwrap();
        assert_eq!(task, Task { job: JobId(7), index: None });
        assert_eq!((detail.state, detail.node), (State::Failed(Cause::NotBegun), None));
        for nothing in
            ["1_[4-9%8]|PENDING|0:0|None assigned", "7|FAILED|3:0", "7.batch|FAILED|3:0|n1"]
        {
            assert_eq!(of_accounting(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_controller_has_the_last_word_and_the_accounting_is_asked_where_it_is() {
        let fake = Fake::new("scontrol", &format!("echo '{KILLED}'"));
        fake.and(
            "sacct",
            "echo called >>\"$CALLS\"; echo '1_1|NODE_FAIL|0:0|n9'; echo '1_2|FAILED|3:0|n9'",
        );
        let mut slurm = fake.slurm();
        assert_eq!(slurm.details(JobId(1)).len(), 1);
        assert_eq!(fake.calls("sacct").len(), 0);
        slurm.limits.accounting = true;
        let details = slurm.details(JobId(1));
        assert_eq!((details.len(), &details[&TASK].state), (2, &State::Failed(Cause::Signal(9))));
    }

    proptest! {
        #[test]
        fn any_answer_is_read(
            text in ".*",
            words in "((JobId|ArrayJobId|ArrayTaskId|JobState|ExitCode)=[A-Z0-9:+,%-]* ?){0,5}",
        ) {
            let _ = (of_controller(&text), of_controller(&words), of_accounting(&text));
        }
    }
}
