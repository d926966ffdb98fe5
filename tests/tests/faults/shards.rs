//! Shards that processes add to packs while they are killed, starved and many.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use memo_runtime::prelude::*;
use memo_runtime::testing::Shelf;

use crate::kills::{When, killed};
use crate::support::{HELPER, Random, Told, can_mount, listing, with_mounts};

/// Returns the helper, about to add shards from two threads.
fn adder(store: &Path, first: u64, count: u64, flags: &[&str]) -> Command {
    let mut command = Command::new(HELPER);
    command.arg("add").arg(store).args([first.to_string(), count.to_string()]).args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn numbers(told: &Told, word: &str) -> BTreeSet<u64> {
    let number = |rest: &str| rest.split(' ').next().unwrap().parse().unwrap();
    told.all(word).map(number).collect()
}

/// What a new process finds and reads; panics if a line is not what was added, or is damaged.
fn found(store: &Path, first: u64, count: u64) -> BTreeSet<u64> {
    let shelf = Shelf::of(&Store::options().read_only(true).open(store).unwrap());
    let keys: Vec<_> = (first..first + count).map(Shelf::key).collect();
    let found = shelf.find(&keys);
    let whole: BTreeSet<_> =
        (first..first + count).filter(|number| shelf.read(*number).unwrap()).collect();
    assert_eq!((whole.len(), shelf.lines()[1]), (found, 0));
    whole
}

#[test]
fn killed_at_random_instants_every_shard_that_was_reported_is_found() {
    const COUNT: u64 = 1000;
    for flags in [&[][..], &["--durable"]] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let mut random = Random(0x5EED_0003);
        let mut reported = BTreeSet::new();
        let (mut kills, mut starts) = (0, 0);
        while kills < 25 {
            let first = starts * COUNT;
            let when = When::Lines(random.below(400));
            let (told, in_time) = killed(adder(&store, first, COUNT, flags), &when);
            told.is_quiet();
            let added = numbers(&told, "added");
            // At most what each thread was about to report is there besides.
            let there = found(&store, first, COUNT);
            assert!(added.is_subset(&there) && there.len() <= added.len() + 2, "{told:?}");
            reported.extend(added);
            kills += u32::from(in_time);
            starts += 1;
        }
        let there = found(&store, 0, starts * COUNT);
        assert!(reported.is_subset(&there), "others have taken something");
    }
}

#[test]
fn eight_processes_add_at_once_and_readers_see_whole_shards() {
    const EACH: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let start = |first: u64| adder(&store, first, EACH, &["--gate"]).stdin(Stdio::piped()).spawn();
    // Two of them add the same numbers.
    let firsts = [0, 0, 1, 2, 3, 4, 5, 6].map(|index| index * EACH);
    let mut children: Vec<Child> = firsts.iter().map(|first| start(*first).unwrap()).collect();
    children.iter_mut().for_each(|child| drop(child.stdin.take()));
    let shelf = Shelf::of(&Store::open(&store).unwrap());
    let keys: Vec<_> = (0..7 * EACH).map(Shelf::key).collect();
    let mut before = 0;
    while before < keys.len() {
        assert!(
            children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) || {
                shelf.find(&keys) == keys.len()
            }
        );
        let now = shelf.find(&keys);
        assert!(now >= before);
        before = now;
        for number in (0..7 * EACH).step_by(97) {
            shelf.read(number).unwrap();
        }
        assert_eq!(shelf.lines()[1], 0);
    }
    for child in children {
        let told = Told::of(&child.wait_with_output().unwrap());
        assert_eq!(numbers(&told, "added").len() as u64, EACH, "{told:?}");
    }
    assert_eq!(found(&store, 0, 7 * EACH).len() as u64, 7 * EACH);
    let shelf = Shelf::of(&Store::open(&store).unwrap());
    shelf.find(&keys);
    assert_eq!(shelf.lines(), [8 * 300, 0]);
}

