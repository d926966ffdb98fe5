use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Train {
    rate: f64,
    #[serde(rename = "decay-by")]
    decay: f32,
    optimizer: Optimizer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Optimizer {
    Plain,
    Adam { beta: f64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Settings {
    name: String,
    hidden: usize,
    wide: u128,
    shuffle: bool,
    clip: f64,
    layers: Vec<u32>,
    weights: BTreeMap<u8, f64>,
    labels: HashSet<String>,
    separator: char,
    limit: Option<u32>,
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<u32>,
    #[serde(skip)]
    threads: usize,
    train: Train,
}

fn settings() -> Settings {
    Settings {
        name: "base".into(),
        hidden: 32,
        wide: u128::MAX,
        shuffle: true,
        clip: f64::INFINITY,
        layers: vec![1, 2],
        weights: BTreeMap::from([(1, 0.5)]),
        labels: HashSet::from(["a".into(), "b".into(), "c".into()]),
        separator: ',',
        limit: None,
        note: None,
        cap: None,
        threads: 0,
        train: Train { rate: 0.1, decay: 0.1, optimizer: Optimizer::Plain },
    }
}

fn set(pairs: &[(&str, &str)]) -> Result<Settings, Error> {
    let set: Vec<_> = pairs.iter().map(|&(path, text)| (path.into(), text.into())).collect();
    apply(&settings(), None, &set, &[])
}

/// Sets one field and checks that `change` is all that has changed.
fn assert_sets(path: &str, text: &str, change: impl FnOnce(&mut Settings)) {
    let mut expected = settings();
    change(&mut expected);
    match set(&[(path, text)]) {
        Ok(settings) => assert_eq!(settings, expected, "{path}={text}"),
        Err(error) => panic!("{path}={text}: {}", error.chain()),
    }
}

#[test]
fn a_text_is_read_as_what_the_field_holds() {
    assert_sets("name", "007", |settings| settings.name = "007".into());
    assert_sets("hidden", "64", |settings| settings.hidden = 64);
    assert_sets("wide", "5", |settings| settings.wide = 5);
    assert_sets("shuffle", "false", |settings| settings.shuffle = false);
    assert_sets("clip", "1e-3", |settings| settings.clip = 1e-3);
    assert_sets("clip", "-inf", |settings| settings.clip = f64::NEG_INFINITY);
    assert_sets("layers", "[3]", |settings| settings.layers = vec![3]);
    assert_sets("layers.1", "7", |settings| settings.layers[1] = 7);
    assert_sets("weights", r#"{"2": 1}"#, |settings| {
        settings.weights = BTreeMap::from([(2, 1.0)]);
    });
    assert_sets("weights.1", "2", |settings| settings.weights = BTreeMap::from([(1, 2.0)]));
    assert_sets("weights.9", "2", |settings| {
        settings.weights.insert(9, 2.0);
    });
    assert_sets("separator", ";", |settings| settings.separator = ';');
    assert_sets("limit", "5", |settings| settings.limit = Some(5));
    assert_sets("note", "5", |settings| settings.note = Some("5".into()));
    assert_sets("note", "null", |_| ());
    assert_sets("cap", "5", |settings| settings.cap = Some(5));
    assert_sets("train.decay-by", "0.3", |settings| settings.train.decay = 0.3);
    assert_sets("train", r#"{"rate": 2}"#, |settings| settings.train.rate = 2.0);
    let adam = |beta| Optimizer::Adam { beta };
    assert_sets("train.optimizer", r#"{"adam": {"beta": 0.5}}"#, |settings| {
        settings.train.optimizer = adam(0.5);
    });
}

#[test]
fn what_does_not_fit_is_told() {
    for (path, text, expected) in [
        ("hidden", "many", "`hidden` takes a whole number such as 32, not `many`"),
        ("hidden", "1.5", "`hidden` takes a whole number such as 32, not `1.5`"),
        (
            "hidden",
            "-1",
            "`hidden` does not take `-1`: invalid value: integer `-1`, expected usize",
        ),
        ("shuffle", "maybe", "`shuffle` takes `true` or `false`, not `maybe`"),
        ("train.rate", "fast", "`train.rate` takes a number such as 0.1, not `fast`"),
        (
            "layers",
            "3",
            "`layers` does not take `3`: invalid type: integer `3`, expected a sequence",
        ),
        ("layers", "a", "`layers` takes JSON such as `[1,2]`, not `a`"),
        (
            "layers.5",
            "1",
            "`layers` has no field `5` (what `serde` skips cannot be set); there are `0`, `1`",
        ),
        (
            "separator",
            "ab",
            "`separator` does not take `ab`: invalid value: string \"ab\", expected a character",
        ),
        (
            "train.optimizer",
            "adm",
            "`train.optimizer` does not take `adm`: unknown variant `adm`, expected `plain` or `adam`",
        ),
        ("hiden", "1", "the params have no field `hiden`; did you mean `hidden`?"),
        ("rate", "1", "the params have no field `rate`; did you mean `train.rate`?"),
        ("train.rat", "1", "`train` has no field `rat`; did you mean `rate`?"),
        ("hidden.x", "1", "`hidden` has no fields, so there is no `hidden.x`"),
        ("limit.x", "1", "`limit` has no fields, so there is no `limit.x`"),
    ] {
        let error = set(&[(path, text)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(error.chain(), expected, "{path}={text}");
    }
    let error = set(&[("threads", "1")]).unwrap_err().to_string();
    assert!(error.contains("no field `threads` (what `serde` skips cannot be set)"), "{error}");
}

#[test]
fn of_several_the_one_that_does_not_fit_is_named() {
    let error = set(&[("name", "x"), ("hidden", "-1"), ("limit", "2")]).unwrap_err();
    assert!(error.to_string().starts_with("`hidden` does not take `-1`"), "{error}");
}

#[test]
fn a_table_is_laid_over_at_any_depth() {
    let overlay = json!({"hidden": 8, "train": {"rate": 1, "optimizer": {"adam": {"beta": 0.9}}}});
    let twice = json!({"train": {"optimizer": {"adam": {"beta": 0.5}}}, "clip": "nan"});
    let once = apply(&settings(), Some(&overlay), &[], &[]).unwrap();
    let mut expected = settings();
    expected.hidden = 8;
    expected.train.rate = 1.0;
    expected.train.optimizer = Optimizer::Adam { beta: 0.9 };
    assert_eq!(once, expected);

    let set = [("train.optimizer.adam.beta".to_owned(), "0.7".to_owned())];
    let other = apply(&once, Some(&twice), &set, &[]).unwrap();
    assert_eq!(other.train.optimizer, Optimizer::Adam { beta: 0.7 });
    assert!(other.clip.is_nan());
}

#[test]
fn a_wrong_table_is_refused() {
    for (overlay, expected) in [
        (json!({"train": {"rat": 1}}), "`train` has no field `rat`; did you mean `rate`?"),
        (
            json!({"hidden": "8"}),
            "`hidden` does not take `8`: invalid type: string \"8\", expected usize",
        ),
        (json!([1]), "`--params` takes a table of fields"),
    ] {
        let error = apply(&settings(), Some(&overlay), &[], &[]).unwrap_err();
        assert_eq!(error.chain(), expected);
    }
}

#[test]
fn a_field_that_varies_cannot_be_set() {
    let set = [("train".to_owned(), r#"{"rate": 1}"#.to_owned())];
    let error = apply(&settings(), None, &set, &["train.rate".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`train.rate` cannot be set, since `train.rate` varies in the grid"
    );
    assert!(apply(&settings(), None, &set, &["train.decay-by".to_owned()]).is_ok());
}

#[test]
fn params_are_left_alone_when_nothing_is_to_be_set() {
    let mut settings = settings();
    settings.threads = 8;
    assert_eq!(apply(&settings, None, &[], &[]).unwrap(), settings);
}

#[test]
fn params_that_do_not_survive_serde_are_not_changed() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Lossy {
        hidden: usize,
        #[serde(skip_deserializing)]
        seed: u64,
    }
    let set = [("hidden".to_owned(), "1".to_owned())];
    let error = apply(&Lossy { hidden: 0, seed: 7 }, None, &set, &[]).err().unwrap();
    assert!(error.to_string().contains("`seed` comes back as another value"), "{error}");

    let set = [("seed".to_owned(), "1".to_owned())];
    let error = apply(&Lossy { hidden: 0, seed: 0 }, None, &set, &[]).err().unwrap();
    assert_eq!(error.to_string(), "`seed` cannot be set, since `serde` skips it when it reads");
}

#[test]
fn flattened_and_tagged_fields_can_be_set() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Outer {
        seed: u64,
        #[serde(flatten)]
        train: Train,
        kind: Kind,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "is")]
    enum Kind {
        Forest { trees: u32 },
    }
    let train = Train { rate: 0.1, decay: 0.1, optimizer: Optimizer::Adam { beta: 0.5 } };
    let outer = Outer { seed: 1, train, kind: Kind::Forest { trees: 5 } };
    let set = |path: &str, text: &str| apply(&outer, None, &[(path.into(), text.into())], &[]);
    assert!((set("rate", "0.5").unwrap().train.rate - 0.5).abs() < f64::EPSILON);
    assert_eq!(set("kind.trees", "9").unwrap().kind, Kind::Forest { trees: 9 });
    let error = set("rats", "1").unwrap_err().to_string();
    assert_eq!(error, "the params have no field `rats`; did you mean `rate`?");
}

#[cfg(feature = "cli")]
#[test]
fn params_are_listed_by_path() {
    let listed = params_text(&settings().train).unwrap();
    let listed: Vec<_> = listed.iter().map(|(path, text)| format!("{path} = {text}")).collect();
    assert_eq!(listed, ["rate = 0.1", "decay-by = 0.1", "optimizer = \"plain\""]);
}
