//! Runs the shards of array stages as array jobs of a Slurm cluster.
//!
//! One `sbatch` is sent per call, with the shards that are missing, several in a task. From then on the
//! store is watched; Slurm is only asked what will never come. [`submission`] is one array job, [`batches`]
//! cuts shards into tasks, [`verdict`] says what follows from how a task has ended.

mod batches;
mod later;
mod ready;
mod submission;
mod verdict;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use super::Executor;
use super::job::{Job, JobShard};
use super::worker::program_digest;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::slurm::{
    Answer, Change, Commands, Indices, JobId, Name, Pace, Request, Slurm, Watch, by_hand,
};
use crate::stage::StageSpec;
use crate::stage::array::table::Table;
use crate::stage::node::Node;
use crate::store::Store;
use later::{FIRST_GAP, LAST_GAP, Later};
use ready::{OnItsWay, Ready};
use submission::Submission;
use verdict::Again;

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
    slurm: Arc<Slurm>,
    options: SlurmOptions,
    /// The copy of this program that workers run, and its digest.
    program: OnceCell<(PathBuf, Digest)>,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    submissions: Vec<Submission>,
    /// What Slurm has no room for yet.
    later: Vec<Later>,
    /// Arrays over the shards of others that are not all there.
    ready: Vec<Ready>,
    /// Where Slurm's next answer comes in: it may take half a minute while the controller is away.
    asked: Option<Receiver<Result<Answer, crate::slurm::Error>>>,
    stopped: bool,
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
        let (submissions, later, ready) = (Vec::new(), Vec::new(), Vec::new());
        let state = State { watch, submissions, later, ready, asked: None, stopped: false };
        let (slurm, state) = (Arc::new(slurm), Mutex::new(state));
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
        // A worker that is told in time begins nothing that it cannot finish. Slurm may tell it a minute
        // early, so one with little time would be told as it begins.
        let is_long = |time: &Duration| *time >= Duration::from_mins(10);
        request.warning = request.time.filter(is_long).map(|_| Duration::from_mins(1));
        if !asked.partition.is_empty() {
            request.option(&format!("partition={}", asked.partition)).map_err(in_stage)?;
        }
        for option in &self.options.options {
            request.option(option).map_err(in_stage)?;
        }
        request.folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Ok(request)
    }

    /// Submits shards of a call, as far as Slurm has room. Returns the others, with what Slurm has said.
    fn submit(
        &self,
        position: usize,
        node: &Arc<Node>,
        shards: &[usize],
        tries: u32,
    ) -> Result<Option<(Vec<usize>, String)>, Error> {
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
        let rest = submission.send(&self.slurm, &request, self.last_job(position))?;
        if submission.is_over() {
            submission.end();
        } else {
            node.told_elsewhere(submission.told());
            self.add(submission);
        }
        Ok(rest)
    }

    /// Returns the last job of a call that is on its way.
    fn last_job(&self, position: usize) -> Option<JobId> {
        let state = self.state();
        let ours = state.submissions.iter().filter(|one| one.position == position);
        ours.flat_map(Submission::jobs).max()
    }

    /// Follows a submission, unless the run has ended meanwhile.
    fn add(&self, mut submission: Submission) {
        let mut state = self.state();
        submission.watched_by(&mut state.watch);
        if state.stopped && !self.options.detach {
            let jobs: Vec<JobId> = submission.jobs().into_iter().collect();
            let node = Arc::clone(&submission.node);
            drop(state);
            return self.cancel(&node, &jobs);
        }
        state.submissions.push(submission);
    }

    fn cancel(&self, node: &Node, jobs: &[JobId]) {
        if let Err(error) = self.slurm.cancel(jobs) {
            let by_hand = by_hand(jobs);
            node.warn(format!("the jobs could not be cancelled: {error}; {by_hand}"), false);
        }
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
    fn adopt(
        &self,
        position: usize,
        node: &Arc<Node>,
        table: &Table,
    ) -> Result<BTreeSet<usize>, Error> {
        let mut adopted = BTreeSet::new();
        let Some(key) = node.key() else { return Ok(adopted) };
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
            match submission.find(&self.slurm, &job) {
                Ok(true) => {
                    adopted.extend(submission.outstanding());
                    let count = submission::counted(submission.outstanding().count(), "shard");
                    let jobs = submission.jobs_text();
                    node.told_elsewhere(format!("{count} on the way already in Slurm job {jobs}"));
                    self.add(submission);
                }
                Ok(false) => submission.end(),
                Err(error) => {
                    let message = format!(
                        "it is not known whether the job `{}` of an earlier run still goes on: {error}",
                        job.name
                    );
                    return Err(node.blame(Error::new(ErrorKind::Stage, message)));
                }
            }
        }
        Ok(adopted)
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
            // In the store, as those of the submission will be.
            request.logs = node.session.store.trial_folder()?;
            self.slurm.check(&request).map_err(|error| usage(&error).in_stage(node.spec.name))?;
        }
        Ok(())
    }

    fn begin(&self, position: usize, node: &Arc<Node>) -> Result<(), Error> {
        let Some(table) = node.table() else { return Ok(()) };
        // Asked before they are taken: what becomes ready in between is none of these.
        let is_all = table.knows_all_elements();
        let mut shards: BTreeSet<usize> = table.take_all().into_iter().collect();
        for adopted in self.adopt(position, node, table)? {
            shards.remove(&adopted);
        }
        let shards: Vec<usize> = shards.into_iter().collect();
        if !is_all {
            let slots =
                self.slots(&self.request(node.spec, "memo-test")?).unwrap_or(batches::SLOTS);
            let ready = Ready::new(position, node, shards, slots, Instant::now());
            self.state().ready.push(ready);
            return Ok(());
        }
        if shards.is_empty() {
            return Ok(());
        }
        self.submit_or_wait(Later::new(position, node, shards, 0))
    }

    fn look(&self) -> Vec<usize> {
        let now = Instant::now();
        let mut changed = BTreeSet::new();
        let (mut again, mut ended) = (Vec::new(), Vec::new());
        {
            let mut state = self.state();
            let changes = self.hear(&mut state, now);
            let State { watch, submissions, .. } = &mut *state;
            let stuck = watch.stuck(now);
            for submission in submissions.iter_mut() {
                let mut any = submission.note_results(watch);
                submission.note_changes(&changes, now);
                any |= submission.note_stuck(&stuck, &self.slurm);
                if let Some(decided) = submission.decide(&self.slurm, watch, now) {
                    any = true;
                    let (position, node) = (submission.position, &submission.node);
                    let later = |one: Again| Later::new(position, node, one.shards, one.tries);
                    again.extend(decided.into_iter().map(later));
                }
                if any {
                    changed.insert(submission.position);
                }
            }
            let is_over = |one: &mut Submission| one.is_over();
            ended.extend(submissions.extract_if(.., is_over));
            let is_due = |one: &Later| one.next <= now;
            again.extend(state.later.iter().position(is_due).map(|due| state.later.remove(due)));
            again.extend(state.take_ready(now));
        }
        ended.iter().for_each(Submission::end);
        for later in again {
            let (position, node, shards) =
                (later.position, Arc::clone(&later.node), later.shards.clone());
            if let Err(error) = self.submit_or_wait(later) {
                shards.iter().for_each(|shard| node.note_failed_elsewhere(*shard, &error));
            }
            changed.insert(position);
        }
        changed.into_iter().collect()
    }

    fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.later.clear();
        state.ready.clear();
        let jobs: BTreeSet<JobId> = state.submissions.iter().flat_map(Submission::jobs).collect();
        let jobs: Vec<JobId> = jobs.into_iter().collect();
        let Some(first) = state.submissions.first() else { return };
        let node = Arc::clone(&first.node);
        drop(state);
        let list = jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if self.options.detach {
            let by_hand = by_hand(&jobs);
            return node.told_elsewhere(format!(
                "Slurm job {list} goes on: the same command takes it up again, and `{by_hand}` ends it"
            ));
        }
        node.told_elsewhere(format!("Slurm job {list} is taken back; what is finished is kept"));
        if let Err(error) = self.slurm.cancel(&jobs) {
            let by_hand = by_hand(&jobs);
            let message = format!(
                "Slurm job {list} could not be cancelled: {error}; `{by_hand}` does it later, and the same \
                 command takes it up again"
            );
            return node.warn(message, false);
        }
        self.wait_for_the_last();
        self.state().submissions.iter().for_each(Submission::end);
    }
}