#[test]
fn a_full_disk_loses_what_is_told_and_what_comes_later_is_kept() {
    if !can_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        mount -t tmpfs -o size=2m tmpfs "$2"; s="$2/store"
        for left in 0 4 16 40 100 400; do
            rm -rf "$s" "$2/filler" "$2/room"
            "$1" add "$s" 0 20 > /dev/null
            [ $left = 0 ] || head -c ${left}k /dev/zero > "$2/room"
            head -c 4m /dev/zero > "$2/filler" 2> /dev/null || true
            rm -f "$2/room"
            echo "step $left"
            "$1" add "$s" 1000 2000 "$2/filler"
            "$1" find "$s" 0 3000
        done"#;
    let output = with_mounts(script, &[HELPER, folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let told = Told::of(&output);
    let steps: Vec<_> = told.lines.split(|line| line.starts_with("step ")).skip(1).collect();
    assert_eq!(steps.len(), 6);
    for lines in steps {
        let told = Told { code: Some(0), lines: lines.to_vec() };
        let (added, lost) = (numbers(&told, "added"), numbers(&told, "lost"));
        assert!((1..40).contains(&lost.len()), "lost {lost:?}");
        assert!(told.all("lost").all(|line| line.contains("No space left")), "{lost:?}");
        assert!(added.len() + lost.len() == 2000 && added.iter().max() > lost.iter().max());
        let expected: BTreeSet<_> = (0..20).chain(added).collect();
        assert_eq!(numbers(&told, "found"), expected, "lost {lost:?}");
        assert_eq!(told.all("lines").collect::<Vec<_>>(), [format!("{} 0", expected.len())]);
    }
}

/// Needs no privileges: files may not grow beyond a limit.
#[test]
fn packs_that_may_not_grow_keep_what_fits() {
    for kilobytes in [0, 1, 8, 64] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let limit = kilobytes * 2;
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" add \"$1\" 0 1000");
        let told = Told::by(Command::new("sh").args(["-c", &script, HELPER]).arg(&store));
        let (added, lost) = (numbers(&told, "added"), numbers(&told, "lost"));
        assert_eq!(added.len() + lost.len(), 1000);
        assert!(!lost.is_empty() && added.is_empty() == (kilobytes == 0), "{kilobytes} kB");
        assert_eq!(found(&store, 0, 1000), added, "{kilobytes} kB");
        // A later process has room again.
        let told = Told::by(&mut adder(&store, 0, 1000, &[]));
        assert_eq!(numbers(&told, "added").len(), 1000);
        assert_eq!(found(&store, 0, 1000).len(), 1000);
    }
}

#[test]
fn too_many_open_files_lose_what_is_told_and_damage_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    Told::by(&mut adder(&whole, 0, 50, &[]));
    let (mut lost_some, mut found_some) = (false, false);
    for limit in 3..14 {
        let store = folder.path().join(limit.to_string());
        let run = |words: &str, store: &Path| {
            let script = format!("ulimit -n {limit}; exec \"$0\" {words}");
            Told::by(Command::new("sh").args(["-c", &script, HELPER]).arg(store))
        };
        let told = run("add \"$1\" 0 50", &store);
        let (added, lost) = (numbers(&told, "added"), numbers(&told, "lost"));
        assert!(told.code != Some(0) || added.len() + lost.len() == 50, "{limit}: {told:?}");
        assert_eq!(found(&store, 0, 50), added, "{limit}");
        lost_some |= !lost.is_empty();
        let told = run("find \"$1\" 0 50", &whole);
        let is_passing = |line: &str| line.contains("Too many open files");
        assert!(told.all("failed").all(is_passing), "{limit}: {told:?}");
        found_some |= numbers(&told, "found").len() == 50;
        assert_eq!(found(&whole, 0, 50).len(), 50, "{limit}");
    }
    assert!(lost_some && found_some);
}

#[test]
fn on_a_read_only_mount_shards_are_found_and_none_is_added() {
    if !can_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    Told::by(&mut adder(&store, 0, 50, &[]));
    let before = listing(&store);
    let script = r#"mount --bind "$2" "$2"; mount -o remount,ro,bind "$2"
        "$1" find "$2" 0 60; "$1" add "$2" 50 10"#;
    let told = Told::of(&with_mounts(script, &[HELPER, store.to_str().unwrap()]));
    assert_eq!(numbers(&told, "found"), (0..50).collect());
    assert_eq!(numbers(&told, "lost"), (50..60).collect(), "{told:?}");
    assert_eq!(listing(&store), before);
    fs::remove_dir_all(&store).unwrap();
}
