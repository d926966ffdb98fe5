//! Following what was submitted, to its end or ours.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::later::Later;
use super::ready::OnItsWay;
use super::submission::Submission;
use super::verdict::Again;
use super::{OnSlurm, State};
use crate::slurm::{Change, JobId, by_hand};

impl OnSlurm {
    pub(super) fn look_now(&self) -> Vec<usize> {
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

    pub(super) fn stop_all(&self) {
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
