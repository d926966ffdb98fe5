//! [`Watch`]: follows the tasks of all jobs with one `squeue` now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::reason::{Outlook, advice};
use super::{Error, Indices, JobId, Slurm, State, Task};

mod pace;
mod queue;

pub(crate) use pace::Pace;
use queue::Row;

/// How long a task may be missing from the answers before it is gone, unless told otherwise. One answer
/// may be given between two states.
const GRACE: Duration = Duration::from_secs(10);

/// How long a task waits for a reason that no time will mend before that is told: reasons change while the
/// controller thinks.
const TOLD_AFTER: Duration = Duration::from_secs(5);

/// What is known of all tasks that somebody waits for.
#[derive(Debug)]
pub(crate) struct Watch {
    tasks: BTreeMap<Task, Sight>,
    /// What was told of each job: a reason with names of nodes in it changes with them.
    told: BTreeSet<(JobId, &'static str)>,
    pace: Pace,
    grace: Duration,
}

/// What was last seen of a task.
#[derive(Debug)]
struct Sight {
    state: State,
    /// Why it waits, and since when for this reason.
    reason: Option<(String, Instant)>,
    /// Since when no answer tells of it.
    missing: Option<Instant>,
}

/// What Slurm has said of some jobs.
#[derive(Debug)]
pub(crate) struct Answer(Vec<Row>);

impl Answer {
    /// Returns the tasks that wait or run.
    pub(crate) fn alive(&self) -> BTreeSet<Task> {
        let alive = self.0.iter().filter(|row| !row.state.is_over());
        alive.flat_map(Row::tasks).collect()
    }
}

impl Slurm {
    /// Asks for all tasks of `jobs`.
    ///
    /// # Errors
    ///
    /// Says why Slurm did not answer.
    pub(crate) fn ask(&self, jobs: &[JobId]) -> Result<Answer, Error> {
        self.queue(jobs).map(Answer)
    }
}

/// A task is in another state than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) task: Task,
    pub(crate) before: State,
    pub(crate) now: State,
    /// Where it runs or ran.
    pub(crate) node: Option<String>,
    /// The word of Slurm, where it is not known to this program.
    pub(crate) unknown: Option<String>,
}

impl Change {
    /// Whether Slurm has put back a task that ran.
    pub(crate) fn is_put_back(&self) -> bool {
        self.now == State::Waiting && self.before != State::Waiting
    }
}

/// Tasks of a job wait for a reason that somebody should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) job: JobId,
    /// In Slurm's words.
    pub(crate) reason: String,
    pub(crate) outlook: Outlook,
    pub(crate) advice: &'static str,
}

impl Watch {
    /// Follows nothing yet, and asks as often as `pace` says.
    pub(crate) fn new(pace: Pace) -> Self {
        Self { tasks: BTreeMap::new(), told: BTreeSet::new(), pace, grace: GRACE }
    }

    /// Believes that a task is gone after it was missing for so long.
    #[cfg(test)]
    pub(crate) fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Follows `job` too, just submitted or found again.
    pub(crate) fn follow(&mut self, job: JobId, indices: Option<&Indices>, now: Instant) {
        let sight = || Sight { state: State::Waiting, reason: None, missing: None };
        match indices {
            Some(indices) => {
                let tasks = indices.iter().map(|index| Task { job, index: Some(index) });
                self.tasks.extend(tasks.map(|task| (task, sight())));
            }
            None => drop(self.tasks.insert(Task { job, index: None }, sight())),
        }
        self.pace.hurry(now);
    }

    /// Forgets `task`: what it was to make is there.
    pub(crate) fn forget(&mut self, task: Task) {
        self.tasks.remove(&task);
    }

    /// Returns the state that `task` was last seen in.
    pub(crate) fn state(&self, task: Task) -> Option<&State> {
        self.tasks.get(&task).map(|sight| &sight.state)
    }

    /// Returns the tasks that may still end, with their states.
    pub(crate) fn alive(&self) -> impl Iterator<Item = (Task, &State)> {
        let alive = self.tasks.iter().filter(|(_, sight)| !sight.state.is_over());
        alive.map(|(task, sight)| (*task, &sight.state))
    }

