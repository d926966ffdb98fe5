//! Lines for programs: `--format json`.

use std::path::PathBuf;

use serde::Serialize;

use super::output::Output;
use super::params::RecordParams;
use super::preview::LIMIT;
use crate::event::Event;
use crate::experiment::Outcome;
use crate::experiment::outcome::StageSummary;
use crate::plan::{Plan, PlannedCall};

/// Writes an event of a run.
pub(super) fn event(output: &Output, event: &Event) {
    write(output, event);
}

/// The lines that are no events of a run. Each is an object that `event` names, as events are.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    PlanStarted { version: u32, experiment: &'a str, calls: usize },
    PlannedCall(&'a PlannedCall),
    Planned { experiment: &'a str, summary: String, unknown_beyond: &'a [(String, String)] },
    RecordParams(&'a RecordParams),
    Outcome(OutcomeLine<'a>),
}

#[derive(Serialize)]
struct OutcomeLine<'a> {
    cached: usize,
    ran: usize,
    failed: usize,
    skipped: usize,
    lost: usize,
    #[serde(flatten)]
    checked: Option<CheckLine>,
    seconds: f64,
    saved: f64,
    interrupted: bool,
    exit_code: u8,
    stages: &'a [StageSummary],
    failures: Vec<String>,
    aggregates: Vec<Aggregate>,
}

/// What `--check` found.
#[derive(Serialize)]
struct CheckLine {
    checked: usize,
    unchecked: usize,
    differing: usize,
}

#[derive(Serialize)]
struct Aggregate {
    output: String,
    path: Option<PathBuf>,
}

/// Writes each call of a plan, and then a summary.
pub(super) fn plan(output: &Output, plan: &Plan) {
    plan_lines(plan).for_each(|line| write(output, &line));
}

fn plan_lines(plan: &Plan) -> impl Iterator<Item = Line<'_>> {
    let (version, calls) = (Event::VERSION, plan.calls.len());
    let (experiment, unknown_beyond) = (&*plan.experiment, &plan.unknown_beyond[..]);
    let summary = super::plan::last_line(plan);
    let first = Line::PlanStarted { version, experiment, calls };
    let last = Line::Planned { experiment, summary, unknown_beyond };
    std::iter::once(first).chain(plan.calls.iter().map(Line::PlannedCall)).chain([last])
}

/// Writes the params of a record.
pub(super) fn params(output: &Output, params: &RecordParams) {
    write(output, &Line::RecordParams(params));
}

/// Writes what a run came to.
pub(super) fn outcome(output: &Output, outcome: &Outcome, exit_code: u8) {
    write(output, &outcome_line(outcome, exit_code));
}

fn outcome_line(outcome: &Outcome, exit_code: u8) -> Line<'_> {
    let previews = outcome.previews(LIMIT).into_iter();
    let line = OutcomeLine {
        cached: outcome.cached,
        ran: outcome.ran,
        failed: outcome.failed,
        skipped: outcome.skipped,
        lost: outcome.lost,
        checked: outcome.differing.map(|differing| CheckLine {
            checked: outcome.checked,
            unchecked: outcome.unchecked,
            differing,
        }),
        seconds: outcome.seconds,
        saved: outcome.saved,
        interrupted: outcome.interrupted,
        exit_code,
        stages: &outcome.stages,
        failures: outcome.failures.iter().map(crate::error::Error::chain).collect(),
        aggregates: previews
            .map(|preview| Aggregate { output: preview.name, path: preview.path })
            .collect(),
    };
    Line::Outcome(line)
}

#[cfg(test)]
mod page;

fn write(output: &Output, line: &impl Serialize) {
    match serde_json::to_string(line) {
        Ok(text) => output.result(&text),
        Err(error) => output.note(&format!("warning: an event could not be written: {error}")),
    }
}
