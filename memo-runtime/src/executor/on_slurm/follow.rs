//! Following what was submitted, to its end or ours.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::later::Later;
use super::ready::OnItsWay;
use super::submission::Submission;
use super::{OnSlurm, State};
use crate::slurm::{Change, JobId, by_hand};

impl OnSlurm {
    /// Notes what has become of the calls, and submits what is due. Returns the positions of those that have
    /// changed.
    pub(super) fn look_now(&self) -> Vec<usize> {
        let now = Instant::now();
        let mut changed = BTreeSet::new();
        let (mut again, mut ended) = (Vec::new(), Vec::new());
        let gathered = {
            let mut state = self.state();
            let changes = self.hear(&mut state, now);
            let State { watch, submissions, .. } = &mut *state;
            let stuck = watch.stuck(now);
            for submission in submissions.iter_mut() {
                submission.note_results(watch, &mut changed);
                submission.note_changes(&changes, now);
                submission.note_stuck(&stuck, &self.slurm, &mut changed);
                let spec = submission.work.node().spec;
                let more = |lack, asked: &_| self.more(spec, lack, asked);
                again.extend(submission.decide(&self.slurm, watch, now, &more, &mut changed));
            }
            let is_over = |one: &mut Submission| one.is_over();
            ended.extend(submissions.extract_if(.., is_over));
            let is_due = |one: &Later| one.next <= now;
            again.extend(state.later.iter().position(is_due).map(|due| state.later.remove(due)));
            again.extend(state.take_ready(now));
            state.gathered.take_due(now)
        };
        ended.iter_mut().for_each(Submission::end);
        for later in again {
            let (work, pieces) = (Arc::clone(&later.work), later.pieces.clone());
            if let Err(error) = self.submit_or_wait(later) {
                for piece in pieces {
                    work.fail(piece, &error);
                    work.positions(piece, &mut changed);
                }
            }
        }
        self.begin_calls(gathered, &mut changed);
        changed.into_iter().collect()
    }

    /// Takes back what runs, or lets it go on where that was asked for.
    pub(super) fn stop_all(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.later.clear();
        state.ready.clear();
        state.gathered.clear();
        state.submissions.iter_mut().for_each(Submission::leave);
        let all = |is_shared: bool| -> Vec<JobId> {
            let which = state.submissions.iter().filter(|one| one.is_shared() == is_shared);
            let jobs: BTreeSet<JobId> = which.flat_map(Submission::jobs).collect();
            jobs.into_iter().collect()
        };
        // Others wait for them too, or for what else they make.
        let (jobs, others) = (all(false), all(true));
        let Some(first) = state.submissions.first() else { return };
        let work = Arc::clone(&first.work);
        drop(state);
        let goes_on = |jobs: &[JobId]| {
            let (list, by_hand) = (listed(jobs), by_hand(jobs));
            work.told(format!(
                "Slurm job {list} goes on: the same command takes it up again, and `{by_hand}` ends it"
            ));
        };
        if !others.is_empty() {
            goes_on(&others);
        }
        if jobs.is_empty() {
            return;
        }
        if self.options.detach {
            return goes_on(&jobs);
        }
        let list = listed(&jobs);
        work.told(format!("Slurm job {list} is taken back; what is finished is kept"));
        if let Err(error) = self.slurm.cancel(&jobs) {
            let by_hand = by_hand(&jobs);
            return work.warn(format!(
                "Slurm job {list} could not be cancelled: {error}; `{by_hand}` does it later, and the same \
                 command takes it up again"
            ));
        }
        self.wait_for_the_last();
        self.state().submissions.iter_mut().for_each(Submission::end);
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
                let ours = state.submissions.iter().filter(|one| !one.is_shared());
                let is_over = ours.into_iter().all(Submission::is_over);
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
        submissions.iter_mut().for_each(|one| one.note_results(watch, &mut BTreeSet::new()));
    }
}

impl State {
    /// Takes the shards that have become ready and are to go now.
    fn take_ready(&mut self, now: Instant) -> Vec<Later> {
        let Self { watch, submissions, ready, .. } = self;
        let mut due = Vec::new();
        for one in ready.iter_mut() {
            let of_it = submissions.iter().filter(|other| other.work.is_array(one.position));
            let on_its_way = of_it.fold(OnItsWay::default(), |sum, other| OnItsWay {
                shards: sum.shards + other.outstanding().count(),
                waits: sum.waits || other.waits(watch),
            });
            let shards = one.take_due(on_its_way, now);
            if !shards.is_empty() {
                due.push(Later::of_shards(one.position, &one.node, shards));
            }
        }
        ready.retain(|one| !one.is_last());
        due
    }
}

fn listed(jobs: &[JobId]) -> String {
    jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
