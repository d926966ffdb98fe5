//! One array job, and which of its shards are still to come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::verdict::{Again, Verdict, verdict};
use crate::error::{Error, ErrorKind};
use crate::executor::job::{Job, JobFolder, JobShard};
use crate::slurm::{
    Cause, Change, Indices, JobId, Logs, Name, Outlook, Part, Request, Slurm, State, Stuck, Task,
    Watch, tail,
};
use crate::stage::node::Node;

/// How long after its task has ended a result may still come into sight.
const SETTLES: Duration = Duration::from_secs(2);

pub(super) struct Submission {
    pub(super) position: usize,
    pub(super) node: Arc<Node>,
    folder: JobFolder,
    /// The shards of each task that are still to come, with the generation that counts.
    left: Vec<BTreeMap<usize, u32>>,
    /// Which tasks have made something.
    made: BTreeSet<usize>,
    /// Which task of the job each of Slurm's is.
    tasks: BTreeMap<Task, usize>,
    /// How each task has ended, and since when that is known.
    over: BTreeMap<usize, (Task, State, bool, Instant)>,
    /// Jobs that the watch is still to be told of.
    fresh: Vec<JobId>,
    /// Whether all that has left it so far is in the store.
    is_clean: bool,
    /// Whether there may be a job that nobody knows of.
    is_unclear: bool,
    tries: u32,
    name: String,
    told_silence: bool,
}

impl Submission {
    pub(super) fn new(
        position: usize,
        node: &Arc<Node>,
        folder: JobFolder,
        job: &Job,
        tries: u32,
    ) -> Self {
        let mut submission = Self::of(position, node, folder, job, |one| Some(one.shard));
        submission.tries = tries;
        submission
    }

    /// Takes a job that was written, as far as `shard_of` knows its shards.
    pub(super) fn of(
        position: usize,
        node: &Arc<Node>,
        folder: JobFolder,
        job: &Job,
        shard_of: impl Fn(&JobShard) -> Option<usize>,
    ) -> Self {
        let shards = |task: &Vec<JobShard>| {
            task.iter().filter_map(|one| Some((shard_of(one)?, one.generation))).collect()
        };
        Self {
            position,
            node: Arc::clone(node),
            folder,
            left: job.tasks.iter().map(shards).collect(),
            made: BTreeSet::new(),
            tasks: BTreeMap::new(),
            over: BTreeMap::new(),
            fresh: Vec::new(),
            is_clean: true,
            is_unclear: false,
            tries: 0,
            name: job.name.clone(),
            told_silence: false,
        }
    }

