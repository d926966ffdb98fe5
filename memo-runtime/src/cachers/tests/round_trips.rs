//! What is saved comes back equal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::tempdir;

use super::{Layer, Line, Model, Plain, encode};
use crate::cacheable::Cacheable;
use crate::cachers::checked::{self, Codec};
use crate::cachers::{Bincode, Bytes, Csv, Json, Text, load_from, save_at};

fn comes_back<T: PartialEq + Debug, C: Cacheable<T>>(cacher: &C, value: &T) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("value");
    save_at(cacher, value, &path).unwrap();
    assert_eq!(load_from(cacher, &path).unwrap(), *value);
}

fn comes_back_from_all<T>(value: &T)
where
    T: PartialEq + Debug + Serialize + DeserializeOwned + 'static,
{
    comes_back(&Json, value);
    comes_back(&Json.pretty(), value);
    comes_back(&Bincode, value);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", any::<String>(), "[\"',;\r\n\t ]{0,4}"]
}

fn line() -> impl Strategy<Value = Line> {
    let kind = prop_oneof![Just(Plain::First), Just(Plain::Second)];
    (text(), finite(), any::<Option<u32>>(), any::<bool>(), kind)
        .prop_map(|(name, loss, rank, best, kind)| Line { name, loss, rank, best, kind })
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("JSON has no form for others", |number| number.is_finite())
}

fn layer() -> impl Strategy<Value = Layer> {
    let leaf = prop_oneof![
        Just(Layer::Input),
        (any::<usize>(), finite()).prop_map(|(width, rate)| Layer::Dense(width, rate)),
        (text(), proptest::option::of(-1e9f32..1e9))
            .prop_map(|(name, bias)| Layer::Named { name, bias }),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| inner.prop_map(|layer| Layer::Nested(Box::new(layer))))
}

prop_compose! {
    fn single_model()(
        layers in prop::collection::vec(layer(), 0..4),
        by_name in prop::collection::hash_map(text(), prop::collection::vec(-1e30f32..1e30, 0..4), 0..4),
        by_number in prop::collection::btree_map(any::<u16>(), any::<(i64, char)>(), 0..4),
        seen in prop::collection::hash_set(text(), 0..9),
        raw in any::<[u8; 4]>(),
        wide in any::<i128>(),
    ) -> Model {
        Model { layers, by_name, by_number, seen, parent: None, raw, wide }
    }
}

prop_compose! {
    fn model()(parent in proptest::option::of(single_model()), model in single_model()) -> Model {
        Model { parent: parent.map(Box::new), ..model }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn models_come_back(model in model()) {
        comes_back_from_all(&model);
    }

    #[test]
    fn tables_come_back(lines in prop::collection::vec(line(), 0..6)) {
        comes_back(&Csv, &lines);
        comes_back(&Csv.delimiter(b';'), &lines);
        comes_back(&Csv.delimiter(b'\t'), &lines);
        comes_back_from_all(&lines);
    }

    #[test]
    fn tables_without_a_header_come_back(
        rows in prop::collection::vec((text(), any::<i64>(), finite()), 0..6),
        cells in prop::collection::vec(text(), 0..6),
        optional in prop::collection::vec(any::<Option<i8>>(), 0..6),
    ) {
        comes_back(&Csv, &rows);
        comes_back(&Csv, &cells);
        comes_back(&Csv, &optional);
    }

    #[test]
    fn texts_and_bytes_come_back(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        comes_back(&Text, &text);
        comes_back(&Bytes, &bytes);
    }

    /// Bits are compared: `0.1 + 0.2`, subnormals and `-0.0` come back as they were.
    #[test]
    fn floats_come_back_to_the_last_bit(numbers in prop::collection::vec(finite(), 0..20)) {
        fn bits<C: Codec<Vec<f64>>>(codec: &C, numbers: &Vec<f64>) -> Vec<u64> {
            let bytes = encode(codec, numbers).unwrap();
            codec.decode(&bytes).unwrap().into_iter().map(f64::to_bits).collect()
        }
        let expected: Vec<_> = numbers.iter().map(|number| number.to_bits()).collect();
        prop_assert_eq!(&bits(&Json, &numbers), &expected);
        prop_assert_eq!(&bits(&Csv, &numbers), &expected);
        prop_assert_eq!(&bits(&Bincode, &numbers), &expected);
    }
}

#[test]
fn values_at_the_edges_come_back() {
    comes_back_from_all(&());
    comes_back_from_all(&Vec::<u8>::new());
    comes_back_from_all(&(u64::MAX, i64::MIN, u128::MAX, f64::MIN_POSITIVE, f32::MAX));
    comes_back_from_all(&vec![Some(String::new()), None]);
    comes_back_from_all(&HashMap::from([(1_u8, "a".to_owned()), (2, "b".to_owned())]));
    comes_back_from_all(&BTreeMap::from([(Plain::First, 1), (Plain::Second, 2)]));
    comes_back_from_all(&(0..2000).map(|number| number.to_string()).collect::<HashSet<_>>());
    comes_back_from_all(&vec![(); 1000]);
    comes_back(&Bincode, &vec![Some(Some(1)), Some(None), None]);
    comes_back(&Bincode, &BTreeMap::from([((1, 2), 3)]));
}

#[test]
fn numbers_that_are_none_come_back_where_the_format_has_them() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("value");
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    save_at(&Csv, &odd.to_vec(), &path).unwrap();
    let csv: Vec<f64> = load_from(&Csv, &path).unwrap();
    save_at(&Bincode, &odd.to_vec(), &path).unwrap();
    let bincode: Vec<f64> = load_from(&Bincode, &path).unwrap();
    for back in [csv, bincode] {
        assert!(back[0].is_nan());
        assert_eq!(back[1..], odd[1..]);
        assert!(back[3].is_sign_negative());
    }
}

