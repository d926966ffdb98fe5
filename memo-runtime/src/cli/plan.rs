//! What `--plan` prints.

use std::collections::HashMap;

use comfy_table::{Cell, Color};

use super::output::Paint;
use super::table::{coloured, table, written};
use super::text::{Names, counted, cut, short_names, waits_text};
use crate::plain::in_line;
use crate::plan::{Plan, PlannedCall, Verdict};

/// How many different reasons of one stage are listed, unless all are asked for.
const REASONS: usize = 4;

/// How long names of records may be before they are counted instead.
const NAMES: usize = 32;

/// Writes the plan for people.
pub(super) fn text(plan: &Plan, verbose: bool, paint: Paint) -> String {
    let mut table = table(&["stage", "records", "verdict", "why"], &[], paint);
    let names = short_names(plan.calls.iter().map(|call| call.stage));
    for row in rows(plan, &names, verbose) {
        let why = if row.others > 0 {
            format!("{} (and {}; -v lists them)", row.why, counted(row.others, "other reason"))
        } else {
            row.why
        };
        let verdict = match row.verdict {
            "will run" => coloured(Cell::new(row.verdict), Color::Yellow, paint),
            "cached" => coloured(Cell::new(row.verdict), Color::Green, paint),
            verdict => Cell::new(verdict),
        };
        let records = records_text(&row.records, row.calls);
        table.add_row([Cell::new(names[row.stage]), Cell::new(records), verdict, Cell::new(why)]);
    }
    let unknown = plan.unknown_beyond.iter().map(|(record, stage)| {
        format!(
            "{record}: unknown beyond `{}`, whose value the pipeline asks for",
            names.get(stage.as_str()).copied().unwrap_or(stage)
        )
    });
    // Once per stage, however many calls it has.
    let notes: std::collections::BTreeSet<&String> =
        plan.calls.iter().flat_map(|call| &call.notes).collect();
    let notes = notes.into_iter().map(|note| format!("note: {note}"));
    let parts =
        std::iter::once(written(&table)).chain(unknown).chain(notes).chain([last_line(plan)]);
    parts.collect::<Vec<_>>().join("\n")
}

/// Counts verdicts: `20 cached, 3 will run, 1 may run`.
pub(super) fn last_line(plan: &Plan) -> String {
    let count = |word| plan.calls.iter().filter(|call| verdict_text(call) == word).count();
    let idle = match count("not needed") {
        0 => String::new(),
        idle => format!(", {idle} not needed"),
    };
    format!(
        "{} cached, {} will run, {} may run{idle}",
        count("cached"),
        count("will run"),
        count("may run")
    )
}

/// Calls of one stage that are told together.
struct PlanRow<'a> {
    stage: &'a str,
    verdict: &'static str,
    why: String,
    records: Vec<&'a str>,
    calls: usize,
    /// How many other reasons are not listed.
    others: usize,
}

fn rows<'a>(plan: &'a Plan, names: &Names<'_>, verbose: bool) -> Vec<PlanRow<'a>> {
    let mut rows: Vec<PlanRow<'_>> = Vec::new();
    // The row of each reason; and for each stage and verdict its last row, and how many it has.
    let mut same: HashMap<(&str, &str, String), usize> = HashMap::new();
    let mut alike: HashMap<(&str, &str), (usize, usize)> = HashMap::new();
    for call in &plan.calls {
        let (verdict, why) = (verdict_text(call), why_text(call, names));
        let next = rows.len();
        let last = alike.entry((call.stage, verdict)).or_default();
        let (place, is_other) = match same.get(&(call.stage, verdict, why.clone())) {
            Some(place) => (Some(*place), false),
            None if last.1 >= REASONS && !verbose => (Some(last.0), true),
            None => {
                same.insert((call.stage, verdict, why.clone()), next);
                *last = (next, last.1 + 1);
                (None, false)
            }
        };
        let records = call.records.iter().map(String::as_str);
        match place {
            Some(place) => {
                rows[place].records.extend(records);
                rows[place].calls += 1;
                rows[place].others += usize::from(is_other);
            }
            None => rows.push(PlanRow {
                stage: call.stage,
                verdict,
                why,
                records: records.collect(),
                calls: 1,
                others: 0,
            }),
        }
    }
    // Rows of one stage stand together, where its first one stood.
    let mut order: HashMap<&str, usize> = HashMap::new();
    for row in &rows {
        let next = order.len();
        order.entry(row.stage).or_insert(next);
    }
    rows.sort_by_key(|row| order[row.stage]);
    rows
}

