//! What follows from how a task has ended, for those of its pieces that are not in the store.

use crate::slurm::{Cause, Interruption, State};

/// What becomes of the pieces that a task has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are submitted again; whether that counts as a try.
    Again { counts: bool },
    /// They are submitted again, each in a task of its own.
    Alone,
    /// They are submitted again, and given more; with why.
    More(String),
    /// They have failed; with what is said here.
    Fail(String),
}

/// What is known of a task beside its state.
#[expect(clippy::struct_excessive_bools, reason = "they are seen apart from each other")]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) was_waiting: bool,
    /// Whether it has finished other pieces.
    pub(super) made_some: bool,
    /// Whether it has left several whole calls. Nobody knows which is to blame, and none need suffer for another.
    pub(super) is_several_calls: bool,
    /// How often these were submitted before, for a reason that counts.
    pub(super) tries: u32,
    /// Whether there is more to be had of what it has run out of.
    pub(super) has_more: bool,
}

/// How often pieces are submitted again that were left without a fault of theirs.
const TRIES: u32 = 3;

/// Says what becomes of the pieces that a task has left. `retries` is how often the stage says that a failure is
/// tried again.
pub(super) fn verdict(state: &State, seen: Seen, retries: u32) -> Verdict {
    let Seen { was_waiting, made_some, is_several_calls, tries, has_more } = seen;
    let again = |most: u32, told: String| match tries {
        tries if tries < most => Verdict::Again { counts: true },
        _ => Verdict::Fail(told),
    };
    let more = |why: &str, cause: Cause| {
        if is_several_calls {
            Verdict::Alone
        } else if has_more && tries < retries {
            Verdict::More(why.to_owned())
        } else {
            Verdict::Fail(told(why, cause))
        }
    };
    match state {
        State::Failed(Cause::Exit(75) | Cause::TimeLimit) if made_some => {
            Verdict::Again { counts: false }
        }
        // Told to end, mostly since its time was nearly over, it has begun nothing that it could not finish.
        State::Failed(Cause::Exit(75)) if is_several_calls || (has_more && tries < retries) => {
            more("the task was told to end before it had finished anything", Cause::TimeLimit)
        }
        State::Failed(Cause::Exit(75)) if tries >= TRIES => {
            Verdict::Fail(told("the task was told to end again and again", Cause::TimeLimit))
        }
        State::Failed(Cause::Exit(75)) => Verdict::Again { counts: true },
        State::Failed(Cause::Exit(64)) => Verdict::Fail("the worker has refused to run".to_owned()),
        State::Failed(Cause::TimeLimit) => {
            more("the task has run out of its time limit", Cause::TimeLimit)
        }
        State::Failed(Cause::OutOfMemory) => {
            more("the task has run out of memory", Cause::OutOfMemory)
        }
        State::Failed(Cause::Cancelled) => {
            Verdict::Fail("the task was cancelled from outside".to_owned())
        }
        State::Failed(cause @ (Cause::NotBegun | Cause::Exit(126 | 127))) => {
            Verdict::Fail(told("the worker could not be started", *cause))
        }
        State::Failed(_) if is_several_calls => Verdict::Alone,
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

    const SEEN: Seen = Seen {
        was_waiting: false,
        made_some: false,
        is_several_calls: false,
        tries: 0,
        has_more: false,
    };

    #[test]
    fn what_is_nobodys_fault_is_submitted_again() {
        for state in [
            State::Again(Interruption::Preempted),
            State::Failed(Cause::Exit(75)),
            State::Failed(Cause::TimeLimit),
        ] {
            let verdict = verdict(&state, Seen { made_some: true, tries: 9, ..SEEN }, 0);
            assert_eq!(verdict, Verdict::Again { counts: false }, "{state:?}");
        }
        let left = State::Done;
        assert_eq!(verdict(&left, SEEN, 0), Verdict::Again { counts: true });
        let often = Seen { tries: TRIES, ..SEEN };
        assert!(matches!(verdict(&left, often, 0), Verdict::Fail(_)));
    }

    #[test]
    fn limits_are_named_with_the_mend() {
        let fail = |cause| match verdict(&State::Failed(cause), SEEN, 5) {
            Verdict::Fail(why) => why,
            other => panic!("{cause:?}: {other:?}"),
        };
        assert!(fail(Cause::TimeLimit).contains("`time = ..`"));
        assert!(fail(Cause::OutOfMemory).contains("`memory = ..`"));
        assert!(fail(Cause::Cancelled).contains("cancelled from outside"));
        assert!(fail(Cause::Exit(127)).contains("store's folder"));
    }

    #[test]
    fn what_has_run_out_is_given_more_as_often_as_the_stage_says() {
        for cause in [Cause::TimeLimit, Cause::OutOfMemory, Cause::Exit(75)] {
            let state = State::Failed(cause);
            let more = Seen { has_more: true, ..SEEN };
            assert!(matches!(verdict(&state, more, 1), Verdict::More(_)), "{cause:?}");
            let often = Seen { tries: TRIES, ..more };
            assert!(matches!(verdict(&state, often, 1), Verdict::Fail(_)), "{cause:?}");
        }
        for cause in [Cause::TimeLimit, Cause::OutOfMemory] {
            let fails = matches!(verdict(&State::Failed(cause), SEEN, 1), Verdict::Fail(_));
            assert!(fails, "{cause:?}");
        }
    }

    #[test]
    fn calls_of_one_task_do_not_suffer_for_each_other() {
        let several = Seen { is_several_calls: true, has_more: true, ..SEEN };
        for cause in [Cause::TimeLimit, Cause::OutOfMemory, Cause::Signal(11)] {
            assert_eq!(verdict(&State::Failed(cause), several, 3), Verdict::Alone, "{cause:?}");
        }
    }

    #[test]
    fn a_crash_is_tried_again_as_often_as_the_stage_says() {
        let crash = State::Failed(Cause::Signal(9));
        assert!(matches!(verdict(&crash, SEEN, 0), Verdict::Fail(_)));
        assert_eq!(verdict(&crash, SEEN, 1), Verdict::Again { counts: true });
        let often = Seen { tries: 1, ..SEEN };
        assert!(matches!(verdict(&crash, often, 1), Verdict::Fail(_)));
    }
}
