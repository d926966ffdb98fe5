//! Submitting: what is asked of Slurm for a stage, and what waits until there is room.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::later::{FIRST_GAP, LAST_GAP, Later};
use super::submission::Submission;
use super::{OnSlurm, batches};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::executor::TASK;
use crate::executor::job::{Job, JobShard};
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

    /// Returns what is asked of Slurm for a stage.
    pub(super) fn request(&self, spec: &StageSpec, name: &str) -> Result<Request, Error> {
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
        TASK.clone_into(&mut request.index_variable);
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
    pub(super) fn add(&self, mut submission: Submission) {
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
    pub(super) fn slots(&self, request: &Request) -> Option<usize> {
        let throttle = request.max_running.map(|count| count.get() as usize);
        let cpus = self.slurm.cpus(request);
        let per_task = request.cpus.map_or(1, |cpus| cpus.get() as usize);
        let fitting = cpus.map(|cpus| (cpus / per_task).max(1));
        throttle.into_iter().chain(fitting).min()
    }

    /// Submits shards; what Slurm has no room for waits.
    pub(super) fn submit_or_wait(&self, mut later: Later) -> Result<(), Error> {
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
}

/// What Slurm refuses is wrong usage; when it does not answer, that is trouble of another kind.
pub(super) fn usage(error: &crate::slurm::Error) -> Error {
    Error::new(ErrorKind::Usage, error.to_string())
}