    /// Returns the jobs of the tasks that may still end.
    pub(crate) fn jobs(&self) -> Vec<JobId> {
        let jobs: BTreeSet<JobId> = self.alive().map(|(task, _)| task.job).collect();
        jobs.into_iter().collect()
    }

    /// Returns the jobs to ask Slurm for, if it is time to and anything is waited for.
    pub(crate) fn due(&self, now: Instant) -> Option<Vec<JobId>> {
        let jobs = self.jobs();
        (now >= self.pace.next() && !jobs.is_empty()).then_some(jobs)
    }

    /// Takes in what Slurm has answered, or why it has not, and returns what has changed.
    ///
    /// # Errors
    ///
    /// Says why Slurm did not answer. Nothing is known then, and nothing is forgotten.
    pub(crate) fn answered(
        &mut self,
        answer: Result<Answer, Error>,
        now: Instant,
    ) -> Result<Vec<Change>, Error> {
        self.pace.looked(now, answer.is_ok());
        Ok(self.observe(&answer?.0, now))
    }

    /// Asks Slurm, if it is time to and anything is waited for, and returns what has changed.
    ///
    /// # Errors
    ///
    /// Says why Slurm did not answer. Nothing is known then, and nothing is forgotten.
    #[cfg(test)]
    pub(crate) fn look(&mut self, slurm: &Slurm, now: Instant) -> Result<Vec<Change>, Error> {
        let Some(jobs) = self.due(now) else { return Ok(Vec::new()) };
        self.answered(slurm.ask(&jobs), now)
    }

    /// Takes in an answer.
    fn observe(&mut self, rows: &[Row], now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut seen = BTreeSet::new();
        // While it is put back a task may have two lines; the one that is alive counts.
        let (over, alive): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.state.is_over());
        for row in alive.into_iter().chain(over) {
            for task in row.tasks() {
                let Some(sight) = self.tasks.get_mut(&task) else { continue };
                if !seen.insert(task) {
                    continue;
                }
                sight.missing = None;
                sight.waits(row, now);
                if sight.state != row.state {
                    changes.push(Change {
                        task,
                        before: std::mem::replace(&mut sight.state, row.state.clone()),
                        now: row.state.clone(),
                        node: row.node.clone(),
                        unknown: row.unknown.clone(),
                    });
                }
            }
        }
        for (task, sight) in &mut self.tasks {
            if sight.state.is_over() || seen.contains(task) {
                continue;
            }
            let since = *sight.missing.get_or_insert(now);
            if now.saturating_duration_since(since) >= self.grace {
                let before = std::mem::replace(&mut sight.state, State::Gone);
                changes.push(Change {
                    task: *task,
                    before,
                    now: State::Gone,
                    node: None,
                    unknown: None,
                });
            }
        }
        changes
    }

    /// Returns what keeps tasks waiting that should be known, once for each job and reason.
    pub(crate) fn stuck(&mut self, now: Instant) -> Vec<Stuck> {
        let mut all = Vec::new();
        for (task, sight) in &self.tasks {
            let (State::Waiting, Some((reason, since))) = (&sight.state, &sight.reason) else {
                continue;
            };
            let (outlook, advice) = advice(reason);
            if outlook == Outlook::Soon
                || now.saturating_duration_since(*since) < TOLD_AFTER
                || !self.told.insert((task.job, advice))
            {
                continue;
            }
            all.push(Stuck { job: task.job, reason: reason.clone(), outlook, advice });
        }
        all
    }
}

impl Sight {
    /// Keeps why it waits, from the moment that the reason is given.
    fn waits(&mut self, row: &Row, now: Instant) {
        if row.state != State::Waiting {
            self.reason = None;
        } else if self.reason.as_ref().is_none_or(|(reason, _)| *reason != row.reason) {
            self.reason = Some((row.reason.clone(), now));
        }
    }
}

#[cfg(test)]
mod tests;
