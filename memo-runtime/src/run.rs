//! Running a plan: what is found is found, what must run runs, as many at a time as there are jobs.

use std::io;
use std::thread::Builder;
use std::time::Instant;

use crate::error::Error;
use crate::event::Event;
use crate::experiment::RunOptions;
use crate::experiment::declare::Declaration;
use crate::experiment::outcome::Outcome;
use crate::store::history::{self, CallRecord, RunRecord};
use crate::store::links;

mod arrays;
pub(crate) mod check;
mod elsewhere;
pub(crate) mod ended;
mod graph;
mod held;
mod limits;
mod order;
mod progress;
mod readers;
mod scheduler;
mod sent;
mod tally;

use scheduler::Scheduler;

/// From so many calls on it is worth a thread to go through them once more.
const MANY: usize = 1000;

/// Runs what was declared.
///
/// # Errors
///
/// What a call asks for can never be had where it is to run; nothing has run then.
pub(crate) fn run(
    experiment: &str,
    mut declaration: Declaration,
    options: &RunOptions,
) -> Result<Outcome, Error> {
    let start = Instant::now();
    let jobs = options.jobs_or_cores();
    let store = declaration.session.store.clone();
    told_start(experiment, &declaration, jobs);
    if let Some(executor) = &options.executor {
        executor.check(&declaration.nodes)?;
    }
    let ahead = declaration.ahead.take();
    let scheduler = Scheduler::new(&declaration, options);
    std::thread::scope(|scope| {
        let is_more = scheduler.take_read_ahead();
        drop(ahead);
        if !is_more {
            return;
        }
        let has_array = declaration.nodes.iter().any(|node| node.array.is_some());
        for _ in 1..workers(declaration.nodes.len(), has_array, jobs) {
            // With fewer threads than were asked for, the run takes longer.
            if Builder::new().spawn_scoped(scope, || scheduler.work()).is_err() {
                break;
            }
        }
        if options.executor.is_some() {
            scope.spawn(|| scheduler.follow());
        }
        scheduler.work();
        scheduler.end();
    });
    let ends = scheduler.into_ends();
    let (links, mut outcome) = beside(
        jobs > 1 && declaration.nodes.len() >= MANY,
        || links::digest_of(&declaration.frames),
        || tally::outcome(&declaration, &ends),
    );
    outcome.lost += tally::publish(&declaration, &ends);
    if options.tells_calls {
        outcome.calls = ended::calls(&declaration, &ends);
    }
    outcome.interrupted = declaration.session.is_interrupted();
    outcome.seconds = start.elapsed().as_secs_f64();
    let calls = tally::misses(&declaration, &ends);
    write_down(experiment, &declaration, &outcome, calls, links);
    (outcome.records, outcome.aggregates) = declaration.states();
    store.emit(|| Event::RunFinished {
        cached: outcome.cached,
        ran: outcome.ran,
        failed: outcome.failed,
        skipped: outcome.skipped,
        seconds: outcome.seconds,
        saved: outcome.saved,
    });
    Ok(outcome)
}

/// Does two things, at the same time if that is worth a thread.
fn beside<A: Send, B>(
    is_worth: bool,
    one: impl Fn() -> A + Sync,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if !is_worth {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let beside = Builder::new().spawn_scoped(scope, &one);
        let other = other();
        (beside.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(&one), other)
    })
}

/// So many threads are started at most: more would be waited for, and leave none to the stages.
const MOST_WORKERS: usize = 4096;

/// Returns how many threads have something to do at most. The shards of an array are many.
fn workers(calls: usize, has_array: bool, jobs: usize) -> usize {
    jobs.min(if has_array { MOST_WORKERS } else { calls.max(1) })
}

fn told_start(experiment: &str, declaration: &Declaration, jobs: usize) {
    let store = &declaration.session.store;
    store.emit(|| Event::RunStarted {
        version: Event::VERSION,
        experiment: experiment.to_owned(),
        run: store.run().to_owned(),
        records: declaration.chosen_records().count(),
        calls: declaration.nodes.len(),
        jobs,
    });
}

/// Links the results, and adds the run to the store's history. Neither is worth failing for.
fn write_down(
    experiment: &str,
    declaration: &Declaration,
    outcome: &Outcome,
    calls: Vec<CallRecord>,
    links: Option<blake3::Hash>,
) {
    let store = &declaration.session.store;
    let record = RunRecord {
        memo: 1,
        run: store.run(),
        experiment,
        arguments: history::arguments(),
        records: declaration.chosen_records().collect(),
        ended: history::now(),
        seconds: outcome.seconds,
        cached: outcome.cached,
        ran: outcome.ran,
        failed: outcome.failed,
        skipped: outcome.skipped,
        interrupted: outcome.interrupted,
        failures: outcome.failures.iter().map(Error::chain).collect(),
        stages: &outcome.stages,
        calls,
    };
    store.keep_indexes();
    let written =
        links::make(store, experiment, &declaration.frames, links).and(record.write(store));
    // Where nobody may write, nobody expects a history.
    let forbidden = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
    };
    if let Err(error) = written
        && !forbidden(&error)
    {
        let message = format!("the run is not in the store's history: {error}");
        let (stage, record, lost) = (None, None, false);
        store.emit(|| Event::Warning { stage, record, message, lost });
    }
}

/// What became of a call in this run.
#[derive(Debug, Clone, Default)]
pub(crate) enum End {
    /// Nothing: it was not needed, or the run ended before it.
    #[default]
    None,
    Cached,
    Ran,
    Failed(Error),
    /// Something that it needs has failed.
    Skipped,
}

impl End {
    fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

#[cfg(test)]
mod tests;
