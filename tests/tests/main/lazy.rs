//! Handles: what is loaded, when, and how often.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use crate::common::*;

/// `Json` that counts its loads, and attaches a fact.
struct Counting(&'static AtomicUsize);

impl Cacheable<Vec<u32>> for Counting {
    fn format(&self) -> Format {
        Format::new("counting", 1).extension("json")
    }

    fn save(&self, value: &Vec<u32>, artifact: &Artifact) -> Result<()> {
        artifact.set_meta("rows", value.len())?;
        Json.save(value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<u32>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Json.load(artifact)
    }
}

static ONCE: AtomicUsize = AtomicUsize::new(0);
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// Is not done before all threads want the value, and lets them go on meanwhile.
struct Gated;

impl Cacheable<Vec<u32>> for Gated {
    fn format(&self) -> Format {
        Format::new("gated", 1)
    }

    fn save(&self, value: &Vec<u32>, artifact: &Artifact) -> Result<()> {
        Json.save(value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<u32>> {
        ONCE.fetch_add(1, Ordering::SeqCst);
        while STARTED.load(Ordering::SeqCst) < 8 {
            std::thread::yield_now();
        }
        (0..10_000).for_each(|_| std::thread::yield_now());
        Json.load(artifact)
    }
}

#[stage(outputs = [Lazy(rows)], cachers = [Gated])]
fn once() -> Vec<u32> {
    (0..10_000).collect()
}

#[test]
fn many_threads_load_once_and_share_while_anybody_holds_it() {
    let lab = Lab::new();
    once(&mut lab.record(())).unwrap();
    let handle = once(&mut lab.record(())).unwrap();
    assert_eq!(ONCE.load(Ordering::SeqCst), 0);
    let barrier = Barrier::new(8);
    let values: Vec<Arc<Vec<u32>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    STARTED.fetch_add(1, Ordering::SeqCst);
                    handle.load().unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ONCE.load(Ordering::SeqCst), 1);
    assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));
    // A lazy value is gone with its last reader.
    assert!(handle.is_loaded());
    drop(values);
    assert!(!handle.is_loaded());
    assert_eq!(handle.load().unwrap().len(), 10_000);
    assert_eq!(ONCE.load(Ordering::SeqCst), 2);
}

static HITS: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [rows], cachers = [Counting(&HITS)])]
fn rows() -> Vec<u32> {
    vec![1, 2, 3]
}

#[stage(inputs = [rows], outputs = [sum], cachers = [Json])]
fn sum(rows: &[u32]) -> u32 {
    rows.iter().sum()
}

#[test]
fn nothing_is_loaded_on_hits() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        let rows = rows(&mut record).unwrap();
        (rows, sum(&mut record).unwrap())
    };
    run();
    lab.lines();
    let (rows, sum) = run();
    assert_eq!(lab.lines(), ["hit rows", "hit sum"]);
    assert!(!rows.is_loaded() && !sum.is_loaded());
    assert_eq!(*sum.load().unwrap(), 6);
    assert_eq!(lab.lines(), ["loaded sum"]);
    assert_eq!(HITS.load(Ordering::SeqCst), 0, "`rows` is not read for that");
}

static FACTS: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [rows], cachers = [Counting(&FACTS)])]
fn facts(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[test]
fn digest_path_and_facts_load_nothing() {
    let lab = Lab::new();
    let digest = facts(&mut lab.record(()), 4).unwrap().digest().unwrap();
    let handle = facts(&mut lab.record(()), 4).unwrap();
    assert_eq!(handle.digest().unwrap(), digest);
    assert_ne!(facts(&mut lab.record(()), 5).unwrap().digest().unwrap(), digest);
    assert_eq!(handle.meta::<usize>("rows").unwrap(), Some(4));
    assert_eq!(handle.meta::<usize>("columns").unwrap(), None);
    assert!(handle.meta::<String>("rows").is_err());
    let path = handle.path().unwrap();
    assert!(path.starts_with(lab.store_path()), "{}", path.display());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "[0,1,2,3]");
    assert!(!handle.is_loaded());
    assert_eq!(FACTS.load(Ordering::SeqCst), 0);
}

