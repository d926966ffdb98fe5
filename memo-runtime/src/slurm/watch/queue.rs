//! One question to `squeue` about all jobs at once, and its answer.

use super::super::state::is_known;
use super::super::{Error, Indices, JobId, Slurm, State, Task};

/// Job, index, state, node, reason. The reason comes last: it is written by people.
const FORMAT: &str = "%F|%K|%T|%N|%r";

/// One line: tasks that wait for the same reason share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    job: JobId,
    indices: Option<Indices>,
    pub(super) state: State,
    /// Slurm's word, where it is not known.
    pub(super) unknown: Option<String>,
    pub(super) node: Option<String>,
    pub(super) reason: String,
}

impl Row {
    /// Returns the tasks that the line tells of.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let job = self.job;
        match &self.indices {
            Some(indices) => indices.iter().map(|index| Task { job, index: Some(index) }).collect(),
            None => vec![Task { job, index: None }],
        }
    }

    fn read(line: &str) -> Option<Self> {
        let mut fields = line.splitn(5, '|');
        let mut field = || fields.next().map(str::trim);
        let (job, indices, state, node) = (field()?, field()?, field()?, field()?);
        let reason = field()?.to_owned();
        let job = JobId::read(job)?;
        let indices = match indices {
            "N/A" => None,
            list => Some(Indices::read(list)?),
        };
        let is_word =
            !state.is_empty() && state.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        let state = is_word.then_some(state)?;
        Some(Self {
            job,
            indices,
            state: State::read(state),
            unknown: (!is_known(state)).then(|| state.to_owned()),
            node: (!node.is_empty()).then(|| node.to_owned()),
            reason,
        })
    }
}

impl Slurm {
    /// Asks for all tasks of `jobs`, ended ones as well for as long as Slurm remembers them.
    pub(super) fn queue(&self, jobs: &[JobId]) -> Result<Vec<Row>, Error> {
        // One number that Slurm has forgotten is an error, of several it tells those that it knows. So
        // the first is given twice.
        let list: Vec<String> = jobs.iter().take(1).chain(jobs).map(ToString::to_string).collect();
        let jobs = format!("--jobs={}", list.join(","));
        let answer = self.commands.run("squeue", ["-h", "--states=all", &jobs, "-o", FORMAT])?;
        read(&answer)
    }
}

/// Reads the whole answer, or nothing: a line that is not understood may hide a task.
pub(super) fn read(answer: &str) -> Result<Vec<Row>, Error> {
    let lines = answer.lines().filter(|line| !line.trim().is_empty());
    let row = |line: &str| {
        let unreadable = || Error::Unreadable {
            program: "squeue",
            line: crate::plain::plain(&line.chars().take(200).collect::<String>()).into_owned(),
        };
        Row::read(line).ok_or_else(unreadable)
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As 22.05 and 24.11 write it.
    const ANSWER: &str = "1|2|COMPLETED|n2|None\n\
        1|0|FAILED|n1|NonZeroExitCode\n\
        1|7-20%8|PENDING||Resources\n\
        2|N/A|PENDING||Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions\n\
        3|N/A|FROZEN|n[1-2]|a|b\n";

    #[test]
    fn an_answer_is_read() {
        let rows = read(ANSWER).unwrap();
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[2].tasks().len(), 14);
        assert_eq!((&rows[2].state, rows[2].node.as_deref()), (&State::Waiting, None));
        assert_eq!(rows[3].tasks(), [Task { job: JobId(2), index: None }]);
        assert!(rows[3].reason.starts_with("Nodes required"));
        assert_eq!(rows[4].unknown.as_deref(), Some("FROZEN"));
        assert_eq!((rows[4].reason.as_str(), rows[4].node.as_deref()), ("a|b", Some("n[1-2]")));
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn an_answer_that_is_not_understood_is_none() {
        for wrong in
            ["1|2|COMPLETED|n2", "x|2|COMPLETED|n2|", "1|0-|PENDING||", "1|2||n|", "CLUSTER: a"]
        {
            let error = read(&format!("1|3|COMPLETED|n2|None\n{wrong}\n")).unwrap_err();
            assert!(matches!(error, Error::Unreadable { program: "squeue", .. }), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(
            text in ".*",
            lines in prop::collection::vec("[0-9]{0,3}\\|[0-9,%:-]{0,9}\\|[A-Z_]{0,9}\\|[n0-9]{0,3}\\|.{0,9}", 0..5),
        ) {
            let _ = (read(&text), read(&lines.join("\n")));
        }
    }
}
