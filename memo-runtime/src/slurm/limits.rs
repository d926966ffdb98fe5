//! [`Limits`]: what a cluster says of itself that its clients must keep to.

use std::time::Duration;

/// A few lines of `scontrol show config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The version of Slurm, for messages.
    pub(crate) version: String,
    /// One more than the highest index of an array.
    pub(crate) max_array: u32,
    /// The most tasks of one array; less than `max_array` where nobody may have so many jobs.
    pub(crate) most_tasks: u32,
    /// How long an ended job is still told of.
    pub(crate) min_job_age: Duration,
    /// How long a task has between being asked to end and being killed.
    pub(crate) kill_wait: Duration,
    /// Whether `sacct` knows anything.
    pub(crate) accounting: bool,
}

impl Default for Limits {
    /// What Slurm takes where nothing is configured.
    fn default() -> Self {
        Self {
            version: "(unknown)".to_owned(),
            max_array: 1001,
            most_tasks: u32::MAX,
            min_job_age: Duration::from_mins(5),
            kill_wait: Duration::from_secs(30),
            accounting: false,
        }
    }
}

impl Limits {
    /// Reads what `scontrol show config` wrote. A line that is missing or odd leaves what is usual.
    pub(super) fn read(config: &str) -> Self {
        let mut limits = Self::default();
        for line in config.lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            let number =
                value.split_whitespace().next().and_then(|number| number.parse::<u32>().ok());
            match (name.trim(), number) {
                ("MaxArraySize", Some(number)) if number > 0 => limits.max_array = number,
                ("MinJobAge", Some(number)) => {
                    limits.min_job_age = Duration::from_secs(number.into());
                }
                ("KillWait", Some(number)) => limits.kill_wait = Duration::from_secs(number.into()),
                ("AccountingStorageType", _) => limits.accounting = value.ends_with("/slurmdbd"),
                ("SLURM_VERSION", _) => value.clone_into(&mut limits.version),
                _ => {}
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: &str = "Configuration data as of 2026-11-21T08:00:18\n\
        AccountingStorageType   = accounting_storage/none\n\
        KillWait                = 5 sec\n\
        MaxArraySize            = 1001\n\
        MinJobAge               = 300 sec\n\
        SLURM_VERSION           = 22.05.8\n\
        \n\
        Slurmctld(primary) at localhost is UP\n";

    #[test]
    fn limits_are_read() {
        let limits = Limits::read(CONFIG);
        assert_eq!((limits.max_array, limits.accounting), (1001, false));
        assert_eq!(limits.kill_wait, Duration::from_secs(5));
        assert_eq!(limits.version, "22.05.8");
        let newer = CONFIG.replace("accounting_storage/none", "accounting_storage/slurmdbd");
        assert!(Limits::read(&newer).accounting);
        // As 24.11 writes it without accounting.
        assert!(!Limits::read("AccountingStorageType   = (null)").accounting);
    }

    #[test]
    fn what_is_not_told_is_as_usual() {
        assert_eq!(Limits::read("MaxArraySize = 0\nKillWait = soon\n="), Limits::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*", line in "(MaxArraySize|MinJobAge|KillWait) *= *.*") {
            let limits = Limits::read(&format!("{text}\n{line}"));
            prop_assert!(limits.max_array > 0);
        }
    }
}