#[test]
fn an_empty_table_keeps_its_header() {
    let bytes = encode(&Csv.delimiter(b';'), &Vec::<Line>::new()).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "name;loss;rank;best;kind\n");
    comes_back(&Csv, &Vec::<Line>::new());
    assert_eq!(encode(&Csv, &Vec::<(u8, u8)>::new()).unwrap(), b"");
}

#[test]
fn what_is_larger_than_any_buffer_comes_back_too() {
    let numbers: Vec<f64> = (0..3_000_000).map(f64::from).collect();
    comes_back(&Bincode, &numbers);
    comes_back(&Json, &numbers[..20_000].to_vec());
}

#[test]
fn bincode_is_the_fixed_width_encoding_of_the_crate() {
    let value = (1_u64, "ab".to_owned(), Some(-1_i16), Plain::Second, vec![0.5_f32]);
    let mut expected = Vec::new();
    expected.extend(1_u64.to_le_bytes());
    expected.extend([2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
    expected.extend([1, 0xff, 0xff]);
    expected.extend([1, 0, 0, 0]);
    expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(0.5_f32.to_le_bytes());
    assert_eq!(encode(&Bincode, &value).unwrap(), expected);
}

#[test]
fn formats_differ_by_what_changes_the_bytes_and_by_nothing_else() {
    fn format<T>(cacher: &impl Cacheable<T>) -> crate::cacheable::Format {
        cacher.format()
    }
    assert_eq!(format::<Vec<f64>>(&Csv).to_string(), "csv 1");
    assert_eq!(format::<Vec<f64>>(&Csv.delimiter(b';')).to_string(), "csv 1 delimiter=;");
    assert_eq!(format::<Vec<f64>>(&Csv.delimiter(b',')), format::<Vec<f64>>(&Csv));
    assert_eq!(format::<Vec<f64>>(&Csv.delimiter(b'\t')).file_extension(), "tsv");
    assert_eq!(format::<f64>(&Json.pretty()).to_string(), "json 1 pretty=true");
    assert_eq!(format::<f64>(&Bincode).file_extension(), "bin");
    assert_eq!(format::<String>(&Text).to_string(), "text 1");
    assert_ne!(format::<f32>(&Bincode), format::<u32>(&Bincode));
    assert_eq!(format::<f32>(&Bincode.publish("{record}.bin")), format::<f32>(&Bincode));
}

#[test]
fn bytes_beyond_the_value_are_an_error() {
    let mut bytes = encode(&Bincode, &7_u64).unwrap();
    bytes.push(0);
    let error = Codec::<u64>::decode(&Bincode, &bytes).unwrap_err();
    assert!(error.to_string().contains("not the bytes of such a value"), "{error}");
    assert!(Codec::<u64>::decode(&Json, b"7 7").is_err());
}

#[test]
fn what_cannot_be_written_is_told_as_it_is() {
    /// Fails after some bytes, as a full disk does.
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let value = vec![0_u64; 1 << 20];
    let error = checked::save_to(&Bincode, &value, Full(100)).unwrap_err();
    let error: &std::io::Error = error.downcast_ref().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
