//! `memo why`: the latest entry of a stage for each record, and why it was computed.

use std::collections::HashSet;

use serde::Serialize;

use super::args::{Format, Why};
use super::contents::Array;
use super::reasons::Reason;
use super::{clock, open, stage};
use crate::cli::output::{Output, Paint};
use crate::cli::text::counted;
use crate::digest::Digest;
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
    /// The shards, of an array stage.
    shards: Option<Shards>,
    /// What the last run failed with, if that was later.
    failed: Option<Failed>,
}

/// The shards of an array, and why the latest of them were computed.
#[derive(Debug, Serialize)]
struct Shards {
    /// The part that their keys have in common.
    key: Digest,
    count: usize,
    damaged: usize,
    /// When the latest was done, in milliseconds since 1970.
    completed: u64,
    /// The last run that computed some, unless that was the first.
    run: Option<String>,
    /// Why it did.
    reason: Option<String>,
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
    let ends = ends(store, stage);
    let failures: Vec<_> = ends.iter().filter(|(call, _)| call.end != CallEnd::Ran).collect();
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
    let arrays = store.packs_of(stage).into_iter();
    let arrays = arrays.map(|(shared, packs)| Array::of(shared, packs, None));
    let arrays: Vec<Array> = arrays.filter(|array| !array.shards.is_empty()).collect();
    let shards = |entry: &Entry| {
        let array = arrays.iter().find(|array| array.shared == entry.head.key)?;
        let mut ran = ends.iter().filter(|(call, _)| call.end == CallEnd::Ran);
        let last = ran.find(|(call, end)| {
            call.record == entry.detail.record && end.ended >= entry.head.completed
        });
        let last = last.map(|(_, end)| end).filter(|end| end.run != entry.head.run);
        Some(Shards {
            run: last.map(|end| end.run.clone()),
            reason: last.and_then(|end| end.reason.clone()),
            ..Shards::of(array)
        })
    };
    // Those of a run that came to no end have no entry.
    let is_orphan = |array: &&Array| !entries.iter().any(|entry| entry.head.key == array.shared);
    let orphans = arrays.iter().filter(|_| wanted.is_none()).filter(is_orphan).map(|array| Told {
        stage: stage.to_owned(),
        record: None,
        entry: None,
        shards: Some(Shards::of(array)),
        failed: None,
    });
    let orphans: Vec<Told> = orphans.collect();
    let budget = MOST.saturating_sub(entries.len());
    let mut search = Search { store, stages: store.stages(), budget };
    let told = records.into_iter().map(|record| {
        let entry = entries.iter().find(|entry| entry.detail.record == record);
        let since = entry.map_or(0, |entry| entry.head.completed);
        let failed = failures.iter().find(|(call, _)| call.record == record);
        let failed = failed.filter(|(_, failed)| failed.ended >= since);
        let failed = failed.map(|(_, failed)| failed.clone());
        let shards = entry.and_then(shards);
        let entry = entry.map(|entry| computed(&mut search, entry, &entries));
        Told { stage: stage.to_owned(), record, entry, shards, failed }
    });
    Ok(told.chain(orphans).collect())
}

impl Shards {
    fn of(array: &Array) -> Self {
        Self {
            key: array.shared,
            count: array.shards.len(),
            damaged: array.damaged.len(),
            completed: array.latest,
            run: None,
            reason: None,
        }
    }
}

/// Lists how the stage's calls ended in the last runs, the latest first. A record that has run since
/// one failed is known by its entry.
fn ends(store: &Store, stage: &str) -> Vec<(CallRecord, Failed)> {
    let of_run = |run: crate::store::entries::KeptRun| {
        let (ended, name, experiment) = (run.ended, run.run, run.experiment);
        let calls = run.calls.into_iter().filter(|call| call.stage == stage);
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
        match &told.shards {
            None => lines.push("  no result of it is kept".to_owned()),
            Some(shards) => {
                lines.push(shards_text(shards));
                lines.push("  the run that computed them came to no end".to_owned());
            }
        }
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
    if let Some(shards) = &told.shards {
        lines.push(shards_text(shards));
        if let Some(run) = &shards.run {
            let why = shards.reason.as_deref().unwrap_or("it was not told");
            lines.push(format!("  why the latest: {} (run {})", plain(why), plain(run)));
        }
    }
    for above in &entry.inputs {
        let record = above.record.as_deref().map(|record| format!(" ({record})"));
        let stage = format!("{}{}", above.stage, record.unwrap_or_default());
        let (input, at, why) = (&above.input, clock::text(above.completed), &above.reason.text);
        let line = format!("  input `{input}` was made by {stage}, {at}: {why}");
        lines.push(plain(&line).into_owned());
    }
    lines.join("\n")
}

/// Says how many shards are kept.
fn shards_text(shards: &Shards) -> String {
    let (count, key, at) =
        (counted(shards.count, "shard"), shards.key.short(), clock::text(shards.completed));
    let damaged = match shards.damaged {
        0 => String::new(),
        damaged => format!(", {}", counted(damaged, "damaged line")),
    };
    format!("  array {key}: {count}, the latest {at}{damaged}")
}
