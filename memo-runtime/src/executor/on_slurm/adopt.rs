//! Taking up what another start of the program has submitted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::OnSlurm;
use super::submission::{Found, Submission, counted};
use super::work::{Whole, Work};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::executor::job::{Job, JobFolder, Tasks};
use crate::stage::array::table::Table;
use crate::stage::node::Node;
use crate::store::jobs::Family;

impl OnSlurm {
    /// Takes up jobs that another start of the program has submitted for the same call. Returns the shards
    /// that they will make.
    pub(super) fn adopt(
        &self,
        position: usize,
        node: &Arc<Node>,
        table: &Table,
    ) -> Result<BTreeSet<usize>, Error> {
        let mut adopted = BTreeSet::new();
        let Some(key) = node.key() else { return Ok(adopted) };
        let missing: HashMap<Digest, usize> =
            table.running().into_iter().map(|shard| (table.key(shard), shard)).collect();
        let work = Arc::new(Work::shards(position, node));
        table.packs.refresh();
        for (folder, job) in open_jobs(node, &Family::Shards(key)) {
            if job.calls.values().all(|call| call.key != key) {
                continue;
            }
            let submission = Submission::of(&work, folder, &job, |one| {
                let shard = *missing.get(&one.key)?;
                // What is to be made anew is not what was there before.
                let is_new = one.generation >= node.generation(table, shard);
                (is_new && !adopted.contains(&shard)).then_some(shard)
            });
            adopted.extend(self.take_up(submission, &job)?);
        }
        Ok(adopted)
    }

    /// Does the same for whole calls of one stage, and takes those out of `calls` that are on their way.
    pub(super) fn adopt_calls(&self, calls: &mut Vec<Whole>) -> Result<(), Error> {
        let Some(node) = calls.first().map(|whole| Arc::clone(whole.node())) else { return Ok(()) };
        for (folder, job) in open_jobs(&node, &Family::Calls) {
            let Tasks::Calls(tasks) = &job.tasks else { continue };
            if job.stage != node.spec.name || self.follows(&job.name) {
                continue;
            }
            let mut ours = BTreeMap::new();
            for number in tasks.iter().flatten().filter(|number| !folder.has_failed(**number)) {
                let Some(theirs) = job.calls.get(number) else { continue };
                let is_it = |whole: &Whole| whole.key == theirs.key && whole.anew <= theirs.anew;
                if let Some(place) = calls.iter().position(is_it) {
                    ours.insert(*number, calls.swap_remove(place));
                }
            }
            let Some(work) = Work::calls(ours) else { continue };
            let work = Arc::new(work);
            let submission = Submission::of(&work, folder, &job, |one| {
                work.whole_calls().any(|(number, _)| number == one.number).then_some(one.number)
            });
            let taken = self.take_up(submission, &job);
            let adopted: BTreeSet<usize> = taken.iter().flatten().copied().collect();
            for (number, whole) in work.whole_calls() {
                if adopted.contains(&number) {
                    whole.told_started();
                } else {
                    calls.push(whole.again());
                }
            }
            taken?;
        }
        Ok(())
    }

    /// Whether a job is one that this process follows.
    fn follows(&self, name: &str) -> bool {
        self.state().submissions.iter().any(|one| one.name() == name)
    }

    /// Follows what another start has submitted, if it goes on. Returns the pieces of ours that it will make.
    fn take_up(&self, mut submission: Submission, job: &Job) -> Result<Vec<usize>, Error> {
        let work = Arc::clone(&submission.work);
        match submission.find(&self.slurm, job) {
            Ok(Found::Ours) => {
                let adopted: Vec<usize> = submission.outstanding().collect();
                let count = counted(adopted.len(), work.what());
                let jobs = submission.jobs_text();
                work.told(format!("{count} on the way already in Slurm job {jobs}"));
                self.add(submission);
                Ok(adopted)
            }
            Ok(Found::Others) => Ok(Vec::new()),
            Ok(Found::Nothing) => {
                submission.end();
                Ok(Vec::new())
            }
            Err(error) => {
                let message = format!(
                    "it is not known whether the job `{}` of an earlier run still goes on: {error}",
                    job.name
                );
                Err(Error::new(ErrorKind::Stage, message))
            }
        }
    }
}

/// Lists the jobs of a family of which something may be expected.
fn open_jobs(node: &Node, family: &Family) -> Vec<(JobFolder, Job)> {
    let folders = node.session.store.jobs_of(node.spec.short_name(), family);
    let open = folders.into_iter().filter(JobFolder::is_open);
    open.filter_map(|folder| folder.read().ok().map(|job| (folder, job))).collect()
}
