//! Which way a value enters, and how it is shown.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serializer;

use super::*;
use crate::InputFile;
use crate::key::canonical::digest_of;

/// What the generated code says for one value.
macro_rules! enter {
    ($value:expr, $slot:expr) => {{
        #[allow(unused_imports)]
        use super::{ByCacheKey as _, ByNothing as _, BySerialize as _};
        (&&&Part(&$value)).enter($slot);
    }};
}

/// The digest of a value as the argument `x`.
macro_rules! part {
    ($value:expr) => {{
        let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
        enter!($value, parts.argument("x"));
        parts.finish().unwrap().digests[0].digest()
    }};
}

/// The text of a value as the argument `x`.
macro_rules! shown {
    ($value:expr) => {{
        let mut parts = Parts::showing();
        enter!($value, parts.argument("x"));
        parts.texts().remove(0).2
    }};
}

/// Has a key of its own; `cursor` is not part of it.
struct Table {
    rows: Vec<f64>,
    cursor: usize,
}

impl CacheKey for Table {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value(&self.rows)
    }
}

/// Has both.
struct Both(u8);

impl CacheKey for Both {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value("by its key")
    }
}

impl Serialize for Both {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

#[derive(Serialize, Clone, Default)]
struct Params {
    rate: f64,
    name: String,
    token: String,
    nested: Nested,
}

#[derive(Serialize, Clone, Default)]
struct Nested {
    threads: u32,
    layers: Vec<u32>,
}

struct Broken;

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("hunter2 is broken"))
    }
}

#[test]
fn a_value_enters_by_its_key_or_else_by_serde() {
    assert_eq!(part!(1_u8), digest_of(&1_u8).unwrap());
    assert_eq!(part!(Both(1)), digest_of("by its key").unwrap());
    let table = |cursor| Table { rows: vec![1.0], cursor };
    assert_eq!(part!(table(1)), part!(table(2)));
    assert_eq!(part!(table(1)), digest_of(&vec![1.0]).unwrap());
    assert_ne!(part!(Table { rows: vec![], ..table(1) }), part!(table(1)));
    assert_eq!(table(3).cursor, 3);
}

#[test]
fn references_and_unsized_values_enter_as_what_they_are() {
    let text = String::from("text");
    assert_eq!(part!(*text), part!(text));
    assert_eq!(part!(&&&*text), part!(text));
    assert_eq!(part!([1, 2][..]), part!(vec![1, 2]));
    let table = Table { rows: vec![1.0], cursor: 0 };
    let digest = part!(table);
    assert_eq!(part!(&&table), digest);
    assert_eq!(part!(Box::new(&table)), digest);
    assert_eq!(part!(Rc::new(Arc::new(Table { rows: vec![1.0], cursor: 1 }))), digest);
    let table: &dyn CacheKey = &table;
    assert_eq!(part!(*table), digest);
}

#[test]
fn containers_of_values_with_keys_have_keys() {
    let table = |row| Table { rows: vec![row], cursor: 0 };
    let digests = HashSet::from([
        part!(Some(table(1.0))),
        part!(None::<Table>),
        part!(vec![table(1.0)]),
        part!(vec![table(1.0), table(2.0)]),
        part!(vec![table(2.0), table(1.0)]),
        part!(vec![vec![table(1.0)], vec![table(2.0)]]),
        part!(vec![vec![table(1.0), table(2.0)], vec![]]),
        part!(Vec::<Table>::new()),
    ]);
    assert_eq!(digests.len(), 8);
}

#[test]
fn a_generic_function_dispatches_by_its_bounds() {
    fn by_serde<T: Serialize>(value: T) -> Digest {
        part!(value)
    }
    fn by_key<T: CacheKey>(value: T) -> Digest {
        part!(value)
    }
    assert_eq!(by_serde(7), part!(7));
    assert_eq!(by_key(Both(1)), part!(Both(1)));
}

#[test]
fn parts_come_out_as_they_went_in() {
    let params = Params { rate: 0.5, ..Params::default() };
    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(params.rate, parts.param("rate", &[]));
    enter!(params, parts.param("", &["token", "nested.threads"]));
    enter!(3_usize, parts.argument("top_k"));
    enter!("hunter2", parts.secret("token"));
    enter!((1, 2), parts.projection("key"));
    let entered = parts.finish().unwrap();
    let names: Vec<_> = entered.digests.iter().map(|part| (part.kind, part.name)).collect();
    assert_eq!(
        names,
        [
            (PartKind::Param, "rate"),
            (PartKind::Param, ""),
            (PartKind::Argument, "top_k"),
            (PartKind::Secret, "token"),
            (PartKind::Projection, "key"),
        ]
    );
    assert_eq!(entered.digests[0].digest(), digest_of(&0.5).unwrap());
    assert_eq!(entered.digests[2].digest(), digest_of(&3_u64).unwrap());
    assert_eq!(entered.digests[3].digest(), digest_of("hunter2").unwrap());
    assert!(entered.files.is_empty());
}

#[test]
fn what_is_left_out_of_one_part_is_in_the_next() {
    let digests = |threads| {
        let nested = Nested { threads, layers: vec![] };
        let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
        enter!(nested, parts.param("nested", &["threads"]));
        enter!(nested, parts.param("nested", &[]));
        parts.finish().unwrap().digests
    };
    let (one, other) = (digests(1), digests(2));
    assert_eq!(one[0], other[0]);
    assert_ne!(one[1], other[1]);
}

