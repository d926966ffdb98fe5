//! One array job, and which of its pieces are still to come.

mod results;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use super::work::Work;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::executor::asked::Asked;
use crate::executor::job::{Job, JobCall, JobFolder, JobShard, Tasks};
use crate::slurm::{Indices, JobId, Name, Part, Request, Slurm, State, Task, Watch};

#[expect(clippy::struct_excessive_bools, reason = "they change apart from each other")]
pub(super) struct Submission {
    pub(super) work: Arc<Work>,
    folder: JobFolder,
    /// Tells others that this process waits for it.
    followed: Option<File>,
    /// The pieces of each task that are still to come; of shards with the generation that counts.
    left: Vec<BTreeMap<usize, u32>>,
    /// The pieces of each task that this run does not wait for.
    others: Vec<Vec<Theirs>>,
    /// Our numbers for pieces that another start has numbered otherwise; none for those that are not ours.
    renumbered: BTreeMap<usize, Option<usize>>,
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
    /// Whether it makes something too that this run does not wait for.
    is_shared: bool,
    tries: u32,
    asked: Asked,
    name: String,
    told_silence: bool,
}

/// A piece of a job, as the one who has submitted it knows it.
#[derive(Clone, Copy)]
pub(super) struct Theirs {
    pub(super) number: usize,
    pub(super) key: Digest,
    /// Of a shard.
    pub(super) generation: u32,
}

/// What is left of a job that another start has submitted.
pub(super) enum Found {
    /// Something that this run waits for is on its way.
    Ours,
    /// Something else is.
    Others,
    Nothing,
}

impl Submission {
    pub(super) fn new(work: &Arc<Work>, folder: JobFolder, job: &Job) -> Self {
        Self::of(work, folder, job, |one| Some(one.number))
    }

    /// Takes a job that was written, as far as `ours` knows our numbers of its pieces.
    pub(super) fn of(
        work: &Arc<Work>,
        folder: JobFolder,
        job: &Job,
        ours: impl Fn(&Theirs) -> Option<usize>,
    ) -> Self {
        let tasks: Vec<Vec<Theirs>> = match &job.tasks {
            Tasks::Shards(tasks) => {
                let of_shard = |one: &JobShard| {
                    let JobShard { shard: number, key, generation } = *one;
                    Theirs { number, key, generation }
                };
                tasks.iter().map(|task| task.iter().map(of_shard).collect()).collect()
            }
            Tasks::Calls(tasks) => {
                let of_call = |number: &usize| {
                    let JobCall { key, .. } = *job.calls.get(number)?;
                    Some(Theirs { number: *number, key, generation: 0 })
                };
                tasks.iter().map(|task| task.iter().filter_map(of_call).collect()).collect()
            }
        };
        let (mut left, mut others) = (vec![BTreeMap::new(); tasks.len()], Vec::new());
        let mut renumbered = BTreeMap::new();
        for (task, left) in tasks.into_iter().zip(&mut left) {
            let is_other = |theirs: &Theirs| {
                let number = ours(theirs);
                if number != Some(theirs.number) {
                    renumbered.insert(theirs.number, number);
                }
                let Some(number) = number else { return true };
                left.insert(number, theirs.generation);
                false
            };
            others.push(task.into_iter().filter(is_other).collect());
        }
        let followed = folder.follow();
        Self {
            work: Arc::clone(work),
            folder,
            followed,
            left,
            others,
            renumbered,
            made: BTreeSet::new(),
            tasks: BTreeMap::new(),
            over: BTreeMap::new(),
            fresh: Vec::new(),
            is_clean: true,
            is_unclear: false,
            is_shared: false,
            tries: job.tries,
            asked: job.asked.clone(),
            name: job.name.clone(),
            told_silence: false,
        }
    }

    /// Returns our number of a piece, if it is ours.
    fn ours(&self, theirs: usize) -> Option<usize> {
        self.renumbered.get(&theirs).copied().unwrap_or(Some(theirs))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether others wait for it too, so that it is not ours to end.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Lists the pieces that are still to come.
    pub(super) fn outstanding(&self) -> impl Iterator<Item = usize> + '_ {
        self.left.iter().flat_map(|task| task.keys().copied())
    }

    pub(super) fn is_over(&self) -> bool {
        self.outstanding().next().is_none()
    }

    /// Finds out whether another process waits for it too; this one does not any more.
    pub(super) fn leave(&mut self) {
        self.followed = None;
        self.is_shared |= self.folder.is_followed();
    }

    /// Notes in its folder that nothing more is expected of it. What has gone well leaves none.
    pub(super) fn end(&mut self) {
        self.leave();
        match (self.is_unclear || self.is_shared, self.is_clean && self.is_over()) {
            // Others see to it, or the next run looks for the job.
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
        let pieces = counted(self.outstanding().count(), self.work.what());
        let tasks = counted(self.tasks.len(), "task");
        format!("{pieces} in {tasks} of Slurm job {}", self.jobs_text())
    }

    /// Submits all parts of a request, as far as Slurm has room, `after` another job where so many tasks only may
    /// run at once. Returns the pieces of the others, with what Slurm has said.
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
                    let error = Error::new(kind, error.to_string());
                    if position == 0 {
                        self.end();
                        return Err(error);
                    }
                    // What is on its way is not lost for that.
                    for piece in self.take_parts(&parts[position..]) {
                        self.work.fail(piece, &error);
                    }
                }
            }
            if !self.is_clean {
                break;
            }
        }
        Ok(None)
    }

    /// Takes the pieces of parts that were not submitted.
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

    /// Looks which tasks of the job wait or run.
    ///
    /// # Errors
    ///
    /// Says why Slurm did not answer.
    pub(super) fn find(&mut self, slurm: &Slurm, job: &Job) -> Result<Found, crate::slurm::Error> {
        let is_strange = |one: &Theirs| !self.work.is_settled(one, &self.folder);
        let strange = |task: &Vec<Theirs>| task.iter().any(is_strange);
        let strange: Vec<bool> = self.others.iter().map(strange).collect();
        if self.is_over() && !strange.contains(&true) {
            self.is_clean = self.folder.failures(|_| true).is_empty();
            return Ok(Found::Nothing);
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
        self.is_shared = followed.iter().any(|task| strange[*task]);
        // Somebody may want to know what became of it.
        self.is_clean &= !strange.contains(&true);
        Ok(match (self.is_over(), followed.is_empty()) {
            (false, _) => Found::Ours,
            (true, false) => Found::Others,
            (true, true) => Found::Nothing,
        })
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
