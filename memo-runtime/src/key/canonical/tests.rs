//! What the digest tells apart, what it does not, and that it is what the specification says.

mod properties;
mod vectors;

use std::cell::Cell;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::encoder::PIECE;
use super::*;
use crate::error::ErrorKind;
use crate::{InputDir, InputFile};

/// Returns what BLAKE3 is given for a value that is not too large.
fn encoding_of<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut encoder = Encoder::new(true);
    value.serialize(&mut encoder).unwrap();
    assert!(encoder.hasher.is_none(), "too large");
    assert!(encoder.entries.is_empty());
    encoder.buffer.to_vec()
}

fn digest<T: Serialize + ?Sized>(value: &T) -> Digest {
    digest_of(value).unwrap()
}

fn digest_without<T>(value: &T, paths: &'static [&'static str]) -> Result<Digest, Error>
where
    T: Serialize + ?Sized,
{
    let mut hasher = KeyHasher::new();
    hasher.leave_out(paths);
    hasher.value(value)?;
    Ok(hasher.finish()?.digest())
}

/// Asserts that no two of these digests are equal.
#[track_caller]
fn assert_distinct(digests: &[Digest]) {
    for (index, one) in digests.iter().enumerate() {
        for (offset, other) in digests[index + 1..].iter().enumerate() {
            assert_ne!(one, other, "numbers {index} and {}", index + 1 + offset);
        }
    }
}

macro_rules! distinct {
    ($($value:expr),* $(,)?) => { assert_distinct(&[$(digest(&$value)),*]) };
}

#[derive(Serialize)]
#[serde(transparent)]
struct Bytes<'b>(#[serde(serialize_with = "as_bytes")] &'b [u8]);

fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

#[test]
fn types_of_scalars_count() {
    distinct![
        1_u8,
        1_u16,
        1_u32,
        1_u64,
        1_u128,
        1_i8,
        1_i16,
        1_i32,
        1_i64,
        1_i128,
        1_f32,
        1_f64,
        true,
        '1',
        "1",
        (),
        None::<u8>,
        Some(1_u8),
        (1_u8,),
        vec![1_u8],
        Bytes(b"1"),
    ];
    distinct![[0_i64; 4], [0_f64; 4], [0_u64; 4], [0_f32; 4], [0_i32; 4]];
    distinct![1_f32.to_bits(), 1_f32];
}

#[test]
fn floats_count_by_their_bits_with_one_nan() {
    distinct![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE];
    distinct![0_f32, -0_f32, f32::NAN, f64::NAN, f32::INFINITY];
    assert_eq!(digest(&f64::NAN), digest(&f64::from_bits(0xfff8_0000_0000_0123)));
    assert_eq!(digest(&f32::NAN), digest(&f32::from_bits(0xffc0_0123)));
}

#[test]
fn neighbours_do_not_run_together() {
    distinct![["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"]];
    distinct![("x", "ybz"), ("xby", "z")];
    distinct![vec![1, 2], vec![2, 1], vec![1, 1, 2], vec![1, 2, 2], vec![1], vec![0; 0]];
    distinct![Some(()), None::<()>, Some(Some(())), Some(None::<()>)];
    distinct![(vec![1, 2], vec![3]), (vec![1], vec![2, 3]), (vec![0; 0], vec![1, 2, 3])];
    let deep: Vec<Vec<Vec<u8>>> = vec![vec![vec![]]];
    let (flat, one) = (deep[..0].to_vec(), vec![deep[0][..0].to_vec()]);
    distinct![flat, one, deep, vec![one.clone(), flat.clone()], vec![flat.clone(), one.clone()]];
    distinct![("None", 0), (None::<&str>, 0)];
    distinct![[[1, 2, 3], [4, 5, 6]].as_slice(), [[1, 2], [3, 4], [5, 6]].as_slice()];
    distinct![[[0_u8; 0]; 2], [[0_u8; 0]; 3]];
}

#[test]
fn names_of_types_and_variants_count() {
    #[derive(Serialize)]
    struct North;
    #[derive(Serialize)]
    struct South;
    #[derive(Serialize)]
    struct Metres(f64);
    #[derive(Serialize)]
    struct Feet(f64);
    #[derive(Serialize)]
    struct Pair(f64, f64);
    #[derive(Serialize)]
    enum Shape {
        Unit,
        Other,
        One(f64),
        Two(f64, f64),
        Named { x: f64 },
    }
    #[derive(Serialize)]
    enum Form {
        Unit,
    }
    distinct![North, South, (), "North"];
    distinct![Metres(1.0), Feet(1.0), 1.0, Shape::One(1.0), Pair(1.0, 1.0), (1.0, 1.0)];
    distinct![
        Shape::Unit,
        Shape::Other,
        Form::Unit,
        Shape::One(1.0),
        Shape::Two(1.0, 1.0),
        Shape::Named { x: 1.0 },
        "Unit",
    ];
}