#[test]
fn files_are_collected_over_all_parts() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        std::fs::write(folder.path().join(name), name).unwrap();
        InputFile::named(folder.path().join(name), name)
    };
    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(write("one"), parts.argument("one"));
    enter!(Some([write("other")]), parts.param("other", &[]));
    let files = parts.finish().unwrap().files;
    let shown: Vec<_> = files.iter().map(|file| file.shown.as_str()).collect();
    assert_eq!(shown, ["one", "other"]);
}

#[test]
fn errors_name_the_part_and_come_together() {
    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(Broken, parts.argument("x"));
    enter!(1, parts.argument("y"));
    let error = parts.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.chain().starts_with("the argument `x` cannot enter a key: "), "{error}");
    assert!(error.chain().ends_with("hunter2 is broken"));

    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(vec![Broken], parts.param("a.b", &[]));
    enter!(InputFile::from("no/such/file"), parts.param("", &[]));
    enter!(Broken, parts.projection("key"));
    let text = parts.finish().unwrap_err().chain();
    for what in ["`params.a.b`", "the params cannot", "no/such/file", "`key = ..`"] {
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn nothing_that_a_secret_says_is_told() {
    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(Broken, parts.secret("token"));
    let error = parts.finish().unwrap_err();
    assert!(error.chain().contains("`token`") && !error.chain().contains("hunter2"), "{error}");

    let params = Params { token: "hunter2".to_owned(), ..Params::default() };
    let mut parts = Parts::showing();
    enter!(params, parts.param("", &["token"]));
    enter!(params.token, parts.secret("token"));
    let texts = parts.texts();
    assert_eq!(
        texts,
        [(
            PartKind::Param,
            "",
            r#"{"rate":0.0,"name":"","nested":{"threads":0,"layers":[]}}"#.to_owned()
        )]
    );
}

#[test]
fn fields_cannot_be_left_out_of_what_has_a_key_of_its_own() {
    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(Both(1), parts.param("", &["threads"]));
    let error = parts.finish().unwrap_err();
    assert!(error.chain().contains("`threads`") && error.chain().contains("CacheKey"), "{error}");
}

#[test]
fn a_part_after_a_failed_one_is_whole() {
    let mut parts = Parts::digesting(&Arc::new(FileMemory::STRICT));
    enter!(BTreeMap::from([(1, vec![Some(Broken)])]), parts.argument("x"));
    enter!(vec![1; 40_000], parts.argument("y"));
    let Mode::Digesting { digests, .. } = &parts.0 else { unreachable!() };
    assert_eq!(digests[0].digest(), digest_of(&vec![1; 40_000]).unwrap());
}

#[test]
fn texts_are_like_compact_json() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Metres(f64);
    #[derive(Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(u8, u8),
        Box { width: Option<u8> },
    }
    assert_eq!(shown!((1, -2.0, "a\"\n", 'ß', true)), r#"[1,-2.0,"a\"\n","ß",true]"#);
    assert_eq!(shown!([f64::NAN, f64::INFINITY, 0.1]), "[NaN,inf,0.1]");
    assert_eq!(shown!((None::<u8>, Some(1), (), Unit)), "[null,1,null,null]");
    assert_eq!(shown!(Metres(1.5)), "1.5");
    assert_eq!(
        shown!([Shape::Point, Shape::Circle(1.0), Shape::Line(1, 2), Shape::Box { width: None }]),
        r#"["Point",{"Circle":1.0},{"Line":[1,2]},{"Box":{"width":null}}]"#
    );
    assert_eq!(shown!(InputFile::named("/mnt/a", "rows")), r#""rows""#);
    assert_eq!(shown!(BTreeMap::from([(2, "b"), (10, "c")])), r#"{2:"b",10:"c"}"#);
    assert_eq!(shown!(&&Table { rows: vec![], cursor: 0 }), std::any::type_name::<Table>());
}

#[test]
fn equal_values_without_order_show_equally() {
    let words = ["c", "a", "b"];
    for _ in 0..20 {
        let (set, map): (HashSet<_>, HashMap<_, _>) =
            (words.into_iter().collect(), words.into_iter().zip(1..).collect());
        assert_eq!(shown!((set, map)), r#"[["a","b","c"],{"a":2,"b":3,"c":1}]"#);
    }
    assert_eq!(shown!(HashSet::<u8>::new()), "[]");
}

#[test]
fn texts_stop_at_120_characters() {
    /// Would take for ever.
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(std::iter::repeat(1))
        }
    }
    let text = shown!(Endless);
    assert_eq!(text.chars().count(), 121);
    assert!(text.starts_with("[1,1,1") && text.ends_with('…'));
    assert_eq!(shown!("ß".repeat(118)).chars().count(), 120);
    assert!(!shown!("ß".repeat(118)).ends_with('…'));
    assert!(shown!("ß".repeat(119)).ends_with('…'));
    assert_eq!(shown!((1, Broken)), "[1,…");
}

#[test]
fn texts_lack_what_is_left_out_at_any_depth() {
    #[derive(Serialize)]
    struct Outer {
        pair: (u32, Nested),
        #[serde(flatten)]
        common: Params,
        shape: Option<Result<Nested, ()>>,
    }
    let nested = Nested { threads: 7, layers: vec![1] };
    let outer = Outer {
        pair: (7, nested.clone()),
        common: Params { token: "hunter2".to_owned(), ..Params::default() },
        shape: Some(Ok(nested)),
    };
    let mut parts = Parts::showing();
    enter!(outer, parts.param("", &["pair.0", "pair.1.threads", "token", "rate"]));
    assert_eq!(
        parts.texts().remove(0).2,
        r#"{"pair":[_,{"layers":[1]}],"name":"","nested":{"threads":0,"layers":[]},"shape":{"Ok":{"threads":7,"layers":[1]}}}"#
    );
}
