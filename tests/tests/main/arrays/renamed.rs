//! Array stages that have had another name: what follows from values that nothing keeps is found all the same.

use super::shards_in;
use crate::common::*;

#[stage(outputs = [pages], cachers = [Json])]
fn split(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[stage(each = [page in pages], outputs = [held])]
fn old_held(page: u32) -> u32 {
    page * 10
}

#[stage(each = [page in pages], outputs = [held], was = ["newer_held", "old_held"])]
fn new_held(page: u32) -> u32 {
    page * 10
}

/// The first output is kept by the default cacher, the second lives in memory.
#[stage(each = [page in pages], outputs = [Lazy(kept), unkept])]
fn old_both(page: u32) -> (u32, u32) {
    (page, page * 100)
}

#[stage(each = [page in pages], outputs = [Lazy(kept), unkept], was = "old_both")]
fn new_both(page: u32) -> (u32, u32) {
    (page, page * 100)
}

#[stage(each = [held in held, unkept in unkept], outputs = [sum], cachers = [Json])]
fn sum(held: u32, unkept: u32) -> u32 {
    held + unkept
}

#[stage(inputs = [held, unkept], outputs = [all], cachers = [Json])]
fn all(held: &Shards<u32>, unkept: &Shards<u32>) -> Result<u32> {
    Ok(held.collect()?.iter().sum::<u32>() + unkept.collect()?.iter().sum::<u32>())
}

/// Takes shards one by one, and waits for each: its own key comes late.
#[stage(each = [kept in kept], outputs = [late])]
fn old_late(kept: u32) -> u32 {
    kept + 1
}

#[stage(each = [kept in kept], outputs = [late], was = "old_late")]
fn new_late(kept: u32) -> u32 {
    kept + 1
}

#[stage(each = [late in late], outputs = [last], cachers = [Json])]
fn last(late: u32) -> u32 {
    late + 1
}

const STAGES: [&str; 8] =
    ["old_held", "new_held", "old_both", "new_both", "::sum", "::all", "_late", "::last"];

fn run(lab: &Lab, is_new: bool, count: u32) -> ([usize; 8], u32) {
    let experiment = Experiment::new("renamed", move |record: &mut Record<()>| {
        split(record, count)?;
        if is_new {
            new_held(record)?;
            new_both(record)?;
            new_late(record)?;
        } else {
            old_held(record)?;
            old_both(record)?;
            old_late(record)?;
        }
        sum(record)?;
        all(record)?;
        last(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().jobs(2)).unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome:?}");
    let all = *outcome.output::<u32>("base", "all").unwrap().load().unwrap();
    let events = lab.recorder().take();
    let ran = |stage: &str| match stage {
        "::all" => events.iter().filter(|event| is_start_of_all(event)).count(),
        _ => shards_in(&events, stage).len(),
    };
    (STAGES.map(ran), all)
}

fn is_start_of_all(event: &memo_runtime::Event) -> bool {
    matches!(event, memo_runtime::Event::Started { stage, .. } if stage.ends_with("::all"))
}

#[test]
fn what_follows_renamed_arrays_that_keep_nothing_is_a_hit() {
    let lab = Lab::new();
    assert_eq!(run(&lab, false, 3), ([3, 0, 3, 0, 3, 1, 3, 3], 330));
    assert_eq!(run(&lab, false, 3), ([0; 8], 330));
    assert_eq!(run(&lab, true, 3), ([0; 8], 330));
    // One element more: its own shards run, and all of those in memory whose values are asked for.
    assert_eq!(run(&lab, true, 4), ([0, 4, 0, 4, 1, 1, 4, 1], 660));
    assert_eq!(run(&lab, true, 4), ([0; 8], 660));
}
