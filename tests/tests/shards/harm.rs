//! Observers that panic, and shards that are damaged while others run.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use memo_runtime::prelude::*;
use memo_runtime::{Event, Experiment};
use memo_tests::Lab;

use super::{Count, started};

#[stage(each = [x in xs], outputs = [a], cachers = [Json])]
fn above(x: &u64) -> u64 {
    x + 1
}

#[stage(each = [a in a], outputs = [b], cachers = [Json])]
fn below(a: &u64) -> u64 {
    a * 2
}

fn two(xs: std::ops::Range<u64>) -> Experiment<()> {
    let declare = move |record: &mut Record<()>| {
        record.insert("xs", xs.clone().collect::<Vec<_>>())?;
        above(record)?;
        below(record)?;
        Ok(())
    };
    Experiment::new("two", declare).record("base", ())
}

#[test]
fn a_panic_of_an_observer_costs_its_shard_and_leaves_no_array_open() {
    for (jobs, at_start) in [(1, false), (4, false), (1, true), (4, true)] {
        let lab = Lab::new();
        let once = AtomicBool::new(false);
        let panics = move |event: &Event| {
            let stage = match event {
                Event::ShardStarted { stage, shard: 2, .. } if at_start => stage,
                Event::ShardFinished { stage, shard: 2, .. } if !at_start => stage,
                _ => return,
            };
            let is_first = stage.ends_with("above") && !once.swap(true, Ordering::SeqCst);
            assert!(!is_first, "the observer panics");
        };
        let outcome = two(0..6).run(&lab.options().jobs(jobs).observer(panics)).unwrap();
        assert_eq!((outcome.failed, outcome.skipped), (1, usize::from(at_start)), "{outcome:?}");
        let outcome = two(0..6).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.failed, outcome.skipped), (0, 0), "{outcome:?}");
        let b = outcome.shards::<u64>("base", "b").unwrap();
        assert_eq!(b.collect().unwrap(), [2, 4, 6, 8, 10, 12]);
    }
}

#[stage(each = [x in xs], outputs = [made], cachers = [Bytes], skip = [count], code = manual)]
fn large(x: &u64, count: Count) -> Vec<u8> {
    count.next();
    vec![u8::try_from(*x).unwrap(); 5000]
}

#[stage(each = [m in made], outputs = [size], cachers = [Json], code = manual)]
fn size(m: &[u8]) -> usize {
    m.len() + usize::from(m[0])
}

#[stage(inputs = [made as all], outputs = [sum], cachers = [Json], code = manual)]
fn sum(all: &Shards<Vec<u8>>) -> Result<usize> {
    Ok(all.collect()?.iter().map(|made| usize::from(made[0])).sum())
}

#[test]
fn a_damaged_shard_is_made_again_and_counts_once() {
    for jobs in [1, 4] {
        let (lab, count) = (Lab::new(), Count::default());
        let declare = {
            let count = count.clone();
            move |record: &mut Record<u64>| {
                record.insert("xs", (0..*record.params()).collect::<Vec<_>>())?;
                large(record, count.clone())?;
                size(record)?;
                sum(record)?;
                Ok(())
            }
        };
        let experiment = |n: u64| Experiment::new("harm", declare.clone()).record("base", n);
        experiment(3).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!(count.get(), 3);
        for artifact in lab.artifacts() {
            let mut bytes = fs::read(&artifact).unwrap();
            if bytes.len() == 5000 && bytes[0] == 1 {
                bytes[100] ^= 1;
                fs::remove_file(&artifact).unwrap();
                fs::write(&artifact, bytes).unwrap();
            }
        }
        lab.recorder().take();
        // One more shard: both readers of the damaged one run; it is made again once.
        let outcome = experiment(4).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.failed, outcome.skipped), (0, 0), "{outcome:?}");
        assert_eq!(*outcome.output::<usize>("base", "sum").unwrap().load().unwrap(), 6);
        let events = lab.recorder().take();
        let mut made = started(&events, "large");
        made.sort_unstable();
        assert_eq!(made, [1, 3]);
        assert_eq!(started(&events, "size"), [3]);
        assert_eq!(count.get(), 5);
        // It is whole again.
        let outcome = experiment(4).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.ran, outcome.failed), (0, 0), "{outcome:?}");
        let made = outcome.shards::<Vec<u8>>("base", "made").unwrap();
        assert_eq!(made.collect().unwrap()[1], vec![1; 5000]);
        assert_eq!(count.get(), 5);
    }
}
