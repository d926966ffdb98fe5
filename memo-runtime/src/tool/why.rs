//! `memo why`: the latest entry of a stage for each record, and why it was computed.

use std::collections::HashSet;

use serde::Serialize;

use super::args::{Format, Why};
use super::reasons::Reason;
use super::{clock, open, stage};
use crate::cli::output::{Output, Paint};
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::experiment::outcome::duration_text;
use crate::key::{Component, ComponentKind};
use crate::plain::plain;
use crate::policy::find_stage;
use crate::store::Store;
use crate::store::entries::Entry;
use crate::store::history::{CallEnd, CallRecord};

/// How many entries are read for an explanation, and how many runs.
const MOST: usize = 1000;
const RUNS: usize = 200;

/// How many calls upwards are told of.
const DEPTH: usize = 8;

/// What is told of a stage and a record.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "why", rename_all = "snake_case")]
struct Told {
    stage: String,
    /// The record that called it first; `None` for aggregates and the like.
    record: Option<String>,
    entry: Option<Computed>,
    /// What the last run failed with, if that was later.
    failed: Option<Failed>,
}

/// An entry, and why it was computed.
#[derive(Debug, Serialize)]
struct Computed {
    stage: String,
    record: Option<String>,
    /// In milliseconds since 1970.
    completed: u64,
    run: String,
    experiment: Option<String>,
    program: Option<String>,
    seconds: f64,
    attempts: u32,
    reason: Reason,
    /// The entries that made the inputs that had changed, and those above them.
    inputs: Vec<Above>,
}

#[derive(Debug, Serialize)]
struct Above {
    input: String,
    stage: String,
    record: Option<String>,
    completed: u64,
    reason: Reason,
}

#[derive(Debug, Clone, Serialize)]
struct Failed {
    /// In milliseconds since 1970.
    ended: u64,
    run: String,
    experiment: String,
    /// Whether it did not run, since something that it needs has failed.
    skipped: bool,
    error: Option<String>,
    reason: Option<String>,
}

/// Tells why a stage ran last.
pub(super) fn tell(args: &Why, output: &Output) -> Result<(), Error> {
    let store = open(&args.store, true)?;
    let stage = stage(&store, &args.stage)?;
    let told = all(&store, &stage, args.record.as_deref())?;
    for told in told {
        match args.format {
            Format::Json => match serde_json::to_string(&told) {
                Ok(line) => output.result(&line),
                Err(error) => output.note(&format!("warning: a line cannot be written: {error}")),
            },
            Format::Text => output.result(&text(&told, Paint::stdout())),
        }
    }
    Ok(())
}

fn all(store: &Store, stage: &str, wanted: Option<&str>) -> Result<Vec<Told>, Error> {
    let entries = store.entries_of(stage, MOST);
    let failures = failures(store, stage);
    let mut records: Vec<Option<String>> = Vec::new();
    let of_entries = entries.iter().map(|entry| &entry.detail.record);
    let mut seen = HashSet::new();
    for record in of_entries.chain(failures.iter().map(|(call, _)| &call.record)) {
        if seen.insert(record.clone()) {
            records.push(record.clone());
        }
    }
    if let Some(wanted) = wanted {
        if !records.iter().flatten().any(|record| record == wanted) {
            let near = did_you_mean(wanted, records.iter().flatten().map(String::as_str));
            let message = format!("no entry of `{stage}` was made for the record `{wanted}`{near}");
            let hint = " (equal calls of several records are made once, for the first of them)";
            return Err(Error::new(ErrorKind::Usage, message + hint));
        }
        records.retain(|record| record.as_deref() == Some(wanted));
    }
    let budget = MOST.saturating_sub(entries.len());
    let mut search = Search { store, stages: store.stages(), budget };
    let told = records.into_iter().map(|record| {
        let entry = entries.iter().find(|entry| entry.detail.record == record);
        let since = entry.map_or(0, |entry| entry.head.completed);
        let failed = failures.iter().find(|(call, _)| call.record == record);
        let failed = failed.filter(|(_, failed)| failed.ended >= since);
        let failed = failed.map(|(_, failed)| failed.clone());
        let entry = entry.map(|entry| computed(&mut search, entry, &entries));
        Told { stage: stage.to_owned(), record, entry, failed }
    });
    Ok(told.collect())
}

/// Lists how the stage's calls failed in the last runs, the latest first. A record that has run since
/// then is known by its entry.
fn failures(store: &Store, stage: &str) -> Vec<(CallRecord, Failed)> {
    let of_run = |run: crate::store::entries::KeptRun| {
        let (ended, name, experiment) = (run.ended, run.run, run.experiment);
        let failed = |call: &CallRecord| call.stage == stage && call.end != CallEnd::Ran;
        let calls = run.calls.into_iter().filter(failed);
        calls.map(move |call| {
            let failed = Failed {
                ended,
                run: name.clone(),
                experiment: experiment.clone(),
                skipped: call.end == CallEnd::Skipped,
                error: call.error.clone(),
                reason: call.reason.as_ref().map(|reason| reason.text.clone()),
            };
            (call, failed)
        })
    };
    store.runs(RUNS).into_iter().flat_map(of_run).collect()
}

