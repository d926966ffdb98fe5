//! Packs of ended processes become one; nothing is lost by it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;

/// A store with so many packs of ended processes, which hold a shard each.
fn store(count: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..count {
        let packs = packs(&Store::open(folder.path()).unwrap());
        packs.append(&head(number), &[], number, 0).unwrap();
    }
    rest(&folder);
    folder
}

fn open(folder: &tempfile::TempDir) -> Packs {
    packs(&Store::open(folder.path()).unwrap())
}

fn files(packs: &Packs) -> Vec<PathBuf> {
    let all = fs::read_dir(&packs.0.folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = all.filter(|path| path.extension() == Some("jsonl".as_ref())).collect();
    all.sort();
    all
}

/// Makes all packs as old as they must be.
fn rest(folder: &tempfile::TempDir) {
    let then = SystemTime::now() - Duration::from_hours(1);
    for path in files(&open(folder)) {
        File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }
}

fn keys(count: u64) -> Vec<Digest> {
    (0..count).map(key).collect()
}

/// All are found, and are what they were.
fn holds_all(packs: &Packs, count: u64) {
    let (keys, mut shards) = (keys(count), packs.find(&keys(count)));
    for round in 0..2 {
        assert_eq!(shards.found() as u64, count, "round {round}");
        for (number, key) in (0..count).zip(&keys) {
            let shard = shards.get(usize::try_from(number).unwrap()).unwrap();
            assert_eq!(packs.read(key, shard.place).unwrap().head, head(number));
        }
        shards = open_again(packs).find(&keys);
    }
}

fn open_again(packs: &Packs) -> Packs {
    super::packs(&Store::open(packs.0.store.path()).unwrap())
}

#[test]
fn many_packs_become_one_and_a_few_stay() {
    let folder = store(17);
    let (ours, other) = (open(&folder), open(&folder));
    let before = other.find(&keys(17));
    assert_eq!(ours.compact().unwrap(), 17);
    assert_eq!(files(&ours).len(), 1);
    holds_all(&ours, 17);
    // Who had looked before finds what it saw where it is now.
    for (number, key) in (0..17).zip(keys(17)) {
        let place = before.get(number).unwrap().place;
        assert_eq!(other.read(&key, place).unwrap().head.key, key);
    }
    holds_all(&other, 17);
    assert_eq!(ours.compact().unwrap(), 0);
    assert_eq!(open(&store(16)).compact().unwrap(), 0);
}

#[test]
fn packs_that_are_written_or_were_a_moment_ago_stay() {
    let folder = store(17);
    let living = open(&folder);
    living.append(&head(17), &[], 17, 0).unwrap();
    rest(&folder);
    let packs = open(&folder);
    open(&folder).append(&head(18), &[], 18, 0).unwrap();
    assert_eq!(packs.compact().unwrap(), 17);
    assert_eq!(files(&packs).len(), 3);
    living.append(&head(19), &[], 19, 0).unwrap();
    holds_all(&packs, 20);
}

#[test]
fn whoever_is_killed_before_the_sources_go_leaves_lines_twice_and_no_harm() {
    let folder = store(17);
    let sources: Vec<_> =
        files(&open(&folder)).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    open(&folder).compact().unwrap();
    sources.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    holds_all(&open(&folder), 17);
    rest(&folder);
    let packs = open(&folder);
    assert_eq!(packs.compact().unwrap(), 18);
    assert_eq!(packs.all().count(), 17, "what counts no more is left out");
    holds_all(&packs, 17);
}

#[test]
fn what_counts_no_more_goes_and_what_is_damaged_is_set_aside() {
    let folder = store(17);
    let again = open(&folder);
    again.append(&head(3), &[], 3, 1).unwrap();
    drop(again);
    rest(&folder);
    let packs = open(&folder);
    assert_eq!((packs.all().count(), packs.compact().unwrap()), (18, 18));
    assert_eq!(packs.all().count(), 17);
    assert_eq!(packs.find_one(&key(3)).unwrap().generation, 1);

    let folder = store(17);
    let again = open(&folder);
    again.append(&head(3), &[], 3, 1).unwrap();
    drop(again);
    rest(&folder);
    let damaged = files(&open(&folder)).pop().unwrap();
    // The latest line is damaged, as only its bytes tell: the former one must stay.
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[200] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    rest(&folder);
    let packs = open(&folder);
    assert_eq!(packs.find(&keys(17)).get(3).unwrap().generation, 1);
    assert_eq!(packs.compact().unwrap(), 18);
    assert_eq!(packs.find_one(&key(3)).unwrap().generation, 0);
    holds_all(&packs, 17);
    let aside = packs.0.store.layout().damaged();
    assert_eq!(fs::read_dir(aside).unwrap().count(), 1);
}

#[test]
fn a_large_pack_is_not_copied_for_the_sake_of_small_ones() {
    let folder = store(17);
    let large = open(&folder);
    for number in 17..600 {
        large.append(&head(number), &[], number, 0).unwrap();
    }
    drop(large);
    rest(&folder);
    let packs = open(&folder);
    assert_eq!(packs.compact().unwrap(), 17);
    assert_eq!(files(&packs).len(), 2);
    holds_all(&packs, 600);
}
