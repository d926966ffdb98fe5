//! Damage to any file of a store: flipped bits, cuts, foreign content, nothing at all.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use memo_runtime::Event;
use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;

use crate::support::{
    Random, copy, files, heals, is_all_hits, numbers, remove, right, small_run, whole_store, within,
};

/// A store that is damaged again and again.
struct Victim {
    whole: tempfile::TempDir,
    store: PathBuf,
    /// The files of the store, relative to it.
    files: Vec<PathBuf>,
}

impl Victim {
    fn new() -> Self {
        let whole = whole_store();
        let store = whole.path().join("store");
        let files = files(&store);
        let files: Vec<PathBuf> =
            files.iter().map(|file| file.strip_prefix(&store).unwrap().to_owned()).collect();
        let kept = files.iter().filter(|file| is_kept(file)).count();
        assert_eq!(kept, 4 + 1 + 2, "four manifests, a file, a folder of two: {files:?}");
        fs::rename(&store, whole.path().join("whole")).unwrap();
        Self { whole, store, files }
    }

    fn bytes(&self, file: &Path) -> Vec<u8> {
        fs::read(self.whole.path().join("whole").join(file)).unwrap()
    }

    /// Damages one file of a whole store, and checks what must hold after that.
    fn damaged(&self, file: &Path, what: &str, damage: impl FnOnce(&Path)) -> Vec<String> {
        remove(&self.store);
        copy(&self.whole.path().join("whole"), &self.store);
        let path = self.store.join(file);
        damage(&path);
        let what = format!("{} {what}", file.display());
        let lines = heals(&self.store, &what);
        if is_kept(file) {
            let told = |line: &String| {
                let reasons = ["damaged", "artifact gone", "never ran"];
                line.starts_with("ran ") && reasons.iter().any(|reason| line.contains(reason))
            };
            assert!(lines.iter().any(told), "{what}: no miss with its reason: {lines:?}");
        } else {
            assert!(is_all_hits(&lines), "{what}: {lines:?}");
        }
        lines
    }

    /// Writes other bytes, and looks whether they were set aside in the end.
    fn rewritten(&self, file: &Path, what: &str, bytes: &[u8]) {
        self.damaged(file, what, |path| fs::write(path, bytes).unwrap());
        let aside = files(&self.store.join("v1/damaged"));
        if is_kept(file) {
            let found = aside.iter().any(|path| fs::read(path).unwrap() == bytes);
            assert!(found, "{} {what}: not set aside: {aside:?}", file.display());
        }
    }
}

/// Whether a file holds results, so that damage to it is a miss.
fn is_kept(file: &Path) -> bool {
    file.starts_with("v1/entries") || file.starts_with("v1/artifacts")
}

#[test]
fn flipped_bits_anywhere_are_found() {
    let victim = Victim::new();
    let mut random = Random(0xF11B);
    for file in &victim.files {
        let bytes = victim.bytes(file);
        if bytes.is_empty() {
            continue;
        }
        for _ in 0..30 {
            let (index, bit) = (random.index(bytes.len()), random.below(8));
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << bit;
            victim.rewritten(file, &format!("bit {bit} of byte {index}"), &flipped);
        }
    }
}

#[test]
fn each_bit_of_a_small_manifest_matters() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new();
    let run = |lines: &mut Vec<String>| {
        let store = Store::options().observer(recorder.clone()).open(folder.path()).unwrap();
        let value = numbers(&mut Record::new(&store, "small", 3)).unwrap().load().unwrap();
        assert_eq!(*value, [0, 1, 4]);
        *lines = recorder.lines();
    };
    let mut lines = Vec::new();
    run(&mut lines);
    let manifest = files(&folder.path().join("v1/entries")).remove(0);
    let whole = fs::read(&manifest).unwrap();
    assert!(whole.len() < 2048, "{}", whole.len());
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[index] ^= 1 << bit;
            fs::write(&manifest, &bytes).unwrap();
            run(&mut lines);
            let reason = lines.iter().find(|line| line.starts_with("ran numbers"));
            assert!(
                reason.is_some_and(|line| line.contains("damaged")),
                "{index} {bit}: {lines:?}"
            );
            if bit == 0 {
                run(&mut lines);
                assert!(is_all_hits(&lines), "not healed: {lines:?}");
            }
        }
    }
}

