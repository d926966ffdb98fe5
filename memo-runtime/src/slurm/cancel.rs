//! Cancelling: whole jobs, all with one command.

#[cfg(test)]
use super::Name;
use super::{Error, JobId, Slurm};

impl Slurm {
    /// Cancels whole jobs with one command. Never task by task: a waiting task that is cancelled by itself
    /// leaves no trace, so whoever else looks would wait for it. Jobs that have ended are no error.
    ///
    /// # Errors
    ///
    /// Says what went wrong; [`by_hand`] is what the user can type later.
    pub(crate) fn cancel(&self, jobs: &[JobId]) -> Result<(), Error> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.commands.run("scancel", jobs.iter().map(ToString::to_string)).map(drop)
    }

    /// Cancels what was submitted under `name`, if anything was. Its number is asked for first: `scancel
    /// --name` goes task by task.
    ///
    /// # Errors
    ///
    /// Says what went wrong.
    #[cfg(test)]
    pub(crate) fn cancel_named(&self, name: &Name) -> Result<(), Error> {
        let job = self.find(name)?;
        self.cancel(job.as_slice())
    }
}

/// The command that cancels `jobs`, for a message.
pub(crate) fn by_hand(jobs: &[JobId]) -> String {
    jobs.iter().fold("scancel".to_owned(), |line, job| format!("{line} {job}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fake::Fake;
    use super::*;

    #[test]
    fn all_jobs_go_with_one_command() {
        let fake = Fake::new("scancel", "echo \"$@\" >>\"$CALLS\"");
        let slurm = fake.slurm();
        slurm.cancel(&[]).unwrap();
        slurm.cancel(&[JobId(3), JobId(5)]).unwrap();
        fake.and("squeue", "echo 7");
        slurm.cancel_named(&Name::new("embed-1").unwrap()).unwrap();
        fake.and("squeue", "");
        slurm.cancel_named(&Name::new("embed-2").unwrap()).unwrap();
        assert_eq!(fake.calls("scancel"), ["3 5", "7"]);
        assert_eq!(by_hand(&[JobId(3), JobId(5)]), "scancel 3 5");
    }
}
