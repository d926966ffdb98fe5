//! Shards that fail: the others are kept.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::arrays::shards_in;
use crate::common::*;

static WORKS: AtomicBool = AtomicBool::new(false);

#[stage(each = [page in pages], outputs = [value], cachers = [Json], validate = is_small)]
fn value(page: &u32) -> Result<u32> {
    match page {
        _ if WORKS.load(Ordering::SeqCst) => Ok(*page),
        7 => Err("seven".into()),
        9 => panic!("nine"),
        11 => Ok(1000),
        _ => Ok(*page),
    }
}

fn is_small(value: &u32) -> bool {
    *value < 100
}

#[test]
fn failed_and_invalid_shards_cost_nothing_else() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", (0..55).collect::<Vec<u32>>()).unwrap();
        value(&mut record).map(|values| values.collect().unwrap())
    };
    let error = run().unwrap_err().chain();
    for part in [
        "3 of 55 shards failed",
        "shard 7: the stage failed: seven",
        "shard 9: the stage panicked: nine",
        "shard 11: the result is invalid",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let events = lab.recorder().take();
    assert_eq!(shards_in(&events, "value").len(), 55);
    run().unwrap_err();
    assert_eq!(shards_in(&lab.recorder().take(), "value"), [7, 9, 11]);
    WORKS.store(true, Ordering::SeqCst);
    assert_eq!(run().unwrap(), (0..55).collect::<Vec<u32>>());
    assert_eq!(shards_in(&lab.recorder().take(), "value"), [7, 9, 11]);
    run().unwrap();
    assert!(shards_in(&lab.recorder().take(), "value").is_empty());
}

static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);

#[stage(each = [page in pages], outputs = [tried], cachers = [Json], retries = 2, retry_if = may_retry)]
fn tried(page: &u32) -> Result<u32> {
    if *page == 3 {
        ATTEMPTS.fetch_add(1, Ordering::SeqCst);
        return Err("never".into());
    }
    Ok(*page)
}

fn may_retry(attempt: &memo_runtime::Attempt<'_>) -> bool {
    attempt.shard() == Some(3)
}

#[test]
fn a_shard_is_tried_again_as_often_as_it_says() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("pages", (0..5).collect::<Vec<u32>>()).unwrap();
    tried(&mut record).unwrap_err();
    assert_eq!(ATTEMPTS.load(Ordering::SeqCst), 3);
}
