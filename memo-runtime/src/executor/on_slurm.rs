//! Runs the shards of array stages as array jobs of a Slurm cluster.
//!
//! One `sbatch` is sent per call, with the shards that are missing, several in a task. From then on the
//! store is watched; Slurm is only asked what will never come. [`submission`] is one array job, [`batches`]
//! cuts shards into tasks, [`verdict`] says what follows from how a task has ended.

mod batches;
mod submission;
mod verdict;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use super::Executor;
use super::job::{Job, JobShard};
use super::worker::program_digest;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::slurm::{Commands, Indices, Name, Pace, Request, Slurm, Watch, by_hand};
use crate::stage::StageSpec;
use crate::stage::array::table::Table;
use crate::stage::node::Node;
use crate::store::Store;
use submission::Submission;

/// What the command line says of Slurm.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlurmOptions {
    /// Options of `sbatch`, as `key=value`.
    pub(crate) options: Vec<String>,
    /// How many tasks of an array may run at once.
    pub(crate) max_running: Option<NonZeroU32>,
    /// Whether jobs go on when this process is interrupted.
    pub(crate) detach: bool,
    /// What this program was called with, its name left out.
    pub(crate) arguments: Vec<String>,
}

/// Submits to Slurm.
pub(crate) struct OnSlurm {
    slurm: Slurm,
    options: SlurmOptions,
    /// The copy of this program that workers run, and its digest.
    program: OnceCell<(PathBuf, Digest)>,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    submissions: Vec<Submission>,
}