#[test]
fn the_order_of_variants_and_fields_does_not_count() {
    mod before {
        #[derive(serde::Serialize)]
        pub(super) enum Kind {
            #[expect(dead_code)]
            First,
            Second,
        }
        #[derive(serde::Serialize)]
        pub(super) struct Params {
            pub(super) rate: f64,
            pub(super) kind: Kind,
            pub(super) a_much_longer_name: u8,
        }
    }
    mod after {
        #[derive(serde::Serialize)]
        pub(super) enum Kind {
            Second,
        }
        #[derive(serde::Serialize)]
        pub(super) struct Params {
            pub(super) a_much_longer_name: u8,
            pub(super) kind: Kind,
            pub(super) rate: f64,
        }
    }
    let before = before::Params { rate: 0.1, kind: before::Kind::Second, a_much_longer_name: 1 };
    let after = after::Params { a_much_longer_name: 1, kind: after::Kind::Second, rate: 0.1 };
    assert_eq!(digest(&before), digest(&after));
}

#[test]
fn exchanged_fields_differ_at_any_depth() {
    #[derive(Serialize, Clone, Copy)]
    struct Range {
        low: u8,
        high: u8,
    }
    #[derive(Serialize)]
    struct Ranges {
        x: Range,
        y: Range,
    }
    let (one, other) = (Range { low: 1, high: 2 }, Range { low: 2, high: 1 });
    distinct![
        Ranges { x: one, y: other },
        Ranges { x: other, y: one },
        Ranges { x: one, y: one },
        Ranges { x: other, y: other },
    ];
}

#[test]
fn a_field_left_out_by_serde_keeps_the_digest() {
    #[derive(Serialize)]
    struct Params {
        rate: f64,
    }
    mod later {
        #[derive(serde::Serialize)]
        pub(super) struct Params {
            pub(super) rate: f64,
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) decay: Option<f64>,
        }
    }
    let before = digest(&Params { rate: 0.1 });
    assert_eq!(digest(&later::Params { rate: 0.1, decay: None }), before);
    assert_ne!(digest(&later::Params { rate: 0.1, decay: Some(0.5) }), before);
}

#[test]
fn twenty_seeds_of_maps_and_sets_give_one_digest() {
    let words: Vec<String> = (0..200).map(|number| format!("word {number}")).collect();
    let (mut orders, mut digests) = (HashSet::new(), HashSet::new());
    for _ in 0..20 {
        let set: HashSet<&String> = words.iter().collect();
        let map: HashMap<&String, Vec<HashSet<usize>>> =
            words.iter().map(|word| (word, vec![(0..word.len()).collect()])).collect();
        orders.insert(set.iter().copied().collect::<Vec<_>>());
        digests.insert(digest(&(&set, &map, vec![&set], Some(&set), set.iter().len())));
        digests.insert(digest(&(set.clone(), map, [set.clone()], Some(&set), set.len())));
    }
    assert!(orders.len() > 1, "the seeds do not differ");
    // `[set]` is a tuple to serde, `vec![set]` a sequence.
    assert_eq!(digests.len(), 2);
}

#[test]
fn sets_are_not_sequences() {
    distinct![HashSet::from([1, 2]), HashSet::from([1, 3]), HashSet::from([1]), vec![1, 2]];
    distinct![HashSet::<u8>::new(), Vec::<u8>::new(), HashMap::<u8, u8>::new(), ()];
    let sets = [HashSet::from([1]), HashSet::from([2])];
    distinct![vec![&sets[0], &sets[1]], vec![&sets[1], &sets[0]]];
}

#[test]
fn heaps_count_without_how_they_were_filled() {
    let numbers = [5, 3, 8, 1, 9, 2, 7];
    let one: BinaryHeap<_> = numbers.into_iter().collect();
    let other: BinaryHeap<_> = one.clone().into_sorted_vec().into_iter().collect();
    assert_ne!(one.clone().into_vec(), other.clone().into_vec());
    assert_eq!(digest(&one), digest(&other));
    distinct![one, BinaryHeap::from([5, 3]), BinaryHeap::from([5, 3, 3])];
}

