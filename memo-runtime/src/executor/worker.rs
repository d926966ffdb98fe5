//! The worker: the same program, started elsewhere to run some shards of one call.
//!
//! It repeats the declaration with the submitter's arguments, and refuses to run unless it comes to the same
//! call with the same key: a program, a file or an environment that differs must not make results that would
//! be taken for those of the submitter.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::TASK;
use super::job::{Failure, Job, JobFolder, JobShard};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::experiment::{Experiment, RunOptions, declare};
use crate::record::Params;
use crate::stage::array::table::Far;
use crate::stage::node::Node;

/// How a worker ends, by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerEnd {
    /// All its shards are in the store.
    Done = 0,
    /// Some shards have failed, and it is written down with what.
    Failed = 3,
    /// It is another program than the submitter's, or comes to another plan.
    Refused = 64,
    /// It was told to end. What was finished is kept.
    Stopped = 75,
}

/// Returns the digest of the program that this process runs.
pub(crate) fn program_digest(path: &Path) -> std::io::Result<Digest> {
    Ok(crate::artifact::tree::digest_file(path)?.0)
}

/// Reads what a worker is to do, and checks that it is the program that was submitted.
///
/// # Errors
///
/// It is not, or the folder cannot be read.
pub(crate) fn read_job(folder: &JobFolder) -> Result<Job, Error> {
    let job = folder.read()?;
    let program = std::env::current_exe().and_then(|path| program_digest(&path));
    let program = program.map_err(|error| {
        Error::new(ErrorKind::Usage, "the worker cannot read its own program").because(error)
    })?;
    if program != job.program {
        let message = "the worker is another program than the one that was submitted; start the experiment again";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    Ok(job)
}

/// Runs the shards of one task.
///
/// # Errors
///
/// The worker comes to another plan than the submitter, so nothing ran.
pub(crate) fn work<P: Params + Clone + DeserializeOwned>(
    experiment: &Experiment<P>,
    options: &RunOptions,
    folder: &JobFolder,
    job: &Job,
) -> Result<WorkerEnd, Error> {
    let shards = shards_of_task(job)?;
    let declaration = declare::declare(experiment, options, false)?;
    let node = declaration.nodes.iter().find(|node| node.plan_identity() == job.call);
    let node = node.ok_or_else(|| differs(job, "it does not declare the call"))?;
    let store = &node.session.store;
    if node.open_for_worker()? != Some(job.key) {
        return Err(differs(job, "the call has another key here"));
    }
    let Some(table) = node.table() else { return Err(differs(job, "it is no array here")) };
    let total = table.total();
    if let Some(shard) = lacks_element(node, shards) {
        let what = format!("the element of shard {shard} is not in the store that is seen here");
        return Err(differs(job, &what));
    }
    if let Some(wrong) =
        shards.iter().find(|one| one.shard >= total || table.key(one.shard) != one.key)
    {
        let what = format!("shard {} has another key here", wrong.shard);
        return Err(differs(job, &what));
    }
    let mut end = WorkerEnd::Done;
    for shard in shards {
        if node.session.is_interrupted() {
            return Ok(WorkerEnd::Stopped);
        }
        match run(node, shard) {
            Ok(None) => {}
            // It may have failed because it was told to end.
            Ok(Some(_)) if node.session.is_interrupted() => return Ok(WorkerEnd::Stopped),
            Ok(Some(failure)) => {
                folder.fail(&failure)?;
                end = WorkerEnd::Failed;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(WorkerEnd::Stopped),
            Err(error) => return Err(error),
        }
    }
    store.files().flush();
    Ok(end)
}

fn run(node: &Arc<Node>, one: &JobShard) -> Result<Option<Failure>, Error> {
    let Some(table) = node.table() else { return Ok(None) };
    let shard = one.shard;
    if !table.take_for_worker(shard, one.generation) {
        return Ok(None);
    }
    node.run_shard_of_worker(shard)?;
    let failed = |error: &Error| Failure {
        shard,
        error: error.chain(),
        invalid: error.kind() == ErrorKind::Invalid,
    };
    match table.far(shard) {
        Some(Far::Failed) => Ok(table.failure(shard).as_ref().map(failed)),
        Some(Far::RanUnkept) => {
            let error = "it has run, but what it gave could not be kept; see the log".to_owned();
            Ok(Some(Failure { shard, error, invalid: false }))
        }
        _ => Ok(None),
    }
}

/// Returns a shard one of whose elements is a shard of another array that is not in the store. A network file
/// system may show late what another machine has written.
fn lacks_element(node: &Arc<Node>, shards: &[JobShard]) -> Option<usize> {
    const LATE: Duration = Duration::from_secs(20);
    let end = Instant::now() + LATE;
    loop {
        let lacking = node.without_element(shards.iter().map(|one| one.shard))?;
        if Instant::now() >= end || node.session.is_interrupted() {
            return Some(lacking);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Which shards are this task's.
fn shards_of_task(job: &Job) -> Result<&[JobShard], Error> {
    let number = std::env::var(TASK).ok().and_then(|number| number.parse::<usize>().ok());
    let task = number.and_then(|number| job.tasks.get(number));
    task.map(Vec::as_slice).ok_or_else(|| {
        let message = format!(
            "the variable `{TASK}` holds no number of a task: there are {}, from 0",
            job.tasks.len()
        );
        Error::new(ErrorKind::Usage, message)
    })
}

fn differs(job: &Job, what: &str) -> Error {
    let message = format!(
        "the worker comes to another plan than the program that submitted `{}`: {what}; an input file, a file of params or the environment may differ on this machine",
        job.stage
    );
    Error::new(ErrorKind::Usage, message)
}