fn records_text(records: &[&str], calls: usize) -> String {
    let mut unique = records.to_vec();
    unique.sort_unstable();
    unique.dedup();
    let names = records.join(", ");
    let names = in_line(&names);
    match unique.len() {
        0 => "(across records)".to_owned(),
        count if count == records.len() && names.chars().count() <= NAMES => names.into_owned(),
        1 => cut(&in_line(records[0]), NAMES),
        count if calls == 1 => format!("{}, shared", counted(count, "record")),
        count => counted(count, "record"),
    }
}

fn verdict_text(call: &PlannedCall) -> &'static str {
    match call.verdict {
        Verdict::Cached => "cached",
        Verdict::WillRun { .. } => "will run",
        Verdict::MayRun { .. } => "may run",
        Verdict::NotNeeded => "not needed",
    }
}

fn why_text(call: &PlannedCall, names: &Names<'_>) -> String {
    let why = why_alone(call, names);
    let shards =
        call.shards.map(|shards| format!("{} of {} shards cached", shards.cached, shards.total));
    [why, shards.unwrap_or_default()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

fn why_alone(call: &PlannedCall, names: &Names<'_>) -> String {
    match &call.verdict {
        Verdict::Cached => String::new(),
        Verdict::WillRun { reason } => reason.to_string(),
        Verdict::MayRun { waits_for } => waits_text(waits_for, names),
        Verdict::NotNeeded => "its outputs live in memory, and nobody reads them".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::MissReason;

    fn call(stage: &'static str, records: &[&str], verdict: Verdict) -> PlannedCall {
        let records = records.iter().map(|&name| name.to_owned()).collect();
        PlannedCall {
            id: 0,
            stage,
            records,
            key: None,
            parts: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            verdict,
            notes: Vec::new(),
            seconds: None,
            shards: None,
        }
    }

    fn damaged(what: usize) -> Verdict {
        Verdict::WillRun { reason: MissReason::Damaged { what: what.to_string() } }
    }

    fn plan(calls: Vec<PlannedCall>) -> Plan {
        let unknown_beyond = vec![("base".to_owned(), "digits::fit".to_owned())];
        Plan { experiment: "digits".into(), calls, unknown_beyond }
    }

    #[test]
    fn calls_are_told_together_by_stage_verdict_and_reason() {
        let never = || Verdict::WillRun { reason: MissReason::NeverRan };
        let waits = || Verdict::MayRun { waits_for: vec!["digits::fit"] };
        let plan = plan(vec![
            call("digits::load", &["a", "b"], Verdict::Cached),
            call("digits::fit", &["a"], never()),
            call("digits::score", &["a"], waits()),
            call("digits::fit", &["b"], never()),
            call("digits::score", &["b"], waits()),
            call("digits::compare", &[], waits()),
        ]);
        assert_eq!(
            text(&plan, false, Paint::NONE),
            "stage    records           verdict   why\n\
             load     a, b              cached\n\
             fit      a, b              will run  never ran\n\
             score    a, b              may run   waits for fit\n\
             compare  (across records)  may run   waits for fit\n\
             base: unknown beyond `fit`, whose value the pipeline asks for\n\
             1 cached, 2 will run, 3 may run"
        );
    }

    #[test]
    fn stages_of_one_name_are_told_apart_wherever_they_are_named() {
        let waits = Verdict::MayRun { waits_for: vec!["one::fit", "split"] };
        let calls = vec![
            call("one::fit", &["a"], damaged(7)),
            call("other::fit", &["a"], waits),
            call("split", &["a"], damaged(7)),
        ];
        let unknown_beyond = vec![("a".to_owned(), "other::fit".to_owned())];
        let told = text(&Plan { unknown_beyond, ..plan(calls) }, false, Paint::NONE);
        assert!(told.contains("waits for one::fit, split\n"), "{told}");
        assert!(told.contains("a: unknown beyond `other::fit`"), "{told}");
    }

    #[test]
    fn many_reasons_are_counted() {
        let records: Vec<String> = (0..7).map(|index| format!("record-{index}")).collect();
        let calls = |index: usize| call("fit", &[&records[index]], damaged(index));
        let plan = plan((0..7).map(calls).collect());
        let folded = text(&plan, false, Paint::NONE);
        assert!(
            folded.contains("entry damaged: 3 (and 3 other reasons; -v lists them)"),
            "{folded}"
        );
        assert!(folded.contains("\nfit    4 records"), "{folded}");
        assert_eq!(text(&plan, true, Paint::NONE).lines().count(), 1 + 7 + 2);
    }
}
