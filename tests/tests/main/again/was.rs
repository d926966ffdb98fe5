//! A renamed stage finds the entries of its former name.

use std::fs;

use memo_runtime::Event;

use crate::common::*;

#[stage(outputs = [square], cachers = [Json])]
fn old(number: u32) -> u32 {
    number * number
}

#[stage(outputs = [square], cachers = [Json], was = "old")]
fn new(number: u32) -> u32 {
    number * number
}

#[stage(outputs = [square], cachers = [Json], was = ["new", "old"])]
fn newest(number: u32) -> u32 {
    number * number
}

#[stage(name = "plain", outputs = [square], cachers = [Json])]
fn with_a_name(number: u32) -> u32 {
    number * number
}

#[stage(outputs = [square], cachers = [Json], was = "plain")]
fn without_one(number: u32) -> u32 {
    number * number
}

#[stage(outputs = [square], cachers = [Json], was = "old")]
fn other_code(number: u32) -> u32 {
    number.pow(2)
}

#[stage(outputs = [halves, whole], cachers = [Json])]
fn parts(number: u32) -> (u32, u32) {
    (number / 2, number)
}

fn is_hit(event: &Event) -> bool {
    matches!(event, Event::Hit { .. })
}

#[test]
fn the_entries_of_the_former_name_are_found() {
    let lab = Lab::new();
    old(&mut lab.record(()), 3).unwrap();
    assert_eq!(lab.ran(), ["old"]);
    let squared = new(&mut lab.record(()), 3).unwrap();
    let events = lab.recorder().take();
    assert!(events.len() == 1 && is_hit(&events[0]), "{events:?}");
    assert_eq!(*squared.load().unwrap(), 9);
    new(&mut lab.record(()), 4).unwrap();
    assert_eq!(lab.ran(), ["new"]);
}

#[test]
fn a_found_entry_is_kept_under_the_new_name() {
    let lab = Lab::new();
    old(&mut lab.record(()), 3).unwrap();
    new(&mut lab.record(()), 3).unwrap();
    for entry in lab.entries().iter().filter(|entry| entry.to_string_lossy().contains("old")) {
        fs::remove_file(entry).unwrap();
    }
    lab.ran();
    new(&mut lab.record(()), 3).unwrap();
    assert_eq!(lab.ran(), [""; 0]);
    old(&mut lab.record(()), 3).unwrap();
    assert_eq!(lab.ran(), ["old"], "and the other way round nothing is found");
}

#[test]
fn names_may_be_several_and_of_any_form() {
    let lab = Lab::new();
    old(&mut lab.record(()), 1).unwrap();
    new(&mut lab.record(()), 2).unwrap();
    with_a_name(&mut lab.record(()), 3).unwrap();
    lab.ran();
    newest(&mut lab.record(()), 1).unwrap();
    newest(&mut lab.record(()), 2).unwrap();
    without_one(&mut lab.record(()), 3).unwrap();
    assert_eq!(lab.ran(), [""; 0]);
}

#[test]
fn other_code_is_a_miss_under_any_name() {
    let lab = Lab::new();
    old(&mut lab.record(()), 3).unwrap();
    other_code(&mut lab.record(()), 3).unwrap();
    assert_eq!(lab.ran(), ["old", "other_code"]);
}

#[test]
fn a_read_only_store_serves_it_as_well() {
    let lab = Lab::new();
    old(&mut lab.record(()), 3).unwrap();
    lab.ran();
    let before = lab.files("");
    let store =
        Store::options().read_only(true).observer(lab.recorder()).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    for _ in 0..2 {
        assert_eq!(*new(&mut record, 3).unwrap().load().unwrap(), 9);
    }
    assert_eq!((lab.ran(), lab.files("")), (vec![], before));
}

#[stage(outputs = [rows])]
fn old_rows(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[stage(outputs = [rows], was = "old_rows")]
fn new_rows(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[stage(inputs = [rows], outputs = [sum], cachers = [Json])]
fn sum(rows: &[u32]) -> u32 {
    rows.iter().sum()
}

#[test]
fn what_follows_a_renamed_stage_that_keeps_nothing_is_a_hit() {
    let lab = Lab::new();
    let mut record = lab.record(());
    old_rows(&mut record, 4).unwrap();
    sum(&mut record).unwrap();
    lab.ran();
    let pipeline = |record: &mut Record<()>| {
        new_rows(record, 4)?;
        sum(record)?;
        Ok(())
    };
    let run =
        |experiment: Experiment<()>| experiment.record("base", ()).run(&lab.options()).unwrap();
    let outcome = run(Experiment::new("renamed", pipeline));
    assert_eq!((outcome.cached, outcome.ran), (1, 0));
}

#[stage(name = "twin", code = manual, outputs = [x], cachers = [Json])]
fn twin() -> u32 {
    1
}

#[stage(code = manual, outputs = [x], cachers = [Json], was = "twin")]
fn renamed_twin() -> u32 {
    2
}

#[test]
fn a_name_that_is_taken_is_no_former_name_where_code_does_not_count() {
    let lab = Lab::new();
    let outcome = twin(&mut lab.record(())).and_then(|_| renamed_twin(&mut lab.record(())));
    assert!(chain(outcome).contains("says that it was named `twin`"));
}

#[test]
fn all_outputs_come_along() {
    let lab = Lab::new();
    parts(&mut lab.record(()), 5).unwrap();
    assert_eq!(lab.ran(), ["parts"]);
    let record = &mut lab.record(());
    let (halves, whole) = renamed_parts(record, 5).unwrap();
    assert_eq!((*halves.load().unwrap(), *whole.load().unwrap(), lab.ran()), (2, 5, vec![]));
}

#[stage(outputs = [halves, whole], cachers = [Json], was = "parts")]
fn renamed_parts(number: u32) -> (u32, u32) {
    (number / 2, number)
}
