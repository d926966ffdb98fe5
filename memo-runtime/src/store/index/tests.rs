//! What an index answers, for how long, and who is asked otherwise.

mod bytes;
mod random;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use super::make::{Making, Worth};
use super::*;
use crate::artifact::Meta;
use crate::artifact::tree::Part;
use crate::store::manifest::{self, Detail, HexBytes, Kept, Output, Reference};
use crate::store::{Found, Store};

const STAGE: &str = "digits::embed";

/// An hour later, when everything has come to rest.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_hours(1)
}

/// Any manifest that had to be opened is worth an index.
const ALWAYS: Worth =
    Worth { least: 1, share: usize::MAX, longest: Duration::from_hours(1), now: later };

/// The key of an entry; four folders hold them all.
fn key(number: u64) -> Digest {
    let mut bytes = *Digest::of(&number.to_le_bytes()).as_bytes();
    bytes[0] = [0, 1, 0x7f, 0xff][(number % 4) as usize];
    Digest::from_bytes(bytes)
}

/// A head with one tiny output.
fn head(number: u64, text: &str) -> Head {
    let kept = Kept {
        format: Digest::of(b"json"),
        extension: "json".into(),
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        text: Some(text.to_owned()),
        hex: None,
        parts: vec![],
        meta: Meta::new(),
        references: vec![],
    };
    Head {
        key: key(number),
        stage: STAGE.into(),
        outputs: vec![Output { name: "vector".into(), artifact: Some(kept) }],
        seconds: 1.37e-7,
        completed: 1_700_000_000_000 + number,
        run: "r1".into(),
        logged: false,
        validator: None,
    }
}

/// A store with the entries 0 to `count`, whose folders are as they will be.
struct Kit {
    folder: tempfile::TempDir,
    count: u64,
}

impl Kit {
    fn new(count: u64) -> Self {
        let kit = Self { folder: tempfile::tempdir().unwrap(), count };
        let store = kit.store();
        for number in 0..count {
            keep(&store, number, &number.to_string());
        }
        kit
    }

    /// A store as the next process sees it.
    fn store(&self) -> Store {
        Store::open(self.folder.path()).unwrap()
    }

    fn stage(&self) -> PathBuf {
        self.store().layout().entries(STAGE)
    }

    fn index(&self) -> PathBuf {
        Layout::entry_index(&self.stage())
    }

    fn manifest(&self, number: u64) -> PathBuf {
        self.store().layout().entry(STAGE, &key(number))
    }

    /// Looks for all entries, as a run does, and keeps an index.
    fn run(&self) {
        self.clock_moves_on();
        let store = self.store();
        (0..self.count).for_each(|number| drop(text(&store, number)));
        store.keep_indexes_worth(&ALWAYS);
    }

    /// Waits until the file system's clock tells another time than when the folders were changed last.
    fn clock_moves_on(&self) {
        let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let children = || fs::read_dir(self.stage()).into_iter().flatten().flatten();
        let latest = children().map(|child| changed(&child.path())).max();
        let probe = self.folder.path().join("probe");
        while latest.is_some_and(|latest| {
            fs::write(&probe, "").unwrap();
            changed(&probe) <= latest
        }) {}
    }
}

fn keep(store: &Store, number: u64, text: &str) {
    store.commit(head(number, text), &Detail::default(), true).unwrap();
}

/// Returns the value of an entry, if it is found.
fn text(store: &Store, number: u64) -> Option<String> {
    match store.look_up(STAGE, &key(number), None) {
        Found::Entry(head) => {
            assert_eq!(head.key, key(number));
            head.outputs[0].artifact.as_ref().unwrap().text.clone()
        }
        Found::Nothing => None,
        other => panic!("{other:?}"),
    }
}

/// How many manifests had to be opened.
fn opened(store: &Store) -> usize {
    store.0.indexes.of(STAGE).state().opened.len()
}

fn all_are_found(store: &Store, count: u64) {
    for number in 0..count {
        assert_eq!(text(store, number), Some(number.to_string()));
    }
}

#[test]
fn the_next_process_opens_few_manifests() {
    let kit = Kit::new(100);
    let store = kit.store();
    all_are_found(&store, 100);
    assert_eq!(opened(&store), 100);
    assert!(!kit.index().exists());
    kit.run();
    let store = kit.store();
    all_are_found(&store, 100);
    assert_eq!(opened(&store), FEW);
}

