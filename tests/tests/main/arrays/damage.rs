//! Shards that are damaged or gone are made again, and only they.

use std::fs;

use memo_runtime::{Artifact, Cacheable, Event, Format};

use crate::arrays::shards_in;
use crate::common::*;

#[stage(each = [page in pages], outputs = [small], cachers = [Text])]
fn small(page: u64) -> String {
    format!("page number {page}")
}

#[stage(each = [page in pages], outputs = [large], cachers = [Bincode])]
fn large(page: u64) -> Vec<u64> {
    (0..2000).map(|number| number ^ page).collect()
}

fn warnings(events: &[Event]) -> Vec<String> {
    let message = |event: &Event| match event {
        Event::Warning { message, .. } => Some(message.clone()),
        _ => None,
    };
    events.iter().filter_map(message).collect()
}

fn run_small(lab: &Lab) -> (Vec<usize>, Vec<String>) {
    let mut record = lab.record(());
    record.insert("pages", vec![1_u64, 2, 3]).unwrap();
    let texts = small(&mut record).unwrap().collect().unwrap();
    assert_eq!(texts.join(", "), "page number 1, page number 2, page number 3");
    let events = lab.recorder().take();
    (shards_in(&events, "small"), warnings(&events))
}

fn run_large(lab: &Lab) -> (Vec<usize>, Vec<String>) {
    let mut record = lab.record(());
    record.insert("pages", vec![1_u64, 2, 3]).unwrap();
    let values = large(&mut record).unwrap().collect().unwrap();
    assert!((0..3).all(|shard| values[shard] == large::body(shard as u64 + 1)));
    let events = lab.recorder().take();
    (shards_in(&events, "large"), warnings(&events))
}

/// Returns the one pack of a store.
fn pack(lab: &Lab) -> std::path::PathBuf {
    let mut packs = lab.files("/shards/");
    packs.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    assert_eq!(packs.len(), 1);
    packs.remove(0)
}

#[test]
fn a_damaged_line_costs_its_shard() {
    for keeps_index in [true, false] {
        let lab = Lab::new();
        assert_eq!(run_small(&lab), (vec![0, 1, 2], vec![]));
        let pack = pack(&lab);
        let mut bytes = fs::read(&pack).unwrap();
        let at = bytes.windows(13).position(|part| part == b"page number 2").unwrap();
        bytes[at + 12] = b'7';
        fs::write(&pack, bytes).unwrap();
        if !keeps_index {
            fs::remove_file(pack.with_extension("index")).unwrap();
        }
        let (ran, warnings) = run_small(&lab);
        assert_eq!(ran, [1], "{warnings:?}");
        // Whoever has an index learns of it by reading the line.
        let told = warnings.iter().filter(|told| told.contains("shard 1 is damaged")).count();
        assert_eq!(told, usize::from(keeps_index), "{warnings:?}");
        assert_eq!(run_small(&lab), (vec![], vec![]));
    }
}

#[test]
fn a_damaged_artifact_costs_its_shard() {
    let lab = Lab::new();
    assert_eq!(run_large(&lab), (vec![0, 1, 2], vec![]));
    let artifact = &lab.artifacts()[1];
    let mut bytes = fs::read(artifact).unwrap();
    bytes[5000] ^= 1;
    fs::write(artifact, bytes).unwrap();
    let (ran, warnings) = run_large(&lab);
    assert_eq!(ran.len(), 1, "{warnings:?}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("is damaged and computed again"), "{warnings:?}");
    assert_eq!(run_large(&lab), (vec![], vec![]));
}

#[test]
fn a_removed_artifact_costs_its_shard() {
    let lab = Lab::new();
    run_large(&lab);
    fs::remove_file(&lab.artifacts()[1]).unwrap();
    let (ran, warnings) = run_large(&lab);
    assert_eq!(ran.len(), 1, "{warnings:?}");
    assert_eq!(run_large(&lab), (vec![], vec![]));
}

#[stage(each = [large in large], outputs = [first], cachers = [Json])]
fn first(large: &[u64]) -> u64 {
    large[1]
}

/// It comes out as before, so what follows is found.
#[test]
fn a_removed_artifact_costs_nothing_that_follows() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        large(&mut record).unwrap();
        let values = first(&mut record).unwrap().collect().unwrap();
        let events = lab.recorder().take();
        (values, shards_in(&events, "large").len(), shards_in(&events, "first").len())
    };
    assert_eq!(run(), (vec![0, 3, 2], 3, 3));
    fs::remove_file(&lab.artifacts()[1]).unwrap();
    assert_eq!(run(), (vec![0, 3, 2], 1, 0));
    assert_eq!(run(), (vec![0, 3, 2], 0, 0));
    assert_eq!(lab.artifacts().len(), 3);
}

#[test]
fn a_store_without_indices_is_found() {
    let lab = Lab::new();
    run_small(&lab);
    fs::remove_file(pack(&lab).with_extension("index")).unwrap();
    assert_eq!(run_small(&lab), (vec![], vec![]));
    fs::write(pack(&lab).with_extension("index"), "nonsense").unwrap();
    assert_eq!(run_small(&lab), (vec![], vec![]));
}

#[stage(inputs = [large], outputs = [sum], cachers = [Json])]
fn sum(large: &Shards<Vec<u64>>, which: u64) -> Result<u64> {
    Ok(large.collect()?.iter().map(|values| values[0]).sum::<u64>() + which)
}

/// Its end has been told: nothing would end what is told to start once more.
#[test]
fn a_shard_that_is_made_again_starts_no_array() {
    let lab = Lab::new();
    let run = |which: u64| {
        let experiment = Experiment::new("harm", move |record: &mut Record<()>| {
            record.insert("pages", vec![1_u64, 2, 3])?;
            large(record)?;
            sum(record, which)?;
            Ok(())
        });
        let outcome = experiment.record("base", ()).run(&lab.options()).unwrap();
        (outcome.ran, outcome.cached, lab.recorder().take())
    };
    run(0);
    let artifact = &lab.artifacts()[1];
    let mut bytes = fs::read(artifact).unwrap();
    bytes[5000] ^= 1;
    fs::write(artifact, bytes).unwrap();
    let (ran, cached, events) = run(1);
    assert_eq!((ran, cached, shards_in(&events, "large").len()), (1, 1, 1));
    assert_eq!(warnings(&events).len(), 1);
    let started = |event: &&Event| matches!(event, Event::Started { .. });
    let finished = |event: &&Event| matches!(event, Event::Finished { .. });
    let started: Vec<_> = events.iter().filter(started).collect();
    assert_eq!(started.len(), 1, "{started:?}");
    assert_eq!(events.iter().filter(finished).count(), 1);
}

/// A cacher whose values cannot be read.
struct WriteOnly;

impl Cacheable<u64> for WriteOnly {
    fn format(&self) -> Format {
        Format::new("write-only", 1)
    }

    fn save(&self, value: &u64, artifact: &Artifact) -> Result<()> {
        Ok(fs::write(artifact.path()?, value.to_string())?)
    }

    fn load(&self, _: &Artifact) -> Result<u64> {
        Err("nobody reads this".into())
    }
}

#[stage(each = [page in pages], outputs = [lost], cachers = [WriteOnly])]
fn lose(page: u64) -> u64 {
    page
}

#[test]
fn a_shard_that_can_never_be_read_is_named_with_its_cause() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("pages", vec![1_u64, 2, 3]).unwrap();
    let told = chain(lose(&mut record).unwrap().get(2).load());
    assert!(told.contains("the value of shard 2 is damaged each time it is made: "), "{told}");
    assert!(told.ends_with("nobody reads this"), "{told}");
}
