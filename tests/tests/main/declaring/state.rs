//! What is in a record's state, and under which name.

use crate::common::*;

#[stage(outputs = [first, second], cachers = [Json, Json])]
fn pair() -> (u32, String) {
    (1, "one".to_owned())
}

#[stage(outputs = [both], cachers = [Json])]
fn tuple_as_one() -> (u32, String) {
    (2, "two".to_owned())
}

#[stage(outputs = [rows], cachers = [Json])]
fn vector_as_one() -> Vec<(u32, u32)> {
    vec![(1, 2), (3, 4)]
}

#[stage(inputs = [first], outputs = [more], cachers = [Json])]
fn more(first: &u32, by: u32) -> u32 {
    first + by
}

#[stage(inputs = [first], outputs = [doubled], cachers = [Json])]
fn doubled(first: &u32) -> u32 {
    first * 2
}

#[test]
fn outputs_are_in_the_state_under_their_names_in_declared_order() {
    let lab = Lab::new();
    let mut record = lab.record(());
    let (first, second) = pair(&mut record).unwrap();
    assert_eq!((*first.load().unwrap(), second.load().unwrap().as_str()), (1, "one"));
    assert_eq!(record.names().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(*record.get::<u32>("first").unwrap().load().unwrap(), 1);
    assert_eq!(*record.get::<String>("second").unwrap().load().unwrap(), "one");
}

#[test]
fn what_is_returned_for_one_output_is_one_value() {
    let lab = Lab::new();
    let mut record = lab.record(());
    assert_eq!(*tuple_as_one(&mut record).unwrap().load().unwrap(), (2, "two".to_owned()));
    assert_eq!(*vector_as_one(&mut record).unwrap().load().unwrap(), [(1, 2), (3, 4)]);
    assert_eq!(
        *record.get::<(u32, String)>("both").unwrap().load().unwrap(),
        (2, "two".to_owned())
    );
}

#[test]
fn get_tells_what_is_wrong_with_a_name_or_a_type() {
    let lab = Lab::new();
    let mut record = lab.record(());
    pair(&mut record).unwrap();
    let error = record.get::<u32>("frist").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    assert!(error.to_string().contains("did you mean `first`?"), "{error}");
    let error = record.get::<u32>("second").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    assert!(error.to_string().contains("`second` is a `String`, not a `u32`"), "{error}");
}

#[test]
fn the_same_stage_gives_its_outputs_other_names() {
    let lab = Lab::new();
    let mut record = lab.record(());
    pair(&mut record).unwrap();
    more::named(&mut record, ["more_10"], 10).unwrap();
    more::named(&mut record, [format!("more_{}", 20)], 20).unwrap();
    assert_eq!(*record.get::<u32>("more_10").unwrap().load().unwrap(), 11);
    assert_eq!(*record.get::<u32>("more_20").unwrap().load().unwrap(), 21);
    assert!(record.get::<u32>("more").is_err());
    assert_eq!(lab.ran(), ["pair", "more", "more"]);
    // The name is not in the key.
    more(&mut record, 10).unwrap();
    assert_eq!(*record.get::<u32>("more").unwrap().load().unwrap(), 11);
    assert_eq!(lab.ran(), [""; 0]);
}

#[test]
fn the_later_call_takes_the_name_on_a_record_of_ones_own() {
    let lab = Lab::new();
    let mut record = lab.record(());
    pair(&mut record).unwrap();
    more(&mut record, 1).unwrap();
    more(&mut record, 2).unwrap();
    assert_eq!(*record.get::<u32>("more").unwrap().load().unwrap(), 3);
}

#[test]
fn an_alias_gives_a_consumer_its_input() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("start", 21_u32).unwrap();
    assert!(chain(doubled(&mut record)).contains("`first` is not in the record's state"));
    record.alias("first", "start").unwrap();
    assert_eq!(*doubled(&mut record).unwrap().load().unwrap(), 42);
    assert!(record.alias("other", "strat").unwrap_err().to_string().contains("`start`"));
}

#[test]
fn an_inserted_value_wins_and_is_in_the_key() {
    let lab = Lab::new();
    let run = |first: Option<u32>| {
        let mut record = lab.record(());
        if let Some(first) = first {
            record.insert("first", first).unwrap();
        }
        pair(&mut record).unwrap();
        *doubled(&mut record).unwrap().load().unwrap()
    };
    assert_eq!(run(None), 2);
    assert_eq!(lab.ran(), ["pair", "doubled"]);
    // `second` is still wanted of `pair`, which is a hit.
    assert_eq!(run(Some(5)), 10);
    assert_eq!(lab.ran(), ["doubled"]);
    assert_eq!((run(Some(6)), run(Some(5)), run(None)), (12, 10, 2));
    assert_eq!(lab.ran(), ["doubled"]);
}

#[test]
fn a_stage_whose_outputs_were_all_inserted_does_not_run() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("first", 7_u32).unwrap();
    record.insert("second", "seven".to_owned()).unwrap();
    let (first, second) = pair(&mut record).unwrap();
    assert_eq!((*first.load().unwrap(), second.load().unwrap().as_str()), (7, "seven"));
    assert_eq!(lab.lines(), [""; 0]);
}

#[test]
fn a_value_inserted_later_replaces_a_produced_one() {
    let lab = Lab::new();
    let mut record = lab.record(());
    pair(&mut record).unwrap();
    let handle = record.insert("first", 9_u32).unwrap();
    assert_eq!(*doubled(&mut record).unwrap().load().unwrap(), 18);
    assert!(handle.path().is_err(), "an inserted value has no file");
    assert_eq!(handle.digest().unwrap(), record.get::<u32>("first").unwrap().digest().unwrap());
}

#[test]
fn an_inserted_value_of_the_wrong_type_is_refused_by_the_consumer() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("first", "text".to_owned()).unwrap();
    let text = chain(doubled(&mut record));
    assert!(
        text.contains("`first` is a `u32`, but the record holds a `String`, inserted"),
        "{text}"
    );
    assert_eq!(lab.lines(), [""; 0]);
}

#[stage(outputs = [first], cachers = [Json])]
fn start(params: &u32) -> u32 {
    *params
}

#[test]
fn a_branch_shares_the_state_so_far() {
    let lab = Lab::new();
    let mut record = lab.record(1_u32);
    start(&mut record).unwrap();
    let mut wide = record.branch("wide", 100);
    assert_eq!((wide.name(), *wide.params()), ("wide", 100));
    assert_eq!(*doubled(&mut wide).unwrap().load().unwrap(), 2, "the state is shared");
    start(&mut wide).unwrap();
    assert_eq!(*doubled(&mut wide).unwrap().load().unwrap(), 200, "what follows is its own");
    assert_eq!(*doubled(&mut record).unwrap().load().unwrap(), 2);
    assert_eq!(lab.ran(), ["start", "doubled", "start", "doubled"]);
}
