//! Full disks and other limits: what was computed is used, and nothing is half kept.

use std::process::Command;

use crate::support::{CALLS, HELPER, Told, all_hits, can_mount, expected, runs_well, with_mounts};

/// Splits what a script has told at its lines `-- NAME CODE`.
fn parts(told: &Told) -> Vec<(String, Told)> {
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    for line in &told.lines {
        match line.strip_prefix("-- ").and_then(|line| line.rsplit_once(' ')) {
            Some((name, code)) => {
                let lines = std::mem::take(&mut lines);
                parts.push((name.to_owned(), Told { code: code.parse().ok(), lines }));
            }
            None => lines.push(line.clone()),
        }
    }
    assert!(lines.is_empty(), "{lines:?}");
    parts
}

/// Right values, and a warning for each result that was not kept.
fn lost_nothing_but_the_keeping(name: &str, told: &Told, seed: u64) -> usize {
    assert_eq!(told.values(), expected(seed), "{name}: {told:?}");
    let lost = told.keys("lost").len();
    assert_eq!(told.code, Some(if lost > 0 { 3 } else { 0 }), "{name}: {told:?}");
    let warnings = told.all("warning").filter(|line| line.starts_with("true")).count();
    assert_eq!(warnings, lost, "{name}: {told:?}");
    assert_eq!(told.all("failed").chain(told.all("error")).count(), 0, "{name}: {told:?}");
    lost
}

#[test]
fn a_full_disk_costs_no_value_and_leaves_nothing_half() {
    if !can_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // At each step the disk has so many kB left, then room, then it is filled up and all is forced.
    let script = r#"
        mount -t tmpfs -o size=6m tmpfs "$2"; s="$2/store"
        run() { set +e; "$1" pipeline "$s" "$3" $4; echo "-- $2 $?"; set -e; }
        fill() { head -c 8m /dev/zero > "$1/filler" 2> /dev/null || true; }
        for left in 0 4 12 24 48 80 200 1000 1120; do
            rm -rf "$s" "$2/filler" "$2/room"
            [ $left = 0 ] || head -c ${left}k /dev/zero > "$2/room"
            fill "$2"
            rm -f "$2/room"
            run "$1" "full $left" 1 ""
            echo "damaged $(ls "$s/v1/damaged" 2> /dev/null | wc -l)"
            echo "temporaries $(ls -A "$s/v1/tmp" 2> /dev/null | wc -l)"
            rm "$2/filler"
            run "$1" "room $left" 1 ""
            run "$1" "again $left" 1 ""
            fill "$2"
            run "$1" "forced $left" 1 --force
            run "$1" "still $left" 1 ""
            rm "$2/filler"
        done"#;
    let top = folder.path().to_str().unwrap();
    let output = with_mounts(script, &[HELPER, top]);
    assert!(output.status.success(), "{output:?}");
    let told = parts(&Told::of(&output));
    assert_eq!(told.len(), 9 * 5);
    let mut kept_in_part = 0;
    for (name, told) in &told {
        match name.split_once(' ').unwrap() {
            ("full", left) => {
                let lost = lost_nothing_but_the_keeping(name, told, 1);
                assert!(lost > 0 || left == "1120", "{name}: {told:?}");
                kept_in_part += usize::from((1..CALLS).contains(&lost));
            }
            ("room", _) => {
                assert_eq!((told.code, told.values()), (Some(0), &*expected(1)), "{name} {told:?}");
                assert_eq!(told.all("warning").next(), None, "{name}: {told:?}");
                let damaged: Vec<_> = told.all("damaged").chain(told.all("temporaries")).collect();
                assert_eq!(damaged, ["0", "0"], "{name}: {told:?}");
            }
            ("forced", _) => assert!(lost_nothing_but_the_keeping(name, told, 1) > 0, "{name}"),
            _ => {
                // Only that the run cannot be noted is said, if anything.
                let told_of = |line: &str| line.starts_with("false") && line.contains("history");
                assert!(told.all("warning").all(told_of), "{name}: {told:?}");
                assert_eq!((told.code, told.values()), (Some(0), &*expected(1)), "{name} {told:?}");
                assert_eq!(told.keys("hit").len(), CALLS, "{name}: {told:?}");
            }
        }
    }
    assert!(kept_in_part >= 2, "small entries are kept while large ones are not");
}

/// Needs no privileges: files may not grow beyond a limit.
#[test]
fn files_that_may_not_grow_are_not_kept() {
    for kilobytes in [0, 1, 12, 64, 512] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let script =
            format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" pipeline \"$1\" 1", kilobytes * 2);
        let mut command = Command::new("sh");
        command.args(["-c", &script, HELPER, store.to_str().unwrap()]);
        let told = Told::by(&mut command);
        let name = format!("{kilobytes} kB");
        let lost = lost_nothing_but_the_keeping(&name, &told, 1);
        match kilobytes {
            0 => assert_eq!(lost, CALLS, "{told:?}"),
            1 => assert!((3..=CALLS).contains(&lost), "all that is not tiny: {told:?}"),
            12 => assert_eq!(lost, 3, "noise and two models: {told:?}"),
            _ => assert_eq!(lost, 1, "noise: {told:?}"),
        }
        let told = runs_well(&store, 1);
        // What follows a result that was not kept enters its key by the call that made it, and not by
        // content; so some of what was kept is found again only while that one is not kept.
        assert!(told.keys("started").len() >= lost, "{told:?}");
        assert!(told.keys("hit").len() >= usize::from(kilobytes > 1), "{told:?}");
        all_hits(&store, 1);
    }
}

#[test]
fn too_many_open_files_cost_no_value_and_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    runs_well(&whole, 1);
    let before = crate::support::files(&whole);
    let mut lost_some = false;
    for limit in 4..16 {
        let script = format!("ulimit -n {limit}; exec \"$0\" pipeline \"$1\" 1");
        let run = |store: &std::path::Path| {
            let mut command = Command::new("sh");
            command.args(["-c", &script, HELPER, store.to_str().unwrap()]);
            Told::by(&mut command)
        };
        let name = format!("{limit} files");
        let store = folder.path().join(limit.to_string());
        lost_some |= lost_nothing_but_the_keeping(&name, &run(&store), 1) > 0;
        assert!(!store.join("v1/damaged").exists(), "{name}");
        runs_well(&store, 1);
        all_hits(&store, 1);
        // A good entry that cannot be opened now is not damaged.
        let told = run(&whole);
        assert_eq!(told.values(), expected(1), "{name}: {told:?}");
        assert!(!whole.join("v1/damaged").exists(), "{name}: {told:?}");
        all_hits(&whole, 1);
        let now = crate::support::files(&whole);
        let gone: Vec<_> = before.iter().filter(|file| !now.contains(file)).collect();
        assert!(gone.is_empty(), "{name}: {gone:?}: {told:?}");
    }
    assert!(lost_some, "no limit was low enough");
}
