//! Submitting: impossible requests are refused first, and nothing is submitted twice.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::request::minutes;
use super::script::script;
use super::{Error, JobId, Name, Part, Request, Slurm};

/// How often one submission is tried.
const TRIES: usize = 3;

/// Waits before each look for a submission whose answer was lost: the controller may yet be working on it.
const LOOKS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// What `sbatch` says before it tries again by itself, a second later at first, for two minutes. The shards can
/// wait without it.
const RETRIES: &[&str] = &["temporarily unable to accept job", "job queue full"];

/// What became of a submission whose answer was lost.
enum Settled {
    There(JobId),
    Absent,
    /// Slurm did not answer, or there was no time to wait: it may yet come.
    Unknown,
}

impl Slurm {
    /// Fails if `request` cannot come true on this cluster. Nothing is submitted.
    ///
    /// # Errors
    ///
    /// Slurm's own sentence and what to change; or why Slurm cannot be asked.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Error> {
        let mut part = request.parts(&self.limits).swap_remove(0);
        // One task stands for all: the list may be long, and they are alike.
        part.indices = part.indices.map(|_| [0].into_iter().collect());
        let file = write_script(request, &part)?;
        let mut arguments = request.arguments(&part, None)?;
        arguments.push("--test-only".into());
        arguments.push(file.into());
        match self.commands.run("sbatch", &arguments) {
            // A queue that is full says nothing of what will be when there is room.
            Ok(_) | Err(Error::Full { .. }) => {}
            // Nor does a cluster that is out of service: it has no node that fits anything.
            Err(Error::Refused { said, .. })
                if said.contains("node configuration is not available")
                    && self.is_out_of_service(request) => {}
            Err(error) => return Err(error),
        }
        self.check_time(request)
    }

    /// Whether all nodes that a request may go to are down, drained or reserved.
    fn is_out_of_service(&self, request: &Request) -> bool {
        // Allocated and idle ones.
        let partitions = self.partitions(request, "%A");
        !partitions.is_empty() && partitions.iter().all(|(_, nodes)| nodes.trim() == "0/0")
    }

    /// Slurm takes more time than the partition allows, and lets it wait for ever.
    fn check_time(&self, request: &Request) -> Result<(), Error> {
        let options = ["time", "qos"].iter().any(|key| request.value_of(key).is_some());
        let Some(time) = request.time.filter(|_| !options) else { return Ok(()) };
        let partitions = self.partitions(request, "%l");
        let allowed: Vec<(String, Option<u64>)> =
            partitions.into_iter().map(|(name, limit)| (name, limit_of(&limit))).collect();
        let fits = |limit: Option<u64>| limit.is_none_or(|limit| minutes(time) <= limit);
        match allowed.iter().max_by_key(|(_, limit)| *limit) {
            Some((name, Some(limit))) if !allowed.iter().any(|(_, limit)| fits(*limit)) => {
                Err(Error::Request(format!(
                    "partition `{name}` allows {limit} min, and {} are asked for: ask for less with \
                     `time = ..`, or take another with `--slurm partition=..`",
                    minutes(time)
                )))
            }
            _ => Ok(()),
        }
    }

    /// Submits one part of `request`, `after` the part before it where the array is throttled.
    ///
    /// # Errors
    ///
    /// What Slurm said. [`Error::Full`] says that there is no room yet, [`Error::Unclear`] that nobody
    /// knows whether it was taken.
    pub(crate) fn submit(
        &self,
        request: &Request,
        part: &Part,
        after: Option<JobId>,
    ) -> Result<JobId, Error> {
        let file = write_script(request, part)?;
        let mut arguments = request.arguments(part, after)?;
        arguments.push(file.into());
        let mut tries = 1;
        loop {
            let error = match self.try_submit(&arguments) {
                Ok(job) => return Ok(job),
                Err(error) if error.leaves_open() => error,
                Err(Error::Full { said }) => {
                    // Stopped between two tries; or in the second one, on a machine that is very busy.
                    let there = self.find(&part.name).ok().flatten();
                    return there.ok_or(Error::Full { said });
                }
                Err(error) => return Err(error),
            };
            match self.settle(&part.name) {
                Settled::There(job) => return Ok(job),
                Settled::Absent if tries < TRIES => tries += 1,
                Settled::Absent => return Err(error),
                Settled::Unknown => {
                    let name = part.name.to_string();
                    return Err(Error::Unclear { name, cause: Box::new(error) });
                }
            }
        }
    }

    fn try_submit(&self, arguments: &[OsString]) -> Result<JobId, Error> {
        let answer = self.commands.run_unless("sbatch", arguments, RETRIES)?;
        // What a site has put in front of `sbatch` may say more.
        let number = answer.lines().rev().find_map(|line| JobId::read(line.trim()));
        number.ok_or_else(|| {
            let line = answer.trim().chars().take(200).collect();
            Error::Unreadable { program: "sbatch", line }
        })
    }

    /// Finds out whether a submission whose answer was lost was taken.
    fn settle(&self, name: &Name) -> Settled {
        let mut last = Settled::Unknown;
        for pause in LOOKS {
            let goes_on = (self.pause)(pause);
            last = match self.find(name) {
                Ok(Some(job)) => return Settled::There(job),
                Ok(None) if goes_on => Settled::Absent,
                _ => Settled::Unknown,
            };
            if !goes_on {
                break;
            }
        }
        last
    }

    /// Returns the job of that name, among those that wait, run, or ended in the last minutes. If an
    /// earlier try came through late, there are two: the later one is taken back.
    ///
    /// # Errors
    ///
    /// Says why Slurm could not be asked.
    pub(crate) fn find(&self, name: &Name) -> Result<Option<JobId>, Error> {
        let name = format!("--name={name}");
        let answer = self.commands.run("squeue", ["-h", "--states=all", &name, "-o", "%F"])?;
        let mut jobs = Vec::new();
        for line in answer.lines() {
            let unreadable = || Error::Unreadable { program: "squeue", line: line.to_owned() };
            jobs.push(JobId::read(line.trim()).ok_or_else(unreadable)?);
        }
        jobs.sort_unstable();
        jobs.dedup();
        if jobs.len() > 1 {
            self.cancel(&jobs[1..])?;
        }
        Ok(jobs.first().copied())
    }
}

/// Writes the script of a part beside the logs. The folder is made first: a log that cannot be written ends
/// a task without a word.
fn write_script(request: &Request, part: &Part) -> Result<PathBuf, Error> {
    let file = request.logs.join(format!("{}.sh", part.name));
    let wrong = |path: &Path, error: &std::io::Error| {
        Error::Request(format!(
            "the logs of Slurm's tasks cannot be written: {}: {error}",
            path.display()
        ))
    };
    fs::create_dir_all(&request.logs).map_err(|error| wrong(&request.logs, &error))?;
    let text = script(request, part.base)?;
    let write = || fs::File::create(&file)?.write_all(&text);
    write().map_err(|error| wrong(&file, &error))?;
    Ok(file)
}

/// Reads a time limit of `sinfo`, in minutes: `1:00`, `1-00:00:00`. `None` is no limit.
fn limit_of(text: &str) -> Option<u64> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let days: u64 = days.parse().ok()?;
    let parts: Option<Vec<u64>> = rest.split(':').map(|part| part.parse().ok()).collect();
    let minutes = match parts?[..] {
        [hours, minutes, _] => hours.checked_mul(60)?.checked_add(minutes)?,
        [minutes, _] => minutes,
        _ => return None,
    };
    days.checked_mul(24 * 60)?.checked_add(minutes)
}

#[cfg(test)]
mod tests;
