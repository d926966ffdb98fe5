//! [`Progress`]: what is told on standard error while a run goes on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use super::live::Live;
use super::output::{Output, Paint};
use super::text::{call_text, counted, last_part};
use crate::digest::Digest;
use crate::event::{Difference, Event};
use crate::experiment::outcome::duration_text;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Warnings and failures.
    Quiet,
    /// Also each body that ran, where no live lines show it.
    Normal,
    /// Also each call that was found, what starts, and why.
    Verbose,
}

/// Listens to a run, and tells people how it goes on: with live lines on a terminal, line by line
/// elsewhere.
pub(super) struct Progress {
    output: Output,
    paint: Paint,
    detail: Detail,
    live: Option<Live>,
    /// Why the running bodies run.
    running: Mutex<HashMap<Call, Running>>,
    /// The warnings that were told: each once for all records.
    warned: Mutex<HashSet<(Option<&'static str>, String)>>,
}

/// Tells calls apart: those of an array share a key with others that have other elements.
type Call = (Digest, Option<String>);

struct Running {
    stage: &'static str,
    record: Option<String>,
    reason: String,
}

impl Progress {
    /// Tells on `output`, with live lines if `live`.
    pub(super) fn new(output: Output, detail: Detail, live: bool) -> Self {
        let live = live.then(Live::new);
        let (running, warned) = Default::default();
        Self { output, paint: Paint::stderr(), detail, live, running, warned }
    }

    /// Whether only warnings and failures are told.
    pub(super) fn is_quiet(&self) -> bool {
        self.detail == Detail::Quiet
    }

    /// Returns how many bodies run now.
    pub(super) fn running(&self) -> usize {
        self.bodies().len()
    }

    /// Takes the live lines away.
    pub(super) fn clear(&self) {
        if let Some(live) = &self.live {
            live.clear();
        }
    }

    /// Writes a line that stays, above the live ones.
    pub(super) fn note(&self, text: &str) {
        self.suspended(|| self.output.note(text));
    }

    fn suspended(&self, write: impl FnOnce()) {
        match &self.live {
            Some(live) => live.suspended(write),
            None => write(),
        }
    }

    /// The same on a thread that panics: the lines refuse to be drawn by one.
    fn suspended_elsewhere(&self, write: impl FnOnce()) {
        let (are_gone, wait_until_gone) = mpsc::channel();
        let (is_told, wait_until_told) = mpsc::channel::<()>();
        let suspend = move || {
            self.suspended(|| {
                let _ = are_gone.send(());
                let _ = wait_until_told.recv();
            });
        };
        std::thread::scope(|scope| {
            // Where no thread can be had, the panic is told all the same.
            let _thread = std::thread::Builder::new().spawn_scoped(scope, suspend);
            let _ = wait_until_gone.recv();
            write();
            drop(is_told);
        });
    }

    /// Takes the live lines away while a panic is told, which happens behind the back of all that is here.
    pub(super) fn make_way_for_panics(self: &Arc<Self>) {
        if self.live.is_none() {
            return;
        }
        let (shown, former) = (Arc::downgrade(self), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| match shown.upgrade() {
            Some(shown) => shown.suspended_elsewhere(|| former(panic)),
            None => former(panic),
        }));
    }

    /// Is told an event. Keeps count of what runs, and writes what is to be `told`.
    pub(super) fn hear(&self, event: &Event, told: bool) {
        let body = self.follow(event);
        if let Some(live) = &self.live {
            live.event(event);
        }
        let line = told.then(|| self.line(event, body.as_ref())).flatten();
        if let Some(line) = line {
            self.note(&line);
        }
    }

    fn bodies(&self) -> MutexGuard<'_, HashMap<Call, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps count of what runs.
    fn follow(&self, event: &Event) -> Option<Running> {
        match event {
            Event::Started { stage, record, key, reason } => {
                let body = Running { stage, record: record.clone(), reason: reason.to_string() };
                self.bodies().insert((*key, record.clone()), body)
            }
            Event::Finished { key, record, .. } => self.bodies().remove(&(*key, record.clone())),
            Event::Failed { stage, record, .. } => {
                let mut bodies = self.bodies();
                let is_it = |body: &Running| body.stage == *stage && body.record == *record;
                let key = bodies.iter().find(|(_, body)| is_it(body)).map(|(call, _)| call.clone());
                key.and_then(|key| bodies.remove(&key))
            }
            _ => None,
        }
    }

