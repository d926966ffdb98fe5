//! SIGKILL at any instant.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{
    Random, Told, all_hits, expected, no_lock_is_left, pipeline, runs_well, whole_lines,
};

/// When the process is killed.
pub enum When {
    /// When it has told so many lines.
    Lines(u64),
    After(Duration),
}

/// Starts a helper and kills it. Returns what it had told, and whether the kill came in time.
pub fn killed(mut command: Command, when: &When) -> (Told, bool) {
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    match when {
        When::Lines(count) => {
            for _ in 0..*count {
                stdout.read_until(b'\n', &mut told).unwrap();
            }
        }
        When::After(time) => std::thread::sleep(*time),
    }
    child.kill().unwrap();
    stdout.read_to_end(&mut told).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "");
    let code = child.wait().unwrap().code();
    (Told { code, lines: whole_lines(&told) }, code.is_none())
}

fn instant(random: &mut Random, whole: Duration) -> When {
    if random.below(3) > 0 {
        return When::Lines(random.below(24));
    }
    let micros = u64::try_from(whole.as_micros()).unwrap();
    When::After(Duration::from_micros(random.below(micros)))
}

/// How long a run takes on this machine now.
fn whole_run(folder: &Path) -> Duration {
    let start = Instant::now();
    runs_well(&folder.join("timed"), 0);
    start.elapsed()
}

/// What nobody holds any more is gone: temporaries and locks.
fn nothing_is_left(store: &Path) {
    no_lock_is_left(store);
    for folder in ["v1/tmp", "v1/locks"] {
        let Ok(left) = fs::read_dir(store.join(folder)) else { continue };
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
    assert!(!store.join("v1/damaged").exists());
}

#[test]
fn killed_at_random_instants_no_finished_body_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let whole = whole_run(folder.path());
    let mut random = Random(0x5EED_0001);
    let (mut kills, mut seed) = (0, 0);
    while kills < 120 {
        seed += 1;
        let mut kept = HashSet::new();
        loop {
            let (told, in_time) = killed(pipeline(&store, seed, &[]), &instant(&mut random, whole));
            told.is_quiet();
            let again: Vec<_> = told.keys("started").intersection(&kept).cloned().collect();
            assert!(again.is_empty(), "kept before, and ran again: {again:?}: {told:?}");
            kept.extend(told.keys("kept"));
            kills += u32::from(in_time);
            if !in_time || kept.len() > 6 {
                break;
            }
        }
        let told = runs_well(&store, seed);
        assert!(told.keys("started").is_disjoint(&kept), "{told:?}");
        // A run that finds everything writes nothing, so it removes nothing either.
        if !told.keys("started").is_empty() {
            nothing_is_left(&store);
        }
        all_hits(&store, seed);
    }
    runs_well(&store, seed + 1);
    nothing_is_left(&store);
}

#[test]
fn killed_while_it_replaces_entries_the_former_ones_stay_current() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let whole = whole_run(folder.path());
    runs_well(&store, 1);
    let mut random = Random(0x5EED_0002);
    let mut kills = 0;
    while kills < 40 {
        let (told, in_time) =
            killed(pipeline(&store, 1, &["--force"]), &instant(&mut random, whole));
        told.is_quiet();
        kills += u32::from(in_time);
        all_hits(&store, 1);
    }
    runs_well(&store, 2);
    nothing_is_left(&store);
}

/// A sweep must take nothing from the living.
#[test]
fn what_a_living_process_writes_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut holder = Command::new(crate::support::HELPER);
    holder.args(["one", store.to_str().unwrap(), "held"]);
    holder.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut stdout = BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim_end() != "body held" {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the holder ended early");
    }
    let before = crate::support::listing(&store.join("v1/tmp"));
    runs_well(&store, 1);
    assert_eq!(crate::support::files(&store.join("v1/tmp")).len(), 1, "{before:?}");
    drop(holder.stdin.take());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(holder.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("kept ") && rest.contains("values 10000"), "{rest}");
    nothing_is_left(&store);
}

#[test]
fn the_helper_tells_right_values() {
    let folder = tempfile::tempdir().unwrap();
    assert_ne!(expected(1), expected(2));
    let told = runs_well(&folder.path().join("store"), 1);
    assert_eq!(told.keys("started").len(), crate::support::CALLS);
    assert_eq!(told.keys("kept").len(), crate::support::CALLS);
}
