//! The same work again, on a store that is opened anew.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::*;

#[stage(outputs = [numbers], cachers = [Json])]
fn numbers(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[stage(inputs = [numbers], outputs = [parity], cachers = [Json])]
fn parity(numbers: &[u32]) -> usize {
    numbers.len() % 2
}

#[stage(inputs = [parity], outputs = [word], cachers = [Text])]
fn word(parity: &usize) -> String {
    if *parity == 0 { "even".to_owned() } else { "odd".to_owned() }
}

fn pipeline(lab: &Lab, count: u32) -> String {
    let mut record = lab.record(());
    numbers(&mut record, count).unwrap();
    parity(&mut record).unwrap();
    (*word(&mut record).unwrap().load().unwrap()).clone()
}

#[test]
fn a_second_start_finds_everything() {
    let lab = Lab::new();
    assert_eq!(pipeline(&lab, 3), "odd");
    assert_eq!(lab.ran(), ["numbers", "parity", "word"]);
    assert_eq!(pipeline(&lab, 3), "odd");
    assert_eq!(lab.lines(), ["hit numbers", "hit parity", "hit word", "loaded word"]);
}

#[test]
fn going_back_is_a_hit() {
    let lab = Lab::new();
    for (count, ran) in [(1, 1), (10, 1), (1, 0), (10, 0), (1, 0)] {
        numbers(&mut lab.record(()), count).unwrap();
        assert_eq!(lab.ran().len(), ran, "{count}");
    }
}

#[test]
fn five_calls_with_one_value_and_one_with_another_are_two_executions() {
    let lab = Lab::new();
    let mut record = lab.record(());
    for count in [1, 1, 1, 10, 1, 1] {
        numbers(&mut record, count).unwrap();
    }
    assert_eq!(lab.ran(), ["numbers", "numbers"]);
}

#[test]
fn equal_bytes_stop_the_wave() {
    let lab = Lab::new();
    pipeline(&lab, 3);
    lab.lines();
    // Another `numbers`, an equal `parity`: `word` is a hit.
    assert_eq!(pipeline(&lab, 5), "odd");
    assert_eq!(lab.ran(), ["numbers", "parity"]);
}

static FAILS: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [one], cachers = [Json])]
fn one() -> u32 {
    1
}

#[stage(inputs = [one], outputs = [two], cachers = [Json])]
fn two(one: &u32) -> Result<u32> {
    match FAILS.fetch_add(1, Ordering::Relaxed) {
        0 => Err("not yet".into()),
        _ => Ok(one + 1),
    }
}

#[stage(inputs = [two], outputs = [three], cachers = [Json])]
fn three(two: &u32) -> u32 {
    two + 1
}

#[test]
fn after_a_failure_the_next_start_goes_on_where_it_stopped() {
    let lab = Lab::new();
    let run = || -> Result<u32, Error> {
        let mut record = lab.record(());
        one(&mut record)?;
        two(&mut record)?;
        Ok(*three(&mut record)?.load()?)
    };
    assert!(run().is_err());
    assert_eq!(lab.ran(), ["one", "two"]);
    assert_eq!(run().unwrap(), 3);
    assert_eq!(lab.ran(), ["two", "three"]);
    assert_eq!(run().unwrap(), 3);
    assert_eq!(lab.ran(), [""; 0]);
}

#[test]
fn a_hit_tells_which_run_made_it_and_when() {
    let lab = Lab::new();
    numbers(&mut lab.record(()), 1).unwrap();
    lab.lines();
    numbers(&mut lab.record(()), 1).unwrap();
    let events = lab.recorder().take();
    let memo_runtime::Event::Hit { made_by, completed, saved, .. } = &events[0] else {
        panic!("{events:?}");
    };
    assert!(!made_by.is_empty() && *completed > 1_600_000_000_000 && *saved >= 0.0);
}

#[test]
fn a_store_can_be_moved_and_copied() {
    let lab = Lab::new();
    pipeline(&lab, 3);
    let moved = lab.path("elsewhere/store");
    std::fs::create_dir_all(moved.parent().unwrap()).unwrap();
    std::fs::rename(lab.store_path(), &moved).unwrap();
    lab.lines();
    let store = Store::options().read_only(true).observer(lab.recorder()).open(&moved).unwrap();
    let mut record = Record::new(&store, "base", ());
    numbers(&mut record, 3).unwrap();
    parity(&mut record).unwrap();
    word(&mut record).unwrap();
    assert_eq!(lab.lines(), ["hit numbers", "hit parity", "hit word"]);
}

#[test]
fn a_read_only_store_hits_and_keeps_nothing_new() {
    let lab = Lab::new();
    pipeline(&lab, 3);
    let before = memo_tests::files_below(&lab.store_path());
    lab.lines();
    let store = Store::options().read_only(true).observer(lab.recorder());
    let mut record = Record::new(&store.open(lab.store_path()).unwrap(), "base", ());
    numbers(&mut record, 3).unwrap();
    assert_eq!(*numbers(&mut record, 4).unwrap().load().unwrap(), [0, 1, 2, 3]);
    let lines = lab.lines();
    assert_eq!(lines[0], "hit numbers");
    assert!(lines.iter().any(|line| line.contains("not kept")), "{lines:?}");
    assert_eq!(memo_tests::files_below(&lab.store_path()), before);
}

#[test]
fn different_names_of_records_share_their_work() {
    let lab = Lab::new();
    let store = lab.store();
    for name in ["one", "two", "three"] {
        numbers(&mut Record::new(&store, name, ()), 4).unwrap();
        numbers(&mut Record::new(&store, name, name.to_owned()), 4).unwrap();
    }
    assert_eq!(lab.ran(), ["numbers"]);
}
