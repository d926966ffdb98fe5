//! What becomes of the pieces of a submission: they are in the store, or have failed, or are submitted again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Submission;
use crate::error::{Error, ErrorKind};
use crate::executor::asked::{Asked, Lack};
use crate::executor::on_slurm::later::Later;
use crate::executor::on_slurm::verdict::{Seen, Verdict, verdict};
use crate::slurm::{Cause, Change, Logs, Outlook, Slurm, State, Stuck, Task, Watch, tail};

/// How long after its task has ended a result may still come into sight.
const SETTLES: Duration = Duration::from_secs(2);

/// What pieces go with that are submitted again: how often they were tried, what they are given, and whether
/// each makes a task of its own.
type Anew = (u32, Asked, bool);

impl Submission {
    /// Notes what is in the store, and which pieces have failed. Adds the calls that have changed.
    pub(in super::super) fn note_results(
        &mut self,
        watch: &mut Watch,
        changed: &mut BTreeSet<usize>,
    ) {
        let mut gone = self.note_made();
        let failures =
            self.folder.failures(|piece| self.ours(piece).is_some_and(|ours| self.is_left(ours)));
        for failure in failures {
            let Some(piece) = self.ours(failure.piece) else { continue };
            self.work.fail(piece, &failure.error());
            self.is_clean = false;
            self.left.iter_mut().for_each(|left| left.retain(|one, _| *one != piece));
            gone.push(piece);
        }
        if gone.is_empty() {
            return;
        }
        gone.into_iter().for_each(|piece| self.work.positions(piece, changed));
        let done = |task: &usize| self.left[*task].is_empty();
        let ended = self.tasks.iter().filter(|(_, task)| done(task)).map(|(task, _)| *task);
        let ended: Vec<Task> = ended.collect();
        for task in ended {
            watch.forget(task);
            self.tasks.remove(&task);
        }
    }

    fn is_left(&self, piece: usize) -> bool {
        self.left.iter().any(|left| left.contains_key(&piece))
    }

    /// Takes what is in the store by now.
    fn note_made(&mut self) -> Vec<usize> {
        let done: BTreeSet<usize> = if self.work.is_of_calls() {
            let done = self.folder.all_done(|piece| self.is_left(piece));
            let done = done.into_iter().filter(|done| self.work.note_done(done));
            done.map(|done| done.piece).collect()
        } else {
            if let Some(table) = self.work.node().table() {
                table.packs.refresh();
            }
            BTreeSet::new()
        };
        let mut gone = Vec::new();
        for (task, left) in self.left.iter_mut().enumerate() {
            let work = &self.work;
            let is_made = |piece: &usize, generation: &mut u32| {
                done.contains(piece) || work.is_shard_made(*piece, *generation)
            };
            let before = gone.len();
            gone.extend(left.extract_if(.., is_made).map(|(piece, _)| piece));
            if gone.len() > before {
                self.made.insert(task);
            }
        }
        gone
    }

    /// Notes which tasks have ended.
    pub(in super::super) fn note_changes(&mut self, changes: &[Change], now: Instant) {
        let ours = |change: &&Change| self.tasks.contains_key(&change.task);
        for change in changes.iter().filter(ours).filter(|change| change.is_put_back()) {
            let task = change.task;
            self.work.told(format!("Slurm has put task {task} back into the queue"));
        }
        for change in changes.iter().filter(|change| change.now.is_over()) {
            if let Some(task) = self.tasks.get(&change.task) {
                let was_waiting = change.before == State::Waiting;
                self.over.insert(*task, (change.task, change.now.clone(), was_waiting, now));
            }
        }
    }

