//! Shards that are damaged or gone are made again, and only they.

use std::fs;

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

fn warnings(events: &[memo_runtime::Event]) -> Vec<String> {
    let message = |event: &memo_runtime::Event| match event {
        memo_runtime::Event::Warning { message, .. } => Some(message.clone()),
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
