//! Arrays that take the shards of others: each waits only for its own element.

use std::sync::Barrier;

use crate::arrays::shards_of;
use crate::common::*;

#[stage(outputs = [pages], cachers = [Json])]
fn split(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[stage(each = [page in pages], outputs = [square], cachers = [Json])]
fn square(page: &usize) -> Result<usize> {
    if *page == 13 { Err("unlucky".into()) } else { Ok(page * page) }
}

#[stage(each = [square in square], outputs = [text], cachers = [Text])]
fn text(square: usize) -> String {
    format!("<{square}>")
}

#[stage(inputs = [text as texts], outputs = [all], cachers = [Text])]
fn join(texts: &Shards<String>) -> Result<String> {
    Ok(texts.collect()?.concat())
}

fn pipeline(record: &mut Record<usize>) -> Result<()> {
    split(record, *record.params())?;
    square(record)?;
    text(record)?;
    join(record)?;
    Ok(())
}

#[test]
fn arrays_follow_each_other() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let run = |count: usize| {
            let experiment = Experiment::new("texts", pipeline).record("base", count);
            let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
            let all = outcome.output::<String>("base", "all").unwrap();
            (all.load().unwrap().to_string(), outcome.ran, outcome.cached)
        };
        assert_eq!(run(4), ("<0><1><4><9>".to_owned(), 4, 0));
        assert_eq!(run(4), ("<0><1><4><9>".to_owned(), 0, 4));
        lab.recorder().take();
        assert_eq!(run(5), ("<0><1><4><9><16>".to_owned(), 4, 0));
        let events = lab.recorder().take();
        let shards = |stage: &str| super::shards_in(&events, stage);
        assert_eq!((shards("square"), shards("text")), (vec![4], vec![4]));
    }
}

#[test]
fn a_lost_element_costs_its_own_chain() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let experiment = Experiment::new("texts", pipeline).record("base", 20);
        for again in [false, true] {
            let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
            assert_eq!((outcome.failed, outcome.skipped), (1, 2), "{outcome:?}");
            let told = outcome.failures[0].chain();
            assert!(told.contains("1 of 20 shards failed; shard 13: "), "{told}");
            let events = lab.recorder().take();
            let squares = super::shards_in(&events, "square");
            let texts = super::shards_in(&events, "text");
            let most: Vec<usize> = (0..20).filter(|shard| *shard != 13).collect();
            if again {
                assert_eq!((squares, texts), (vec![13], vec![]));
            } else {
                assert_eq!((squares, texts), ((0..20).collect(), most));
            }
        }
    }
}

static MEET: Barrier = Barrier::new(2);

/// Its last shard ends only when a reader of its first has begun.
#[stage(each = [page in pages], outputs = [slow], cachers = [Json])]
fn slow(page: &usize) -> usize {
    if *page == 1 {
        MEET.wait();
    }
    *page
}

#[stage(each = [slow in slow], outputs = [after], cachers = [Json])]
fn after(slow: &usize) -> usize {
    if *slow == 0 {
        MEET.wait();
    }
    *slow
}

#[test]
fn an_element_waits_only_for_its_own() {
    let lab = Lab::new();
    let experiment = Experiment::new("pipe", |record: &mut Record<()>| {
        split(record, 2)?;
        slow(record)?;
        after(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().jobs(2)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (3, 0));
    assert_eq!(shards_of(&lab, "after"), [0, 1]);
}
