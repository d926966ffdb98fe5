//! Call arguments: what is neither an input nor `params`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memo_runtime::{CacheKey, KeyHasher};

use crate::common::*;

#[stage(outputs = [text], cachers = [Text])]
fn lent(name: &str, numbers: &[u32], place: &Path, table: &BTreeMap<String, u32>) -> String {
    format!("{name} {numbers:?} {} {table:?}", place.display())
}

#[stage(outputs = [text], cachers = [Text])]
fn owned(name: String, numbers: Vec<u32>, place: PathBuf, fixed: &'static str) -> String {
    let count = numbers.len();
    format!("{name} {count} {} {fixed}", place.display())
}

#[test]
fn arguments_are_lent_or_owned() {
    let lab = Lab::new();
    let table = BTreeMap::from([("a".to_owned(), 1)]);
    let call = || {
        let mut record = lab.record(());
        let handle = lent(&mut record, "x", &[1, 2], Path::new("/p"), &table).unwrap();
        (*handle.load().unwrap()).clone()
    };
    assert_eq!(call(), r#"x [1, 2] /p {"a": 1}"#);
    assert_eq!(call(), r#"x [1, 2] /p {"a": 1}"#);
    assert_eq!(lab.ran(), ["lent"]);
    let mut record = lab.record(());
    let handle = owned(&mut record, "x".to_owned(), vec![1, 2], "/p".into(), "static").unwrap();
    assert_eq!(*handle.load().unwrap(), "x 2 /p static");
}

/// Enters keys by its seed alone.
#[derive(Clone)]
struct Generator {
    seed: u64,
    calls: Arc<std::sync::atomic::AtomicU64>,
}

impl CacheKey for Generator {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value(&self.seed)
    }
}

#[stage(outputs = [number], cachers = [Json])]
fn draw(generator: Generator, also: Option<Generator>) -> u64 {
    generator.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    generator.seed * 10 + also.map_or(0, |also| also.seed)
}

#[test]
fn an_argument_may_enter_by_a_key_of_its_own() {
    let lab = Lab::new();
    let generator = |seed| Generator { seed, calls: Arc::default() };
    let first = generator(4);
    assert_eq!(*draw(&mut lab.record(()), first.clone(), None).unwrap().load().unwrap(), 40);
    draw(&mut lab.record(()), first.clone(), None).unwrap();
    assert_eq!(first.calls.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(lab.ran(), ["draw"]);
    draw(&mut lab.record(()), first.clone(), Some(generator(1))).unwrap();
    draw(&mut lab.record(()), first.clone(), Some(generator(2))).unwrap();
    draw(&mut lab.record(()), first, Some(generator(1))).unwrap();
    assert_eq!(lab.ran(), ["draw", "draw"]);
}

/// Cannot enter a key, and says so.
struct Broken;

impl Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("the wheel came off"))
    }
}

impl Clone for Broken {
    fn clone(&self) -> Self {
        Self
    }
}

#[stage(outputs = [text], cachers = [Text])]
fn broken(one: Broken, two: u32) -> String {
    let _ = one;
    two.to_string()
}

#[test]
fn an_argument_that_cannot_enter_a_key_is_told_by_its_name() {
    let lab = Lab::new();
    let error = broken(&mut lab.record(()), Broken, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    let text = error.chain();
    assert!(text.contains("`one`") && text.contains("the wheel came off"), "{text}");
    assert_eq!(lab.lines(), [""; 0]);
    assert!(!lab.store_path().exists());
}

#[test]
fn neither_a_name_nor_a_wrapper_is_in_the_key_of_a_record() {
    let lab = Lab::new();
    let store = lab.store();
    let digest = |name: &str| {
        let mut record = Record::new(&store, name, ());
        let numbers = [1, 2];
        lent(&mut record, "x", &numbers, Path::new("/p"), &BTreeMap::new()).unwrap();
    };
    digest("one");
    digest("another");
    assert_eq!(lab.ran(), ["lent"]);
}
