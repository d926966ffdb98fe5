//! Stores in odd places, and where none can be.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use memo_runtime::testing::Recorder;
use memo_runtime::{ErrorKind, Store};

use crate::support::{CALLS, Told, all_hits, expected, pipeline, right, runs_well, small_run};

#[test]
fn a_file_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::Store);
    let told = Told::by(&mut pipeline(&file, 1, &[]));
    assert_eq!(told.code, Some(2));
    assert!(told.all("error").any(|line| line.contains("not a folder")), "{told:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

/// Not even root can make a folder below a file, or in `/proc`.
#[test]
fn where_no_folder_can_be_made_all_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere/at/all", folder.path().join("dangling")).unwrap();
    let below = folder.path().join("file/store");
    let long = folder.path().join("x".repeat(300));
    for store in [&*below, &long, &folder.path().join("dangling"), Path::new("/proc/memo-store")] {
        let told = Told::by(&mut pipeline(store, 1, &[]));
        assert_eq!((told.code, told.values()), (Some(3), &*expected(1)), "{told:?}");
        assert_eq!(told.keys("lost").len(), CALLS, "{told:?}");
        let warnings = told.all("warning").filter(|line| line.starts_with("true")).count();
        assert_eq!(warnings, CALLS, "{told:?}");
        assert_eq!(told.all("warning").count(), CALLS, "nothing was damaged: {told:?}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "mine");
}

#[test]
fn paths_may_be_odd() {
    let folder = tempfile::tempdir().unwrap();
    let long = ["d".repeat(250), "e".repeat(250), "f".repeat(250)].join("/");
    let names = [
        "with space",
        "ünïcödé/日本語",
        "'quotes' \"and\" $(x) `y`",
        "new\nline",
        "-flag",
        "%41",
        &long,
    ];
    for name in names {
        let store = folder.path().join(name);
        runs_well(&store, 1);
        all_hits(&store, 1);
    }
    let store = folder.path().join(OsStr::from_bytes(b"no unicode \xFF\xFE"));
    assert_eq!(small_run(&store).0, right());
    assert!(crate::support::is_all_hits(&small_run(&store).1));
}

/// A store can be moved and copied, and reached through a link.
#[test]
fn a_store_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    runs_well(&here, 1);
    fs::rename(&here, &there).unwrap();
    all_hits(&there, 1);
    crate::support::copy(&there, &here);
    all_hits(&here, 1);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&there, &link).unwrap();
    all_hits(&link, 1);
}

/// Somebody removes the store while a program has it open.
#[test]
fn a_store_may_vanish_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path).unwrap();
    let call = |store: &Store, count| {
        let mut record = memo_runtime::Record::new(store, "small", count);
        crate::support::numbers(&mut record).unwrap();
        crate::support::rows(&mut record).unwrap().load().unwrap().len()
    };
    assert_eq!(call(&store, 3), 800);
    fs::remove_dir_all(&path).unwrap();
    assert_eq!(call(&store, 3), 800);
    assert_eq!(call(&store, 4), 800);
    drop(store);
    assert_eq!(small_run(&path).0, right());
    assert!(crate::support::is_all_hits(&small_run(&path).1));
}

/// What is computed after that is kept. So it is where somebody has tidied up in it.
#[test]
fn what_is_computed_after_a_store_has_vanished_is_kept() {
    for removed in ["", "v1/tmp"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let open = |seen: &Recorder| Store::options().observer(seen.clone()).open(&path).unwrap();
        let call = |store: &Store, count| {
            let mut record = memo_runtime::Record::new(store, "small", count);
            crate::support::numbers(&mut record).unwrap();
            crate::support::rows(&mut record).unwrap();
        };
        let store = open(&Recorder::new());
        call(&store, 3);
        fs::remove_dir_all(path.join(removed)).unwrap();
        call(&store, 4);
        let later = Recorder::new();
        call(&open(&later), 4);
        assert_eq!(later.lines(), ["hit numbers", "hit rows"], "`{removed}` was removed");
        drop(store);
        assert_eq!(fs::read_dir(path.join("v1/tmp")).unwrap().count(), 0, "nothing is left");
    }
}