#[test]
fn unordered_types_are_recognised() {
    use std::collections::{BTreeSet, VecDeque, hash_map, hash_set};
    use std::vec;
    struct HashSet2<T>(PhantomData<T>);
    assert!(is_unordered::<&HashSet<Vec<u8>>>());
    assert!(is_unordered::<HashSet<(u8, u8)>>());
    assert!(is_unordered::<&&mut HashSet<u8>>());
    assert!(is_unordered::<&BinaryHeap<u8>>());
    assert!(is_unordered::<&HashMap<u8, u8>>());
    assert!(is_unordered::<hash_set::Iter<'_, u8>>());
    assert!(is_unordered::<hash_map::Values<'_, u8, u8>>());
    assert!(!is_unordered::<&[HashSet<u8>]>());
    assert!(!is_unordered::<&[HashSet<u8>; 3]>());
    assert!(!is_unordered::<(HashSet<u8>, u8)>());
    assert!(!is_unordered::<&Vec<HashSet<u8>>>());
    assert!(!is_unordered::<vec::IntoIter<HashSet<u8>>>());
    assert!(!is_unordered::<&BTreeSet<HashSet<u8>>>());
    assert!(!is_unordered::<&VecDeque<u8>>());
    assert!(!is_unordered::<HashSet2<HashSet<u8>>>());
}

#[test]
fn any_value_can_be_a_key_of_a_map() {
    struct Pairs<K, V>(Vec<(K, V)>);
    impl<K: Serialize, V: Serialize> Serialize for Pairs<K, V> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }
    let (one, other) = (Pairs(vec![(0.5, 1), (-0.5, 2)]), Pairs(vec![(-0.5, 2), (0.5, 1)]));
    assert_eq!(digest(&one), digest(&other));
    distinct![one, Pairs(vec![(0.5, 2), (-0.5, 1)]), Pairs(vec![(Some(0.5), 1)])];
    distinct![Pairs(vec![(1, "1")]), Pairs(vec![("1", 1)]), Pairs(vec![("1", "1")])];
    distinct![BTreeMap::from([(1, 2), (3, 4)]), BTreeMap::from([(1, 4), (3, 2)])];
}

#[test]
fn pointers_and_sharing_do_not_count() {
    struct Pointer<P>(P);
    impl<P: std::ops::Deref<Target: Serialize>> Serialize for Pointer<P> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }
    let list = || vec![1.0, 2.0];
    let (rc, arc) = (Rc::new(list()), Arc::new(list()));
    let copies = digest(&[list(), list()]);
    assert_eq!(digest(&[Pointer(Rc::clone(&rc)), Pointer(rc)]), copies);
    assert_eq!(digest(&[Pointer(Arc::clone(&arc)), Pointer(arc)]), copies);
    assert_eq!(digest(&[Box::new(list()), Box::new(list())]), copies);
    assert_eq!(digest(&[&&list(), &&list()]), copies);
    assert_eq!(digest(&Cell::new(1_u8)), digest(&1_u8));
}

#[test]
fn one_element_in_the_middle_of_a_million_counts() {
    let mut numbers: Vec<u32> = (0..1_000_000).collect();
    let before = digest(&numbers);
    numbers[500_000] += 1;
    assert_ne!(digest(&numbers), before);
}

#[test]
fn large_values_are_digested_in_pieces_as_if_whole() {
    let numbers: Vec<u64> = (0..50_000).collect();
    let mut encoding = vec![tag::SEQ];
    for number in &numbers {
        encoding.push(tag::U64);
        encoding.extend(number.to_le_bytes());
    }
    encoding.push(tag::END);
    assert!(encoding.len() > 4 * PIECE);
    assert_eq!(digest(&numbers), Digest::of(&encoding));

    // As an item it enters by its digest.
    let mut field = vec![tag::TUPLE, tag::MAP, tag::STR, 1, b'n', tag::LONG];
    field.extend(Digest::of(&encoding).as_bytes());
    field.extend([tag::END, tag::END]);
    assert_eq!(encoding_of(&(HashMap::from([("n", &numbers)]),)), field);

    let bytes = vec![7; 300_000];
    let mut long = vec![tag::BYTES];
    put_number(&mut long, 300_000);
    long.extend(&bytes);
    assert_eq!(digest(&Bytes(&bytes)), Digest::of(&long));
    let mut hasher = KeyHasher::new();
    hasher.bytes(&bytes);
    assert_eq!(hasher.finish().unwrap().digest(), Digest::of(&long));
}

