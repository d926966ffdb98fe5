//! `--check` on arrays: the bodies of the shards that are found run again, each by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use memo_runtime::{Difference, Event};

use crate::common::*;

static LIES: AtomicBool = AtomicBool::new(false);

#[stage(each = [page in pages], outputs = [square, root], cachers = [Json, Json])]
fn square(index: usize, page: &u32) -> (u32, u32) {
    let lies = LIES.load(Ordering::SeqCst) && [3, 7].contains(&index);
    (page * page + u32::from(lies), *page)
}

#[stage(each = [square in square], outputs = [text], cachers = [Text])]
fn text(square: &u32) -> String {
    format!("<{square}>")
}

fn pipeline(record: &mut Record<u32>) -> Result<()> {
    record.insert("pages", (0..*record.params()).collect::<Vec<u32>>())?;
    square(record)?;
    text(record)?;
    Ok(())
}

/// What was told of a stage: how many shards have run again, and what was different.
fn checked(events: &[Event], name: &str) -> Option<(Option<usize>, Vec<Difference>)> {
    events.iter().find_map(|event| match event {
        Event::Checked { stage, shards, differences, .. } if stage.ends_with(name) => {
            Some((*shards, differences.clone()))
        }
        _ => None,
    })
}

#[test]
fn each_found_shard_is_compared() {
    for jobs in [1, 4] {
        LIES.store(false, Ordering::SeqCst);
        let lab = Lab::new();
        let run = |count: u32| {
            let experiment = Experiment::new("squares", pipeline).record("base", count);
            let check = lab.options().jobs(jobs).check([] as [&str; 0]);
            (experiment.run(&lab.options()), experiment.run(&check).unwrap()).1
        };
        let outcome = run(10);
        assert_eq!((outcome.checked, outcome.differing, outcome.unchecked), (2, Some(0), 0));
        let events = lab.recorder().take();
        assert_eq!(checked(&events, "square"), Some((Some(10), vec![])));
        assert_eq!(checked(&events, "text"), Some((Some(10), vec![])));

        LIES.store(true, Ordering::SeqCst);
        let outcome = run(10);
        assert_eq!((outcome.checked, outcome.differing, outcome.exit_code()), (2, Some(1), 1));
        let (shards, differences) = checked(&lab.recorder().take(), "square").unwrap();
        let told: Vec<_> =
            differences.iter().map(|one| (one.shard, one.output.as_deref())).collect();
        assert_eq!(
            (shards, told),
            (Some(10), vec![(Some(3), Some("square")), (Some(7), Some("square"))])
        );
        assert!(differences[0].diff.as_deref().is_some_and(|diff| diff.contains("10")));
        // Nothing of it is kept.
        LIES.store(false, Ordering::SeqCst);
        assert_eq!(run(10).differing, Some(0));
    }
}

#[stage(each = [page in pages], outputs = [tripled], cachers = [Json])]
fn triple(page: &u32) -> u32 {
    page * 3
}

#[test]
fn shards_that_are_not_there_are_not_checked() {
    let lab = Lab::new();
    let experiment = |count: u32| {
        let pipeline = |record: &mut Record<u32>| {
            // Equal elements are one shard.
            record.insert("pages", (0..*record.params()).map(|n| n / 2).collect::<Vec<u32>>())?;
            triple(record)?;
            Ok(())
        };
        Experiment::new("triples", pipeline).record("base", count)
    };
    experiment(10).run(&lab.options()).unwrap();
    lab.recorder().take();
    let check = lab.options().check([] as [&str; 0]);
    let outcome = experiment(14).run(&check).unwrap();
    assert_eq!((outcome.checked, outcome.differing, outcome.unchecked), (1, Some(0), 1));
    let events = lab.recorder().take();
    assert_eq!(checked(&events, "triple"), Some((Some(5), vec![])));
    let because = events.iter().find_map(|event| match event {
        Event::NotChecked { because, .. } => Some(because.clone()),
        _ => None,
    });
    assert_eq!(because.as_deref(), Some("4 of 14 shards are not cached"));
    assert!(!events.iter().any(|event| matches!(event, Event::ShardStarted { .. })));
}