#[stage(outputs = [rows], cachers = [Counting(&ANY)])]
fn counted(count: u32) -> Vec<u32> {
    (0..count).collect()
}

static ANY: AtomicUsize = AtomicUsize::new(0);

static EVICTED: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [rows], cachers = [Counting(&EVICTED)])]
fn evictable() -> Vec<u32> {
    vec![4]
}

#[test]
fn an_evicted_value_is_read_again_and_holders_keep_it() {
    let lab = Lab::new();
    let handle = evictable(&mut lab.record(())).unwrap();
    assert!(handle.is_loaded(), "it was just made");
    let held = handle.load().unwrap();
    handle.evict();
    assert!(handle.is_loaded(), "somebody holds it");
    assert!(Arc::ptr_eq(&held, &handle.load().unwrap()));
    assert_eq!(EVICTED.load(Ordering::SeqCst), 0);
    drop(held);
    assert!(!handle.is_loaded());
    assert_eq!(*handle.load().unwrap(), [4]);
    assert_eq!(EVICTED.load(Ordering::SeqCst), 1);
    assert!(handle.is_loaded(), "a value that is not lazy stays");
    handle.load().unwrap();
    assert_eq!(EVICTED.load(Ordering::SeqCst), 1);
}

#[stage(outputs = [rows])]
fn in_memory() -> Vec<u32> {
    vec![5]
}

#[test]
fn a_value_that_cannot_be_read_again_is_not_evicted() {
    let lab = Lab::new();
    let mut record = lab.record(());
    let handle = in_memory(&mut record).unwrap();
    handle.evict();
    assert!(handle.is_loaded());
    assert_eq!(*sum(&mut record).unwrap().load().unwrap(), 5);
    assert_eq!(lab.ran(), ["in_memory", "sum"]);
    assert_eq!(handle.path().unwrap_err().kind(), ErrorKind::Cacher);
    handle.digest().unwrap();
}

#[stage(outputs = [Lazy(rows), title])]
fn partly_lazy() -> (Vec<u32>, String) {
    (vec![6], "six".to_owned())
}

#[stage(outputs = [Lazy(rows)])]
fn lazy_by_default() -> Vec<u32> {
    vec![6]
}

#[test]
fn a_lazy_output_without_a_cacher_is_kept() {
    let lab = Lab::new();
    let handle = lazy_by_default(&mut lab.record(())).unwrap();
    assert!(!handle.is_loaded(), "it was written, and dropped at once");
    assert_eq!(*handle.load().unwrap(), [6]);
    assert_eq!(*lazy_by_default(&mut lab.record(())).unwrap().load().unwrap(), [6]);
    assert_eq!(lab.ran(), ["lazy_by_default"]);
    let (rows, title) = partly_lazy(&mut lab.record(())).unwrap();
    assert_eq!((rows.load().unwrap()[0], title.load().unwrap().as_str()), (6, "six"));
}

#[test]
fn each_record_has_its_own_handle() {
    let lab = Lab::new();
    let store = lab.store();
    let handles: Vec<_> = (1..=3)
        .map(|count| counted(&mut Record::new(&store, format!("r{count}"), ()), count).unwrap())
        .collect();
    let lengths: Vec<_> = handles.iter().map(|handle| handle.load().unwrap().len()).collect();
    assert_eq!(lengths, [1, 2, 3]);
}

#[test]
fn a_handle_outlives_its_record_and_its_store() {
    let lab = Lab::new();
    counted(&mut lab.record(()), 2).unwrap();
    let handle = counted(&mut lab.record(()), 2).unwrap();
    assert_eq!(*handle.clone().load().unwrap(), [0, 1]);
}

#[test]
fn a_damaged_artifact_under_a_handle_is_made_again() {
    let lab = Lab::new();
    let big = |record: &mut Record<()>| counted(record, 10_000).unwrap();
    big(&mut lab.record(()));
    let handle = big(&mut lab.record(()));
    std::fs::remove_file(&lab.artifacts()[0]).unwrap();
    assert_eq!(handle.load().unwrap().len(), 10_000);
    assert_eq!(lab.ran(), ["counted", "counted"]);
}
