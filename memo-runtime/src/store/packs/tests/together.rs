//! Several processes: each is a store that was opened apart.

use std::thread;

use super::*;
use crate::store::packs::pack::State;

fn apart(folder: &tempfile::TempDir) -> Packs {
    packs(&Store::open(folder.path()).unwrap())
}

#[test]
fn what_others_add_is_seen_and_nothing_is_read_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (apart(&folder), apart(&folder));
    assert!(!one.refresh() && one.find_now(&key(1)).is_none());
    for number in 0..50 {
        other.append(&head(number), &[], number, 0).unwrap();
        if number % 2 == 0 {
            assert!(one.find_now(&key(number)).is_some(), "{number}");
        } else {
            assert!(one.refresh() && one.find_one(&key(number)).is_some(), "{number}");
        }
        assert!(!one.refresh(), "{number}: nothing has come since");
    }
    // What one adds itself is nothing new to it.
    one.append(&head(50), &[], 50, 0).unwrap();
    assert!(!one.refresh());
    assert!(other.refresh() && other.find_one(&key(50)).is_some());
}

/// Times of folders are as coarse as the clock, so one pack may come unnoticed after another.
#[test]
fn a_folder_that_has_just_changed_is_listed_again() {
    let folder = tempfile::tempdir().unwrap();
    let one = apart(&folder);
    apart(&folder).append(&head(1), &[], 1, 0).unwrap();
    // It has not rested, whatever the clock says.
    let time = std::time::SystemTime::now() + std::time::Duration::from_hours(1);
    let set = || fs::File::open(&one.0.folder).unwrap().set_modified(time).unwrap();
    set();
    assert!(one.refresh());
    apart(&folder).append(&head(2), &[], 2, 0).unwrap();
    set();
    assert!(one.find_now(&key(2)).is_some());
}

#[test]
fn a_pack_whose_writer_has_ended_is_asked_only_thoroughly() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (apart(&folder), apart(&folder));
    other.append(&head(1), &[], 1, 0).unwrap();
    one.refresh();
    assert_eq!(one.known().packs[0].state, State::Living);
    drop(other);
    let other = apart(&folder);
    other.append(&head(2), &[], 2, 0).unwrap();
    let third = apart(&folder);
    third.refresh();
    let ended: Vec<_> = third.known().packs.iter().map(|pack| pack.state == State::Ended).collect();
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
    // One that went on all the same, where locks do not reach: who looks thoroughly sees it.
    let name =
        third.known().packs.iter().find(|pack| pack.state == State::Ended).unwrap().name.clone();
    let path = third.0.folder.join(format!("{name}.jsonl"));
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(line::write(&head(3), &[], 3, 0).unwrap());
    fs::write(&path, bytes).unwrap();
    assert!(third.refresh() && third.find_one(&key(3)).is_some());
}

#[test]
fn the_first_result_wins_unless_somebody_computed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (apart(&folder), apart(&folder));
    let at = |number: u64, completed: u64| Head { completed, ..head(number) };
    // Whoever is read first.
    one.append(&at(1, 20), &[], 1, 0).unwrap();
    other.append(&at(1, 10), &[], 1, 0).unwrap();
    one.append(&at(2, 10), &[], 2, 0).unwrap();
    other.append(&at(2, 20), &[], 2, 0).unwrap();
    one.append(&at(3, 10), &[], 3, 0).unwrap();
    other.append(&at(3, 20), &[], 3, 1).unwrap();
    one.append(&at(4, 10), &[], 4, 2).unwrap();
    other.append(&at(4, 5), &[], 4, 1).unwrap();
    // The same time: the pack whose name comes first.
    one.append(&at(5, 10), &[], 5, 0).unwrap();
    other.append(&at(5, 10), &[], 5, 0).unwrap();
    let pack = |packs: &Packs, number: u64| {
        let place = packs.find_one(&key(number)).unwrap().place;
        packs.known().packs[place.pack as usize].name.clone()
    };
    let own = |packs: &Packs| {
        let known = packs.known();
        known.packs.iter().find(|pack| pack.state == State::Own).unwrap().name.clone()
    };
    let first = own(&one).min(own(&other));
    for packs in [&one, &other, &apart(&folder)] {
        packs.refresh();
        let told = |number| {
            let shard = packs.find_one(&key(number)).unwrap();
            (shard.completed, shard.generation)
        };
        assert_eq!([1, 2, 3, 4].map(told), [(10, 0), (10, 0), (20, 1), (10, 2)]);
        assert_eq!(pack(packs, 5), first);
        assert_eq!(packs.all().flatten().count(), 10);
    }
}

#[test]
fn readers_see_whole_shards_while_two_threads_add() {
    const EACH: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let (writer, reader) = (apart(&folder), apart(&folder));
    let keys: Vec<_> = (0..2 * EACH).map(key).collect();
    thread::scope(|scope| {
        for thread in 0..2 {
            let writer = &writer;
            scope.spawn(move || {
                for number in (0..EACH).map(|index| index * 2 + thread) {
                    let place = writer.append(&head(number), &[], number, 0).unwrap();
                    assert_eq!(writer.find_one(&key(number)).unwrap().place, place);
                }
            });
        }
        let mut found = 0;
        while found < keys.len() {
            let shards = reader.find(&keys);
            assert!(shards.found() >= found && shards.unreadable().is_empty());
            found = shards.found();
            let last = (0..keys.len()).rev().find_map(|at| Some((at, shards.get(at)?.place)));
            if let Some((at, place)) = last {
                let number = u64::try_from(at).unwrap();
                assert_eq!(reader.read(&keys[at], place).unwrap().head, head(number));
            }
        }
    });
    assert_eq!(writer.find(&keys).found(), keys.len());
    assert_eq!(writer.all().flatten().count(), keys.len());
    assert_eq!(writer.known().packs.len(), 1);
}

