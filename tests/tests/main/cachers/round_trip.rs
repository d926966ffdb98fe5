//! What is saved comes back equal, or saving fails and says why.

use std::collections::{BTreeMap, HashMap};

use crate::common::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    name: String,
    value: f64,
    note: Option<String>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Wide,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Model {
    weights: Vec<Vec<f64>>,
    names: BTreeMap<String, u64>,
    shape: (usize, usize),
    step: Step,
    best: Option<Box<Model>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Step {
    None,
    Fixed(f64),
    Decay { start: f64, half: u32 },
}

fn row(name: &str, value: f64, note: Option<&str>) -> Row {
    let kind = if note.is_some() { Kind::Wide } else { Kind::Plain };
    Row { name: name.to_owned(), value, note: note.map(str::to_owned), kind }
}

fn a_model() -> Model {
    let best = Model {
        weights: vec![],
        names: BTreeMap::new(),
        shape: (0, 0),
        step: Step::Decay { start: 0.1, half: 7 },
        best: None,
    };
    Model {
        weights: vec![vec![0.1 + 0.2, -0.0, 1e-310, f64::MAX], vec![]],
        names: BTreeMap::from([("ä \"quoted\"\n".to_owned(), u64::MAX), (String::new(), 0)]),
        shape: (2, 4),
        step: Step::Fixed(0.1),
        best: Some(Box::new(best)),
    }
}

#[stage(outputs = [json, pretty, bincode], cachers = [Json, Json.pretty(), Bincode])]
fn model() -> (Model, Model, Model) {
    (a_model(), a_model(), Model { step: Step::None, ..a_model() })
}

#[stage(outputs = [csv, tabs], cachers = [Csv, Csv.delimiter(b'\t')])]
fn tables(rows: &[Row]) -> (Vec<Row>, Vec<Row>) {
    (rows.to_vec(), rows.to_vec())
}

#[stage(outputs = [text, bytes], cachers = [Text, Bytes])]
fn plain(text: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    (text.to_owned(), bytes.to_vec())
}

/// Calls twice, and returns what the second call, a hit, reads.
fn on_a_hit<T>(lab: &Lab, call: impl Fn(&mut Record<()>) -> T) -> T {
    call(&mut lab.record(()));
    assert_eq!(lab.ran().len(), 1);
    let found = call(&mut lab.record(()));
    assert_eq!(lab.ran().len(), 0);
    found
}

#[test]
fn models_come_back_equal() {
    let lab = Lab::new();
    let (json, pretty, bincode) = on_a_hit(&lab, |record| model(record).unwrap());
    assert_eq!(*json.load().unwrap(), a_model());
    assert_eq!(*pretty.load().unwrap(), a_model());
    assert_eq!(*bincode.load().unwrap(), Model { step: Step::None, ..a_model() });
    // Zero keeps its sign.
    assert!(json.load().unwrap().weights[0][1].is_sign_negative());
    let text = std::fs::read_to_string(pretty.path().unwrap()).unwrap();
    assert!(text.lines().count() > 10, "{text}");
}

#[test]
fn tables_come_back_equal() {
    let lab = Lab::new();
    let rows = [
        row("plain", 0.1, None),
        row("comma, \"quote\"\nline; tab\t", -1e300, Some("x")),
        row("", 3.0, Some(" ")),
        row("NaN", 0.0, Some("null")),
    ];
    let (csv, tabs) = on_a_hit(&lab, |record| tables(record, &rows).unwrap());
    assert_eq!(*csv.load().unwrap(), rows);
    assert_eq!(*tabs.load().unwrap(), rows);
    assert!(csv.path().unwrap().extension().unwrap() == "csv");
    assert!(tabs.path().unwrap().extension().unwrap() == "tsv");
}

#[test]
fn a_table_without_rows_has_its_header() {
    let lab = Lab::new();
    let (csv, _) = on_a_hit(&lab, |record| tables(record, &[]).unwrap());
    assert!(csv.load().unwrap().is_empty());
    let text = std::fs::read_to_string(csv.path().unwrap()).unwrap();
    assert_eq!(text, "name,value,note,kind\n");
}

#[test]
fn text_and_bytes_come_back_equal_small_and_large() {
    let lab = Lab::new();
    let large = "line\r\n\u{0}ä".repeat(2000);
    let all: Vec<u8> = (0..=255).collect();
    for (text, bytes) in [("", &[][..]), ("a\u{feff}b\n", &all), (&large, large.as_bytes())] {
        let (found, found_bytes) = on_a_hit(&lab, |record| plain(record, text, bytes).unwrap());
        assert_eq!(*found.load().unwrap(), text);
        assert_eq!(*found_bytes.load().unwrap(), bytes);
    }
}

#[test]
fn small_values_lie_inside_their_manifest() {
    let lab = Lab::new();
    let (text, _) = on_a_hit(&lab, |record| plain(record, "a small text", &[]).unwrap());
    assert!(lab.artifacts().is_empty());
    let manifest = std::fs::read_to_string(&lab.entries()[0]).unwrap();
    assert!(manifest.contains("a small text"), "readable, since it is text");
    let path = text.path().unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "a small text");
}

