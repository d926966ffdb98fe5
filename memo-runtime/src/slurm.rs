//! A typed client of Slurm: submit an array, follow its tasks, cancel them, read their logs.
//!
//! It drives Slurm's own commands as processes, and knows nothing of stages or plans. Three things hold
//! throughout:
//!
//! - **Slurm's answers are late, partial or absent.** Whether work is done is for the store to say; what
//!   is learned here is that something will never come, and why.
//! - **Nothing is submitted twice.** Each submission has a name of its own, and one whose answer was lost
//!   is looked up by that name before it is tried again.
//! - **What cannot come true is refused, not waited for**: `sbatch --test-only` is asked first, and a
//!   reason for waiting that no time will mend is told.

use std::fmt;
use std::time::Duration;

mod array;
mod cancel;
mod command;
mod detail;
mod error;
mod limits;
mod logs;
mod reason;
mod request;
mod script;
mod state;
mod submit;
mod watch;

pub(crate) use array::{Indices, JobId, Task};
pub(crate) use cancel::by_hand;
pub(crate) use command::Commands;
pub(crate) use error::Error;
pub(crate) use limits::Limits;
pub(crate) use logs::{Logs, tail};
pub(crate) use reason::Outlook;
#[cfg(test)]
pub(crate) use request::Environment;
pub(crate) use request::{Name, Part, Request};
pub(crate) use state::{Cause, Interruption, State};
pub(crate) use watch::{Answer, Change, Pace, Stuck, Watch};

/// Waits for so long, or less if the run is to end; then it is `false`.
type Pause = Box<dyn Fn(Duration) -> bool + Send + Sync>;

/// A cluster, by way of its commands.
pub(crate) struct Slurm {
    commands: Commands,
    limits: Limits,
    pause: Pause,
}

impl Slurm {
    /// Asks the cluster for its limits. Where it does not answer that, the usual ones are taken: what is
    /// really wrong comes out at the first submission.
    ///
    /// # Errors
    ///
    /// Fails where Slurm's commands are missing.
    pub(crate) fn connect(commands: Commands) -> Result<Self, Error> {
        let limits = match commands.run("scontrol", ["show", "config"]) {
            Ok(config) => Limits::read(&config),
            Err(error @ (Error::Missing { .. } | Error::NotStarted { .. })) => return Err(error),
            Err(_) => Limits::default(),
        };
        let pause = |time| {
            std::thread::sleep(time);
            true
        };
        Ok(Self { commands, limits, pause: Box::new(pause) })
    }

    /// Waits by calling `pause`, which says by `false` that the run is to end.
    pub(crate) fn pausing(
        mut self,
        pause: impl Fn(Duration) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.pause = Box::new(pause);
        self
    }

    /// Returns how many processors the nodes have that a request may go to, where the cluster tells.
    pub(crate) fn cpus(&self, request: &Request) -> Option<usize> {
        // Allocated, idle, other, all.
        let all = |told: &str| told.rsplit('/').next()?.trim().parse::<usize>().ok();
        self.partitions(request, "%C").iter().find_map(|(_, told)| all(told))
    }

    /// Returns the names of the partitions that a request may go to, and what `sinfo` tells of each in `format`.
    fn partitions(&self, request: &Request, format: &str) -> Vec<(String, String)> {
        let wanted = request.value_of("partition");
        let format = format!("%P|{format}");
        let Ok(answer) = self.commands.run("sinfo", ["-h", "-o", &format]) else {
            return Vec::new();
        };
        let of_line = |line: &str| {
            let (name, told) = line.split_once('|')?;
            let plain = name.trim_end_matches('*');
            let is_wanted = match wanted {
                Some(list) => list.split(',').any(|one| one == plain),
                None => name.ends_with('*'),
            };
            is_wanted.then(|| (plain.to_owned(), told.to_owned()))
        };
        answer.lines().filter_map(of_line).collect()
    }

    /// Returns what the cluster allows.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl fmt::Debug for Slurm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commands, limits, .. } = self;
        f.debug_struct("Slurm").field("commands", commands).field("limits", limits).finish()
    }
}

#[cfg(test)]
mod tests;
