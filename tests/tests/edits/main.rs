//! Edits of code, as a user makes them: each case is a stage in a generated workspace, one edit, and what the
//! next run says of it. All goes through cargo itself, so that what cargo and rustc remember takes part.
//!
//! The edits of all cases are made at once, so that the whole table costs a few builds of one crate.

#![allow(clippy::unwrap_used, reason = "for tests only")]

mod builds;
mod cases;
mod support;
mod table;

use support::Run;
use table::{Case, Table};

#[test]
fn a_renamed_stage_finds_its_entries() {
    let was = Case::new("renamed", "#[stage(name = \"edits::old\")]\npub fn fit() -> u64 { 3 }")
        .edit("name = \"edits::old\"", "name = \"edits::new\", was = \"edits::old\"")
        .hit();
    let table = Table::new(cases::all().into_iter().chain([was]).collect());
    let ws = table.workspace("renamed");
    let run = |is_edited| Run {
        mode: "run",
        record: "one",
        jobs: "1",
        store: ws.path("store"),
        variables: table.variables(is_edited),
    };
    let before = ws.build_and_run(&[], &[run(false)]);
    assert_eq!(before[0]["edits::old"], "never ran");
    table.edit(&ws);
    let after = ws.build_and_run(&[], &[run(true)]);
    assert_eq!(after[0]["edits::new"], "hit");
}

#[test]
fn edits_give_the_verdicts_of_the_table() {
    let table = Table::new(cases::all());
    assert!(table.cases.len() >= 60, "{} cases", table.cases.len());
    table.check();
}
