//! What would not come back is refused, with the place and the cacher to use.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tempfile::tempdir;

use crate::cacheable::Cacheable;
use crate::cachers::{Bincode, Csv, Json, save_at};

/// Returns the sentence with which a value is refused.
fn refusal<T>(cacher: &impl Cacheable<T>, value: &T) -> String {
    let folder = tempdir().unwrap();
    let path = folder.path().join("value");
    let error = save_at(cacher, value, &path).unwrap_err();
    assert!(!path.exists(), "what is refused leaves nothing behind");
    error.to_string()
}

#[derive(Serialize, Deserialize)]
struct Row<T> {
    id: u8,
    cell: T,
}

fn row<T>(cell: T) -> Vec<Row<T>> {
    vec![Row { id: 1, cell }]
}

#[test]
fn json_refuses_numbers_that_are_none() {
    for (number, name) in
        [(f64::NAN, "NaN"), (f64::INFINITY, "infinity"), (f64::NEG_INFINITY, "infinity")]
    {
        assert_eq!(
            refusal(&Json, &row(vec![0.5, number])),
            format!(
                "`Json` cannot hold the value at `[0].cell[1]`: JSON has no form for {name}; use `Bincode`"
            )
        );
    }
    assert!(refusal(&Json, &f32::NAN).contains("cannot hold this value: JSON has no form for NaN"));
}

#[test]
fn json_refuses_what_null_cannot_tell_apart() {
    assert_eq!(
        refusal(&Json, &vec![None, Some(None), Some(Some(1))]),
        "`Json` cannot hold the value at `[1]`: `Some(None)` would come back as `None`; use `Bincode`"
    );
    assert!(refusal(&Json, &Some(())).contains("`Some(())` would come back as `None`"));
}

#[test]
fn json_refuses_keys_that_are_no_text() {
    assert_eq!(
        refusal(&Json, &BTreeMap::from([((1, 2), 3)])),
        "`Json` cannot hold the value at `key`: a tuple cannot be a key; use `Bincode`"
    );
    let optional = HashMap::from([(None::<u8>, 3)]);
    assert!(refusal(&Json, &optional).contains("`None` cannot be a key"));
}

#[test]
fn csv_refuses_what_a_cell_cannot_hold() {
    assert_eq!(
        refusal(&Csv, &row(vec![0.5])),
        "`Csv` cannot hold the value at `[0].cell`: a cell cannot hold a sequence; use `Json` or `Bincode`"
    );
    assert!(refusal(&Csv, &row((1, 2))).contains("a cell cannot hold a tuple"));
    assert!(refusal(&Csv, &row(Row { id: 1, cell: 2 })).contains("a cell cannot hold a struct"));
    assert!(refusal(&Csv, &row(BTreeMap::from([(1, 2)]))).contains("a cell cannot hold a map"));
    assert!(refusal(&Csv, &row(Ok::<u8, u8>(1))).contains("an enum with content"));
    assert!(refusal(&Csv, &vec![BTreeMap::from([(1, 2)])]).contains("a row cannot hold a map"));
    assert!(refusal(&Csv, &vec![vec![1], vec![1, 2]]).contains("a row cannot hold a sequence"));
}

#[test]
fn csv_refuses_what_an_empty_cell_cannot_tell_apart() {
    assert_eq!(
        refusal(&Csv, &row(Some(String::new()))),
        "`Csv` cannot hold the value at `[0].cell`: `Some(\"\")` would come back as `None`; use `Json` or `Bincode`"
    );
    assert!(refusal(&Csv, &row(Some(None::<u8>))).contains("`Some(None)`"));
}

#[test]
fn what_leaves_fields_out_is_refused_by_bincode() {
    #[derive(Serialize, Deserialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        a: Option<u8>,
        b: u8,
    }
    #[derive(Serialize, Deserialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        row: Row<u8>,
    }
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { x: u8 },
    }
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        A(u8),
    }
    assert_eq!(
        refusal(&Bincode, &vec![Sparse { a: None, b: 1 }]),
        "`Bincode` cannot hold the value at `[0]`: the field `a` is left out (`skip_serializing_if`), and would be missing; use `Json`"
    );
    let flat = Flat { id: 1, row: Row { id: 2, cell: 3 } };
    assert!(refusal(&Bincode, &flat).contains("length of a map is not known"), "flatten");
    let tagged = refusal(&Bincode, &Tagged::A { x: 1 });
    assert!(tagged.contains("`Bincode` would not give this value back"), "{tagged}");
    assert!(tagged.ends_with("; use `Json`"), "{tagged}");
    assert!(refusal(&Bincode, &Untagged::A(1)).contains("would not give this value back"));
    assert!(
        save_at(&Bincode, &Sparse { a: Some(1), b: 1 }, tempdir().unwrap().path().join("x"))
            .is_ok()
    );
}

#[test]
fn values_nested_too_deep_are_refused() {
    #[derive(Serialize, Deserialize)]
    struct List(Option<Box<List>>);
    #[derive(Serialize, Deserialize)]
    struct Bush(Vec<Bush>);
    let list = (0..300).fold(List(None), |list, _| List(Some(Box::new(list))));
    let bush = (0..300).fold(Bush(Vec::new()), |bush, _| Bush(vec![bush]));
    assert!(refusal(&Bincode, &list).contains("nested deeper than 256 levels"));
    assert!(refusal(&Bincode, &bush).contains("nested deeper than 256 levels"));
    assert!(refusal(&Json, &bush).contains("nested deeper than 127 levels"));
    let shallow = (0..120).fold(List(None), |list, _| List(Some(Box::new(list))));
    save_at(&Bincode, &shallow, tempdir().unwrap().path().join("value")).unwrap();
}

/// Writes something else than it reads.
#[derive(Debug, PartialEq)]
struct Liar(u32);

impl Serialize for Liar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Liar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|number| Self(number / 2))
    }
}

#[test]
fn types_that_read_something_else_than_they_write_are_found_by_reading_back() {
    for (refusal, name, instead) in [
        (refusal(&Json, &Liar(7)), "Json", "Bincode"),
        (refusal(&Bincode, &Liar(7)), "Bincode", "Json"),
        (refusal(&Csv, &vec![Liar(7)]), "Csv", "Json"),
    ] {
        assert_eq!(
            refusal,
            format!(
                "`{name}` would not give this value back: it would come back as another one; use `{instead}`"
            )
        );
    }
}

#[test]
fn the_first_value_of_a_type_is_read_back_though_it_is_large() {
    let large: Vec<Liar> = (1..100_000).map(Liar).collect();
    assert!(refusal(&Bincode, &large).contains("would not give this value back"));
    assert!(refusal(&Json, &large).contains("would not give this value back"));
}

#[test]
fn failures_of_a_type_are_told_with_their_place() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("the lock is poisoned"))
        }
    }
    impl<'de> Deserialize<'de> for Failing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    let value = BTreeMap::from([("a", vec![Failing])]);
    let value: BTreeMap<String, _> = value.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    assert_eq!(
        refusal(&Json, &value),
        "`Json` cannot hold the value at `[0][0]`: the lock is poisoned"
    );
    assert_eq!(
        refusal(&Bincode, &value),
        "`Bincode` cannot hold the value at `[0][0]`: the lock is poisoned"
    );
}

#[test]
#[should_panic(expected = "the delimiter of a table")]
fn a_quotation_mark_is_no_delimiter() {
    let _ = Csv.delimiter(b'"');
}