impl State {
    /// Takes the shards that have become ready and are to go now.
    fn take_ready(&mut self, now: Instant) -> Vec<Later> {
        let Self { watch, submissions, ready, .. } = self;
        let mut due = Vec::new();
        for one in ready.iter_mut() {
            let of_it = submissions.iter().filter(|other| other.position == one.position);
            let on_its_way = of_it.fold(OnItsWay::default(), |sum, other| OnItsWay {
                shards: sum.shards + other.outstanding().count(),
                waits: sum.waits || other.waits(watch),
            });
            let shards = one.take_due(on_its_way, now);
            if !shards.is_empty() {
                due.push(Later::new(one.position, &one.node, shards, 0));
            }
        }
        ready.retain(|one| !one.is_last());
        due
    }
}

impl OnSlurm {
    /// Takes in what Slurm has answered, and asks it again where it is time to.
    fn hear(&self, state: &mut State, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        match state.asked.as_ref().map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) => return changes,
            Some(Ok(answer)) => match state.watch.answered(answer, now) {
                Ok(all) => changes = all,
                Err(error) => state.submissions.iter_mut().for_each(|one| one.told_silence(&error)),
            },
            Some(Err(TryRecvError::Disconnected)) | None => {}
        }
        state.asked = state.watch.due(now).and_then(|jobs| {
            let (told, asked) = mpsc::channel();
            let slurm = Arc::clone(&self.slurm);
            // If there is no thread to be had, there may be one with the next look.
            let asks = move || drop(told.send(slurm.ask(&jobs)));
            std::thread::Builder::new().spawn(asks).ok().map(|_| asked)
        });
        changes
    }

    /// Submits shards; what Slurm has no room for waits.
    fn submit_or_wait(&self, mut later: Later) -> Result<(), Error> {
        let rest = later.shards.split_off(later.most.min(later.shards.len()));
        let tried = later.shards.len();
        let Some((mut full, said)) =
            self.submit(later.position, &later.node, &later.shards, later.tries)?
        else {
            if !rest.is_empty() {
                let later = Later { shards: rest, next: Instant::now(), gap: FIRST_GAP, ..later };
                self.state().later.push(later);
            }
            return Ok(());
        };
        if !std::mem::replace(&mut later.told, true) {
            later.node.told_elsewhere(format!("Slurm has no room for all now: {said}"));
        }
        if full.len() == tried && tried > 1 {
            // A limit may be lower than what was tried. Half of it may fit.
            (later.most, later.next) = (tried / 2, Instant::now());
        } else {
            later.next = Instant::now() + later.gap;
            later.gap = (2 * later.gap).min(LAST_GAP);
        }
        full.extend(rest);
        later.shards = full;
        self.state().later.push(later);
        Ok(())
    }

    /// Waits until the tasks that were told to end have ended.
    fn wait_for_the_last(&self) {
        let end = Instant::now() + self.slurm.limits().kill_wait;
        while Instant::now() < end {
            self.look_at_store();
            let jobs = {
                let state = self.state();
                let is_over = state.submissions.iter().all(Submission::is_over);
                if is_over || state.watch.jobs().is_empty() {
                    break;
                }
                state.watch.due(Instant::now())
            };
            if let Some(jobs) = jobs {
                let answer = self.slurm.ask(&jobs);
                // An answer that does not come is no reason to wait.
                let _ = self.state().watch.answered(answer, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        self.look_at_store();
    }

    fn look_at_store(&self) {
        let State { watch, submissions, .. } = &mut *self.state();
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