#[test]
fn who_asks_for_the_same_has_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let one = packs(&store);
    one.append(&head(1), &[], 1, 0).unwrap();
    let again = packs(&store);
    assert!(again.find_one(&key(1)).is_some());
    again.append(&head(2), &[], 2, 0).unwrap();
    assert_eq!(one.known().packs.len(), 1);
    let other = store.packs("digits::embed", &Digest::of(b"other"), 1);
    assert_eq!(other.find(&[key(1)]).found(), 0);
}

#[test]
fn nothing_is_written_read_only_and_what_is_there_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let read_only = || Store::options().read_only(true).open(folder.path()).unwrap();
    assert!(packs(&read_only()).append(&head(1), &[], 1, 0).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let place = apart(&folder).append(&head(1), &[], 1, 0).unwrap();
    let packs = packs(&read_only());
    assert_eq!(packs.find(&[key(1)]).found(), 1);
    assert_eq!(packs.read(&key(1), place).unwrap().head, head(1));
    let error = packs.append(&head(2), &[], 2, 0).unwrap_err();
    assert!(error.chain().contains("read-only"), "{}", error.chain());
    assert_eq!((packs.compact().unwrap(), packs.find(&[key(2)]).found()), (0, 0));
}

#[test]
fn what_is_no_shard_of_the_stage_is_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let packs = apart(&folder);
    let mut other = head(1);
    other.stage = "digits::other".into();
    let mut evil = head(1);
    evil.outputs[0].artifact.as_mut().unwrap().extension = "/../../etc".into();
    let log = ["x".repeat(LONGEST)];
    assert!(packs.append(&other, &[], 1, 0).is_err());
    assert!(packs.append(&evil, &[], 1, 0).is_err());
    let error = packs.append(&head(1), &log, 1, 0).unwrap_err();
    assert!(error.to_string().contains("log"), "{error}");
    assert_eq!((packs.all().count(), packs.find(&[key(1)]).found()), (0, 0));
}

#[test]
fn all_packs_of_a_stage_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.packs_of("digits::embed").len(), 0);
    for number in 0..3 {
        let packs = store.packs("digits::embed", &key(number), 1);
        packs.append(&head(number), &[], number, 0).unwrap();
    }
    let mut two = head(9);
    two.outputs.push(two.outputs[0].clone());
    store.packs("digits::embed", &key(9), 2).append(&two, &[], 9, 0).unwrap();
    store.packs("digits::other", &key(4), 1).find(&[]);
    fs::create_dir_all(store.layout().shards_of("digits::embed").join("ab/none")).unwrap();
    fs::create_dir_all(store.layout().shards("digits::embed", &key(5))).unwrap();
    let next = Store::open(folder.path()).unwrap();
    let mut all: Vec<_> = next.packs_of("digits::embed");
    all.sort_by_key(|(shared, _)| *shared);
    let mut shared = [0, 1, 2, 9].map(key);
    shared.sort();
    assert_eq!(all.iter().map(|(shared, _)| *shared).collect::<Vec<_>>(), shared);
    for (shared, packs) in all {
        let lines: Vec<_> = packs.all().map(|line| line.unwrap().1.head.key).collect();
        assert_eq!(lines, [shared]);
    }
}

#[test]
fn a_pack_that_somebody_removes_takes_nothing_with_it_that_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let ours = apart(&folder);
    let lost = ours.append(&head(1), &[], 1, 0).unwrap();
    fs::remove_dir_all(&ours.0.folder).unwrap();
    ours.append(&head(2), &[], 2, 0).unwrap();
    let next = apart(&folder);
    assert_eq!((next.find(&[key(1)]).found(), next.find(&[key(2)]).found()), (0, 1));
    assert!(ours.refresh() || ours.find_one(&key(1)).is_none());
    assert_eq!((ours.find(&[key(1)]).found(), ours.find(&[key(2)]).found()), (0, 1));
    let damage = ours.read(&key(1), lost).unwrap_err();
    assert!(!damage.is_passing && damage.what.contains("gone"), "{damage}");
}

#[test]
fn no_more_packs_are_written_at_a_time_than_a_process_may_have_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let shared = |number: u64| store.packs("digits::embed", &key(number), 1);
    let all: Vec<_> = (0..100).map(shared).collect();
    for packs in &all {
        packs.append(&head(1), &[], 1, 0).unwrap();
    }
    let open = all.iter().filter(|packs| packs.writer().is_some()).count();
    assert_eq!(open, 64);
    for packs in &all {
        packs.append(&head(2), &[], 2, 0).unwrap();
    }
    for packs in &all {
        let shards = packs.find(&[key(1), key(2)]);
        assert_eq!(shards.found(), 2);
        packs.read(&key(2), shards.get(1).unwrap().place).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn files_and_folders_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let packs = apart(&folder);
    packs.append(&head(1), &[], 1, 0).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&packs.0.folder), 0o700);
    for entry in fs::read_dir(&packs.0.folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
