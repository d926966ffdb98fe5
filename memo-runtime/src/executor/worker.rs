//! The worker: the same program, started elsewhere to run some calls, or some shards of one.
//!
//! It repeats the declaration with the submitter's arguments, and refuses to run a call unless it comes to the
//! same one with the same key: a program, a file or an environment that differs must not make results that would
//! be taken for those of the submitter.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::TASK;
use super::job::{Done, Failure, Job, JobFolder, JobShard, Tasks};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::experiment::{Experiment, RunOptions, declare};
use crate::record::Params;
use crate::run::check::read_by;
use crate::stage::array::table::Far;
use crate::stage::node::Node;

/// How a worker ends, by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerEnd {
    /// All its pieces are in the store.
    Done = 0,
    /// Some pieces have failed, and it is written down with what.
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

/// Runs the pieces of one task.
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
    let task = number_of_task(job)?;
    let nodes = declare::declare(experiment, options, false)?.nodes;
    let end = match &job.tasks {
        Tasks::Shards(tasks) => run_shards(&nodes, folder, job, &tasks[task])?,
        Tasks::Calls(tasks) => run_calls(&nodes, folder, job, &tasks[task])?,
    };
    if let Some(node) = nodes.first() {
        node.session.store.files().flush();
    }
    Ok(end)
}

/// Runs shards of a call.
fn run_shards(
    nodes: &[Arc<Node>],
    folder: &JobFolder,
    job: &Job,
    shards: &[JobShard],
) -> Result<WorkerEnd, Error> {
    let call = job.calls.values().next().ok_or_else(|| differs(job, "no call is named"))?;
    let node = nodes.iter().find(|node| node.plan_identity() == call.identity);
    let node = node.ok_or_else(|| differs(job, UNDECLARED))?;
    if node.open_for_worker()? != Some(call.key) {
        return Err(differs(job, OTHER_KEY));
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
        match run_shard(node, shard) {
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
    Ok(end)
}

fn run_shard(node: &Arc<Node>, one: &JobShard) -> Result<Option<Failure>, Error> {
    let Some(table) = node.table() else { return Ok(None) };
    let shard = one.shard;
    if !table.take_for_worker(shard, one.generation) {
        return Ok(None);
    }
    node.run_shard_of_worker(shard)?;
    match table.far(shard) {
        Some(Far::Failed) => {
            Ok(table.failure(shard).as_ref().map(|error| Failure::new(shard, error)))
        }
        Some(Far::RanUnkept) => {
            let error = "it has run, but what it gave could not be kept; see the log".to_owned();
            Ok(Some(Failure { piece: shard, error, invalid: false }))
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

/// Runs whole calls. One that comes out differently here does not keep the others from running.
fn run_calls(
    nodes: &[Arc<Node>],
    folder: &JobFolder,
    job: &Job,
    numbers: &[usize],
) -> Result<WorkerEnd, Error> {
    let wanted: HashSet<Digest> = numbers
        .iter()
        .filter_map(|number| job.calls.get(number))
        .map(|call| call.identity)
        .collect();
    let declared = nodes.iter().map(|node| (node.plan_identity(), node));
    let declared: HashMap<Digest, &Arc<Node>> =
        declared.filter(|(identity, _)| wanted.contains(identity)).collect();
    let mut held = Held::new(declared.values().copied());
    let mut end = WorkerEnd::Done;
    for number in numbers {
        // An earlier start of this task may have come so far.
        if folder.is_done(*number) {
            continue;
        }
        let call = job.calls.get(number).ok_or_else(|| differs(job, "a call is not named"))?;
        let node = declared.get(&call.identity);
        if node.is_some_and(|node| node.session.is_interrupted()) {
            return Ok(WorkerEnd::Stopped);
        }
        let made = match node {
            Some(node) => node.make_for_another(call.key, call.anew),
            None => Err(Error::new(ErrorKind::Usage, UNDECLARED)),
        };
        // It may have failed because it was told to end.
        let is_told = || node.is_some_and(|node| node.session.is_interrupted());
        match made {
            Ok(made) => folder.done(&Done { piece: *number, made })?,
            Err(error) if error.kind() == ErrorKind::Interrupted || is_told() => {
                return Ok(WorkerEnd::Stopped);
            }
            Err(error) => {
                let differs = error.kind() == ErrorKind::Usage;
                let error = if differs { self::differs(job, &error.chain()) } else { error };
                folder.fail(&Failure::new(*number, &error))?;
                end = WorkerEnd::Failed;
            }
        }
        if let Some(node) = node {
            held.let_go_of(node);
        }
    }
    Ok(end)
}

/// How many calls of the task still read the values of another, by its address.
struct Held(HashMap<usize, usize>);

impl Held {
    fn new<'a>(calls: impl Iterator<Item = &'a Arc<Node>>) -> Self {
        let mut readers = HashMap::new();
        for above in calls.flat_map(|node| read_by(node)) {
            *readers.entry(Arc::as_ptr(&above).addr()).or_default() += 1;
        }
        Self(readers)
    }

    /// Drops the values that no other call will read, once a call has ended.
    fn let_go_of(&mut self, node: &Arc<Node>) {
        node.drop_values();
        for above in read_by(node) {
            let left = self.0.entry(Arc::as_ptr(&above).addr()).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                above.drop_values();
            }
        }
    }
}

const UNDECLARED: &str = "it does not declare the call";
const OTHER_KEY: &str = "the call has another key here";

/// Which of the tasks is this one.
fn number_of_task(job: &Job) -> Result<usize, Error> {
    let number = std::env::var(TASK).ok().and_then(|number| number.parse::<usize>().ok());
    number.filter(|number| *number < job.tasks.len()).ok_or_else(|| {
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