    /// Fails what will wait for ever, and tells what waits for long. Adds the calls that have changed.
    pub(in super::super) fn note_stuck(
        &mut self,
        stuck: &[Stuck],
        slurm: &Slurm,
        changed: &mut BTreeSet<usize>,
    ) {
        for one in stuck.iter().filter(|one| self.tasks.keys().any(|task| task.job == one.job)) {
            let message = format!("Slurm job {} waits ({}): {}", one.job, one.reason, one.advice);
            if one.outlook != Outlook::Never {
                self.work.warn(message);
                continue;
            }
            // What it will never make has failed, and it is not left behind.
            let _ = slurm.cancel(&[one.job]);
            let error = Error::new(ErrorKind::Stage, message);
            self.is_clean = false;
            let of_job = self.tasks.iter().filter(|(task, _)| task.job == one.job);
            let tasks: Vec<usize> = of_job.map(|(_, task)| *task).collect();
            for task in tasks {
                let pieces = std::mem::take(&mut self.left[task]).into_keys().collect();
                self.fail(pieces, &error, changed);
            }
        }
    }

    fn fail(&self, pieces: Vec<usize>, error: &Error, changed: &mut BTreeSet<usize>) {
        for piece in pieces {
            self.work.fail(piece, error);
            self.work.positions(piece, changed);
        }
    }

    /// Decides what becomes of the pieces that tasks have left. Those that have failed are noted. Returns what
    /// is to be submitted again. `more` says what a task can be given that has run out of something.
    pub(in super::super) fn decide(
        &mut self,
        slurm: &Slurm,
        watch: &mut Watch,
        now: Instant,
        more: &dyn Fn(Lack, &Asked) -> Option<Asked>,
        changed: &mut BTreeSet<usize>,
    ) -> Vec<Later> {
        let settled: Vec<usize> = self
            .over
            .iter()
            .filter(|(_, (.., since))| now.saturating_duration_since(*since) >= SETTLES)
            .map(|(task, _)| *task)
            .collect();
        if settled.is_empty() {
            return Vec::new();
        }
        self.note_results(watch, changed);
        // What is submitted in the same way goes together.
        let mut again = BTreeMap::<Anew, (Vec<usize>, Option<Error>)>::new();
        let mut details = BTreeMap::new();
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
            let pieces: Vec<usize> = std::mem::take(&mut self.left[number]).into_keys().collect();
            self.is_clean = false;
            let lack = lack(&state);
            let more = lack.and_then(|lack| more(lack, &self.asked));
            let seen = Seen {
                was_waiting,
                made_some: self.made.contains(&number),
                is_several_calls: self.work.is_of_calls() && pieces.len() > 1,
                tries: self.tries,
                has_more: more.is_some(),
            };
            let (anew, failed) = match verdict(&state, seen, self.work.node().spec.retries) {
                Verdict::Again { counts } => {
                    ((self.tries + u32::from(counts), self.asked.clone(), false), None)
                }
                Verdict::Alone => ((self.tries, self.asked.clone(), true), None),
                Verdict::More(why) => {
                    let asked = more.unwrap_or_else(|| self.asked.clone());
                    let error = self.with_log(task, &why);
                    self.work
                        .told(format!("Slurm task {task}: {why}; submitted again with {asked}"));
                    ((self.tries + 1, asked, false), Some(error))
                }
                Verdict::Fail(why) => {
                    let error = self.with_log(task, &why);
                    self.fail(pieces, &error, changed);
                    continue;
                }
            };
            let (all, error) = again.entry(anew).or_default();
            all.extend(pieces);
            *error = error.take().or(failed);
        }
        let later = |((tries, asked, alone), (pieces, failed))| Later {
            tries,
            asked,
            alone,
            failed,
            ..Later::new(std::sync::Arc::clone(&self.work), pieces)
        };
        again.into_iter().map(later).collect()
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
    pub(in super::super) fn told_silence(&mut self, error: &crate::slurm::Error) {
        if !std::mem::replace(&mut self.told_silence, true) {
            self.work.warn(format!("{error}; the run waits for the job `{}`", self.name));
        }
    }
}

/// Returns what a task has run out of.
fn lack(state: &State) -> Option<Lack> {
    match state {
        State::Failed(Cause::TimeLimit | Cause::Exit(75)) => Some(Lack::Time),
        State::Failed(Cause::OutOfMemory) => Some(Lack::Memory),
        _ => None,
    }
}
