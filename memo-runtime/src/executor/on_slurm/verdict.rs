//! What follows from how a task has ended, for those of its shards that are not in the store.

use crate::slurm::{Cause, Interruption, State};

/// Shards that are submitted once more.
pub(super) struct Again {
    pub(super) shards: Vec<usize>,
    pub(super) tries: u32,
}

/// What becomes of the shards that a task has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are submitted again; whether that counts as a try.
    Again { counts: bool },
    /// They have failed; with what is said here.
    Fail(String),
}

/// How often shards are submitted again that were left without a fault of theirs.
const TRIES: u32 = 3;

/// Says what becomes of the shards that a task has left.
///
/// `made_some` says whether the task has finished others, `tries` how often these were submitted again for a
/// reason that counts, `retries` how often the stage says that a failure is tried again.
pub(super) fn verdict(
    state: &State,
    was_waiting: bool,
    made_some: bool,
    tries: u32,
    retries: u32,
) -> Verdict {
    let again = |most: u32, told: String| match tries {
        tries if tries < most => Verdict::Again { counts: true },
        _ => Verdict::Fail(told),
    };
    match state {
        State::Failed(Cause::Exit(75)) => Verdict::Again { counts: !made_some },
        State::Failed(Cause::Exit(64)) => Verdict::Fail("the worker has refused to run".to_owned()),
        State::Failed(Cause::TimeLimit) if made_some => Verdict::Again { counts: false },
        State::Failed(Cause::TimeLimit) => {
            Verdict::Fail(told("the task has run out of its time limit", Cause::TimeLimit))
        }
        State::Failed(Cause::OutOfMemory) => {
            Verdict::Fail(told("the task has run out of memory", Cause::OutOfMemory))
        }
        State::Failed(Cause::Cancelled) => {
            Verdict::Fail("the task was cancelled from outside".to_owned())
        }
        State::Failed(cause @ (Cause::NotBegun | Cause::Exit(126 | 127))) => {
            Verdict::Fail(told("the worker could not be started", *cause))
        }
        State::Failed(cause) => again(retries, cause.to_string()),
        State::Again(Interruption::NodeLost) => {
            again(TRIES + retries, "its node was lost, again and again".to_owned())
        }
        State::Done => {
            again(TRIES, "the worker has ended, and its results are not there".to_owned())
        }
        // Somebody has cancelled it while it waited: that leaves no trace.
        State::Gone if was_waiting => {
            again(1, "the task is gone from the queue: was it cancelled?".to_owned())
        }
        State::Gone => again(TRIES, "the task is gone from the queue".to_owned()),
        State::Again(_) | State::Waiting | State::Running => Verdict::Again { counts: false },
    }
}

fn told(what: &str, cause: Cause) -> String {
    match cause.mend() {
        Some(mend) => format!("{what}: {mend}"),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_fault_is_submitted_again() {
        for state in [
            State::Again(Interruption::Preempted),
            State::Failed(Cause::Exit(75)),
            State::Failed(Cause::TimeLimit),
        ] {
            let verdict = verdict(&state, false, true, 9, 0);
            assert_eq!(verdict, Verdict::Again { counts: false }, "{state:?}");
        }
        let left = State::Done;
        assert_eq!(verdict(&left, false, false, 0, 0), Verdict::Again { counts: true });
        assert!(matches!(verdict(&left, false, false, TRIES, 0), Verdict::Fail(_)));
    }

    #[test]
    fn limits_are_named_with_the_mend() {
        let fail = |cause| match verdict(&State::Failed(cause), false, false, 0, 5) {
            Verdict::Fail(why) => why,
            Verdict::Again { .. } => panic!("{cause:?}"),
        };
        assert!(fail(Cause::TimeLimit).contains("`time = ..`"));
        assert!(fail(Cause::OutOfMemory).contains("`memory = ..`"));
        assert!(fail(Cause::Cancelled).contains("cancelled from outside"));
        assert!(fail(Cause::Exit(127)).contains("store's folder"));
    }

    #[test]
    fn a_crash_is_tried_again_as_often_as_the_stage_says() {
        let crash = State::Failed(Cause::Signal(9));
        assert!(matches!(verdict(&crash, false, false, 0, 0), Verdict::Fail(_)));
        assert_eq!(verdict(&crash, false, false, 0, 1), Verdict::Again { counts: true });
        assert!(matches!(verdict(&crash, false, false, 1, 1), Verdict::Fail(_)));
    }
}