#[test]
fn every_length_around_the_limits_is_told_apart() {
    for limit in [0, 128, PIECE] {
        let texts = (limit.saturating_sub(8)..limit + 8).map(|length| "x".repeat(length));
        let digests: Vec<_> =
            texts.flat_map(|text| [digest(&text), digest(&BTreeMap::from([(text, 1)]))]).collect();
        assert_distinct(&digests);
    }
}

#[test]
fn a_deep_value_is_digested() {
    #[derive(Serialize)]
    struct Nested {
        below: Option<Box<Nested>>,
        wide: Vec<u8>,
    }
    let build = |last: u8| {
        (0..200).fold(None, |below, _| Some(Box::new(Nested { below, wide: vec![last; 200] })))
    };
    assert_ne!(digest(&build(1)), digest(&build(2)));
    assert_eq!(digest(&build(1)), digest(&build(1)));
}

#[test]
fn a_failing_serialize_is_a_key_error_with_its_cause() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("the lock is poisoned"))
        }
    }
    let error = digest_of(&[vec![(1, Broken)]]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.chain().ends_with("the lock is poisoned"), "{}", error.chain());

    // Nobody gets a digest of half a value, also when the error is swallowed.
    let mut hasher = KeyHasher::new();
    assert!(hasher.value(&[(1, Broken)]).is_err());
    assert!(hasher.value(&1).is_err());
    hasher.bytes(b"more");
    assert!(hasher.finish().is_err());
}

#[test]
fn a_map_of_nonsense_is_an_error() {
    struct Nonsense(u8);
    impl Serialize for Nonsense {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            match self.0 {
                0 => map.serialize_key(&1)?,
                1 => map.serialize_value(&1)?,
                _ => (0..2).try_for_each(|key| map.serialize_key(&key))?,
            }
            map.end()
        }
    }
    for kind in 0..3 {
        assert_eq!(digest_of(&Nonsense(kind)).unwrap_err().kind(), ErrorKind::Key);
    }
}

#[test]
fn calls_of_a_hasher_do_not_run_together() {
    let told = |tell: &dyn Fn(&mut KeyHasher) -> Result<(), Error>| {
        let mut hasher = KeyHasher::new();
        tell(&mut hasher).unwrap();
        hasher.finish().unwrap().digest()
    };
    assert_distinct(&[
        told(&|key| key.value("ab").and_then(|()| key.value("c"))),
        told(&|key| key.value("a").and_then(|()| key.value("bc"))),
        told(&|key| key.value("abc")),
        told(&|key| key.value(&["ab", "c"])),
        told(&|key| {
            key.bytes(b"abc");
            Ok(())
        }),
        told(&|_| Ok(())),
    ]);
    assert_eq!(told(&|key| key.value("abc")), digest("abc"));
}

#[derive(Serialize, Clone, Default)]
struct Train {
    threads: u32,
    rate: f64,
}

#[derive(Serialize, Clone, Default)]
struct Params {
    train: Train,
    test: Train,
    threads: u32,
    pair: (u32, Train),
    list: Vec<Train>,
}

/// Returns a digest of the default params after a change, without the fields at `paths`.
fn changed(paths: &'static [&'static str], change: impl FnOnce(&mut Params)) -> Digest {
    let mut params = Params { list: vec![Train::default()], ..Params::default() };
    change(&mut params);
    digest_without(&params, paths).unwrap()
}

#[test]
fn fields_are_left_out_at_any_depth_and_nowhere_else() {
    for paths in [
        &["train.threads"] as &'static [&'static str],
        &["train.threads", "pair.1.rate"],
        &["pair.1.rate", "pair.0", "train.threads"],
    ] {
        let same = changed(paths, |_| {});
        assert_eq!(changed(paths, |params| params.train.threads = 1), same);
        assert_ne!(changed(paths, |params| params.train.rate = 1.0), same);
        assert_ne!(changed(paths, |params| params.test.threads = 1), same);
        assert_ne!(changed(paths, |params| params.threads = 1), same);
        assert_ne!(changed(paths, |params| params.list[0].threads = 1), same);
        assert_ne!(changed(paths, |params| params.pair.1.threads = 1), same);
        let masked = paths.contains(&"pair.1.rate");
        assert_eq!(changed(paths, |params| params.pair.1.rate = 1.0) == same, masked);
        let masked = paths.contains(&"pair.0");
        assert_eq!(changed(paths, |params| params.pair.0 = 1) == same, masked);
    }
    let same = changed(&["train", "threads"], |_| {});
    assert_eq!(changed(&["train", "threads"], |params| params.train.rate = 1.0), same);
    assert_eq!(changed(&["train", "threads"], |params| params.threads = 1), same);
    assert_ne!(changed(&["train", "threads"], |params| params.test.threads = 1), same);
}

