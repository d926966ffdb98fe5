//! What a store remembers of large input files for the next process, and who believes it.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memo_tests::{Child, in_a_process};
use xxhash_rust::xxh3::xxh3_128;

use crate::common::*;

/// More than what is worth keeping.
const SIZE: usize = 200_000;

#[stage(outputs = [length], cachers = [Json])]
fn read(file: InputFile) -> Result<usize> {
    Ok(fs::read(file)?.len())
}

#[stage(outputs = [length], cachers = [Json])]
fn read_and_change(file: InputFile) -> Result<usize> {
    let length = fs::read(&file)?.len();
    change_a_byte(file.path());
    Ok(length)
}

/// Changes a byte, and puts the time of the change back.
fn change_a_byte(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(b"!", 1000).unwrap();
    file.set_modified(modified).unwrap();
}

/// A large file in a lab, and the path by which its processes find it.
struct Input {
    lab: Lab,
    path: PathBuf,
}

impl Input {
    fn new() -> Self {
        let lab = Lab::new();
        let path = lab.write("input", vec![b'a'; SIZE]);
        Self { lab, path }
    }

    /// Waits until the clock has moved on so far that any change would show in the file's times.
    fn rests(&self) {
        let changed = u64::try_from(fs::metadata(&self.path).unwrap().ctime()).unwrap();
        let at_rest = UNIX_EPOCH + Duration::from_secs(changed + 3);
        while let Ok(rest) = at_rest.duration_since(SystemTime::now()) {
            std::thread::sleep(rest);
        }
    }

    /// Calls the stage in a process of its own, and tells what happened there.
    fn called(&self, how: &str) -> Vec<String> {
        let variables = [("MEMO_TESTS_INPUT", self.path.as_os_str())];
        in_a_process(&self.lab, "hits::kept_digests::child", how, &variables)
    }

    fn is_hit(&self, how: &str) {
        let lines = self.called(how);
        assert!(lines.len() == 1 && lines[0].starts_with("hit read"), "{how}: {lines:?}");
    }

    fn is_run(&self, how: &str) {
        let lines = self.called(how);
        assert!(lines.len() == 1 && lines[0].starts_with("ran read"), "{how}: {lines:?}");
    }

    fn digests(&self) -> PathBuf {
        self.lab.store_path().join("v1/digests")
    }
}

/// The part of these tests that runs in processes of its own, as nothing else makes one forget.
#[test]
fn child() {
    let Some(child) = Child::here() else { return };
    let input = InputFile::from(PathBuf::from(std::env::var_os("MEMO_TESTS_INPUT").unwrap()));
    let options = Store::options();
    let options = match &*child.variant {
        "strictly" => options.strict_files(true),
        "read-only" => options.read_only(true),
        _ => options,
    };
    read(&mut child.record_with(options, ()), input).unwrap();
    child.report();
}

/// Says in the store that a file has the content of another one.
fn plant(digests: &Path, line: &str, digest: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words.len(), 9, "{line}");
    let text = format!("{} {digest}", words[..7].join(" "));
    let planted = format!("{text} {:032x}", xxh3_128(text.as_bytes()));
    fs::write(digests, format!("\n{planted}")).unwrap();
    planted
}

#[test]
fn what_one_process_has_read_the_next_one_believes_unless_it_is_strict() {
    let input = Input::new();
    input.rests();
    input.is_run("");
    input.is_hit("");
    let line = fs::read_to_string(input.digests()).unwrap();
    let line = line.trim_start();
    assert!(!line.contains('\n'), "one file, one line: {line}");

    plant(&input.digests(), line, &"0".repeat(64));
    input.is_hit("strictly");
    input.is_run("");
    fs::write(input.digests(), line).unwrap();
    input.is_hit("");
}

#[test]
fn a_changed_byte_is_seen_though_size_and_time_are_as_before() {
    let input = Input::new();
    input.rests();
    input.is_run("");
    assert!(input.digests().exists());
    change_a_byte(&input.path);
    input.rests();
    input.is_run("");
    input.is_hit("");
    change_a_byte(&input.path);
    input.is_hit("with the same byte again, not at rest");
}

#[test]
fn a_large_file_that_changes_while_the_stage_runs_keeps_nothing() {
    for (strict, input) in [(false, Input::new()), (true, Input::new())] {
        input.rests();
        let options = Store::options().observer(input.lab.recorder()).strict_files(strict);
        let store = options.open(input.lab.store_path()).unwrap();
        let mut record = Record::new(&store, "base", ());
        read_and_change(&mut record, InputFile::from(&input.path)).unwrap();
        let warnings = input.lab.warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("changed while"), "{warnings:?}");
        assert!(input.lab.entries().is_empty(), "strict: {strict}");
    }
}

#[test]
fn damage_to_what_is_remembered_costs_a_reading_and_no_more() {
    let input = Input::new();
    input.rests();
    input.is_run("");
    let whole = fs::read(input.digests()).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut other_digest = String::from_utf8(whole.clone()).unwrap();
    let digest = other_digest.trim().split(' ').nth(7).unwrap().to_owned();
    other_digest = other_digest.replace(&digest, &"0".repeat(64));
    let damaged: [(&str, Vec<u8>); 6] = [
        ("cut", whole[..whole.len() - 7].to_vec()),
        ("flipped", flipped),
        ("with another digest under the old checksum", other_digest.into_bytes()),
        ("not text", (0..=255).cycle().take(100_000).collect()),
        ("line breaks", vec![b'\n'; 3 << 20]),
        ("one line", vec![b'7'; 5 << 20]),
    ];
    for (what, bytes) in damaged {
        fs::write(input.digests(), bytes).unwrap();
        input.is_hit(what);
    }

    fs::remove_file(input.digests()).unwrap();
    fs::create_dir(input.digests()).unwrap();
    input.is_hit("a folder");
    fs::remove_dir(input.digests()).unwrap();

    let outside = input.lab.write("outside", "mine");
    symlink(&outside, input.digests()).unwrap();
    input.is_hit("a link");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
}

#[test]
fn who_only_reads_a_store_remembers_nothing_in_it() {
    let input = Input::new();
    input.rests();
    input.is_run("");
    fs::remove_file(input.digests()).unwrap();
    input.is_hit("read-only");
    input.is_hit("strictly");
    assert!(!input.digests().exists());
    input.is_hit("");
    assert!(input.digests().exists(), "but who may write does");
}