#[test]
fn cuts_of_any_length_are_found() {
    let victim = Victim::new();
    let mut random = Random(0xC07);
    for file in &victim.files {
        let bytes = victim.bytes(file);
        if bytes.is_empty() {
            continue;
        }
        let ends = [0, 1, bytes.len() / 2, bytes.len() - 1];
        let lengths: Vec<_> =
            ends.into_iter().chain((0..8).map(|_| random.index(bytes.len()))).collect();
        for length in lengths {
            victim.rewritten(file, &format!("cut to {length}"), &bytes[..length]);
        }
        let longer = [&bytes[..], b"\n"].concat();
        victim.rewritten(file, "one byte longer", &longer);
    }
}

#[test]
fn foreign_content_is_found() {
    let victim = Victim::new();
    let mut random = Random(0xF0_4E16);
    for file in &victim.files {
        let bytes = victim.bytes(file);
        victim.rewritten(file, "random bytes", &random.bytes(bytes.len()));
        victim.rewritten(file, "more random bytes", &random.bytes(bytes.len() + 20_000));
        victim.rewritten(file, "zeros", &vec![0; bytes.len()]);
        for other in victim.files.iter().filter(|other| *other != file && is_kept(other)) {
            let other = victim.bytes(other);
            victim.rewritten(file, "the content of another file", &other);
        }
    }
}

#[test]
fn files_that_are_gone_or_folders_are_misses() {
    let victim = Victim::new();
    for file in &victim.files {
        victim.damaged(file, "removed", |path| fs::remove_file(path).unwrap());
        victim.damaged(file, "an empty folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        });
        victim.damaged(file, "a folder with a file", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            fs::write(path.join("main.bin"), "x").unwrap();
        });
        victim.damaged(file, "a link to nothing", |path| {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("nowhere", path).unwrap();
        });
    }
}

#[test]
fn a_pipe_in_place_of_a_file_keeps_nobody_waiting() {
    let outcome = within(Duration::from_mins(1), || {
        let victim = Victim::new();
        for file in &victim.files {
            victim.damaged(file, "a pipe", |path| {
                fs::remove_file(path).unwrap();
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            });
        }
    });
    outcome.unwrap();
}

#[test]
fn an_artifact_folder_can_be_damaged_as_a_whole() {
    let victim = Victim::new();
    let inside = victim.files.iter().find(|file| file.ends_with("bias")).unwrap();
    let folder = inside.parent().unwrap();
    victim.damaged(folder, "removed", remove);
    victim.damaged(folder, "a file", |path| {
        remove(path);
        fs::write(path, "x").unwrap();
    });
    victim.damaged(folder, "empty", |path| {
        remove(path);
        fs::create_dir(path).unwrap();
    });
}

#[test]
fn whole_folders_of_the_store_can_be_gone() {
    let victim = Victim::new();
    for folder in ["v1/entries", "v1/artifacts", "v1/tmp", "v1/lock", "v1", ""] {
        remove(&victim.store);
        copy(&victim.whole.path().join("whole"), &victim.store);
        remove(&victim.store.join(folder));
        heals(&victim.store, folder);
    }
}

/// Where a folder of the store is a file nothing can be kept, yet all values are right.
#[test]
fn a_file_in_place_of_a_folder_costs_no_value() {
    let victim = Victim::new();
    for folder in ["v1/entries", "v1/artifacts", "v1/tmp", "v1/lock", "v1/damaged", "v1"] {
        remove(&victim.store);
        copy(&victim.whole.path().join("whole"), &victim.store);
        remove(&victim.store.join(folder));
        fs::write(victim.store.join(folder), "x").unwrap();
        assert_eq!(small_run(&victim.store).0, right(), "{folder}");
    }
}

