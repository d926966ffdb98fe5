//! [`Error`]: what can go wrong between this process and Slurm, in Slurm's own words, with the mend.

use std::time::Duration;

/// What went wrong with a command of Slurm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such program.
    #[error(
        "`{program}` was not found: start this where Slurm's commands are (often a login node; some sites \
         want `module load slurm` first), or run without Slurm"
    )]
    Missing { program: &'static str },
    /// The program is there and does not start.
    #[error("`{program}` could not be started: {cause}")]
    NotStarted { program: &'static str, cause: String },
    /// The controller did not answer. Jobs go on without it.
    #[error("Slurm's controller does not answer: {said}")]
    Unreachable { program: &'static str, said: String },
    /// The program hung, and was ended.
    #[error("`{program}` did not end within {} s and was stopped", after.as_secs())]
    TimedOut { program: &'static str, after: Duration },
    /// A limit on how many jobs there may be: later there will be room.
    #[error("Slurm takes no more jobs now: {said}")]
    Full { said: String },
    /// Slurm said no.
    #[error("{program}: {said}{}", mend(said))]
    Refused { program: &'static str, said: String },
    /// The program was ended by a signal, or failed without a word.
    #[error("`{program}` ended without an answer ({how})")]
    Speechless { program: &'static str, how: String },
    /// An answer that does not look as it should.
    #[error("`{program}` answered what is not understood: `{line}`")]
    Unreadable { program: &'static str, line: String },
    /// A request that is wrong by itself.
    #[error("{0}")]
    Request(String),
    /// Slurm's answer to a submission was lost, and it cannot be asked what became of it.
    #[error(
        "it is not known whether `{name}` was submitted: {cause}; `squeue --name={name}` will tell, and \
         `scancel --name={name}` takes it back"
    )]
    Unclear { name: String, cause: Box<Error> },
}

impl Error {
    /// Reads what `program` said when it failed.
    pub(super) fn said(program: &'static str, code: Option<i32>, said: &str) -> Self {
        let said = first_words(program, said);
        if said.is_empty() {
            let how = code.map_or("by a signal".to_owned(), |code| format!("exit code {code}"));
            return Self::Speechless { program, how };
        }
        let has = |marks: &[&str]| marks.iter().any(|mark| said.contains(mark));
        if has(FULL) {
            Self::Full { said }
        } else if has(UNREACHABLE) {
            Self::Unreachable { program, said }
        } else if code.is_none() {
            Self::Speechless { program, how: said }
        } else {
            Self::Refused { program, said }
        }
    }

    /// Whether the same may succeed later.
    pub(crate) fn passes(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Full { .. }
                | Self::Speechless { .. }
                | Self::Unclear { .. }
        )
    }

    /// Whether a submission that ended so may have been taken all the same.
    pub(super) fn leaves_open(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Speechless { .. }
                | Self::Unreadable { .. }
        )
    }
}

/// Limits on the number of jobs, of a user, an account, a QOS or the cluster.
const FULL: &[&str] = &[
    "MaxSubmitJob",
    "GrpSubmitJob",
    "temporarily unable to accept job",
    "job queue full",
    "Resource temporarily unavailable",
];

const UNREACHABLE: &[&str] = &[
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Communication connection failure",
    "Zero Bytes were transmitted",
    "Transport endpoint is not connected",
    "Unable to establish control",
    "Unexpected message received",
    "slurmctld is in standby mode",
];

/// What to do about a refusal, where that is known.
const MENDS: &[(&str, &str)] = &[
    (
        "Requested node configuration is not available",
        "no node of the partition has so much: ask for fewer `cpus` or `gpus`, or less `memory`; \
         `sinfo -N -o '%P %N %c %m %G'` shows what they have",
    ),
    (
        "More processors requested than permitted",
        "ask for fewer `cpus`; `sinfo -N -o '%P %N %c'` shows what the nodes have",
    ),
    (
        "Memory required by task is not available",
        "ask for less `memory`; `sinfo -N -o '%P %N %m'` shows what the nodes have",
    ),
    ("artition name specified", "`sinfo -s` lists the partitions"),
    ("nvalid partition specified", "`sinfo -s` lists the partitions"),
    ("nvalid account", "`sacctmgr show associations user=$USER` lists the accounts you may use"),
    ("nvalid qos", "`sacctmgr show qos` lists what there is"),
    (
        "nvalid generic resource",
        "no node offers such `gpus`; `sinfo -N -o '%P %N %G'` shows what there is",
    ),
    ("nvalid feature", "`sinfo -N -o '%N %f'` lists the features of the nodes"),
    ("ime limit is invalid", "ask for less `time`; `sinfo -o '%P %l'` shows what partitions allow"),
    ("nvalid --time", "write `time` as Slurm does: `90`, `1:30:00` or `2-12`"),
    ("unrecognized option", "`sbatch --help` lists the options"),
    (
        "ob array specification",
        "`scontrol show config | grep MaxArraySize` shows the longest array",
    ),
];

fn mend(said: &str) -> String {
    let known = MENDS.iter().find(|(mark, _)| said.contains(mark));
    known.map_or_else(String::new, |(_, mend)| format!("; {mend}"))
}

/// Returns what was said without the program's name in front of each line, in one line.
fn first_words(program: &str, said: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in said.lines() {
        let line = line.trim();
        let line =
            line.strip_prefix(program).and_then(|rest| rest.strip_prefix(':')).unwrap_or(line);
        let line = line.trim_start();
        let line = line.strip_prefix("error:").unwrap_or(line).trim_start();
        if !line.is_empty() && !line.starts_with("Try \"") && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.truncate(6);
    crate::plain::plain(&lines.join("; ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slurm_says_is_told_apart() {
        let kind = |said: &str| Error::said("sbatch", Some(1), said);
        let down = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)";
        assert!(matches!(kind(down), Error::Unreachable { .. }) && kind(down).passes());
        let lost =
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation";
        assert!(kind(lost).leaves_open());
        let full = "sbatch: error: QOSMaxSubmitJobPerUserLimit\n\
                    sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)";
        assert!(matches!(kind(full), Error::Full { .. }));
        assert!(!kind(full).leaves_open());
        let busy = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n\
                    sbatch: error: Batch job submission failed: Resource temporarily unavailable";
        assert!(matches!(kind(busy), Error::Full { .. }));
        let wrong = kind(
            "sbatch: error: QOSMaxCpuPerJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy",
        );
        assert!(matches!(wrong, Error::Refused { .. }) && !wrong.passes());
    }

    #[test]
    fn a_refusal_says_how_to_mend_it() {
        let said = "sbatch: error: invalid partition specified: nowhere\nallocation failure: Invalid partition name specified\n";
        assert_eq!(
            Error::said("sbatch", Some(1), said).to_string(),
            "sbatch: invalid partition specified: nowhere; allocation failure: Invalid partition name \
             specified; `sinfo -s` lists the partitions"
        );
        let said = "/usr/bin/sbatch: unrecognized option '--foo=3'\nTry \"sbatch --help\" for more information\n";
        let told = Error::said("sbatch", Some(255), said).to_string();
        assert!(told.ends_with("'--foo=3'; `sbatch --help` lists the options"), "{told}");
    }

    #[test]
    fn who_is_killed_has_not_answered() {
        assert!(Error::said("sbatch", None, "").leaves_open());
        assert!(Error::said("sbatch", Some(1), " \n").leaves_open());
        assert!(Error::said("sbatch", None, "sbatch: something").leaves_open());
    }

    #[test]
    fn a_terminal_is_not_steered_by_what_was_said() {
        let told = Error::said("squeue", Some(1), "squeue: \u{1b}[31mred").to_string();
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
}