    /// Lists the shards that are still to come.
    pub(super) fn outstanding(&self) -> impl Iterator<Item = usize> + '_ {
        self.left.iter().flat_map(|task| task.keys().copied())
    }

    pub(super) fn is_over(&self) -> bool {
        self.outstanding().next().is_none()
    }

    /// Notes in its folder that nothing more is expected of it. What has gone well leaves none.
    pub(super) fn end(&self) {
        match (self.is_unclear, self.is_clean && self.is_over()) {
            // The next run looks for the job.
            (true, _) => {}
            (false, true) => self.folder.remove(),
            (false, false) => self.folder.end(),
        }
    }

    /// Whether some task of it has not begun, as far as is known.
    pub(super) fn waits(&self, watch: &Watch) -> bool {
        let waits = |task: &Task| watch.state(*task) == Some(&State::Waiting);
        self.tasks.keys().any(waits)
    }

    pub(super) fn jobs(&self) -> BTreeSet<JobId> {
        self.tasks.keys().map(|task| task.job).collect()
    }

    pub(super) fn jobs_text(&self) -> String {
        self.jobs().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Says what was submitted.
    pub(super) fn told(&self) -> String {
        let shards = counted(self.outstanding().count(), "shard");
        let tasks = counted(self.tasks.len(), "task");
        format!("{shards} in {tasks} of Slurm job {}", self.jobs_text())
    }

    /// Submits all parts of a request, as far as Slurm has room, `after` another job where so many tasks only may
    /// run at once. Returns the shards of the others, with what Slurm has said.
    ///
    /// # Errors
    ///
    /// Why nothing was submitted.
    pub(super) fn send(
        &mut self,
        slurm: &Slurm,
        request: &Request,
        after: Option<JobId>,
    ) -> Result<Option<(Vec<usize>, String)>, Error> {
        let parts = request.parts(slurm.limits());
        let mut last = after;
        for (position, part) in parts.iter().enumerate() {
            match slurm.submit(request, part, last) {
                Ok(job) => {
                    self.follow(job, part);
                    last = Some(job);
                }
                Err(crate::slurm::Error::Full { said }) => {
                    return Ok(Some((self.take_parts(&parts[position..]), said)));
                }
                Err(error) => {
                    self.is_unclear = matches!(error, crate::slurm::Error::Unclear { .. });
                    self.is_clean = false;
                    let kind = if error.passes() { ErrorKind::Stage } else { ErrorKind::Usage };
                    let error = self.node.blame(Error::new(kind, error.to_string()));
                    if position == 0 {
                        self.end();
                        return Err(error);
                    }
                    // What is on its way is not lost for that.
                    for shard in self.take_parts(&parts[position..]) {
                        self.node.note_failed_elsewhere(shard, &error);
                    }
                }
            }
            if !self.is_clean {
                break;
            }
        }
        Ok(None)
    }

    /// Takes the shards of parts that were not submitted.
    fn take_parts(&mut self, parts: &[Part]) -> Vec<usize> {
        let numbers = parts.iter().flat_map(|part| {
            let indices = part.indices.iter().flat_map(Indices::iter);
            indices.map(|index| (part.base + index) as usize)
        });
        numbers.flat_map(|task| std::mem::take(&mut self.left[task]).into_keys()).collect()
    }

    fn follow(&mut self, job: JobId, part: &Part) {
        for index in part.indices.iter().flat_map(Indices::iter) {
            let task = Task { job, index: Some(index) };
            self.tasks.insert(task, (part.base + index) as usize);
        }
        self.fresh.push(job);
    }

    /// Tells the watch of jobs that it does not know yet.
    pub(super) fn watched_by(&mut self, watch: &mut Watch) {
        for job in std::mem::take(&mut self.fresh) {
            let ours = self.tasks.keys().filter(|task| task.job == job);
            let indices: Indices = ours.filter_map(|task| task.index).collect();
            watch.follow(job, Some(&indices), Instant::now());
        }
    }

    /// Looks which tasks of the job wait or run. False if none does.
    ///
    /// # Errors
    ///
    /// Says why Slurm did not answer.
    pub(super) fn find(&mut self, slurm: &Slurm, job: &Job) -> Result<bool, crate::slurm::Error> {
        if self.is_over() {
            self.is_clean = self.folder.failures(|_| true).is_empty();
            return Ok(false);
        }
        let mut request = Request::new("/bin/true".into(), Name::new(job.name.clone())?);
        let count = u32::try_from(job.tasks.len()).unwrap_or(u32::MAX);
        request.indices = Some((0..count).collect::<Indices>());
        for part in request.parts(slurm.limits()) {
            if let Some(id) = slurm.find(&part.name)? {
                self.follow(id, &part);
            }
        }
        if !self.fresh.is_empty() {
            let alive = slurm.ask(&self.fresh)?.alive();
            self.tasks.retain(|task, _| alive.contains(task));
        }
        // What a part that was never submitted should make is not on its way, nor is what a task has left.
        let followed: BTreeSet<usize> = self.tasks.values().copied().collect();
        for (task, left) in self.left.iter_mut().enumerate() {
            if !followed.contains(&task) && !left.is_empty() {
                left.clear();
                self.is_clean = false;
            }
        }
        Ok(!self.is_over())
    }

    /// Notes what is in the store, and which shards have failed. Returns whether there was anything.
    pub(super) fn note_results(&mut self, watch: &mut Watch) -> bool {
        let Some(table) = self.node.table() else { return false };
        table.packs.refresh();
        let mut any = false;
        for (task, left) in self.left.iter_mut().enumerate() {
            let before = left.len();
            left.retain(|shard, generation| !self.node.note_made_elsewhere(*shard, *generation));
            if left.len() < before {
                any = true;
                self.made.insert(task);
            }
        }
        let left = &mut self.left;
        for failure in self.folder.failures(|shard| left.iter().any(|of| of.contains_key(&shard))) {
            let is_left = |left: &mut BTreeMap<usize, u32>| left.remove(&failure.shard).is_some();
            if left.iter_mut().any(is_left) {
                any = true;
                self.is_clean = false;
                self.node.note_failed_elsewhere(failure.shard, &failure.error());
            }
        }
        if any {
            let done = |task: &usize| self.left[*task].is_empty();
            let ended = self.tasks.iter().filter(|(_, task)| done(task)).map(|(task, _)| *task);
            let ended: Vec<Task> = ended.collect();
            for task in ended {
                watch.forget(task);
                self.tasks.remove(&task);
            }
        }
        any
    }

    /// Notes which tasks have ended.
    pub(super) fn note_changes(&mut self, changes: &[Change], now: Instant) {
        let ours = |change: &&Change| self.tasks.contains_key(&change.task);
        for change in changes.iter().filter(ours).filter(|change| change.is_put_back()) {
            let task = change.task;
            self.node.told_elsewhere(format!("Slurm has put task {task} back into the queue"));
        }
        for change in changes.iter().filter(|change| change.now.is_over()) {
            if let Some(task) = self.tasks.get(&change.task) {
                let was_waiting = change.before == State::Waiting;
                self.over.insert(*task, (change.task, change.now.clone(), was_waiting, now));
            }
        }
    }

    /// Fails what will wait for ever, and tells what waits for long. Returns whether anything has failed.
    pub(super) fn note_stuck(&mut self, stuck: &[Stuck], slurm: &Slurm) -> bool {
        let mut any = false;
        for one in stuck.iter().filter(|one| self.tasks.keys().any(|task| task.job == one.job)) {
            let message = format!("Slurm job {} waits ({}): {}", one.job, one.reason, one.advice);
            if one.outlook == Outlook::Never {
                // What it will never make has failed, and it is not left behind.
                let _ = slurm.cancel(&[one.job]);
                let error = Error::new(ErrorKind::Stage, message);
                (self.is_clean, any) = (false, true);
                let tasks: Vec<usize> = self
                    .tasks
                    .iter()
                    .filter(|(task, _)| task.job == one.job)
                    .map(|(_, task)| *task)
                    .collect();
                for task in tasks {
                    for shard in std::mem::take(&mut self.left[task]).into_keys() {
                        self.node.note_failed_elsewhere(shard, &error);
                    }
                }
            } else {
                self.node.warn(message, false);
            }
        }
        any
    }

    /// Decides what becomes of the shards that tasks have left. Those that have failed are noted. Returns what
    /// is to be submitted again, or `None` if nothing was decided.
    pub(super) fn decide(
        &mut self,
        slurm: &Slurm,
        watch: &mut Watch,
        now: Instant,
    ) -> Option<Vec<Again>> {
        let settled: Vec<usize> = self
            .over
            .iter()
            .filter(|(_, (.., since))| now.saturating_duration_since(*since) >= SETTLES)
            .map(|(task, _)| *task)
            .collect();
        if settled.is_empty() {
            return None;
        }
        self.note_results(watch);
        // What was tried as often goes together.
        let (mut again, mut details) = (BTreeMap::<u32, Vec<usize>>::new(), BTreeMap::new());
        for number in settled {
            let Some((task, mut state, was_waiting, _)) = self.over.remove(&number) else {
                continue;
            };
            self.tasks.remove(&task);
            watch.forget(task);
            if self.left[number].is_empty() {
                continue;
            }
            if let State::Failed(Cause::Unknown) = state {
                let details = details.entry(task.job).or_insert_with(|| slurm.details(task.job));
                state = details.get(&task).map_or(state, |detail| detail.state.clone());
            }
            let made = self.made.contains(&number);
            let retries = self.node.spec.retries;
            let shards: Vec<usize> = std::mem::take(&mut self.left[number]).into_keys().collect();
            self.is_clean = false;
            match verdict(&state, was_waiting, made, self.tries, retries) {
                Verdict::Again { counts } => {
                    again.entry(self.tries + u32::from(counts)).or_default().extend(shards);
                }
                Verdict::Fail(why) => {
                    let error = self.with_log(task, &why);
                    for shard in shards {
                        self.node.note_failed_elsewhere(shard, &error);
                    }
                }
            }
        }
        Some(again.into_iter().map(|(tries, shards)| Again { shards, tries }).collect())
    }

    fn with_log(&self, task: Task, why: &str) -> Error {
        let log = Logs(self.folder.logs()).of(task);
        let lines = tail(&log, 20, 4096).unwrap_or_default();
        let mut text = format!("Slurm task {task}: {why}");
        if lines.is_empty() {
            text.push_str("; it has written nothing");
        } else {
            text.push_str("; the end of ");
            text.push_str(&log.display().to_string());
            text.push_str(":\n  ");
            text.push_str(&lines.replace('\n', "\n  "));
        }
        Error::new(ErrorKind::Stage, text)
    }

    /// Tells once that Slurm does not answer.
    pub(super) fn told_silence(&mut self, error: &crate::slurm::Error) {
        if !std::mem::replace(&mut self.told_silence, true) {
            let message = format!("{error}; the run waits for the job `{}`", self.name);
            self.node.warn(message, false);
        }
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
