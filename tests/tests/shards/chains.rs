//! Arrays over arrays in a plan: whatever becomes of the elements, each array comes to an end.

use memo_runtime::prelude::*;
use memo_runtime::{Experiment, Outcome};
use memo_tests::Lab;

use super::{ran, started};

#[stage(each = [x in xs], outputs = [a], cachers = [Json])]
fn first(x: &u64) -> Result<u64> {
    if *x == 13 { Err("unlucky".into()) } else { Ok(x / 10) }
}

#[stage(each = [a in a], outputs = [b], cachers = [Json])]
fn second(a: &u64) -> u64 {
    a + 1
}

#[stage(each = [b in b], outputs = [c], cachers = [Json])]
fn third(b: &u64) -> u64 {
    b * 2
}

#[stage(each = [c in c], outputs = [d], cachers = [Json])]
fn fourth(c: &u64) -> u64 {
    c + 3
}

fn four(xs: &[u64]) -> Experiment<()> {
    let xs = xs.to_vec();
    let declare = move |record: &mut Record<()>| {
        record.insert("xs", xs.clone())?;
        first(record)?;
        second(record)?;
        third(record)?;
        fourth(record)?;
        Ok(())
    };
    Experiment::new("four", declare).record("base", ())
}

fn counts(outcome: &Outcome) -> [usize; 4] {
    [outcome.ran, outcome.cached, outcome.failed, outcome.skipped]
}

#[test]
fn a_chain_whose_first_shards_come_out_as_before_is_found() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let options = || lab.options().jobs(jobs);
        four(&[10, 20, 30]).run(&options()).unwrap();
        lab.recorder().take();
        // 21 gives the same as 20: only the first array runs.
        let outcome = four(&[10, 21, 30]).run(&options()).unwrap();
        let d = outcome.shards::<u64>("base", "d").unwrap();
        assert_eq!(d.collect().unwrap(), [7, 9, 11]);
        let events = lab.recorder().take();
        assert_eq!(started(&events, "first"), [1]);
        for stage in ["second", "third", "fourth"] {
            assert!(started(&events, stage).is_empty(), "{stage}");
        }
        assert_eq!(counts(&outcome), [1, 3, 0, 0], "{outcome:?}");
    }
}

#[test]
fn a_lost_element_ends_all_that_follow() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let outcome = four(&[10, 13, 30]).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!(counts(&outcome), [0, 0, 1, 3], "{outcome:?}");
        assert_eq!(ran(&lab, "fourth"), [0, 2]);
        // All that is there is found by now, and the last array has nothing to run.
        let outcome = four(&[10, 13, 30]).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!(counts(&outcome), [0, 0, 1, 3], "{outcome:?}");
        assert!(ran(&lab, "fourth").is_empty());
    }
}

#[stage(each = [x in xs], outputs = [m])]
fn in_memory(x: &u64) -> u64 {
    x + 1
}

#[stage(each = [m in m], outputs = [kept], cachers = [Json])]
fn kept(m: &u64) -> u64 {
    m * 2
}

#[test]
fn an_array_in_memory_runs_for_the_array_that_takes_its_shards() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let run = |xs: &[u64]| {
            let xs = xs.to_vec();
            let declare = move |record: &mut Record<()>| {
                record.insert("xs", xs.clone())?;
                in_memory(record)?;
                kept(record)?;
                Ok(())
            };
            let experiment = Experiment::new("memory", declare).record("base", ());
            let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
            let values = outcome.shards::<u64>("base", "kept").unwrap().collect().unwrap();
            let events = lab.recorder().take();
            (counts(&outcome), values, started(&events, "in_memory"), started(&events, "kept"))
        };
        assert_eq!(run(&[1, 2, 3]), ([2, 0, 0, 0], vec![4, 6, 8], vec![0, 1, 2], vec![0, 1, 2]));
        let (_, values, _, kept) = run(&[1, 2, 3]);
        assert_eq!((values, kept), (vec![4, 6, 8], vec![]));
        let (_, values, _, kept) = run(&[1, 5, 3]);
        assert_eq!((values, kept), (vec![4, 12, 8], vec![1]));
    }
}