    fn is_running(&self, stage: &str) -> bool {
        self.bodies().values().any(|body| body.stage == stage)
    }

    /// Returns the line that tells an event, if it is to be told.
    fn line(&self, event: &Event, body: Option<&Running>) -> Option<String> {
        let (paint, detail) = (self.paint, self.detail);
        let verbose = detail == Detail::Verbose;
        let line_by_line = verbose || (detail == Detail::Normal && self.live.is_none());
        let line = match event {
            Event::Failed { stage, record, error } => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}: {}", paint.bad("failed "), error.chain_without_place())
            }
            Event::Warning { stage, record, message, .. } => {
                let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
                if !warned.insert((*stage, message.clone())) && !verbose {
                    return None;
                }
                let call = stage.map(|stage| format!("{}: ", call_text(stage, record.as_deref())));
                format!("{} {}{message}", paint.warning("warning"), call.unwrap_or_default())
            }
            Event::Retried { stage, record, attempt, error, .. } if detail != Detail::Quiet => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call} after attempt {attempt}: {error}", paint.warning("again  "))
            }
            Event::ShardFailed { stage, record, shard, error } => {
                let call = shard_text(stage, *shard, record.as_deref());
                format!("{} {call}: {}", paint.bad("failed "), error.chain_without_place())
            }
            Event::Shards { stage, record, to_compute, waiting, .. }
                if detail != Detail::Quiet && (verbose || to_compute + waiting > 0) =>
            {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}: {}", paint.strong("shards "), shards_text(event))
            }
            Event::Submitted { stage, record, message } if detail != Detail::Quiet => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}: {message}", paint.strong("sent   "))
            }
            Event::Waiting { stage, record, .. } if detail != Detail::Quiet => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}: another process computes it", paint.warning("waits  "))
            }
            Event::Log { stage, line } if detail != Detail::Quiet => {
                if !verbose && !self.is_running(stage) {
                    return None;
                }
                format!("{} {}: {line}", paint.faint("log    "), last_part(stage))
            }
            Event::Finished { stage, record, seconds, .. } if line_by_line => {
                let call = call_text(stage, record.as_deref());
                // Where every call is shown, the reason was told when the body began.
                let reason = body.filter(|_| !verbose).map(|body| format!(": {}", body.reason));
                let reason = reason.unwrap_or_default();
                let time = duration_text(*seconds);
                format!("{} {call} in {time}{}", paint.good("ran    "), paint.faint(&reason))
            }
            Event::Checked { stage, record, differences, .. } if !differences.is_empty() => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}{}", paint.bad("differs"), differences_text(differences))
            }
            Event::NotChecked { stage, record, because } if detail != Detail::Quiet => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}, since {because}", paint.faint("not checked"))
            }
            Event::Checked { stage, record, shards, .. } if line_by_line => {
                let shards = shards.map(|shards| format!(": {}", counted(shards, "shard")));
                let call = call_text(stage, record.as_deref());
                format!("{} {call}{}", paint.good("same   "), shards.unwrap_or_default())
            }
            event if verbose => self.detailed(event)?,
            _ => return None,
        };
        Some(line)
    }

    /// Returns the lines that only `--verbose` shows.
    fn detailed(&self, event: &Event) -> Option<String> {
        let paint = self.paint;
        let line = match event {
            Event::RunStarted { experiment, records, calls, jobs, .. } => {
                let (records, calls) = (counted(*records, "record"), counted(*calls, "call"));
                format!(
                    "{} {experiment}: {records}, {calls}, {}",
                    paint.faint("run    "),
                    counted(*jobs, "job")
                )
            }
            Event::Hit { stage, record, saved, made_by, .. } => {
                let (call, time) = (call_text(stage, record.as_deref()), duration_text(*saved));
                let origin = paint.faint(&format!(" (took {time} in run {made_by})"));
                format!("{} {call}{origin}", paint.faint("cached "))
            }
            Event::Started { stage, record, reason, .. } => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}: {reason}", paint.strong("runs   "))
            }
            Event::ShardStarted { stage, record, shard, .. } => {
                let call = shard_text(stage, *shard, record.as_deref());
                format!("{} {call}", paint.strong("runs   "))
            }
            Event::ShardFinished { stage, record, shard, seconds, skipped, .. } => {
                let call = shard_text(stage, *shard, record.as_deref());
                let why = skipped.as_ref().map(|why| format!(", skipped: {why}"));
                let time = duration_text(*seconds);
                format!("{} {call} in {time}{}", paint.good("ran    "), why.unwrap_or_default())
            }
            Event::Skipped { stage, record, because } => {
                let call = call_text(stage, record.as_deref());
                format!("{} {call}, since `{}` failed", paint.faint("skipped"), last_part(because))
            }
            _ => return None,
        };
        Some(line)
    }
}

