//! What Slurm's reason for keeping a task waiting means: patience, a limit, somebody's help, or never.

/// What may be expected of a task that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outlook {
    /// Its turn comes.
    Soon,
    /// A limit on what may run at once: its turn comes when other tasks end.
    Limit,
    /// Nodes or the partition are not in service: it comes when they are.
    Unavailable,
    /// Somebody has to release it.
    Held,
    /// No waiting helps: what it asks for is not given.
    Never,
}

/// What is known of a reason: a piece of it, what it means, and what to say.
type Known = (&'static str, Outlook, &'static str);

/// Whole words. What is looked for by a piece comes after.
const WORDS: &[Known] = &[
    (
        "PartitionTimeLimit",
        Outlook::Never,
        "the partition does not allow so much time: ask for less with `time = ..`, or take another with \
         `--slurm partition=..` (`sinfo -o '%P %l'` shows what they allow)",
    ),
    (
        "PartitionNodeLimit",
        Outlook::Never,
        "the partition has too few nodes for it, or they are not in service (`sinfo` shows them)",
    ),
    (
        "PartitionConfig",
        Outlook::Never,
        "no node of the partition has so much: ask for fewer `cpus` or less `memory` \
         (`sinfo -N -o '%P %N %c %m %G'` shows what they have)",
    ),
    ("BadConstraints", Outlook::Never, "no node fits what is asked for"),
    ("DependencyNeverSatisfied", Outlook::Never, "the job it waits for has failed"),
    (
        "InvalidAccount",
        Outlook::Never,
        "the account is not valid: `--slurm account=..` names another",
    ),
    ("InvalidQOS", Outlook::Never, "the QOS is not valid: `--slurm qos=..` names another"),
    ("AccountNotAllowed", Outlook::Never, "the partition does not take this account"),
    ("QOSNotAllowed", Outlook::Never, "the partition does not take this QOS"),
    ("ReservationDeleted", Outlook::Never, "the reservation it asks for is no more"),
    ("DeadLine", Outlook::Never, "it cannot end before its deadline"),
    ("JobHeldUser", Outlook::Held, "it is held: `scontrol release JOB` lets it go"),
    ("JobHeldAdmin", Outlook::Held, "an administrator holds it"),
    (
        "JobHoldMaxRequeue",
        Outlook::Held,
        "it was put back too often: `scontrol release JOB` tries again",
    ),
    ("PartitionDown", Outlook::Unavailable, "the partition takes no jobs now"),
    ("PartitionInactive", Outlook::Unavailable, "the partition takes no jobs now"),
    ("NodeDown", Outlook::Unavailable, "the node it asks for is down"),
    ("FrontEndDown", Outlook::Unavailable, "the front end is down"),
    ("JobArrayTaskLimit", Outlook::Soon, "as many of its array run as may (`--max-running`)"),
    (
        "MaxMemPerLimit",
        Outlook::Never,
        "so much memory is not allowed: ask for less with `memory = ..`",
    ),
];

const PIECES: &[Known] = &[
    (
        "requeued held",
        Outlook::Held,
        "it could not be started and is held: `scontrol release JOB` tries again",
    ),
    (
        "requeued in held",
        Outlook::Held,
        "it was put back and is held: `scontrol release JOB` tries again",
    ),
    (
        "ReqNodeNotAvail",
        Outlook::Unavailable,
        "nodes that it asks for are down, drained or reserved (`sinfo -R` says why)",
    ),
    (
        "Nodes required for job are DOWN",
        Outlook::Unavailable,
        "all nodes that fit are down, drained or reserved (`sinfo -R` says why)",
    ),
];

/// Returns what `reason` means, and what to say to whoever waits.
pub(crate) fn advice(reason: &str) -> (Outlook, &'static str) {
    let reason = reason.trim_start_matches('(').trim_end_matches(')');
    // 22.05 writes some of them with underscores, newer ones with blanks.
    let spaced = reason.replace('_', " ");
    let word = WORDS.iter().find(|(word, ..)| *word == reason);
    let piece = || PIECES.iter().find(|(piece, ..)| spaced.contains(piece));
    if let Some((_, outlook, told)) = word.or_else(piece) {
        return (*outlook, told);
    }
    if reason.starts_with("QOS") || reason.starts_with("Assoc") {
        return limit(reason);
    }
    (Outlook::Soon, "its turn comes")
}

/// Limits of a QOS and of an account come in a hundred names: on one job, or on all together.
fn limit(reason: &str) -> (Outlook, &'static str) {
    if ["PerJob", "PerNode", "NotSatisfied"].iter().any(|piece| reason.contains(piece)) {
        (
            Outlook::Never,
            "one job may not ask for so much, or not for so little (`sacctmgr show qos` lists limits)",
        )
    } else if reason.contains("Minutes") || reason.contains("UsageThreshold") {
        (Outlook::Held, "the time granted to the account or QOS is used up")
    } else {
        (Outlook::Limit, "as much runs as the account or QOS allows; it goes on when others end")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reasons_that_look_alike_are_told_apart() {
        let cases = [
            ("None", Outlook::Soon),
            ("Priority", Outlook::Soon),
            ("Resources", Outlook::Soon),
            ("BeginTime", Outlook::Soon),
            ("Dependency", Outlook::Soon),
            ("JobArrayTaskLimit", Outlook::Soon),
            ("SomethingNew", Outlook::Soon),
            ("QOSMaxJobsPerUserLimit", Outlook::Limit),
            ("AssocGrpCpuLimit", Outlook::Limit),
            ("QOSMaxCpuPerUserLimit", Outlook::Limit),
            ("QOSMaxCpuPerJobLimit", Outlook::Never),
            ("QOSMaxWallDurationPerJobLimit", Outlook::Never),
            ("AssocMaxWallDurationPerJobLimit", Outlook::Never),
            ("QOSMinCpuNotSatisfied", Outlook::Never),
            ("QOSNotAllowed", Outlook::Never),
            ("AssocGrpCPUMinutesLimit", Outlook::Held),
            ("PartitionTimeLimit", Outlook::Never),
            ("PartitionConfig", Outlook::Never),
            ("PartitionDown", Outlook::Unavailable),
            ("DependencyNeverSatisfied", Outlook::Never),
            ("JobHeldUser", Outlook::Held),
            ("launch failed requeued held", Outlook::Held),
            ("launch_failed_requeued_held", Outlook::Held),
            ("ReqNodeNotAvail, UnavailableNodes:n1", Outlook::Unavailable),
            (
                "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
                Outlook::Unavailable,
            ),
            (
                "Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
                Outlook::Unavailable,
            ),
        ];
        for (reason, outlook) in cases {
            assert_eq!(advice(reason).0, outlook, "{reason}");
        }
    }

    #[test]
    fn what_never_comes_says_what_to_change() {
        assert!(advice("PartitionTimeLimit").1.contains("`time = ..`"));
        assert!(advice("PartitionConfig").1.contains("`cpus`"));
    }

    proptest! {
        #[test]
        fn any_reason_has_advice(reason in ".*|(QOS|Assoc)[A-Za-z]*") {
            prop_assert!(!advice(&reason).1.is_empty());
        }
    }
}
