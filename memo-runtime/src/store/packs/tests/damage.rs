//! Packs that are damaged in whatever way: nothing wrong is told, and what is whole is found.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const COUNT: u64 = 4;

/// The two files of a pack of a few shards, as bytes.
struct Whole {
    _folder: tempfile::TempDir,
    path: PathBuf,
    files: [PathBuf; 2],
    bytes: [Vec<u8>; 2],
    places: Vec<Place>,
}

fn whole() -> Whole {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let packs = packs(&Store::open(&path).unwrap());
    let places = (0..COUNT).map(|number| packs.append(&head(number), &[], number, 0).unwrap());
    let places = places.collect();
    drop(packs);
    let files = files(&path);
    let bytes = [0, 1].map(|file| fs::read(&files[file]).unwrap());
    Whole { _folder: folder, path, files, bytes, places }
}

fn files(store: &Path) -> [PathBuf; 2] {
    let folder = packs(&Store::open(store).unwrap()).0.folder.clone();
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let lines = names.into_iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
    let index = lines.with_extension("index");
    [lines, index]
}

/// What a new process finds, and what it reads of that. Panics if any of it is wrong.
fn seen(store: &Path) -> (Vec<u64>, Vec<u64>) {
    let packs = packs(&Store::open(store).unwrap());
    let keys: Vec<_> = (0..COUNT).map(key).collect();
    let shards = packs.find(&keys);
    let (mut found, mut read) = (Vec::new(), Vec::new());
    for (number, key) in (0..COUNT).zip(&keys) {
        let Some(shard) = shards.get(usize::try_from(number).unwrap()) else { continue };
        assert_eq!(shard.identities[..], [identity(&head(number).outputs[0])], "of {number}");
        assert_eq!(shard.completed, head(number).completed, "of {number}");
        found.push(number);
        if let Ok(line) = packs.read(key, shard.place) {
            assert_eq!((line.head, line.index), (head(number), number));
            read.push(number);
        }
    }
    for (_, line) in packs.all().flatten() {
        let number = (0..COUNT).find(|number| key(*number) == line.head.key).unwrap();
        assert_eq!(line.head, head(number));
    }
    (found, read)
}

#[test]
fn no_flipped_bit_of_an_index_hides_or_forges_a_shard() {
    let whole = whole();
    let [_, index] = &whole.files;
    for at in 0..whole.bytes[1].len() {
        for bit in 0..8 {
            let mut bytes = whole.bytes[1].clone();
            bytes[at] ^= 1 << bit;
            fs::write(index, &bytes).unwrap();
            let all: Vec<_> = (0..COUNT).collect();
            assert_eq!(seen(&whole.path), (all.clone(), all), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_flipped_bit_of_a_line_costs_that_line() {
    let whole = whole();
    let [lines, index] = &whole.files;
    for with_index in [true, false] {
        if !with_index {
            fs::remove_file(index).unwrap();
        }
        for at in 0..whole.bytes[0].len() {
            let mut bytes = whole.bytes[0].clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(lines, &bytes).unwrap();
            let hit = |place: &Place| {
                (place.offset..place.offset + u64::from(place.length)).contains(&(at as u64))
            };
            let others: Vec<_> =
                (0..COUNT).zip(&whole.places).filter(|(_, place)| !hit(place)).collect();
            let others: Vec<_> = others.into_iter().map(|(number, _)| number).collect();
            assert_eq!(seen(&whole.path).1, others, "byte {at}, index: {with_index}");
        }
    }
}

#[test]
fn what_lies_before_a_cut_is_found() {
    let whole = whole();
    let [lines, index] = &whole.files;
    for length in 0..whole.bytes[1].len() {
        fs::write(index, &whole.bytes[1][..length]).unwrap();
        let all: Vec<_> = (0..COUNT).collect();
        assert_eq!(seen(&whole.path), (all.clone(), all), "index cut to {length}");
    }
    for with_index in [true, false] {
        if with_index {
            fs::write(index, &whole.bytes[1]).unwrap();
        } else {
            fs::remove_file(index).unwrap();
        }
        for length in 0..whole.bytes[0].len() {
            fs::write(lines, &whole.bytes[0][..length]).unwrap();
            let end = |place: &Place| place.offset + u64::from(place.length);
            let before = (0..COUNT).zip(&whole.places);
            let before = before.filter(|(_, place)| end(place) <= length as u64);
            let before: Vec<_> = before.map(|(number, _)| number).collect();
            assert_eq!(seen(&whole.path), (before.clone(), before), "lines cut to {length}");
        }
    }
}

/// Something done to the bytes of a file.
#[derive(Debug, Clone)]
enum Edit {
    Put(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    /// A part of the file once more, somewhere.
    Repeat(usize, usize, usize),
}

fn edit() -> impl Strategy<Value = (bool, Edit)> {
    let at = 0..2000_usize;
    let edit = prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Edit::Put(at, byte)),
        (at.clone(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at.clone(), 0..600_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        (at.clone(), 0..600_usize, at).prop_map(|(at, count, to)| Edit::Repeat(at, count, to)),
    ];
    (any::<bool>(), edit)
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let length = bytes.len().max(1);
    let part = |at: usize, count: usize| at % length..(at % length + count).min(length);
    match edit {
        _ if bytes.is_empty() => {}
        Edit::Put(at, byte) => bytes[at % length] = *byte,
        Edit::Insert(at, more) => drop(bytes.splice(at % length..at % length, more.clone())),
        Edit::Remove(at, count) => drop(bytes.drain(part(*at, *count))),
        Edit::Repeat(at, count, to) => {
            let copy = bytes[part(*at, *count)].to_vec();
            bytes.splice(to % length..to % length, copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_the_files_nothing_wrong_is_told(
        edits in prop::collection::vec(edit(), 1..6)
    ) {
        let whole = whole();
        let mut bytes = whole.bytes.clone();
        for (of_index, edit) in &edits {
            apply(&mut bytes[usize::from(*of_index)], edit);
        }
        (0..2).for_each(|file| fs::write(&whole.files[file], &bytes[file]).unwrap());
        seen(&whole.path);
        // What was lost can be computed anew, and is found then.
        let packs = packs(&Store::open(&whole.path).unwrap());
        for number in 0..COUNT {
            packs.append(&head(number), &[], number, 1).unwrap();
        }
        drop(packs);
        let all: Vec<_> = (0..COUNT).collect();
        prop_assert_eq!(seen(&whole.path), (all.clone(), all));
    }
}
