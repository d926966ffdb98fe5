//! For any two values: their digests are equal if and only if the values are.

use std::hash::BuildHasher as _;

use proptest::prelude::*;
use serde::ser::{
    SerializeMap as _, SerializeStruct as _, SerializeStructVariant as _, SerializeTuple as _,
    SerializeTupleStruct as _, SerializeTupleVariant as _,
};

use super::*;

/// A value of every kind that serde knows.
#[derive(Debug, Clone)]
enum Tree {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(u32),
    F64(u64),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    Unit,
    None,
    Some(Box<Tree>),
    UnitStruct(Name),
    UnitVariant(Name, Name),
    Newtype(Name, Box<Tree>),
    NewtypeVariant(Name, Name, Box<Tree>),
    Seq(Vec<Tree>),
    Tuple(Vec<Tree>),
    TupleStruct(Name, Vec<Tree>),
    TupleVariant(Name, Name, Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
    Set(Vec<Tree>),
    Struct(Name, Vec<(Name, Tree)>),
    StructVariant(Name, Name, Vec<(Name, Tree)>),
}

type Name = &'static str;

/// Few and alike, so that different values are often nearly equal.
const NAMES: [Name; 5] = ["", "a", "b", "ab", "a\0"];

/// Is called as sets are.
struct HashSet<'t>(&'t [Tree]);

impl<'t> IntoIterator for &HashSet<'t> {
    type Item = &'t Tree;
    type IntoIter = std::slice::Iter<'t, Tree>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => to.serialize_bool(*value),
            Self::I8(value) => to.serialize_i8(*value),
            Self::I16(value) => to.serialize_i16(*value),
            Self::I32(value) => to.serialize_i32(*value),
            Self::I64(value) => to.serialize_i64(*value),
            Self::I128(value) => to.serialize_i128(*value),
            Self::U8(value) => to.serialize_u8(*value),
            Self::U16(value) => to.serialize_u16(*value),
            Self::U32(value) => to.serialize_u32(*value),
            Self::U64(value) => to.serialize_u64(*value),
            Self::U128(value) => to.serialize_u128(*value),
            Self::F32(bits) => to.serialize_f32(f32::from_bits(*bits)),
            Self::F64(bits) => to.serialize_f64(f64::from_bits(*bits)),
            Self::Char(value) => to.serialize_char(*value),
            Self::Str(value) => to.serialize_str(value),
            Self::Bytes(value) => to.serialize_bytes(value),
            Self::Unit => to.serialize_unit(),
            Self::None => to.serialize_none(),
            Self::Some(value) => to.serialize_some(value),
            Self::UnitStruct(name) => to.serialize_unit_struct(name),
            Self::UnitVariant(name, variant) => to.serialize_unit_variant(name, 0, variant),
            Self::Newtype(name, value) => to.serialize_newtype_struct(name, value),
            Self::NewtypeVariant(name, variant, value) => {
                to.serialize_newtype_variant(name, 0, variant, value)
            }
            Self::Set(items) => to.collect_seq(&HashSet(items)),
            _ => self.serialize_compound(to),
        }
    }
}