#[test]
fn a_field_that_is_not_there_is_an_error_that_names_it() {
    #[derive(Serialize)]
    struct Renamed {
        #[serde(rename = "threadCount")]
        threads: u32,
        train: Option<Train>,
    }
    let value = Renamed { threads: 1, train: Some(Train::default()) };
    let error = digest_without(&value, &["threads"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.to_string().contains("`threads`"), "{error}");
    assert!(error.to_string().contains("renamed"), "{error}");
    assert!(digest_without(&value, &["threadCount"]).is_ok());
    assert!(digest_without(&value, &["train.threads"]).is_ok());
    assert!(digest_without(&value, &["train.thread"]).is_err());
    assert!(digest_without(&value, &["threadCount", "trains"]).is_err());
    // What would hold the field is not there.
    let value = Renamed { threads: 1, train: None };
    assert!(digest_without(&value, &["train.threads"]).is_ok());
    assert!(digest_without(&1, &["threads"]).is_ok());
}

#[test]
fn fields_are_left_out_behind_newtypes_options_and_flattening() {
    #[derive(Serialize)]
    struct Outer {
        inner: Wrapped,
        #[serde(flatten)]
        common: Common,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<u8>,
    }
    #[derive(Serialize)]
    struct Wrapped(Option<Train>);
    #[derive(Serialize)]
    struct Common {
        verbose: bool,
        level: u8,
    }
    let outer = |threads, verbose, token| Outer {
        inner: Wrapped(Some(Train { threads, rate: 0.1 })),
        common: Common { verbose, level: 1 },
        token,
    };
    let without = |outer: &Outer| digest_without(outer, &["inner.0.threads", "verbose"]).unwrap();
    let same = without(&outer(1, false, None));
    assert_eq!(without(&outer(2, true, None)), same);
    assert_ne!(without(&outer(2, true, Some(1))), same);
    let without = |token| digest_without(&outer(1, false, token), &["level", "token"]);
    assert_eq!(without(Some(1)).unwrap(), without(Some(2)).unwrap());
    // Serde says of a struct that a field is left out, but not of a map.
    assert!(without(None).is_err());
}

#[test]
fn files_enter_by_path_and_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("one"), "content").unwrap();
    std::fs::write(path("other"), "content").unwrap();
    std::fs::write(path("third"), "else").unwrap();
    let file = |name: &str| InputFile::from(path(name));

    let value = vec![Some((file("one"), InputDir::from(folder.path())))];
    let mut hasher = KeyHasher::new();
    hasher.value(&value).unwrap();
    let digested = hasher.finish().unwrap().digest();
    let met: Vec<_> = hasher.take_files().into_iter().map(|file| file.path).collect();
    assert_eq!(met, [path("one"), folder.path().to_owned()]);
    assert_eq!(digested, digest(&value));

    distinct![file("one"), file("other"), file("third"), path("one"), "one"];
    distinct![(file("one"), file("third")), (file("third"), file("one"))];
    let named = |file: &str, name: &str| InputFile::named(path(file), name);
    assert_eq!(digest(&named("one", "rows")), digest(&named("other", "rows")));
    distinct![named("one", "rows"), named("third", "rows"), named("one", "lines"), file("one")];

    let before = digest(&file("one"));
    let plain = plain_digest_of(&file("one")).unwrap();
    std::fs::write(path("one"), "changed").unwrap();
    assert_ne!(digest(&file("one")), before);
    assert_eq!(plain_digest_of(&file("one")).unwrap(), plain);
    assert_ne!(plain_digest_of(&named("one", "rows")).unwrap(), plain);
    assert_ne!(plain_digest_of(&InputDir::from(path("one"))).unwrap(), plain);
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let value = BTreeMap::from([("rows", vec![InputFile::from("no/such/rows.csv")])]);
    let error = digest_of(&value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.to_string().contains("`no/such/rows.csv`"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert!(plain_digest_of(&value).is_ok());
}
