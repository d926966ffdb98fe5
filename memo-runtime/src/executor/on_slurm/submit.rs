//! Submitting: what is asked of Slurm for a stage, and what waits until there is room.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::later::{FIRST_GAP, LAST_GAP, Later};
use super::submission::Submission;
use super::work::Work;
use super::{OnSlurm, batches};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::executor::TASK;
use crate::executor::asked::{Asked, Lack};
use crate::executor::job::{FORMAT, Job};
use crate::executor::worker::program_digest;
use crate::slurm::{Indices, JobId, Name, Request, by_hand};
use crate::stage::StageSpec;
use crate::stage::node::Node;
use crate::store::Store;

impl OnSlurm {
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

    /// Fails if what a stage asks for can never be had, or `strictly`, if Slurm does not answer.
    ///
    /// # Errors
    ///
    /// What cannot be had, and what to change.
    pub(super) fn can_be_had(
        &self,
        node: &Node,
        asked: &Asked,
        strictly: bool,
    ) -> Result<(), Error> {
        let mut request = self.request(node.spec, asked, "memo-test")?;
        // In the store, as those of the submission will be.
        request.logs = node.session.store.trial_folder()?;
        match self.slurm.check(&request) {
            Err(error) if strictly || !error.passes() => {
                Err(usage(&error).in_stage(node.spec.name))
            }
            _ => Ok(()),
        }
    }

    /// Returns what is asked of Slurm for a stage.
    pub(super) fn request(
        &self,
        spec: &StageSpec,
        asked: &Asked,
        name: &str,
    ) -> Result<Request, Error> {
        let in_stage = |error: crate::slurm::Error| usage(&error).in_stage(spec.name);
        let name = Name::new(name).map_err(in_stage)?;
        let mut request = Request::new(PathBuf::from("/bin/true"), name);
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

    /// Returns what a task of a stage is given that has run out of something; `None` if there is no more.
    pub(super) fn more(&self, spec: &StageSpec, lack: Lack, asked: &Asked) -> Option<Asked> {
        let mut more = asked.more(lack, &spec.more);
        // The command line has the last word.
        let said = |name: &str| {
            let mut options = self.options.options.iter();
            options.any(|option| option.split('=').next().is_some_and(|key| key.starts_with(name)))
        };
        if said("mem") {
            more.memory = asked.memory;
        }
        if said("time") {
            more.time = asked.time;
        }
        if said("partition") {
            more.partition.clone_from(&asked.partition);
        }
        (more != *asked).then_some(more)
    }

    /// Submits pieces, as far as Slurm has room. Returns the others, with what Slurm has said.
    fn submit(&self, later: &Later) -> Result<Option<(Vec<usize>, String)>, Error> {
        let Later { work, pieces, tries, asked, alone, .. } = later;
        let node = work.node();
        if later.failed.is_some() {
            self.can_be_had(node, asked, false)?;
        }
        let store = &node.session.store;
        let (program, digest) = self.program(store)?;
        let (name, folder) = store.new_job(node.spec.short_name(), &work.family()?)?;
        let mut request = self.request(node.spec, asked, &name)?;
        let batches = if *alone {
            pieces.iter().map(|piece| vec![*piece]).collect()
        } else {
            batches::cut(pieces, node, self.slots(&request))
        };
        let (calls, tasks) = work.tasks(&batches)?;
        let job = Job {
            memo: FORMAT,
            name: name.clone(),
            arguments: self.options.arguments.clone(),
            folder: request.folder.clone(),
            store: store.path().to_owned(),
            program: *digest,
            stage: node.spec.name.to_owned(),
            asked: asked.clone(),
            tries: *tries,
            calls,
            tasks,
        };
        // Before others see it, it is known that somebody waits for it.
        let mut submission = Submission::new(work, folder.clone(), &job);
        folder.write(&job)?;
        request.program.clone_from(program);
        request.arguments = vec!["--worker".into(), folder.path().into()];
        request.logs = folder.logs();
        let count = u32::try_from(job.tasks.len()).unwrap_or(u32::MAX);
        request.indices = Some((0..count).collect::<Indices>());
        TASK.clone_into(&mut request.index_variable);
        let rest = submission.send(&self.slurm, &request, self.last_job(work))?;
        if submission.is_over() {
            submission.end();
        } else {
            work.told(submission.told());
            self.add(submission);
        }
        Ok(rest)
    }

    /// Returns the last job of the same array that is on its way. Whole calls that come later need not wait for
    /// those that came before.
    fn last_job(&self, work: &Work) -> Option<JobId> {
        let state = self.state();
        let same = state.submissions.iter().filter(|one| work.is_array_of(&one.work));
        same.flat_map(Submission::jobs).max()
    }

    /// Follows a submission, unless the run has ended meanwhile.
    pub(super) fn add(&self, mut submission: Submission) {
        let mut state = self.state();
        submission.watched_by(&mut state.watch);
        if state.stopped && !self.options.detach && !submission.is_shared() {
            let jobs: Vec<JobId> = submission.jobs().into_iter().collect();
            drop(state);
            return self.cancel(&submission.work, &jobs);
        }
        state.submissions.push(submission);
    }

    fn cancel(&self, work: &Work, jobs: &[JobId]) {
        if let Err(error) = self.slurm.cancel(jobs) {
            let by_hand = by_hand(jobs);
            work.warn(format!("the jobs could not be cancelled: {error}; {by_hand}"));
        }
    }

    /// How many tasks the cluster may run at once, as far as it tells.
    pub(super) fn slots(&self, request: &Request) -> Option<usize> {
        let throttle = request.max_running.map(|count| count.get() as usize);
        let cpus = self.slurm.cpus(request);
        let per_task = request.cpus.map_or(1, |cpus| cpus.get() as usize);
        let fitting = cpus.map(|cpus| (cpus / per_task).max(1));
        throttle.into_iter().chain(fitting).min()
    }

    /// Submits pieces; what Slurm has no room for waits.
    ///
    /// # Errors
    ///
    /// Why none of them will run.
    pub(super) fn submit_or_wait(&self, mut later: Later) -> Result<(), Error> {
        let rest = later.pieces.split_off(later.most.min(later.pieces.len()));
        let tried = later.pieces.len();
        let submitted = self.submit(&later).map_err(|error| later.still(error))?;
        let Some((mut full, said)) = submitted else {
            if !rest.is_empty() {
                let later = Later { pieces: rest, next: Instant::now(), gap: FIRST_GAP, ..later };
                self.state().later.push(later);
            }
            return Ok(());
        };
        if !std::mem::replace(&mut later.told, true) {
            later.work.told(format!("Slurm has no room for all now: {said}"));
        }
        if full.len() == tried && tried > 1 {
            // A limit may be lower than what was tried. Half of it may fit.
            (later.most, later.next) = (tried / 2, Instant::now());
        } else {
            later.next = Instant::now() + later.gap;
            later.gap = (2 * later.gap).min(LAST_GAP);
        }
        full.extend(rest);
        later.pieces = full;
        self.state().later.push(later);
        Ok(())
    }
}

/// What Slurm refuses is wrong usage; when it does not answer, that is trouble of another kind.
pub(super) fn usage(error: &crate::slurm::Error) -> Error {
    Error::new(ErrorKind::Usage, error.to_string())
}