/// Follows inputs to the entries that made them.
struct Search<'a> {
    store: &'a Store,
    stages: Vec<String>,
    /// How many entries may still be read.
    budget: usize,
}

fn computed(search: &mut Search<'_>, entry: &Entry, all: &[Entry]) -> Computed {
    let reason = Reason::of(entry, all, search.store);
    let made_by = |name: &str| entry.detail.made_by.get(name).filter(|text| !text.is_empty());
    let mut inputs = Vec::new();
    search.above(entry, &reason, DEPTH, &mut inputs);
    Computed {
        stage: entry.head.stage.clone().into_owned(),
        record: entry.detail.record.clone(),
        completed: entry.head.completed,
        run: entry.head.run.clone(),
        experiment: made_by("experiment").cloned(),
        program: made_by("program").cloned(),
        seconds: entry.head.seconds,
        attempts: entry.detail.attempts,
        reason,
        inputs,
    }
}

impl Search<'_> {
    /// Follows the inputs that had changed to the entries that made them, and so on upwards.
    fn above(&mut self, entry: &Entry, reason: &Reason, depth: usize, found: &mut Vec<Above>) {
        if depth == 0 {
            return;
        }
        for input in reason.changed_inputs() {
            let mut components = entry.detail.components.iter();
            let is_it = |component: &&Component| {
                component.kind == ComponentKind::Input && component.name == input
            };
            let Some(component) = components.find(is_it) else { continue };
            let entries = self.entries_of_maker(component);
            let is_made_by =
                |other: &&Entry| other.head.kept().any(|kept| kept.identity() == component.digest);
            let Some(made) = entries.iter().find(is_made_by) else { continue };
            let reason = Reason::of(made, &entries, self.store);
            let at = found.len();
            self.above(made, &reason, depth - 1, found);
            let stage = made.head.stage.clone().into_owned();
            let (record, completed) = (made.detail.record.clone(), made.head.completed);
            found.insert(at, Above { input, stage, record, completed, reason });
        }
    }

    /// Reads the entries of the stage that made an input, as far as more may be read.
    fn entries_of_maker(&mut self, input: &Component) -> Vec<Entry> {
        let stages: Vec<&str> = self.stages.iter().map(String::as_str).collect();
        let name =
            input.shown.split_once("(made by `").map(|(_, rest)| rest.trim_end_matches("`)"));
        let Some(maker) = name.and_then(|name| find_stage(name, &stages).ok()) else {
            return Vec::new();
        };
        let entries = self.store.entries_of(maker, self.budget);
        self.budget -= entries.len().min(self.budget);
        entries
    }
}

/// Writes for people what is told. All texts come from the store.
fn text(told: &Told, paint: Paint) -> String {
    let record = told.record.as_deref().map(|record| format!(" ({record})")).unwrap_or_default();
    let mut lines = vec![paint.strong(&plain(&format!("{}{record}", told.stage)))];
    if let Some(failed) = &told.failed {
        let what = if failed.skipped { "skipped" } else { "failed" };
        let at = clock::text(failed.ended);
        lines.push(format!("  {} in the run that ended {at}", paint.bad(what)));
        let because = failed.error.as_deref().map(|error| plain(error).replace('\n', "\n    "));
        lines.extend(because.map(|error| format!("    {error}")));
        lines.extend(
            failed.reason.as_ref().map(|reason| format!("    it was to run: {}", plain(reason))),
        );
    }
    let Some(entry) = &told.entry else {
        lines.push("  no result of it is kept".to_owned());
        return lines.join("\n");
    };
    let by = entry.program.as_deref().or(entry.experiment.as_deref()).unwrap_or("a program");
    let at = clock::text(entry.completed);
    let took = duration_text(entry.seconds);
    let (by, run) = (plain(by), plain(&entry.run));
    lines.push(format!("  ran {at} in `{by}`, took {took} (run {run})"));
    let how = if entry.reason.kept {
        String::new()
    } else {
        paint.faint(" (by comparison with earlier entries)")
    };
    lines.push(format!("  why: {}{how}", plain(&entry.reason.text)));
    for above in &entry.inputs {
        let record = above.record.as_deref().map(|record| format!(" ({record})"));
        let stage = format!("{}{}", above.stage, record.unwrap_or_default());
        let (input, at, why) = (&above.input, clock::text(above.completed), &above.reason.text);
        let line = format!("  input `{input}` was made by {stage}, {at}: {why}");
        lines.push(plain(&line).into_owned());
    }
    lines.join("\n")
}