impl Tree {
    fn serialize_compound<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Seq(items) => to.collect_seq(items),
            Self::Tuple(items) => {
                let mut tuple = to.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                tuple.end()
            }
            Self::TupleStruct(name, items) => {
                let mut tuple = to.serialize_tuple_struct(name, items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_field(item))?;
                tuple.end()
            }
            Self::TupleVariant(name, variant, items) => {
                let mut tuple = to.serialize_tuple_variant(name, 0, variant, items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_field(item))?;
                tuple.end()
            }
            Self::Map(entries) => {
                let mut map = to.serialize_map(None)?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(name, fields) => {
                let mut map = to.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(name, value)| map.serialize_field(name, value))?;
                map.end()
            }
            Self::StructVariant(name, variant, fields) => {
                let mut map = to.serialize_struct_variant(name, 0, variant, fields.len())?;
                fields.iter().try_for_each(|(name, value)| map.serialize_field(name, value))?;
                map.end()
            }
            _ => unreachable!("it is no compound"),
        }
    }

    /// Returns what the value is, without the order where there is none.
    fn normal(&self) -> Normal {
        let list = |items: &[Self]| items.iter().map(Self::normal).collect::<Vec<_>>();
        let fields = |fields: &[(Name, Self)]| {
            let pair = |(name, value): &(Name, Self)| {
                Normal("field", vec![name], vec![], vec![value.normal()])
            };
            sorted(fields.iter().map(pair).collect())
        };
        let nan32 = |bits: u32| if f32::from_bits(bits).is_nan() { u32::MAX } else { bits };
        let nan64 = |bits: u64| if f64::from_bits(bits).is_nan() { u64::MAX } else { bits };
        match self {
            Self::Bool(value) => leaf("bool", &[u8::from(*value)]),
            Self::I8(value) => leaf("i8", &value.to_be_bytes()),
            Self::I16(value) => leaf("i16", &value.to_be_bytes()),
            Self::I32(value) => leaf("i32", &value.to_be_bytes()),
            Self::I64(value) => leaf("i64", &value.to_be_bytes()),
            Self::I128(value) => leaf("i128", &value.to_be_bytes()),
            Self::U8(value) => leaf("u8", &value.to_be_bytes()),
            Self::U16(value) => leaf("u16", &value.to_be_bytes()),
            Self::U32(value) => leaf("u32", &value.to_be_bytes()),
            Self::U64(value) => leaf("u64", &value.to_be_bytes()),
            Self::U128(value) => leaf("u128", &value.to_be_bytes()),
            Self::F32(bits) => leaf("f32", &nan32(*bits).to_be_bytes()),
            Self::F64(bits) => leaf("f64", &nan64(*bits).to_be_bytes()),
            Self::Char(value) => leaf("char", value.to_string().as_bytes()),
            Self::Str(value) => leaf("str", value.as_bytes()),
            Self::Bytes(value) => leaf("bytes", value),
            Self::Unit => leaf("unit", &[]),
            Self::None => leaf("none", &[]),
            Self::Some(value) => Normal("some", vec![], vec![], vec![value.normal()]),
            Self::UnitStruct(name) => Normal("unit struct", vec![name], vec![], vec![]),
            Self::UnitVariant(name, variant) => {
                Normal("unit variant", vec![name, variant], vec![], vec![])
            }
            Self::Newtype(name, value) => {
                Normal("newtype", vec![name], vec![], vec![value.normal()])
            }
            Self::NewtypeVariant(name, variant, value) => {
                Normal("newtype variant", vec![name, variant], vec![], vec![value.normal()])
            }
            Self::Seq(items) => Normal("seq", vec![], vec![], list(items)),
            Self::Tuple(items) => Normal("tuple", vec![], vec![], list(items)),
            Self::TupleStruct(name, items) => {
                Normal("tuple struct", vec![name], vec![], list(items))
            }
            Self::TupleVariant(name, variant, items) => {
                Normal("tuple variant", vec![name, variant], vec![], list(items))
            }
            Self::Map(entries) => {
                let pair = |(key, value): &(Self, Self)| {
                    Normal("entry", vec![], vec![], vec![key.normal(), value.normal()])
                };
                Normal("map", vec![], vec![], sorted(entries.iter().map(pair).collect()))
            }
            Self::Set(items) => Normal("set", vec![], vec![], sorted(list(items))),
            Self::Struct(name, items) => Normal("struct", vec![name], vec![], fields(items)),
            Self::StructVariant(name, variant, items) => {
                Normal("struct variant", vec![name, variant], vec![], fields(items))
            }
        }
    }

    /// Puts everything without an order into another one.
    fn shuffled(&self) -> Self {
        fn reversed<T>(items: &[T], each: impl Fn(&T) -> T) -> Vec<T> {
            items.iter().rev().map(each).collect()
        }
        let all = |items: &[Self]| items.iter().map(Self::shuffled).collect();
        let entry = |(key, value): &(Self, Self)| (key.shuffled(), value.shuffled());
        let field = |(name, value): &(Name, Self)| (*name, value.shuffled());
        match self {
            Self::Some(value) => Self::Some(value.shuffled().into()),
            Self::Newtype(name, value) => Self::Newtype(name, value.shuffled().into()),
            Self::NewtypeVariant(name, variant, value) => {
                Self::NewtypeVariant(name, variant, value.shuffled().into())
            }
            Self::Seq(items) => Self::Seq(all(items)),
            Self::Tuple(items) => Self::Tuple(all(items)),
            Self::TupleStruct(name, items) => Self::TupleStruct(name, all(items)),
            Self::TupleVariant(name, variant, items) => {
                Self::TupleVariant(name, variant, all(items))
            }
            Self::Map(entries) => Self::Map(reversed(entries, entry)),
            Self::Set(items) => Self::Set(reversed(items, Self::shuffled)),
            Self::Struct(name, fields) => Self::Struct(name, reversed(fields, field)),
            Self::StructVariant(name, variant, fields) => {
                Self::StructVariant(name, variant, reversed(fields, field))
            }
            leaf => leaf.clone(),
        }
    }
}

/// Kind, names, content, parts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Normal(&'static str, Vec<Name>, Vec<u8>, Vec<Normal>);

fn leaf(kind: &'static str, content: &[u8]) -> Normal {
    Normal(kind, vec![], content.to_vec(), vec![])
}

fn sorted(mut items: Vec<Normal>) -> Vec<Normal> {
    items.sort();
    items
}