#[test]
fn a_large_one_is_read_folder_by_folder_and_says_the_same() {
    let kit = Kit::new(100);
    kit.run();
    let (mut large, mut small) = (
        View::open_small(&kit.stage(), STAGE, 0).unwrap(),
        View::open_small(&kit.stage(), STAGE, usize::MAX).unwrap(),
    );
    for number in 0..100 {
        let found = large.find(&key(number), Instant::now()).map(<[u8]>::to_vec);
        assert!(found.is_some());
        assert_eq!(found.as_deref(), small.find(&key(number), Instant::now()));
    }
    // The last block is the last folder's.
    let mut bytes = fs::read(kit.index()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(kit.index(), bytes).unwrap();
    for small in [0, usize::MAX] {
        let mut view = View::open_small(&kit.stage(), STAGE, small).unwrap();
        let missed: Vec<u64> =
            (0..100).filter(|n| view.find(&key(*n), Instant::now()).is_none()).collect();
        assert_eq!(missed, (0..100).filter(|n| n % 4 == 3).collect::<Vec<_>>());
    }
}

#[test]
fn few_openings_are_not_worth_one() {
    let kit = Kit::new(100);
    kit.clock_moves_on();
    let store = kit.store();
    all_are_found(&store, 100);
    store.keep_indexes_worth(&Worth { least: 101, ..ALWAYS });
    assert!(!kit.index().exists());
    let read_only = Store::options().read_only(true).open(kit.folder.path()).unwrap();
    all_are_found(&read_only, 100);
    read_only.keep_indexes_worth(&ALWAYS);
    assert!(!kit.index().exists(), "nothing is written to a store that is only read");
    kit.run();
    let before = fs::read(kit.index()).unwrap();
    let store = kit.store();
    all_are_found(&store, 100);
    store.keep_indexes_worth(&ALWAYS);
    assert_eq!(fs::read(kit.index()).unwrap(), before, "what was opened is in it");
    let read_only = Store::options().read_only(true).open(kit.folder.path()).unwrap();
    all_are_found(&read_only, 100);
    assert_eq!(opened(&read_only), FEW, "it is read there all the same");
}

#[test]
fn folders_that_are_not_at_rest_are_left_out() {
    let kit = Kit::new(100);
    kit.clock_moves_on();
    let store = kit.store();
    all_are_found(&store, 100);
    store.keep_indexes_worth(&Worth { now: SystemTime::now, ..ALWAYS });
    assert!(!kit.index().exists());
}

#[test]
fn work_that_takes_too_long_is_gone_on_with_by_the_next_run() {
    let kit = Kit::new(100);
    kit.clock_moves_on();
    let store = kit.store();
    all_are_found(&store, 100);
    store.keep_indexes_worth(&Worth { longest: Duration::ZERO, ..ALWAYS });
    assert!(!kit.index().exists());
}

#[test]
fn one_that_is_removed_or_replaced_is_seen_by_others_and_by_who_is_told() {
    let kit = Kit::new(40);
    kit.run();
    let (early, late) = (kit.store(), kit.store());
    all_are_found(&early, 40);
    fs::remove_file(kit.manifest(20)).unwrap();
    keep(&kit.store(), 21, "another");
    assert_eq!((text(&late, 20), text(&late, 21)), (None, Some("another".to_owned())));
    all_are_found(&late, 20);
    for number in [20, 21] {
        early.forget(&key(number));
    }
    assert_eq!((text(&early, 20), text(&early, 21)), (None, Some("another".to_owned())));
    fs::remove_dir_all(kit.stage()).unwrap();
    let store = kit.store();
    assert!((0..40).all(|number| text(&store, number).is_none()));
}

#[test]
fn what_a_process_changes_itself_it_sees() {
    let kit = Kit::new(40);
    kit.run();
    let store = kit.store();
    all_are_found(&store, 40);
    keep(&store, 30, "another");
    store.set_aside(STAGE, &key(31), &[]);
    assert_eq!((text(&store, 30), text(&store, 31)), (Some("another".to_owned()), None));
}

#[test]
fn a_folder_that_is_another_one_is_read_anew() {
    let kit = Kit::new(40);
    kit.run();
    let copy = tempfile::tempdir().unwrap();
    let copied = copy.path().join("store");
    let done = Command::new("cp").arg("-a").arg(kit.folder.path()).arg(&copied).status();
    assert!(done.unwrap().success());
    let store = Store::open(&copied).unwrap();
    assert!(Layout::entry_index(&store.layout().entries(STAGE)).exists());
    all_are_found(&store, 40);
    assert_eq!(opened(&store), 40);
    // What is removed from a copy before it was looked at is not there.
    fs::remove_file(store.layout().entry(STAGE, &key(5))).unwrap();
    let store = Store::open(&copied).unwrap();
    assert_eq!((text(&store, 5), text(&store, 6)), (None, Some("6".to_owned())));
}

#[test]
fn a_manifest_that_is_changed_in_place_is_not_seen() {
    let kit = Kit::new(40);
    kit.run();
    for number in 0..40 {
        fs::write(kit.manifest(number), "garbage").unwrap();
    }
    let store = kit.store();
    let damaged = (0..40)
        .filter(|number| matches!(store.look_up(STAGE, &key(*number), None), Found::Entry(_)));
    assert_eq!(damaged.count(), 40 - FEW, "all but the first were answered by the index");
}

#[test]
fn folders_that_did_not_change_keep_what_was_known_of_them() {
    let kit = Kit::new(40);
    kit.run();
    let before = fs::read(kit.index()).unwrap();
    // Of one folder.
    keep(&kit.store(), 40, "40");
    kit.clock_moves_on();
    let store = kit.store();
    all_are_found(&store, 41);
    assert!(opened(&store) < FEW + 12, "three folders were believed");
    store.keep_indexes_worth(&ALWAYS);
    assert_ne!(fs::read(kit.index()).unwrap(), before);
    let store = kit.store();
    all_are_found(&store, 41);
    assert_eq!(opened(&store), FEW);
}

#[test]
fn what_was_known_of_a_folder_that_has_changed_since_is_not_kept() {
    let kit = Kit::new(40);
    kit.run();
    let store = kit.store();
    all_are_found(&store, 40);
    // This process believes for a moment that the folder is as it was.
    fs::remove_file(kit.manifest(20)).unwrap();
    keep(&kit.store(), 40, "40");
    kit.clock_moves_on();
    assert_eq!(text(&store, 40), Some("40".to_owned()));
    store.keep_indexes_worth(&ALWAYS);
    let store = kit.store();
    all_are_found(&store, 20);
    assert_eq!((text(&store, 20), text(&store, 40)), (None, Some("40".to_owned())));
}

#[test]
fn a_folder_that_changes_while_it_is_read_is_left_out() {
    let kit = Kit::new(40);
    let folder = kit.stage();
    let number = view::number(&key(20));
    kit.clock_moves_on();
    for changes in [true, false] {
        let mut index = Making { stage: STAGE, folder: &folder, folders: BTreeMap::new() };
        let added = index.add(number, later(), |index| {
            let heads = index.read(number, &[key(20)]);
            assert_eq!(heads.len(), 1);
            if changes {
                keep(&kit.store(), 20, "another");
            }
            heads
        });
        assert_eq!((added, index.folders.len()), if changes { (None, 0) } else { (Some(1), 1) });
    }
}

#[test]
fn keys_that_come_later_join_those_of_an_unchanged_folder() {
    let kit = Kit::new(60);
    kit.clock_moves_on();
    for half in [0..30, 30..60] {
        let store = kit.store();
        half.for_each(|number| drop(text(&store, number)));
        store.keep_indexes_worth(&ALWAYS);
    }
    let store = kit.store();
    all_are_found(&store, 60);
    assert_eq!(opened(&store), FEW);
}

#[test]
fn long_heads_are_listed_and_stay_in_their_manifests() {
    let kit = Kit::new(20);
    let long = "x".repeat(3000);
    (0..20).for_each(|number| keep(&kit.store(), number, &long));
    kit.run();
    assert!(fs::metadata(kit.index()).unwrap().len() < 3000);
    let store = kit.store();
    assert!((0..20).all(|number| text(&store, number).is_some_and(|text| text == long)));
    assert_eq!(opened(&store), 20);
    let before = fs::metadata(kit.index()).unwrap().modified().unwrap();
    store.keep_indexes_worth(&ALWAYS);
    let after = fs::metadata(kit.index()).unwrap().modified().unwrap();
    assert_eq!(after, before, "nothing is lacking that could be added");
}

#[test]
fn what_is_no_file_is_left_alone() {
    let kit = Kit::new(40);
    for wrong in ["folder", "pipe", "device"] {
        match wrong {
            "folder" => fs::create_dir(kit.index()).unwrap(),
            "pipe" => {
                fs::remove_dir(kit.index()).unwrap();
                let made = Command::new("mkfifo").arg(kit.index()).status();
                assert!(made.unwrap().success());
            }
            _ => {
                fs::remove_file(kit.index()).unwrap();
                std::os::unix::fs::symlink("/dev/zero", kit.index()).unwrap();
            }
        }
        let store = kit.store();
        all_are_found(&store, 40);
        assert_eq!(opened(&store), 40, "{wrong}");
    }
    kit.run();
    let store = kit.store();
    all_are_found(&store, 40);
    assert_eq!(opened(&store), FEW);
}
