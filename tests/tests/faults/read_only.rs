//! Stores that are only read: hits work, nothing is written, what is missing is computed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;

use crate::support::{
    CALLS, HELPER, PARAMS, Told, can_mount, expected, files, is_all_hits, listing, numbers,
    pipeline, runs_well, small_run, whole_store, with_mounts,
};

fn hits_alone(told: &Told) {
    told.is_quiet();
    assert_eq!((told.code, told.values()), (Some(0), &*expected(1)), "{told:?}");
    assert_eq!(told.keys("hit").len(), CALLS, "{told:?}");
}

/// Nothing was found, all was computed, nothing was kept, and that was said.
fn nothing_kept(told: &Told, seed: u64, warnings: usize) {
    assert_eq!((told.code, told.values()), (Some(3), &*expected(seed)), "{told:?}");
    assert_eq!(told.keys("lost").len(), CALLS, "{told:?}");
    let lost = told.all("warning").filter(|line| line.starts_with("true")).count();
    assert_eq!(lost, warnings, "{told:?}");
    assert_eq!(told.all("failed").chain(told.all("error")).count(), 0, "{told:?}");
}

/// Who opens a store read-only knows it; one warning will do. Where it turns out while writing, each
/// result that is lost has its own.
const ONCE: usize = 1;

fn all(folder: &Path) -> crate::support::Listing {
    let listing = listing(folder);
    assert!(listing.len() > 20);
    listing
}

#[test]
fn opened_read_only_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    let before = all(folder.path());
    hits_alone(&Told::by(&mut pipeline(&store, 1, &["--read-only"])));
    nothing_kept(&Told::by(&mut pipeline(&store, 2, &["--read-only"])), 2, ONCE);
    let told = Told::by(&mut pipeline(&store, 1, &["--read-only", "--force"]));
    nothing_kept(&told, 1, ONCE);
    assert_eq!(all(folder.path()), before);
}

#[test]
fn a_hit_writes_nothing_to_a_store_that_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    // The run itself is noted in the store's history, where there is one.
    let results = || {
        let mut all = all(&store);
        all.retain(|path, _| path.starts_with(store.join("v1")) && *path != store.join("v1"));
        all.retain(|path, _| !path.starts_with(store.join("v1/runs")));
        all
    };
    let before = results();
    hits_alone(&Told::by(&mut pipeline(&store, 1, &[])));
    assert_eq!(results(), before);
    // Calls on a record of one's own write nothing at all.
    let folder = whole_store();
    let before = all(folder.path());
    assert!(is_all_hits(&small_run(&folder.path().join("store")).1));
    assert_eq!(all(folder.path()), before);
}

#[test]
fn a_plan_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let told = Told::by(&mut pipeline(&store, 1, &["--plan"]));
    assert_eq!(told.is_quiet().lines, ["plan 0 of 9"]);
    assert!(!store.exists());
    runs_well(&store, 1);
    let before = all(folder.path());
    for (flags, seed) in [(&["--plan"][..], 1), (&["--plan"], 2), (&["--plan", "--force"], 1)] {
        let told = Told::by(&mut pipeline(&store, seed, flags));
        assert_eq!(told.code, Some(0), "{told:?}");
    }
    assert_eq!(all(folder.path()), before);
    // Damage is told, and left for a run to set aside.
    for file in files(&store.join("v1/entries")) {
        fs::write(file, "damaged").unwrap();
    }
    let before = all(folder.path());
    let told = Told::by(&mut pipeline(&store, 1, &["--plan"]));
    assert_eq!(told.all("plan").next(), Some("0 of 9"), "{told:?}");
    assert_eq!(all(folder.path()), before);
}

#[test]
fn damage_in_a_read_only_store_is_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    let whole = folder.path().join("whole");
    crate::support::copy(&store, &whole);
    for file in files(&whole.join("v1/entries")).iter().chain(&files(&whole.join("v1/artifacts"))) {
        crate::support::remove(&store);
        crate::support::copy(&whole, &store);
        let path = store.join(file.strip_prefix(&whole).unwrap());
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(&path, bytes).unwrap();
        let before = all(folder.path());
        let told = Told::by(&mut pipeline(&store, 1, &["--read-only"]));
        assert_eq!(told.values(), expected(1), "{}: {told:?}", path.display());
        // An artifact that nobody reads is not found out, and costs nothing.
        let missed = told.keys("started").len();
        let code = if missed > 0 { 3 } else { 0 };
        assert_eq!(told.code, Some(code), "{}: {told:?}", path.display());
        assert_eq!(all(folder.path()), before, "{}", path.display());
    }
}

