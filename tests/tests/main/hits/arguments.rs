//! Call arguments that look alike.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use memo_runtime::{Digest, digest_of};

use crate::common::*;

#[stage(outputs = [x], cachers = [Text])]
fn texts(one: &str, two: &str) -> String {
    format!("{one}|{two}")
}

#[stage(outputs = [x], cachers = [Json])]
fn numbers(numbers: &[i64]) -> Vec<i64> {
    numbers.to_vec()
}

#[stage(outputs = [x], cachers = [Json])]
fn maybe(text: Option<String>) -> Option<String> {
    text
}

#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
struct Pair {
    left: Inner,
    right: Inner,
}

#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
struct Inner {
    a: u32,
    b: u32,
}

#[stage(outputs = [x], cachers = [Json])]
fn nested(pair: Pair) -> Pair {
    pair
}

#[stage(outputs = [x], cachers = [Bincode])]
fn floats(number: f64) -> u64 {
    number.to_bits()
}

#[test]
fn texts_do_not_run_together() {
    let lab = Lab::new();
    for (one, two) in [("x", "ybz"), ("xby", "z"), ("", "xybz"), ("xybz", "")] {
        let handle = texts(&mut lab.record(()), one, two).unwrap();
        assert_eq!(*handle.load().unwrap(), format!("{one}|{two}"));
    }
    assert_eq!(lab.ran().len(), 4);
}

#[test]
fn order_and_repetition_count() {
    let lab = Lab::new();
    let lists: [&[i64]; 6] = [&[1, 2], &[2, 1], &[1, 1, 2], &[1, 2, 2], &[], &[0]];
    for list in lists.into_iter().chain(lists) {
        assert_eq!(*numbers(&mut lab.record(()), list).unwrap().load().unwrap(), list);
    }
    assert_eq!(lab.ran().len(), 6);
}

/// Any of them, as serde writes it: nothing but its kind tells `1` from `"1"`.
#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Any {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

#[stage(outputs = [x], cachers = [Json])]
fn any(value: Any) -> String {
    format!("{value:?}")
}

#[test]
fn one_as_a_number_a_text_a_float_and_a_truth_are_four() {
    let lab = Lab::new();
    let all = [Any::Integer(1), Any::Text("1".to_owned()), Any::Float(1.0), Any::Bool(true)];
    for value in all.iter().chain(&all) {
        let found = any(&mut lab.record(()), value.clone()).unwrap();
        assert_eq!(*found.load().unwrap(), format!("{value:?}"));
    }
    assert_eq!(lab.ran().len(), 4);
}

#[test]
fn none_is_not_a_text() {
    let lab = Lab::new();
    for text in [None, Some("None".to_owned()), Some(String::new()), Some("null".to_owned())] {
        assert_eq!(*maybe(&mut lab.record(()), text.clone()).unwrap().load().unwrap(), text);
    }
}

#[test]
fn swapped_fields_differ() {
    let lab = Lab::new();
    let pair = |a, b, c, d| Pair { left: Inner { a, b }, right: Inner { a: c, b: d } };
    for pair in [pair(1, 2, 3, 4), pair(2, 1, 3, 4), pair(3, 4, 1, 2), pair(1, 2, 4, 3)] {
        assert_eq!(*nested(&mut lab.record(()), pair.clone()).unwrap().load().unwrap(), pair);
    }
    assert_eq!(lab.ran().len(), 4);
}

#[test]
fn floats_enter_by_their_bits() {
    let lab = Lab::new();
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
    for number in [0.0, -0.0, f64::NAN, other_nan, f64::INFINITY, 0.1 + 0.2, 0.3] {
        floats(&mut lab.record(()), number).unwrap();
    }
    assert_eq!(lab.ran().len(), 6, "there is one NaN, and two zeros");
}

fn digest<T: Serialize>(value: &T) -> Digest {
    digest_of(value).unwrap()
}

#[test]
fn values_of_different_types_differ() {
    #[derive(Serialize)]
    struct Metres(u32);
    #[derive(Serialize)]
    struct Feet(u32);
    #[derive(Serialize)]
    enum Unit {
        Metres(u32),
        Feet(u32),
        None,
    }
    let all = [
        digest(&1_u8),
        digest(&1_u32),
        digest(&1_u64),
        digest(&1_i32),
        digest(&1_i64),
        digest(&1.0_f64),
        digest(&1.0_f32),
        digest(&"1"),
        digest(&'1'),
        digest(&true),
        digest(&Some(1_u8)),
        digest(&Some(Some(1_u8))),
        digest(&[1_u8]),
        digest(&vec![1_u8]),
        digest(&(1_u8, ())),
        digest(&()),
        digest(&None::<u8>),
        digest(&Some(None::<u8>)),
        digest(&""),
        digest(&Vec::<u8>::new()),
        digest(&Metres(1)),
        digest(&Feet(1)),
        digest(&Unit::Metres(1)),
        digest(&Unit::Feet(1)),
        digest(&Unit::None),
        digest(&"None"),
        digest(&"Feet"),
        digest(&BTreeMap::from([(1_u8, 2_u8)])),
        digest(&BTreeMap::from([(2_u8, 1_u8)])),
        digest(&vec![(1_u8, 2_u8)]),
        digest(&vec![vec![1_u8], vec![]]),
        digest(&vec![vec![], vec![1_u8]]),
        digest(&vec![vec![1_u8]]),
    ];
    let different: HashSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), all.len());
    assert!(all[0].to_string().len() >= 32, "at least 128 bits");
}

#[test]
fn what_holds_a_value_does_not_count() {
    let text = digest(&"x".to_owned());
    assert_eq!(digest(&"x"), text);
    assert_eq!(digest(&Box::new("x")), text);
    assert_eq!(digest(&std::borrow::Cow::Borrowed("x")), text);
    assert_eq!(digest(&vec![1_u8, 2]), digest(&&[1_u8, 2][..]));
}

#[test]
fn the_order_inside_maps_and_sets_does_not_count() {
    let names: Vec<String> = (0..100).map(|n| format!("name {n}")).collect();
    let set: HashSet<_> = names.iter().cloned().collect();
    let reversed: HashSet<_> = names.iter().rev().cloned().collect();
    assert_eq!(digest(&set), digest(&reversed));
    let map: HashMap<_, _> = names.iter().cloned().zip(0..).collect();
    let again: HashMap<_, _> =
        names.iter().cloned().zip(0..).collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(digest(&map), digest(&again));
    let sorted: BTreeMap<_, _> = map.clone().into_iter().collect();
    assert_eq!(digest(&map), digest(&sorted));
    let sorted: BTreeSet<_> = set.clone().into_iter().collect();
    assert_eq!(digest(&vec![sorted.clone()]), digest(&vec![sorted]));
}