#[test]
fn equal_artifacts_are_stored_once() {
    let lab = Lab::new();
    let large = "x".repeat(10_000);
    plain(&mut lab.record(()), &large, b"1").unwrap();
    plain(&mut lab.record(()), &large, b"2").unwrap();
    assert_eq!((lab.entries().len(), lab.artifacts().len()), (2, 1));
}

#[stage(outputs = [fine, wrong], cachers = [Json, Json])]
fn json_numbers(numbers: &[f64]) -> (u32, Vec<f64>) {
    (1, numbers.to_vec())
}

#[stage(outputs = [wrong], cachers = [Json])]
fn json_option(value: Option<Option<u32>>) -> Option<Option<u32>> {
    value
}

#[stage(outputs = [wrong], cachers = [Csv])]
fn csv_nested(rows: Vec<(u32, Vec<u32>)>) -> Vec<(u32, Vec<u32>)> {
    rows
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Skipping {
    kept: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<u32>,
}

#[stage(outputs = [wrong], cachers = [Bincode])]
fn bincode_skipped(value: Skipping) -> Skipping {
    value
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Forgetful {
    kept: u32,
    #[serde(skip)]
    lost: u32,
}

#[stage(outputs = [wrong], cachers = [Json])]
fn json_skipped(kept: u32) -> Forgetful {
    Forgetful { kept, lost: 0 }
}

#[stage(outputs = [wrong], cachers = [Json])]
fn json_keys(map: &BTreeMap<(u32, u32), u32>) -> HashMap<(u32, u32), u32> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_output_and_cacher() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    let skipping = Skipping { kept: 1, gone: None };
    let keys = BTreeMap::from([((1, 2), 3)]);
    let empty = row("x", 1.0, Some(""));
    let refusals = [
        (json_numbers(record, &[1.0, f64::NAN]).map(drop), "json", "NaN"),
        (json_numbers(record, &[f64::INFINITY]).map(drop), "json", "[0]"),
        (json_option(record, Some(None)).map(drop), "json", "None"),
        (csv_nested(record, vec![(1, vec![2])]).map(drop), "csv", "`Csv`"),
        (tables(record, &[empty]).map(drop), "csv", "note"),
        (bincode_skipped(record, skipping).map(drop), "bincode", "`Bincode`"),
        (json_keys(record, &keys).map(drop), "json", "key"),
    ];
    for (outcome, format, detail) in refusals {
        let error = outcome.map_or_else(|error| error, |()| panic!("{format} {detail} is refused"));
        assert_eq!(error.kind(), ErrorKind::Cacher, "{error}");
        let text = error.chain();
        assert!(text.contains("the output `"), "{text}");
        assert!(text.contains(format) && text.contains(detail), "{detail}: {text}");
    }
    assert!(lab.entries().is_empty() && lab.artifacts().is_empty());
}

#[test]
fn what_comes_back_equal_is_not_refused() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    json_option(record, Some(Some(1))).unwrap();
    json_option(record, None).unwrap();
    json_skipped(record, 1).unwrap();
    bincode_skipped(record, Skipping { kept: 1, gone: Some(2) }).unwrap();
    json_numbers(record, &[-0.0, f64::MIN_POSITIVE]).unwrap();
}
