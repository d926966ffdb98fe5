//! [`State`]: what a word of Slurm means for the one who waits.

use std::fmt;

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// Not started yet, or to be started again.
    Waiting,
    /// Started, or about to end. A word that is not known counts as this: it is better to wait.
    Running,
    /// Ended with exit code 0. What it was to make is there, or it is not: the store knows.
    Done,
    /// Ended, and the task is to blame, or somebody decided so.
    Failed(Cause),
    /// Ended through no fault of its own, and Slurm does not start it again.
    Again(Interruption),
    /// No answer tells of it any more: cancelled while it waited, or ended long ago.
    Gone,
}

/// Why a task failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// It ended with this code.
    Exit(u8),
    /// It was ended by this signal.
    Signal(u8),
    /// It ended badly; how is not known (yet).
    Unknown,
    /// Slurm could not even begin: mostly its log could not be written.
    NotBegun,
    /// Its time was over.
    TimeLimit,
    /// It took more memory than it had asked for.
    OutOfMemory,
    /// Somebody cancelled it.
    Cancelled,
}

/// What ended a task that did nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Interruption {
    /// Its node was lost.
    NodeLost,
    /// Its node did not start.
    NotBooted,
    /// A task of more weight took its place.
    Preempted,
    /// Another cluster has taken it.
    Revoked,
}

impl State {
    /// Reads a word of `squeue` or `sacct`, as in `COMPLETED` or `CANCELLED by 1000`.
    pub(super) fn read(text: &str) -> Self {
        let word = text.split([' ', '+']).next().unwrap_or_default();
        match word {
            "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT"
            | "RESV_DEL_HOLD" => Self::Waiting,
            "COMPLETED" => Self::Done,
            "FAILED" => Self::Failed(Cause::Unknown),
            "LAUNCH_FAILED" => Self::Failed(Cause::NotBegun),
            "TIMEOUT" | "DEADLINE" => Self::Failed(Cause::TimeLimit),
            "OUT_OF_MEMORY" => Self::Failed(Cause::OutOfMemory),
            "CANCELLED" => Self::Failed(Cause::Cancelled),
            "NODE_FAIL" => Self::Again(Interruption::NodeLost),
            "BOOT_FAIL" | "RECONFIG_FAIL" => Self::Again(Interruption::NotBooted),
            "PREEMPTED" => Self::Again(Interruption::Preempted),
            "REVOKED" => Self::Again(Interruption::Revoked),
            // RUNNING, CONFIGURING, COMPLETING, STAGE_OUT, SIGNALING, SUSPENDED, STOPPED, RESIZING,
            // POWER_UP_NODE, UPDATE_DB, EXPEDITING, and what newer versions add.
            _ => Self::Running,
        }
    }

    /// Whether nothing more is to be expected of it.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// Whether `text` is a word that [`State::read`] knows, so that others can be told of.
pub(super) fn is_known(text: &str) -> bool {
    const ALIVE: [&str; 11] = [
        "RUNNING",
        "CONFIGURING",
        "COMPLETING",
        "STAGE_OUT",
        "SIGNALING",
        "SUSPENDED",
        "STOPPED",
        "RESIZING",
        "POWER_UP_NODE",
        "UPDATE_DB",
        "EXPEDITING",
    ];
    let word = text.split([' ', '+']).next().unwrap_or_default();
    State::read(word) != State::Running || ALIVE.contains(&word)
}

impl Cause {
    /// Reads `code:signal` of `scontrol` and `sacct`. Slurm gives numbers of its own for what it could not
    /// begin (0:53) and for memory (0:125).
    pub(super) fn read(text: &str) -> Option<Self> {
        let (code, signal) = text.split_once(':')?;
        let number = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse::<u8>().ok())
                .flatten()
        };
        Some(match (number(code)?, number(signal)?) {
            (0, 0) => Self::Unknown,
            (0, 53) => Self::NotBegun,
            (0, 125) => Self::OutOfMemory,
            (0, signal) => Self::Signal(signal),
            (code, _) => Self::Exit(code),
        })
    }

    /// What the user may do about it, where that is the same for all.
    pub(crate) fn mend(self) -> Option<&'static str> {
        match self {
            Self::TimeLimit => {
                Some("ask for more with `time = ..`, or fewer shards a task with `batch = ..`")
            }
            Self::OutOfMemory => Some("ask for more with `memory = ..`"),
            Self::NotBegun => {
                Some("see that the node sees the store's folder, and may write the log there")
            }
            Self::Exit(126 | 127) => {
                Some("see that the node sees the store's folder, and may run programs from it")
            }
            Self::Exit(_) | Self::Signal(_) | Self::Unknown | Self::Cancelled => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(126) => f.write_str("its program could not be run (exit code 126)"),
            Self::Exit(127) => f.write_str("its program was not found (exit code 127)"),
            Self::Exit(code) => write!(f, "it ended with exit code {code}"),
            Self::Signal(signal) => match name_of(*signal) {
                Some(name) => write!(f, "it was ended by {name}"),
                None => write!(f, "it was ended by signal {signal}"),
            },
            Self::Unknown => f.write_str("it ended badly"),
            Self::NotBegun => f.write_str("Slurm could not start it"),
            Self::TimeLimit => f.write_str("its time was over"),
            Self::OutOfMemory => f.write_str("it ran out of memory"),
            Self::Cancelled => f.write_str("it was cancelled from outside"),
        }
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NodeLost => "its node was lost",
            Self::NotBooted => "its node did not start",
            Self::Preempted => "it had to make room for another job",
            Self::Revoked => "another cluster has taken it",
        })
    }
}

