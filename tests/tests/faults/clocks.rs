//! Clocks that jump: no time of any file decides anything.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{all_hits, is_all_hits, listing, right, runs_well, small_run, whole_store};

fn set_times(folder: &Path, time: SystemTime) {
    for path in listing(folder).into_keys() {
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
}

fn times() -> [SystemTime; 3] {
    let century = Duration::from_hours(100 * 365 * 24);
    [UNIX_EPOCH, SystemTime::now() + century, SystemTime::now() - century / 4]
}

#[test]
fn times_of_a_stores_files_do_not_matter() {
    let folder = whole_store();
    let store = folder.path().join("store");
    for time in times() {
        set_times(folder.path(), time);
        let (values, lines) = small_run(&store);
        assert_eq!(values, right());
        assert!(is_all_hits(&lines), "{lines:?}");
    }
}

/// What a killed process has left is known by its lock, not by its age.
#[test]
fn temporaries_of_the_dead_go_whatever_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    let temporary = store.join("v1/tmp");
    for (seed, time) in (2..).zip(times()) {
        let dead = temporary.join(crate::support::scratch_name("dead01"));
        fs::write(dead.with_extension("lock"), "").unwrap();
        fs::create_dir_all(dead.join("artifact-1")).unwrap();
        fs::write(dead.join("artifact-1/main.bin"), "half").unwrap();
        set_times(&store, time);
        runs_well(&store, seed);
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
        crate::support::no_lock_is_left(&store);
        all_hits(&store, seed);
    }
}
