//! The forms in which a stage takes its inputs.

use std::path::{Path, PathBuf};

use crate::common::*;

#[stage(outputs = [train], cachers = [Json])]
fn train(count: u32) -> Vec<u32> {
    (1..=count).collect()
}

#[stage(outputs = [title], cachers = [Text])]
fn title() -> String {
    "digits".to_owned()
}

#[stage(outputs = [place], cachers = [Json])]
fn place() -> PathBuf {
    PathBuf::from("/tmp/digits")
}

#[stage(inputs = [train], outputs = [sum], cachers = [Json])]
fn by_slice(train: &[u32]) -> u32 {
    train.iter().sum()
}

#[stage(inputs = [train], outputs = [sum], cachers = [Json])]
fn by_reference(train: &Vec<u32>) -> u32 {
    train.iter().sum()
}

#[stage(inputs = [train], outputs = [sum], cachers = [Json])]
fn by_value(mut train: Vec<u32>) -> u32 {
    train.push(1000);
    train.iter().sum()
}

#[stage(inputs = [train as rows], outputs = [sum], cachers = [Json])]
fn renamed(rows: &[u32]) -> u32 {
    rows.iter().sum()
}

#[stage(inputs = [title, place], outputs = [label], cachers = [Text])]
fn borrowed_forms(title: &str, place: &Path) -> String {
    format!("{title} in {}", place.display())
}

#[stage(inputs = [train, title], outputs = [size], cachers = [Json])]
fn by_handle(train: Lazy<Vec<u32>>, title: Lazy<String>, look: bool) -> Result<usize> {
    if look { Ok(train.load()?.len() + title.load()?.len()) } else { Ok(0) }
}

#[stage(inputs = [prior], outputs = [warm], cachers = [Json])]
fn optional(prior: Option<&[u32]>) -> Option<u32> {
    prior.map(|prior| prior.iter().sum())
}

#[stage(inputs = [prior], outputs = [warm], cachers = [Json])]
fn optional_text(prior: Option<&str>) -> usize {
    prior.map_or(0, str::len)
}

#[stage(inputs = [prior], outputs = [warm], cachers = [Json])]
fn optional_handle(prior: Option<Lazy<Vec<u32>>>) -> Result<u32> {
    prior.map_or(Ok(0), |prior| Ok(prior.load()?.iter().sum()))
}

#[test]
fn every_form_of_an_input_gives_the_same_value() {
    let lab = Lab::new();
    let mut record = lab.record(());
    train(&mut record, 3).unwrap();
    assert_eq!(*by_slice(&mut record).unwrap().load().unwrap(), 6);
    assert_eq!(*by_reference(&mut record).unwrap().load().unwrap(), 6);
    assert_eq!(*renamed(&mut record).unwrap().load().unwrap(), 6);
    title(&mut record).unwrap();
    place(&mut record).unwrap();
    assert_eq!(*borrowed_forms(&mut record).unwrap().load().unwrap(), "digits in /tmp/digits");
}

#[test]
fn an_owned_input_is_a_copy() {
    let lab = Lab::new();
    let mut record = lab.record(());
    let rows = train(&mut record, 3).unwrap();
    let held = rows.load().unwrap();
    assert_eq!(*by_value(&mut record).unwrap().load().unwrap(), 1006);
    assert_eq!(*held, [1, 2, 3]);
    assert_eq!(*by_slice(&mut record).unwrap().load().unwrap(), 6);
}

#[test]
fn a_handle_is_loaded_only_where_the_body_asks() {
    let lab = Lab::new();
    let fresh = || {
        let mut record = lab.record(());
        train(&mut record, 3).unwrap();
        title(&mut record).unwrap();
        record
    };
    fresh();
    lab.lines();
    by_handle(&mut fresh(), false).unwrap();
    let lines = lab.lines();
    assert!(!lines.iter().any(|line| line.starts_with("loaded")), "{lines:?}");
    assert_eq!(*by_handle(&mut fresh(), true).unwrap().load().unwrap(), 9);
    let lines = lab.lines();
    assert!(lines.contains(&"loaded train".to_owned()), "{lines:?}");
}

#[test]
fn an_optional_input_may_be_absent_and_enters_the_key_as_that() {
    let lab = Lab::new();
    let run = |prior: Option<Vec<u32>>| {
        let mut record = lab.record(());
        if let Some(prior) = prior {
            record.insert("prior", prior).unwrap();
        }
        let warm = *optional(&mut record).unwrap().load().unwrap();
        (warm, *optional_handle(&mut record).unwrap().load().unwrap())
    };
    assert_eq!(run(None), (None, 0));
    assert_eq!(run(Some(vec![])), (Some(0), 0));
    assert_eq!(run(Some(vec![4])), (Some(4), 4));
    assert_eq!(lab.ran().len(), 6);
    assert_eq!((run(None), run(Some(vec![4]))), ((None, 0), (Some(4), 4)));
    assert_eq!(lab.ran().len(), 0);
}

#[test]
fn an_optional_input_of_another_type_is_refused() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("prior", vec![1_u32]).unwrap();
    let text = chain(optional_text(&mut record));
    assert!(
        text.contains("the input `prior` is a `String`, but the record holds a `Vec<u32>`"),
        "{text}"
    );
    record.insert("prior", "abc".to_owned()).unwrap();
    assert_eq!(*optional_text(&mut record).unwrap().load().unwrap(), 3);
}

#[derive(Clone, Serialize)]
struct Train {
    rate: f64,
    rounds: u32,
}

#[derive(Clone, Serialize)]
struct Whole {
    train: Train,
    seed: u64,
}

#[derive(Clone, Serialize)]
struct Other {
    name: String,
    settings: Train,
}

impl Provides<Train> for Whole {
    fn provide(&self) -> &Train {
        &self.train
    }
}

impl Provides<Train> for Other {
    fn provide(&self) -> &Train {
        &self.settings
    }
}

#[stage(outputs = [total], cachers = [Json])]
fn total(params: &Train) -> f64 {
    params.rate * f64::from(params.rounds)
}

#[stage(outputs = [seed], cachers = [Json])]
fn seed(params: &Whole) -> u64 {
    params.seed
}

#[test]
fn a_part_of_the_params_is_shared_by_different_params() {
    let lab = Lab::new();
    let train = Train { rate: 0.5, rounds: 4 };
    let mut whole = lab.record(Whole { train: train.clone(), seed: 7 });
    assert!((*total(&mut whole).unwrap().load().unwrap() - 2.0).abs() < f64::EPSILON);
    assert_eq!(*seed(&mut whole).unwrap().load().unwrap(), 7);
    total(&mut lab.record(Other { name: "other".to_owned(), settings: train.clone() })).unwrap();
    total(&mut lab.record(train)).unwrap();
    assert_eq!(lab.ran(), ["total", "seed"]);
}