/// Writes where something happened to a shard: `shard 7 of embed (base)`.
fn shard_text(stage: &str, shard: usize, record: Option<&str>) -> String {
    format!("shard {shard} of {}", call_text(stage, record))
}

/// Writes how many shards are there, then which are not: `44 of 55 shards cached, 11 to compute: 3, 7-16`.
fn shards_text(event: &Event) -> String {
    let Event::Shards { total, cached, to_compute, waiting, missing, .. } = event else {
        return String::new();
    };
    let waits = match waiting {
        0 => String::new(),
        waiting => format!(", {waiting} wait for their elements"),
    };
    // Which they are is no news where they are all.
    let which = match to_compute {
        0 => String::new(),
        all if all == total => String::new(),
        _ => format!(": {missing}"),
    };
    format!("{cached} of {total} shards cached, {to_compute} to compute{waits}{which}")
}

/// Writes what a checked call gave differently.
fn differences_text(differences: &[Difference]) -> String {
    let told = differences.iter().map(|difference| {
        let shard = difference.shard.map(|shard| format!(" in shard {shard}"));
        let output = difference.output.as_ref().map(|output| format!(" in `{output}`"));
        let place = [shard, output].into_iter().flatten().collect::<String>();
        let diff =
            difference.diff.as_ref().map(|diff| format!("\n  {}", diff.replace('\n', "\n  ")));
        format!("{place}: {}{}", difference.what, diff.unwrap_or_default())
    });
    told.collect::<Vec<_>>().join("\n       ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::event::MissReason;

    fn lines(detail: Detail) -> Vec<String> {
        let mut progress = Progress::new(Output::default(), detail, false);
        progress.paint = Paint::NONE;
        let (stage, record) = ("digits::fit", Some("base".to_owned()));
        let key = Digest::of(b"key");
        let error =
            Error::new(ErrorKind::Stage, "too fast").in_stage("digits::fit").in_record("base");
        let events = [
            Event::Hit {
                stage: "digits::load",
                record: record.clone(),
                key: Digest::of(b"other"),
                saved: 2.0,
                completed: 0,
                made_by: "r1".into(),
            },
            Event::Started { stage, record: record.clone(), key, reason: MissReason::NeverRan },
            Event::Log { stage, line: "epoch 1".into() },
            Event::Finished {
                stage,
                record: record.clone(),
                key,
                seconds: 1.23,
                size: 10,
                kept: true,
            },
            Event::Log { stage: "digits::load", line: "from long ago".into() },
            Event::Failed { stage, record: record.clone(), error },
            Event::Skipped { stage: "digits::score", record, because: stage },
            Event::Warning { stage: None, record: None, message: "disk full".into(), lost: true },
            Event::Warning { stage: None, record: None, message: "disk full".into(), lost: true },
        ];
        let told = |event: &Event| {
            let body = progress.follow(event);
            progress.line(event, body.as_ref())
        };
        events.iter().filter_map(told).collect()
    }

    #[test]
    fn warnings_and_failures_are_always_told() {
        assert_eq!(lines(Detail::Quiet), ["failed  fit (base): too fast", "warning disk full"]);
    }

    #[test]
    fn bodies_that_ran_are_told_with_the_reason() {
        assert_eq!(
            lines(Detail::Normal),
            [
                "log     fit: epoch 1",
                "ran     fit (base) in 1.2 s: never ran",
                "failed  fit (base): too fast",
                "warning disk full"
            ]
        );
    }

    #[test]
    fn every_call_is_told_on_demand() {
        let lines = lines(Detail::Verbose);
        assert_eq!(lines[0], "cached  load (base) (took 2.0 s in run r1)");
        assert_eq!(lines[1], "runs    fit (base): never ran");
        assert_eq!(lines[4], "log     load: from long ago");
        assert_eq!(lines[6], "skipped score (base), since `fit` failed");
        assert_eq!(lines.len(), 9);
    }
}