#[test]
fn values_and_paths_of_a_read_only_store_can_be_had() {
    let folder = whole_store();
    let path = folder.path().join("store");
    for file in files(&path.join("v1/artifacts")).iter().filter(|file| !file.ends_with("bias")) {
        let mut bytes = fs::read(file).unwrap();
        bytes[5] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    let before = all(folder.path());
    let recorder = Recorder::new();
    let options = Store::options().read_only(true).observer(recorder.clone());
    let store = options.open(&path).unwrap();
    let mut record = Record::new(&store, "small", PARAMS);
    let numbers = numbers(&mut record).unwrap();
    assert_eq!(*numbers.load().unwrap(), numbers::body(&PARAMS));
    let file = numbers.path().unwrap();
    assert!(!file.starts_with(&path));
    assert_eq!(fs::read_to_string(&file).unwrap(), "[0,1,4,9,16,25,36]");
    assert_eq!(numbers.path().unwrap(), file);
    assert!(is_all_hits(&recorder.lines()));
    let rows = crate::support::rows(&mut record).unwrap();
    assert_eq!(*rows.load().unwrap(), crate::support::rows::body(&numbers::body(&PARAMS)));
    let lines = recorder.lines();
    assert!(lines.iter().any(|line| line.starts_with("ran rows: entry damaged")), "{lines:?}");
    drop((store, record, numbers, rows));
    assert!(!file.exists(), "nothing stays behind in the folder for temporary files");
    assert_eq!(all(folder.path()), before);
}

#[test]
fn a_path_of_a_damaged_file_is_a_path_of_one_made_again() {
    let folder = whole_store();
    let path = folder.path().join("store");
    for file in files(&path.join("v1/artifacts")).iter().filter(|file| !file.ends_with("bias")) {
        let mut bytes = fs::read(file).unwrap();
        bytes[5] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    let store = Store::open(&path).unwrap();
    let mut record = Record::new(&store, "small", PARAMS);
    numbers(&mut record).unwrap();
    let rows = crate::support::rows(&mut record).unwrap();
    let first = fs::read(rows.path().unwrap()).unwrap();
    let sum: u64 = numbers::body(&PARAMS).iter().sum();
    assert_eq!(first[..8], 800_u64.to_le_bytes());
    assert_eq!(first[16..24], sum.to_le_bytes());
    drop((store, record, rows));
    assert_eq!(small_run(&path).0, crate::support::right());
    assert!(is_all_hits(&small_run(&path).1));
}

#[test]
fn a_store_on_a_read_only_disk_is_read() {
    if !can_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    let before = all(folder.path());
    let script = r#"
        mount --bind "$2" "$2"; mount -o remount,bind,ro "$2"
        ! touch "$2/store/x" 2> /dev/null
        set +e
        "$1" pipeline "$2/store" "$3"
        exit $?"#;
    let top = folder.path().to_str().unwrap();
    hits_alone(&Told::of(&with_mounts(script, &[HELPER, top, "1"])));
    nothing_kept(&Told::of(&with_mounts(script, &[HELPER, top, "2"])), 2, CALLS);
    assert_eq!(all(folder.path()), before);
}

/// Runs the helper as nobody, who has no right to write; `None` where that cannot be.
fn as_nobody(store: &Path, seed: u64) -> Option<Told> {
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let told = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(nobody).arg(HELPER).args(arguments).stdin(Stdio::null());
        command.output().ok().filter(|output| output.status.code().is_some_and(|code| code < 100))
    };
    if told(&["expected", "1"]).is_none_or(|output| !output.status.success()) {
        eprintln!("LEFT OUT: tests cannot become another user here");
        return None;
    }
    told(&["pipeline", store.to_str()?, &seed.to_string()]).map(|output| Told::of(&output))
}

#[test]
fn without_the_right_to_write_hits_work() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    for path in listing(folder.path()).keys() {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let before = all(folder.path());
    if let Some(told) = as_nobody(&store, 1) {
        hits_alone(&told);
        nothing_kept(&as_nobody(&store, 2).unwrap(), 2, CALLS);
        assert_eq!(all(folder.path()), before);
    }
}

/// A store is private: to others it is as if it could not be read at all, and it stays as it is.
#[test]
fn without_the_right_to_read_everything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let store = folder.path().join("store");
    runs_well(&store, 1);
    for path in listing(&store).into_keys() {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        // A cacher makes its files as it likes; they are private by the folders around them.
        let is_private = format!("{mode:o}").ends_with("00") || !path.is_dir();
        assert!(is_private, "{}: {mode:o}", path.display());
    }
    let before = all(folder.path());
    if let Some(told) = as_nobody(&store, 1) {
        nothing_kept_unreadable(&told);
        assert_eq!(all(folder.path()), before);
    }
    // Folders that may be searched and written, with files that may not be read.
    for path in listing(&store).keys().filter(|path| path.is_dir()) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    if let Some(told) = as_nobody(&store, 1) {
        assert_eq!(told.values(), expected(1), "{told:?}");
        assert!(!store.join("v1/damaged").exists(), "unreadable is not damaged");
    }
}

fn nothing_kept_unreadable(told: &Told) {
    assert_eq!((told.code, told.values()), (Some(3), &*expected(1)), "{told:?}");
    assert_eq!(told.keys("lost").len(), CALLS, "{told:?}");
}
