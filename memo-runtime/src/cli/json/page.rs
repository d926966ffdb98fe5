//! Holds the page on events against real ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Line, outcome_line, plan_lines};
use crate::cli::params::RecordParams;
use crate::digest::Digest;
use crate::event::Event;
use crate::prelude::*;
use crate::testing::Recorder;

const PAGE: &str = include_str!("../../../docs/events.md");

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Params {
    rate: f64,
}

#[stage(name = "digits::load", outputs = [Lazy(rows)], cachers = [Json])]
fn load(ctx: &Context) -> Vec<u32> {
    ctx.log("three rows");
    vec![3, 1, 2]
}

#[stage(name = "digits::fit", inputs = [rows], outputs = [model], cachers = [Json], retries = 1)]
fn fit(params: &Params, rows: &[u32]) -> Result<f64> {
    if params.rate > 8.0 {
        return Err("too fast".into());
    }
    Ok(params.rate * f64::from(rows[0]))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "an input that is held in memory is lent")]
#[stage(name = "digits::score", inputs = [model], outputs = [score], cachers = [Json])]
fn score(model: &f64) -> f64 {
    *model
}

#[stage(name = "digits::clock", outputs = [clock], cachers = [Json])]
fn clock() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
}

#[aggregate(name = "digits::best", inputs = [score], outputs = [best], cachers = [Json])]
fn best(score: Across<Option<f64>>) -> usize {
    score.len()
}

#[stage(name = "digits::parts", outputs = [parts])]
fn parts() -> Vec<u32> {
    vec![1, 2, 3]
}

#[stage(name = "digits::embed", each = [part in parts], outputs = [embedding], cachers = [Json])]
fn embed(part: u32, params: &Params) -> Result<u32> {
    if part == 2 && params.rate > 8.0 { Err("too far".into()) } else { Ok(part) }
}

fn experiment() -> Experiment<Params> {
    Experiment::new("digits", |record: &mut Record<Params>| {
        load(record)?;
        clock(record)?;
        fit(record)?;
        score(record)?;
        parts(record)?;
        embed(record)?;
        Ok(())
    })
    .records([("base", Params { rate: 0.5 }), ("fast", Params { rate: 9.0 })])
    .aggregate(best)
}

/// Plans, runs, runs again and checks, and returns all lines of `--format json`.
fn real_lines() -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new();
    let options = RunOptions::new().store(folder.path().join("store")).jobs(1);
    let (experiment, mut lines) = (experiment(), Vec::new());
    let line = |line: Line<'_>| serde_json::to_value(line).unwrap();
    let plan = experiment.plan(&options).unwrap();
    lines.extend(plan_lines(&plan).map(line));
    let params = RecordParams::new("base", &[("rate".into(), "0.5".into())], &plan);
    lines.push(line(Line::RecordParams(&params)));
    let heard = options.clone().observer(recorder.clone());
    lines.push(line(outcome_line(&experiment.run(&heard).unwrap(), 1)));
    experiment.run(&heard).unwrap();
    let check = heard.clone().check([""; 0]);
    lines.push(line(outcome_line(&experiment.run(&check).unwrap(), 1)));
    let mut events = recorder.take();
    // Those that need another process, or a store that breaks.
    let (stage, record) = ("digits::fit", Some("base".to_owned()));
    events.push(Event::Waiting { stage, record: record.clone(), key: Digest::of(b"key") });
    let message = "the result is not kept: no space left on device".to_owned();
    events.push(Event::Warning { stage: Some(stage), record: record.clone(), message, lost: true });
    let message = "11 shards in 4 tasks of Slurm job 17".to_owned();
    events.push(Event::Submitted { stage, record: record.clone(), message });
    let because = "it is not cached".to_owned();
    events.push(Event::NotChecked { stage, record, because });
    lines.extend(events.iter().map(|event| serde_json::to_value(event).unwrap()));
    lines
}

fn fields(line: &Value) -> BTreeSet<String> {
    line.as_object().unwrap().keys().cloned().collect()
}

/// What the page says of each event: the fields of its table, and those of its example.
fn page() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let mut events = BTreeMap::new();
    for section in PAGE.split("\n### `").skip(1) {
        let (name, rest) = section.split_once('`').unwrap();
        let rows = rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let listed = rows.map(|(field, _)| field.to_owned()).chain(["event".to_owned()]).collect();
        let example = rest.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        let example: Value = serde_json::from_str(example).expect(name);
        assert_eq!(example["event"], name);
        events.insert(name.to_owned(), (listed, fields(&example)));
    }
    events
}

/// Fields that are there only sometimes, and that the page's example has or has not.
const SOMETIMES: [&str; 4] = ["shard", "checked", "unchecked", "differing"];

#[test]
fn the_page_lists_every_event_with_its_fields() {
    let page = page();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in real_lines() {
        let name = line["event"].as_str().unwrap().to_owned();
        seen.entry(name).or_default().extend(fields(&line));
    }
    let names = |events: Vec<&String>| events.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(page.keys().collect()), names(seen.keys().collect()));
    for (name, real) in seen {
        let (listed, example) = &page[&name];
        assert_eq!(*listed, real, "the table of `{name}`");
        let sometimes = |field: &&String| !SOMETIMES.contains(&&***field);
        let real: BTreeSet<_> = real.iter().filter(sometimes).collect();
        assert_eq!(example.iter().filter(sometimes).collect::<BTreeSet<_>>(), real, "`{name}`");
    }
    let version = format!("version is {}", Event::VERSION);
    assert!(PAGE.contains(&version), "{version}");
}

#[test]
fn every_event_has_a_section() {
    let lines = real_lines();
    // A new event must be added here, and so be met by the test above.
    let known = |event: &Event| match event {
        Event::RunStarted { .. } => "run_started",
        Event::Hit { .. } => "hit",
        Event::Waiting { .. } => "waiting",
        Event::Started { .. } => "started",
        Event::Retried { .. } => "retried",
        Event::Shards { .. } => "shards",
        Event::Submitted { .. } => "submitted",
        Event::ShardStarted { .. } => "shard_started",
        Event::ShardFinished { .. } => "shard_finished",
        Event::ShardFailed { .. } => "shard_failed",
        Event::Finished { .. } => "finished",
        Event::Failed { .. } => "failed",
        Event::Skipped { .. } => "skipped",
        Event::Loaded { .. } => "loaded",
        Event::Checked { .. } => "checked",
        Event::NotChecked { .. } => "not_checked",
        Event::Evicted { .. } => "evicted",
        Event::Log { .. } => "log",
        Event::Warning { .. } => "warning",
        Event::RunFinished { .. } => "run_finished",
    };
    let event = Event::Evicted { stage: "digits::load", output: "rows" };
    assert_eq!(serde_json::to_value(&event).unwrap()["event"], known(&event));
    assert!(lines.iter().any(|line| line["event"] == known(&event)), "a run tells it");
}

#[test]
#[ignore = "prints an example of each event, for the page"]
fn examples() {
    let mut seen = BTreeSet::new();
    for line in real_lines() {
        if seen.insert(line["event"].as_str().unwrap().to_owned()) {
            println!("{line}");
        }
    }
}
