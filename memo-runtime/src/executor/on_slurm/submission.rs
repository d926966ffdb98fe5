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
    /// Parts that Slurm had no room for.
    waiting: Vec<(Request, Part)>,
    last: Option<JobId>,
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
            waiting: Vec::new(),
            last: None,
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

    pub(super) fn end(&self) {
        self.folder.end();
    }

    pub(super) fn jobs_text(&self) -> String {
        let jobs: BTreeSet<JobId> = self.tasks.keys().map(|task| task.job).collect();
        jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Says what was submitted.
    pub(super) fn told(&self) -> String {
        let count = self.outstanding().count();
        format!("{count} shards in {} tasks of Slurm job {}", self.left.len(), self.jobs_text())
    }

    /// Submits all parts of a request, as far as Slurm has room.
    pub(super) fn send(
        &mut self,
        slurm: &Slurm,
        request: &Request,
        watch: &mut Watch,
    ) -> Result<(), Error> {
        let parts = request.parts(slurm.limits());
        self.waiting = parts.into_iter().rev().map(|part| (request.clone(), part)).collect();
        self.try_send(slurm, watch).map_err(|error| {
            self.end();
            let kind = if error.passes() { ErrorKind::Stage } else { ErrorKind::Usage };
            self.node.blame(Error::new(kind, error.to_string()))
        })
    }

    fn try_send(&mut self, slurm: &Slurm, watch: &mut Watch) -> Result<(), crate::slurm::Error> {
        while let Some((request, part)) = self.waiting.last() {
            match slurm.submit(request, part, self.last) {
                Ok(job) => {
                    let (indices, base) = (part.indices.clone(), part.base);
                    self.waiting.pop();
                    self.follow(job, indices.as_ref(), base, watch);
                }
                Err(crate::slurm::Error::Full { said }) => {
                    if self.last.is_none() {
                        self.node.told_elsewhere(format!("Slurm has no room yet: {said}"));
                    }
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Submits parts that there was no room for.
    pub(super) fn send_more(&mut self, slurm: &Slurm, watch: &mut Watch) {
        if self.waiting.is_empty() || watch.jobs().len() > 1 && !self.tasks.is_empty() {
            return;
        }
        // It is tried again with the next look.
        let _ = self.try_send(slurm, watch);
    }

    fn follow(&mut self, job: JobId, indices: Option<&Indices>, base: u32, watch: &mut Watch) {
        self.last = Some(job);
        for index in indices.iter().flat_map(|indices| indices.iter()) {
            let task = Task { job, index: Some(index) };
            self.tasks.insert(task, (base + index) as usize);
        }
        watch.follow(job, indices, Instant::now());
    }

    /// Looks whether Slurm knows the job. False if it does not.
    pub(super) fn find(
        &mut self,
        slurm: &Slurm,
        job: &Job,
        watch: &mut Watch,
    ) -> Result<bool, crate::slurm::Error> {
        if self.is_over() {
            return Ok(false);
        }
        let mut request = Request::new("/bin/true".into(), Name::new(job.name.clone())?);
        let count = u32::try_from(job.tasks.len()).unwrap_or(u32::MAX);
        request.indices = Some((0..count).collect::<Indices>());
        let mut found = false;
        for part in request.parts(slurm.limits()) {
            if let Some(id) = slurm.find(&part.name)? {
                self.follow(id, part.indices.as_ref(), part.base, watch);
                found = true;
            }
        }
        // What a part that was never submitted should make is not on its way.
        let followed: BTreeSet<usize> = self.tasks.values().copied().collect();
        for (task, left) in self.left.iter_mut().enumerate() {
            if !followed.contains(&task) {
                left.clear();
            }
        }
        Ok(found && !self.is_over())
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
        for failure in self.folder.failures() {
            let is_left = |left: &mut BTreeMap<usize, u32>| left.remove(&failure.shard).is_some();
            if self.left.iter_mut().any(is_left) {
                any = true;
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

    /// Fails what will wait for ever, and tells what waits for long.
    pub(super) fn note_stuck(&mut self, stuck: &[Stuck], slurm: &Slurm) {
        for one in stuck.iter().filter(|one| self.tasks.keys().any(|task| task.job == one.job)) {
            let message = format!("Slurm job {} waits ({}): {}", one.job, one.reason, one.advice);
            if one.outlook == Outlook::Never {
                // What it will never make has failed, and it is not left behind.
                let _ = slurm.cancel(&[one.job]);
                let error = Error::new(ErrorKind::Stage, message);
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
    }

    /// Decides what becomes of the shards that tasks have left. Those that have failed are noted.
    pub(super) fn decide(&mut self, slurm: &Slurm, watch: &mut Watch, now: Instant) -> Vec<Again> {
        let settled: Vec<usize> = self
            .over
            .iter()
            .filter(|(_, (.., since))| now.saturating_duration_since(*since) >= SETTLES)
            .map(|(task, _)| *task)
            .collect();
        if settled.is_empty() {
            return Vec::new();
        }
        self.note_results(watch);
        let (mut all, mut details) = (Vec::new(), BTreeMap::new());
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
            match verdict(&state, was_waiting, made, self.tries, retries) {
                Verdict::Again { counts } => {
                    all.push(Again { shards, tries: self.tries + u32::from(counts) });
                }
                Verdict::Fail(why) => {
                    let error = self.with_log(task, &why);
                    for shard in shards {
                        self.node.note_failed_elsewhere(shard, &error);
                    }
                    // Somebody has to be told, though nothing is submitted again.
                    all.push(Again { shards: Vec::new(), tries: self.tries });
                }
            }
        }
        // What can go together goes together.
        let tries = all.iter().map(|again| again.tries).max().unwrap_or(0);
        let shards: Vec<usize> = all.into_iter().flat_map(|again| again.shards).collect();
        vec![Again { shards, tries }]
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
