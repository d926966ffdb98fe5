//! How many values are in memory between stages, and which.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::Event;

use crate::common::*;

#[stage(outputs = [first], skip = [alive])]
fn first(params: &u32, alive: Arc<Alive>) -> Counted {
    Counted::new(*params, &alive)
}

#[stage(outputs = [second], skip = [alive])]
fn second(params: &u32, alive: Arc<Alive>) -> Counted {
    Counted::new(*params, &alive)
}

#[stage(inputs = [first, second], outputs = [both], cachers = [Json])]
fn both(first: &Counted, second: &Counted) -> u32 {
    first.number + second.number
}

#[aggregate(inputs = [both], outputs = [sum], cachers = [Json])]
fn sum(both: Across<u32>) -> Result<u32> {
    both.iter().map(|item| Ok(*item.load()?)).sum()
}

/// How many values there are, and how many there were at most.
#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Counted {
    number: u32,
    alive: Arc<Alive>,
}

impl Counted {
    fn new(number: u32, alive: &Arc<Alive>) -> Self {
        let now = alive.now.fetch_add(1, Ordering::SeqCst) + 1;
        alive.most.fetch_max(now, Ordering::SeqCst);
        Self { number, alive: Arc::clone(alive) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn values_do_not_pile_up_before_those_who_read_them() {
    for jobs in [1, 2, 4] {
        let lab = Lab::new();
        let alive = Arc::new(Alive::default());
        let shared = Arc::clone(&alive);
        let experiment = Experiment::new("pile", move |record: &mut Record<u32>| {
            first(record, Arc::clone(&shared))?;
            second(record, Arc::clone(&shared))?;
            both(record)?;
            Ok(())
        });
        let records = (0..100).map(|number| (format!("r{number}"), number));
        let experiment = experiment.records(records).aggregate(sum);
        let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.ran, outcome.failed), (301, 0));
        let most = alive.most.load(Ordering::SeqCst);
        assert!(most <= 3 * jobs + 1, "{jobs} jobs hold {most} values");
    }
}

#[stage(outputs = [big], cachers = [Bytes])]
fn big(params: &u32) -> Vec<u8> {
    vec![u8::try_from(*params).unwrap(); 10_000]
}

#[aggregate(inputs = [big], outputs = [total], cachers = [Json])]
fn total(big: Across<Vec<u8>>) -> Result<usize> {
    big.iter().map(|item| Ok(item.load()?.len())).sum()
}

#[test]
fn no_more_is_held_between_stages_than_the_run_may_hold() {
    for (memory, at_most) in [(None, 20), (Some(50_000), 6), (Some(0), 1)] {
        let lab = Lab::new();
        let experiment = Experiment::new("held", |record: &mut Record<u32>| {
            big(record)?;
            Ok(())
        });
        let records = (0..20).map(|number| (format!("r{number}"), number));
        let options = lab.options().jobs(1);
        let options = memory.map_or(options.clone(), |bytes| options.memory(bytes));
        let outcome = experiment.records(records).aggregate(total).run(&options).unwrap();
        assert_eq!(*outcome.aggregated::<usize>("total").unwrap().load().unwrap(), 200_000);
        let (mut held, mut most) = (0_usize, 0);
        let events = lab.recorder().take();
        let total = |event: &Event| matches!(event, Event::Started { stage, .. } if stage.ends_with("total"));
        for event in events.iter().take_while(|event| !total(event)) {
            match event {
                Event::Finished { .. } => held += 1,
                Event::Evicted { .. } => held -= 1,
                _ => {}
            }
            most = most.max(held);
        }
        assert_eq!(most, at_most, "with {memory:?}");
    }
}

#[test]
fn a_kept_value_that_nobody_reads_leaves_memory_at_once() {
    let lab = Lab::new();
    let experiment = Experiment::new("last", |record: &mut Record<u32>| {
        big(record)?;
        Ok(())
    });
    let records = (0..20).map(|number| (format!("r{number}"), number));
    let outcome = experiment.records(records).run(&lab.options().jobs(1)).unwrap();
    let (mut held, mut most) = (0_usize, 0);
    for event in lab.recorder().take() {
        match event {
            Event::Finished { .. } => held += 1,
            Event::Evicted { .. } => held -= 1,
            _ => {}
        }
        most = most.max(held);
    }
    assert_eq!((held, most), (0, 1));
    let value = outcome.output::<Vec<u8>>("r7", "big").unwrap();
    assert!(!value.is_loaded());
    assert_eq!(value.load().unwrap()[0], 7);
    assert_eq!(lab.ran(), [""; 0]);
}

#[stage(outputs = [bare])]
fn bare(params: &u32) -> Vec<u8> {
    vec![u8::try_from(*params).unwrap(); 30_000]
}

/// Reads all values without an artifact, so that they are there together.
#[aggregate(inputs = [bare, big], outputs = [both], cachers = [Json])]
fn bare_and_big(bare: Across<Vec<u8>>, big: Across<Vec<u8>>) -> Result<usize> {
    bare.iter().zip(&big).map(|(one, other)| Ok(one.load()?.len() + other.load()?.len())).sum()
}

#[test]
fn values_without_an_artifact_count_and_stay() {
    for (memory, warns) in [(1_000_000, false), (100_000, true)] {
        let lab = Lab::new();
        let experiment = Experiment::new("bare", |record: &mut Record<u32>| {
            bare(record)?;
            big(record)?;
            Ok(())
        });
        let records = (0..20).map(|number| (format!("r{number}"), number));
        let experiment = experiment.records(records).aggregate(bare_and_big);
        let outcome = experiment.run(&lab.options().jobs(1).memory(memory)).unwrap();
        assert_eq!(outcome.failed, 0);
        assert_eq!(*outcome.aggregated::<usize>("both").unwrap().load().unwrap(), 800_000);
        let events = lab.recorder().take();
        let is_run = |event: &&Event| matches!(event, Event::Started { .. });
        assert_eq!(
            events.iter().filter(is_run).count(),
            41,
            "nothing runs twice for want of memory"
        );
        let warnings = events.iter().filter_map(|event| match event {
            Event::Warning { message, .. } => Some(message.as_str()),
            _ => None,
        });
        let warnings: Vec<&str> = warnings.collect();
        assert_eq!(warnings.len(), usize::from(warns), "once: {warnings:?}");
        if warns {
            assert!(warnings[0].contains("without an artifact take at least"), "{warnings:?}");
            // Whatever can be read again has left memory by then.
            let total = |event: &Event| matches!(event, Event::Started { stage, .. } if stage.ends_with("bare_and_big"));
            let before = events.iter().take_while(|event| !total(event));
            let evicted = before.filter(|event| matches!(event, Event::Evicted { .. })).count();
            assert_eq!(evicted, 20);
        }
    }
}
