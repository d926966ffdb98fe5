//! Taking up what another start of the program has submitted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::OnSlurm;
use super::submission::{self, Submission};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::stage::array::table::Table;
use crate::stage::node::Node;

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