#[test]
fn garbage_anywhere_is_ignored_and_leads_nowhere() {
    let folder = whole_store();
    let store = folder.path().join("store");
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious"), "x").unwrap();
    let manifest = fs::read(files(&store.join("v1/entries")).remove(0)).unwrap();
    let mut folders: Vec<PathBuf> = crate::support::listing(&store).into_keys().collect();
    folders.retain(|path| path.is_dir() && !path.join("bias").exists());
    assert!(folders.len() > 10);
    let name = "f".repeat(64);
    let lock = crate::support::scratch_name("abc%..%..");
    let ours = crate::support::scratch_name;
    for folder in &folders {
        let names = ["garbage", ".hidden", "x.lock", "..lock", "...lock", "a.jsonl"];
        for name in names.into_iter().chain([&*name, &*lock]) {
            fs::write(folder.join(name), "garbage").unwrap();
        }
        fs::write(folder.join(format!("{name}.jsonl")), &manifest).unwrap();
        fs::write(folder.join(ours(".lock")), "garbage").unwrap();
        fs::write(folder.join(std::ffi::OsStr::from_bytes(b"\xFF\xFE.lock")), "").unwrap();
        fs::create_dir_all(folder.join("folder.lock/in")).unwrap();
        std::os::unix::fs::symlink(&outside, folder.join(ours("out"))).unwrap();
        std::os::unix::fs::symlink(outside.join("precious"), folder.join(ours("out.lock")))
            .unwrap();
        std::os::unix::fs::symlink(&outside, folder.join(ours("abc"))).unwrap();
        fs::write(folder.join(ours("abc.lock")), "").unwrap();
        std::os::unix::fs::symlink(".", folder.join("loop")).unwrap();
        let pipe = folder.join("e".repeat(64) + ".jsonl");
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let at = store.clone();
    let outcome = within(Duration::from_mins(1), move || {
        let (values, lines) = small_run(&at);
        assert_eq!(values, right());
        assert!(is_all_hits(&lines), "{lines:?}");
        // A miss looks at the other entries of its stage, and writing sweeps the temporaries.
        let recorder = Recorder::new();
        let store = Store::options().observer(recorder.clone()).open(&at).unwrap();
        let value = numbers(&mut Record::new(&store, "new", 2)).unwrap().load().unwrap();
        assert_eq!(*value, [0, 1]);
        let lines = recorder.lines();
        assert_eq!(lines, ["ran numbers: params 7 → 2"]);
    });
    outcome.unwrap();
    assert!(is_all_hits(&small_run(&store).1));
    assert_eq!(fs::read(outside.join("precious")).unwrap(), b"x");
    assert_eq!(files(&outside).len(), 1);
}

static SHARED_RUNS_AGAIN: Mutex<bool> = Mutex::new(false);
static SLOW_IS_DONE: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

fn say(what: &Mutex<bool>) {
    *what.lock().unwrap() = true;
    CHANGED.notify_all();
}

/// Waits, though not for ever: what is waited for need not come in every order of events.
fn wait_for(what: &Mutex<bool>) {
    let said = what.lock().unwrap();
    drop(CHANGED.wait_timeout_while(said, Duration::from_secs(2), |said| !*said).unwrap());
}

#[stage(outputs = [shared], cachers = [Bincode])]
fn shared() -> Vec<u64> {
    if ROUND.load(Ordering::SeqCst) > 0 {
        say(&SHARED_RUNS_AGAIN);
        wait_for(&SLOW_IS_DONE);
        // Time for the other reader to be looked up; nothing rests on how long it is.
        std::thread::sleep(Duration::from_millis(30));
    }
    (0..1000).collect()
}

#[stage(outputs = [slow], cachers = [Json])]
fn slow(round: u32) -> u32 {
    if round > 0 {
        wait_for(&SHARED_RUNS_AGAIN);
    }
    round
}

#[stage(inputs = [shared], outputs = [early], cachers = [Json])]
fn early(shared: &[u64], round: u32) -> u64 {
    shared[10] + u64::from(round)
}

#[stage(inputs = [shared, slow], outputs = [late], cachers = [Json])]
fn late(shared: &[u64], slow: &u32) -> u64 {
    shared[20] + u64::from(*slow)
}

static ROUND: AtomicU32 = AtomicU32::new(0);

/// While one reader has a damaged value made again, another reader of it is looked up.
#[test]
fn a_value_that_is_being_healed_fails_no_other_reader() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..4 {
        ROUND.store(round, Ordering::SeqCst);
        *SHARED_RUNS_AGAIN.lock().unwrap() = false;
        *SLOW_IS_DONE.lock().unwrap() = false;
        for artifact in files(&folder.path().join("v1/artifacts")) {
            let mut bytes = fs::read(&artifact).unwrap();
            bytes[100] ^= 1;
            fs::write(artifact, bytes).unwrap();
        }
        let pipeline = move |record: &mut Record<u8>| {
            shared(record)?;
            slow(record, round)?;
            early(record, round)?;
            late(record)?;
            Ok(())
        };
        let told = |event: &Event| {
            if matches!(event, Event::Finished { stage, .. } if stage.ends_with("::slow")) {
                say(&SLOW_IS_DONE);
            }
        };
        let options = RunOptions::new().store(folder.path()).jobs(3).observer(told);
        let outcome = Experiment::new("heal", pipeline).record("only", 0).run(&options).unwrap();
        assert_eq!((outcome.failed, outcome.exit_code()), (0, 0), "round {round}: {outcome:?}");
        let late = outcome.output::<u64>("only", "late").unwrap().load().unwrap();
        assert_eq!(*late, 20 + u64::from(round));
    }
}