impl OnSlurm {
    /// Asks the cluster for its limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if Slurm's commands are missing.
    pub(crate) fn connect(
        options: SlurmOptions,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let slurm = Slurm::connect(Commands::default()).map_err(|error| usage(&error))?;
        let slurm = slurm.pausing(move |time| pause(time, &interrupted));
        let watch = Watch::new(Pace::new(Instant::now()));
        let state = Mutex::new(State { watch, submissions: Vec::new() });
        Ok(Self { slurm, options, program: OnceCell::new(), state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies this program into the store, unless that was done: tasks wait while people rebuild.
    fn program(&self, store: &Store) -> Result<&(PathBuf, Digest), Error> {
        self.program.get_or_try_init(|| {
            let failed = |error: std::io::Error| {
                Error::new(ErrorKind::Store, "this program cannot be copied into the store")
                    .because(error)
            };
            let path = std::env::current_exe().map_err(failed)?;
            let digest = program_digest(&path).map_err(failed)?;
            let copy = store.keep_program(&path, &digest).map_err(failed)?;
            Ok((copy, digest))
        })
    }

    /// Returns what is asked of Slurm for a stage.
    fn request(&self, spec: &StageSpec, name: &str) -> Result<Request, Error> {
        let in_stage = |error: crate::slurm::Error| usage(&error).in_stage(spec.name);
        let name = Name::new(name).map_err(in_stage)?;
        let mut request = Request::new(PathBuf::from("/bin/true"), name);
        let asked = &spec.resources;
        request.cpus = NonZeroU32::new(asked.cpus);
        request.memory = Some(asked.memory).filter(|memory| *memory > 0);
        request.time = Some(Duration::from_millis(asked.time)).filter(|time| !time.is_zero());
        request.gpus = NonZeroU32::new(asked.gpus);
        request.max_running = self.options.max_running;
        // A worker that is told in time keeps what it has finished.
        request.warning = request.time.map(|_| Duration::from_mins(1));
        if !asked.partition.is_empty() {
            request.option(&format!("partition={}", asked.partition)).map_err(in_stage)?;
        }
        for option in &self.options.options {
            request.option(option).map_err(in_stage)?;
        }
        request.folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Ok(request)
    }

    /// Submits shards of a call.
    fn submit(
        &self,
        position: usize,
        node: &Arc<Node>,
        shards: &[usize],
        tries: u32,
    ) -> Result<Submission, Error> {
        let Some(table) = node.table() else {
            return Err(node.blame(Error::new(ErrorKind::Wiring, "it is no array")));
        };
        let Some(key) = node.key() else {
            return Err(node.blame(Error::new(ErrorKind::Wiring, "it has no key")));
        };
        let store = &node.session.store;
        let (program, digest) = self.program(store)?;
        let (name, folder) = store.new_job(node.spec.short_name(), &key)?;
        let mut request = self.request(node.spec, &name)?;
        let batches = batches::cut(shards, node, table, self.slots(&request));
        let of_shard = |shard: &usize| JobShard {
            shard: *shard,
            key: table.key(*shard),
            generation: node.generation(table, *shard),
        };
        let job = Job {
            memo: 1,
            name: name.clone(),
            arguments: self.options.arguments.clone(),
            folder: request.folder.clone(),
            store: store.path().to_owned(),
            program: *digest,
            stage: node.spec.name.to_owned(),
            call: node.plan_identity(),
            key,
            tasks: batches.iter().map(|batch| batch.iter().map(of_shard).collect()).collect(),
        };
        folder.write(&job)?;
        request.program.clone_from(program);
        request.arguments = vec!["--worker".into(), folder.path().into()];
        request.logs = folder.logs();
        let count = u32::try_from(job.tasks.len()).unwrap_or(u32::MAX);
        request.indices = Some((0..count).collect::<Indices>());
        super::TASK.clone_into(&mut request.index_variable);
        let mut submission = Submission::new(position, node, folder, &job, tries);
        submission.send(&self.slurm, &request, &mut self.state().watch)?;
        Ok(submission)
    }

    /// How many tasks the cluster may run at once, as far as it tells.
    fn slots(&self, request: &Request) -> Option<usize> {
        let throttle = request.max_running.map(|count| count.get() as usize);
        let cpus = self.slurm.cpus(request);
        let per_task = request.cpus.map_or(1, |cpus| cpus.get() as usize);
        let fitting = cpus.map(|cpus| (cpus / per_task).max(1));
        throttle.into_iter().chain(fitting).min()
    }

    /// Takes up jobs that another start of the program has submitted for the same call. Returns the shards
    /// that they will make.
    fn adopt(&self, position: usize, node: &Arc<Node>, table: &Table) -> BTreeSet<usize> {
        let mut adopted = BTreeSet::new();
        let Some(key) = node.key() else { return adopted };
        let missing: std::collections::HashMap<Digest, usize> =
            table.running().into_iter().map(|shard| (table.key(shard), shard)).collect();
        for folder in node.session.store.jobs_of(node.spec.short_name(), &key) {
            let Ok(job) = folder.read() else { continue };
            if job.key != key || !folder.is_open() {
                continue;
            }
            let mut submission = Submission::of(position, node, folder, &job, |one| {
                let shard = *missing.get(&one.key)?;
                (!adopted.contains(&shard)).then_some(shard)
            });
            let found = submission.find(&self.slurm, &job, &mut self.state().watch);
            match found {
                Ok(true) => {
                    adopted.extend(submission.outstanding());
                    let count = submission.outstanding().count();
                    node.told_elsewhere(format!(
                        "{count} shards are found on their way in Slurm job {}",
                        submission.jobs_text()
                    ));
                    self.state().submissions.push(submission);
                }
                Ok(false) => submission.end(),
                Err(_) => {}
            }
        }
        adopted
    }
}

impl Executor for OnSlurm {
    fn takes(&self, node: &Node) -> bool {
        node.array.is_some() && node.is_kept() && !node.session.store.is_read_only()
    }

    fn check(&self, nodes: &[Arc<Node>]) -> Result<(), Error> {
        let mut checked = BTreeSet::new();
        for node in nodes.iter().filter(|node| self.takes(node)) {
            if !checked.insert(node.spec.name) {
                continue;
            }
            let mut request = self.request(node.spec, "memo-test")?;
            let folder = tempfile::tempdir().map_err(|error| {
                Error::new(ErrorKind::Store, "no folder could be made").because(error)
            })?;
            folder.path().clone_into(&mut request.logs);
            self.slurm.check(&request).map_err(|error| usage(&error).in_stage(node.spec.name))?;
        }
        Ok(())
    }

    fn begin(&self, position: usize, node: &Arc<Node>) -> Result<(), Error> {
        let Some(table) = node.table() else { return Ok(()) };
        let mut shards: BTreeSet<usize> = table.take_all().into_iter().collect();
        for adopted in self.adopt(position, node, table) {
            shards.remove(&adopted);
        }
        if shards.is_empty() {
            return Ok(());
        }
        let shards: Vec<usize> = shards.into_iter().collect();
        let submission = self.submit(position, node, &shards, 0)?;
        node.told_elsewhere(submission.told());
        self.state().submissions.push(submission);
        Ok(())
    }

    fn look(&self) -> Vec<usize> {
        let now = Instant::now();
        let mut changed = BTreeSet::new();
        let (mut again, mut ended) = (Vec::new(), Vec::new());
        {
            let mut state = self.state();
            let State { watch, submissions } = &mut *state;
            let changes = match watch.look(&self.slurm, now) {
                Ok(changes) => changes,
                Err(error) => {
                    submissions.iter_mut().for_each(|one| one.told_silence(&error));
                    Vec::new()
                }
            };
            let stuck = watch.stuck(now);
            for submission in submissions.iter_mut() {
                if submission.note_results(watch) {
                    changed.insert(submission.position);
                }
                submission.note_changes(&changes, now);
                submission.note_stuck(&stuck, &self.slurm);
                for verdict in submission.decide(&self.slurm, watch, now) {
                    changed.insert(submission.position);
                    again.push((submission.position, Arc::clone(&submission.node), verdict));
                }
                submission.send_more(&self.slurm, watch);
            }
            let is_over = |one: &mut Submission| one.is_over();
            ended.extend(submissions.extract_if(.., is_over));
        }
        ended.iter().for_each(Submission::end);
        for (position, node, verdict::Again { shards, tries }) in again {
            if shards.is_empty() {
                continue;
            }
            match self.submit(position, &node, &shards, tries) {
                Ok(submission) => {
                    node.told_elsewhere(submission.told());
                    self.state().submissions.push(submission);
                }
                Err(error) => {
                    let Some(table) = node.table() else { continue };
                    shards.iter().for_each(|shard| table.failed(*shard, &error));
                    changed.insert(position);
                }
            }
        }
        changed.into_iter().collect()
    }

    fn stop(&self) {
        let state = self.state();
        let jobs = state.watch.jobs();
        if jobs.is_empty() {
            return;
        }
        let Some(first) = state.submissions.first() else { return };
        let node = Arc::clone(&first.node);
        drop(state);
        if self.options.detach {
            let message = "the jobs go on; start the same command again to take them up";
            return node.told_elsewhere(message.to_owned());
        }
        if let Err(error) = self.slurm.cancel(&jobs) {
            let by_hand = by_hand(&jobs);
            node.warn(format!("the jobs could not be cancelled: {error}; {by_hand}"), false);
            return;
        }
        let end = Instant::now() + self.slurm.limits().kill_wait;
        while Instant::now() < end {
            self.look_at_store();
            if self.state().submissions.iter().all(|one| one.outstanding().next().is_none()) {
                break;
            }
            let is_alive = {
                let State { watch, .. } = &mut *self.state();
                // An answer that does not come is no reason to wait.
                let _ = watch.look(&self.slurm, Instant::now());
                !watch.jobs().is_empty()
            };
            if !is_alive {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        self.look_at_store();
        self.state().submissions.iter().for_each(Submission::end);
    }
}

impl OnSlurm {
    fn look_at_store(&self) {
        let State { watch, submissions } = &mut *self.state();
        submissions.iter_mut().for_each(|one| {
            one.note_results(watch);
        });
    }
}

/// Waits, but not on when the run is to end. Returns whether it goes on.
fn pause(time: Duration, interrupted: &AtomicBool) -> bool {
    const STEP: Duration = Duration::from_millis(100);
    let end = Instant::now() + time;
    while Instant::now() < end && !interrupted.load(Ordering::Relaxed) {
        std::thread::sleep(STEP.min(time));
    }
    !interrupted.load(Ordering::Relaxed)
}

/// What Slurm refuses is wrong usage; when it does not answer, that is trouble of another kind.
fn usage(error: &crate::slurm::Error) -> Error {
    Error::new(ErrorKind::Usage, error.to_string())
}
