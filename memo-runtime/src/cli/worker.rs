//! The hidden flag `--worker FOLDER`: this process runs some shards of one call for another process.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::args::{Args, Where};
use super::output::Output;
use super::request::Request;
use crate::error::{Error, ErrorKind};
use crate::executor::job::JobFolder;
use crate::executor::worker::{self, WorkerEnd};
use crate::experiment::Experiment;
use crate::record::Params;

/// How long a body may go on after its task was told to end; Slurm waits for half a minute.
const GRACE: Duration = Duration::from_secs(25);

impl<P: Params + Clone + DeserializeOwned> Experiment<P> {
    /// Runs the shards of one task, and returns how that ended as an exit code.
    pub(super) fn work(&self, folder: &Path, output: &Output) -> u8 {
        let folder = JobFolder::new(folder);
        let end = self.try_work(&folder, output).unwrap_or_else(|error| {
            output.note(&format!("error: {}", error.chain()));
            WorkerEnd::Refused
        });
        output.note(&format!("worker: {end:?}"));
        end as u8
    }

    fn try_work(&self, folder: &JobFolder, output: &Output) -> Result<WorkerEnd, Error> {
        let job = worker::read_job(folder)?;
        let name = std::iter::once(OsString::from(&self.name));
        let written = name.chain(job.arguments.iter().map(OsString::from));
        let mut args = Args::read(&self.about(), written).map_err(|error| {
            Error::new(ErrorKind::Usage, "the arguments of the submitter are not understood")
                .because(error)
        })?;
        // What is to run anew was decided by the submitter; the rest is for it alone.
        (args.force, args.check, args.until, args.graph) = (None, None, None, None);
        (args.plan, args.print_params, args.quiet, args.verbose) = (false, false, false, true);
        (args.executor, args.jobs, args.grace) = (Where::Local, Some(1), GRACE);
        (args.max_running, args.slurm, args.detach) = (None, Vec::new(), false);
        args.format = super::args::Format::Text;
        args.store = Some(job.store.clone());
        let request = Request::new(args, Vec::new())?;
        let mut watch = request.watch(output)?;
        watch.options.is_worker = true;
        let flag = Arc::clone(&watch.options.interrupted);
        told_before_time(flag)?;
        output.note(&format!(
            "worker: {} on {}, process {}, started {} times before",
            job.stage,
            host(),
            std::process::id(),
            std::env::var("SLURM_RESTART_COUNT").unwrap_or_else(|_| "0".to_owned()),
        ));
        worker::work(self, &watch.options, folder, &job)
    }
}

/// Ends the work when Slurm says that the time is nearly over.
fn told_before_time(flag: Arc<AtomicBool>) -> Result<(), Error> {
    let registered = signal_hook::flag::register(signal_hook::consts::SIGUSR1, flag);
    registered.map(drop).map_err(|error| {
        Error::new(ErrorKind::Usage, "signals cannot be listened for").because(error)
    })
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