fn leaves() -> impl Strategy<Value = Tree> {
    let name = || prop::sample::select(&NAMES[..]);
    let text = || prop_oneof![4 => "[ab\0]{0,3}", 1 => "[ab]{120,140}"];
    prop_oneof![
        any::<bool>().prop_map(Tree::Bool),
        (-1_i8..2).prop_map(Tree::I8),
        (-1_i16..2).prop_map(Tree::I16),
        (-1_i32..2).prop_map(Tree::I32),
        (-1_i64..2).prop_map(Tree::I64),
        (-1_i128..2).prop_map(Tree::I128),
        (0_u8..2).prop_map(Tree::U8),
        (0_u16..2).prop_map(Tree::U16),
        (0_u32..2).prop_map(Tree::U32),
        (0_u64..2).prop_map(Tree::U64),
        (0_u128..2).prop_map(Tree::U128),
        prop::sample::select(vec![0, 1 << 31, 0x7fc0_0000, 0xffc0_0001, 1]).prop_map(Tree::F32),
        prop::sample::select(vec![0, 1 << 63, 0x7ff8 << 48, 0xfff8_0001 << 32, 1])
            .prop_map(Tree::F64),
        prop::sample::select(vec!['\0', 'a', '1']).prop_map(Tree::Char),
        text().prop_map(Tree::Str),
        text().prop_map(|text| Tree::Bytes(text.into_bytes())),
        Just(Tree::Unit),
        Just(Tree::None),
        name().prop_map(Tree::UnitStruct),
        (name(), name()).prop_map(|(name, variant)| Tree::UnitVariant(name, variant)),
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    leaves().prop_recursive(4, 24, 4, |tree| {
        let name = || prop::sample::select(&NAMES[..]);
        let list = prop::collection::vec(tree.clone(), 0..4);
        let fields = prop::collection::vec((name(), tree.clone()), 0..4);
        let entries = prop::collection::vec((tree.clone(), tree.clone()), 0..4);
        prop_oneof![
            tree.clone().prop_map(|value| Tree::Some(value.into())),
            (name(), tree.clone()).prop_map(|(name, value)| Tree::Newtype(name, value.into())),
            (name(), name(), tree).prop_map(|(name, variant, value)| Tree::NewtypeVariant(
                name,
                variant,
                value.into()
            )),
            list.clone().prop_map(Tree::Seq),
            list.clone().prop_map(Tree::Tuple),
            (name(), list.clone()).prop_map(|(name, items)| Tree::TupleStruct(name, items)),
            (name(), name(), list.clone())
                .prop_map(|(name, variant, items)| Tree::TupleVariant(name, variant, items)),
            entries.prop_map(Tree::Map),
            list.prop_map(Tree::Set),
            (name(), fields.clone()).prop_map(|(name, fields)| Tree::Struct(name, fields)),
            (name(), name(), fields)
                .prop_map(|(name, variant, fields)| Tree::StructVariant(name, variant, fields)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn digests_are_equal_exactly_where_values_are(one in trees(), other in trees()) {
        prop_assert_eq!(digest(&one) == digest(&other), one.normal() == other.normal());
    }

    #[test]
    fn small_values_are_equal_exactly_where_their_digests_are(
        trees in prop::collection::vec(leaves(), 40),
    ) {
        for (one, other) in trees.iter().zip(&trees[1..]) {
            let (pair, twice) = (Tree::Seq(vec![one.clone(), other.clone()]), other.clone());
            prop_assert_eq!(digest(one) == digest(other), one.normal() == other.normal());
            prop_assert_ne!(digest(&pair), digest(&Tree::Tuple(vec![one.clone(), twice])));
        }
    }

    #[test]
    fn what_has_no_order_may_come_in_any(tree in trees()) {
        let shuffled = tree.shuffled();
        prop_assert_eq!(tree.normal(), shuffled.normal());
        prop_assert_eq!(digest(&tree), digest(&shuffled));
    }

    #[test]
    fn no_encoding_begins_another(one in trees(), other in trees()) {
        let (one, other) = (encoding_of(&one), encoding_of(&other));
        prop_assert_eq!(one.starts_with(&other), one == other);
    }

    #[test]
    fn bytes_split_into_fields_in_any_way_differ(
        bytes in prop::collection::vec(0_u8..2, 1..200), cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(bytes.len());
        let (one, other) = bytes.split_at(cut);
        let (text, rest) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
        let whole = digest(&(String::from_utf8_lossy(&bytes), ""));
        prop_assert_eq!(digest(&(text, rest)) == whole, cut == bytes.len());
    }

    #[test]
    fn maps_and_sets_of_any_seed_give_one_digest(words in prop::collection::vec(".{0,9}", 0..40)) {
        let set = || words.iter().collect::<std::collections::HashSet<_>>();
        let map = || words.iter().map(|word| (word, set())).collect::<HashMap<_, _>>();
        let (one, other) = (map(), map());
        prop_assert_ne!(one.hasher().hash_one(1), other.hasher().hash_one(1));
        prop_assert_eq!(digest(&one), digest(&other));
        prop_assert_eq!(digest(&set()), digest(&set()));
    }
}