fn name_of(signal: u8) -> Option<&'static str> {
    Some(match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All words of Slurm 22.05 and 24.11.
    fn words() -> Vec<(&'static str, State)> {
        use State::{Again, Done, Failed, Running, Waiting};
        vec![
            ("PENDING", Waiting),
            ("RUNNING", Running),
            ("SUSPENDED", Running),
            ("COMPLETED", Done),
            ("CANCELLED", Failed(Cause::Cancelled)),
            ("CANCELLED by 0", Failed(Cause::Cancelled)),
            ("CANCELLED+", Failed(Cause::Cancelled)),
            ("FAILED", Failed(Cause::Unknown)),
            ("TIMEOUT", Failed(Cause::TimeLimit)),
            ("NODE_FAIL", Again(Interruption::NodeLost)),
            ("PREEMPTED", Again(Interruption::Preempted)),
            ("BOOT_FAIL", Again(Interruption::NotBooted)),
            ("DEADLINE", Failed(Cause::TimeLimit)),
            ("OUT_OF_MEMORY", Failed(Cause::OutOfMemory)),
            ("LAUNCH_FAILED", Failed(Cause::NotBegun)),
            ("RECONFIG_FAIL", Again(Interruption::NotBooted)),
            ("REQUEUED", Waiting),
            ("REQUEUE_FED", Waiting),
            ("REQUEUE_HOLD", Waiting),
            ("SPECIAL_EXIT", Waiting),
            ("RESV_DEL_HOLD", Waiting),
            ("RESIZING", Running),
            ("CONFIGURING", Running),
            ("COMPLETING", Running),
            ("STOPPED", Running),
            ("REVOKED", Again(Interruption::Revoked)),
            ("SIGNALING", Running),
            ("STAGE_OUT", Running),
            ("POWER_UP_NODE", Running),
            ("UPDATE_DB", Running),
            ("EXPEDITING", Running),
        ]
    }

    #[test]
    fn every_word_of_slurm_has_its_meaning() {
        for (word, state) in words() {
            assert_eq!(State::read(word), state, "{word}");
            assert!(is_known(word), "{word}");
        }
    }

    #[test]
    fn exit_codes_are_read() {
        let cases = [
            ("3:0", Some(Cause::Exit(3))),
            ("0:9", Some(Cause::Signal(9))),
            ("0:53", Some(Cause::NotBegun)),
            ("0:125", Some(Cause::OutOfMemory)),
            ("0:0", Some(Cause::Unknown)),
            ("1:9", Some(Cause::Exit(1))),
            ("768", None),
            ("-1:0", None),
            ("+1:0", None),
            (":", None),
            ("300:0", None),
        ];
        for (text, cause) in cases {
            assert_eq!(Cause::read(text), cause, "{text}");
        }
    }

    #[test]
    fn limits_are_named_with_their_mends() {
        assert_eq!(Cause::TimeLimit.to_string(), "its time was over");
        assert!(Cause::TimeLimit.mend().unwrap().contains("`time = ..`"));
        assert_eq!(Cause::OutOfMemory.to_string(), "it ran out of memory");
        assert!(Cause::OutOfMemory.mend().unwrap().contains("`memory = ..`"));
        assert_eq!(Cause::Signal(11).to_string(), "it was ended by SIGSEGV");
        assert_eq!(Cause::Signal(50).to_string(), "it was ended by signal 50");
    }

    proptest! {
        #[test]
        fn a_word_that_is_not_known_is_waited_for(word in "[A-Z_]{1,20}") {
            let known = words().iter().any(|(known, _)| *known == word);
            prop_assume!(!known);
            prop_assert_eq!(State::read(&word), State::Running);
            prop_assert!(!is_known(&word));
        }

        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = (State::read(&text), Cause::read(&text), is_known(&text));
        }
    }
}
