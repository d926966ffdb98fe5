//! The example `mining` as its users start it: killed at any moment, or with a shard that fails, it keeps
//! every shard that has finished.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const SHARDS: u64 = 55;

/// A stage and a record.
type Array = (String, String);

/// What a run has told, line by line.
struct Told {
    events: Vec<Value>,
    code: Option<i32>,
}

impl Told {
    fn all<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |line| line["event"] == event)
    }

    fn keys(&self, event: &str) -> HashSet<String> {
        self.all(event).map(|line| line["key"].as_str().unwrap().to_owned()).collect()
    }

    fn outcome(&self) -> &Value {
        self.all("outcome").next().unwrap_or_else(|| panic!("no outcome: {:?}", self.events))
    }

    /// Nothing was said to be wrong.
    fn is_quiet(&self) -> &Self {
        for event in ["warning", "shard_failed", "failed"] {
            assert_eq!(self.all(event).next(), None);
        }
        self
    }
}

fn mining(store: &Path, settings: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mining"));
    command.args(["--format", "json", "--jobs", "2", "--store"]).arg(store);
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

fn events(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(mut command: Command) -> Told {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    Told { events: events(&output.stdout), code: output.status.code() }
}

/// Runs, and kills the process group a moment after so many lines.
fn killed(mut command: Command, lines: u64, moment: Duration) -> Told {
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    for _ in 0..lines {
        stdout.read_until(b'\n', &mut told).unwrap();
    }
    let start = Instant::now();
    while start.elapsed() < moment {
        std::hint::spin_loop();
    }
    // The leader is not waited for yet, so the group is still there.
    let group = format!("-{}", child.id());
    let kill = Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
    assert!(kill.success());
    stdout.read_to_end(&mut told).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "");
    Told { events: events(&told), code: child.wait().unwrap().code() }
}

/// The same numbers in each run (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Reads a list like `3, 7-9`.
fn indices(text: &str) -> HashSet<u64> {
    let mut all = HashSet::new();
    for part in text.split(", ").filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        all.extend(first.parse::<u64>().unwrap()..=last.parse().unwrap());
    }
    all
}

fn array(line: &Value) -> Array {
    (line["stage"].as_str().unwrap().to_owned(), line["record"].as_str().unwrap().to_owned())
}

fn shards(told: &Told, event: &str) -> HashMap<Array, HashSet<u64>> {
    let mut all: HashMap<Array, HashSet<u64>> = HashMap::new();
    for line in told.all(event) {
        let is_new = all.entry(array(line)).or_default().insert(line["shard"].as_u64().unwrap());
        assert!(is_new, "twice in one run: {line}");
    }
    all
}

/// All artifacts that are files of their own, by the name that their digest is part of.
fn artifacts(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![store.join("v1/artifacts")];
    while let Some(folder) = open.pop() {
        for child in fs::read_dir(folder).unwrap().map(|child| child.unwrap().path()) {
            if child.is_dir() {
                open.push(child);
            } else {
                let name = child.file_name().unwrap().to_str().unwrap().to_owned();
                all.insert(name, fs::read(child).unwrap());
            }
        }
    }
    all
}

/// The table that the example is about, as a person is shown it.
fn table(store: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mining")).arg("--store").arg(store).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let table = text.split("\n\n").find(|part| part.starts_with("mined\n"));
    table.unwrap_or_else(|| panic!("no table: {text}")).to_owned()
}

/// What earlier runs have told of an array's shards.
#[derive(Default)]
struct Known {
    /// Those that were reported as kept.
    kept: HashSet<u64>,
    /// Those that were ever begun.
    begun: HashSet<u64>,
}

/// Checks what a run says against what those before it have said.
fn check_counts(told: &Told, known: &mut HashMap<Array, Known>) {
    let started = shards(told, "shard_started");
    for line in told.all("shards") {
        let count = |name: &str| line[name].as_u64().unwrap();
        let missing = indices(line["missing"].as_str().unwrap());
        let before = known.entry(array(line)).or_default();
        assert_eq!((count("total"), count("waiting")), (SHARDS, 0), "{line}");
        assert_eq!(count("cached") + count("to_compute"), SHARDS, "{line}");
        assert_eq!(count("to_compute"), missing.len() as u64, "{line}");
        assert!(missing.is_disjoint(&before.kept), "kept before, and to run again: {line}");
        let began = (0..SHARDS).filter(|shard| !missing.contains(shard));
        assert!(began.clone().all(|shard| before.begun.contains(&shard)), "found: {line}");
        let empty = HashSet::new();
        let started = started.get(&array(line)).unwrap_or(&empty);
        assert!(started.is_subset(&missing), "{line}");
        if told.code == Some(0) {
            assert_eq!(*started, missing, "{line}");
        }
        before.begun.extend(started);
    }
    for line in told.all("shard_finished") {
        assert_eq!(line["kept"], true);
        let known = known.entry(array(line)).or_default();
        known.kept.insert(line["shard"].as_u64().unwrap());
    }
}

#[test]
fn killed_fifty_times_no_finished_shard_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = folder.path().join("undisturbed");
    let told = run(mining(&undisturbed, &[]));
    told.is_quiet();
    let lines = told.events.len() as u64;
    let (right, files) = (table(&undisturbed), artifacts(&undisturbed));
    assert!(!files.is_empty());

    let mut random = Random(0x5EED_0055);
    let mut kills = 0;
    while kills < 50 {
        let store = folder.path().join("store");
        let mut known = HashMap::new();
        let mut kept: HashSet<String> = HashSet::new();
        loop {
            let until = random.below(lines / 8);
            let moment = Duration::from_micros(random.below(5000));
            let told = killed(mining(&store, &[]), until, moment);
            told.is_quiet();
            check_counts(&told, &mut known);
            let again: Vec<_> = told.keys("shard_started").intersection(&kept).cloned().collect();
            assert!(again.is_empty(), "kept before, and ran again: {again:?}");
            kept.extend(told.keys("shard_finished"));
            kills += u32::from(told.code.is_none());
            if told.code.is_some() || kills == 50 {
                break;
            }
        }
        let told = run(mining(&store, &[]));
        assert_eq!(told.is_quiet().code, Some(0));
        check_counts(&told, &mut known);
        assert!(told.keys("shard_started").is_disjoint(&kept));
        assert_eq!(table(&store), right);
        assert_eq!(artifacts(&store), files);
        let again = run(mining(&store, &[]));
        assert_eq!((&again.outcome()["ran"], again.keys("shard_started").len()), (&0.into(), 0));
        fs::remove_dir_all(store).unwrap();
    }
}

#[test]
fn one_of_fifty_five_shards_fails() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let even = ("mining::encode".to_owned(), "even".to_owned());
    for again in [false, true] {
        let told = run(mining(&store, &["broken=42"]));
        assert_eq!(told.code, Some(1));
        let failures = &told.outcome()["failures"];
        let expected = "stage `mining::encode` of record `even`: 1 of 55 shards failed; \
                        shard 1: the stage failed: image 42 cannot be read";
        assert_eq!(*failures, serde_json::json!([expected]));
        let failed: Vec<_> = told.all("shard_failed").collect();
        assert_eq!((failed.len(), &failed[0]["shard"]), (1, &1.into()));
        let expected: HashSet<u64> = if again { [1].into() } else { (0..SHARDS).collect() };
        assert_eq!(shards(&told, "shard_started")[&even], expected);
        let kept = told.all("shard_finished").filter(|line| array(line) == even).count();
        assert_eq!(kept, if again { 0 } else { 54 });
    }
    // Mended, only that one runs.
    let told = run(mining(&store, &[]));
    assert_eq!(told.is_quiet().code, Some(0));
    assert_eq!(shards(&told, "shard_started")[&even], [1].into());
    let encode = told.all("shards").find(|line| array(line) == even).unwrap();
    assert_eq!((&encode["cached"], &encode["to_compute"]), (&54.into(), &1.into()));
    assert_eq!(encode["missing"], "1");
}

/// Ctrl-C ends what runs, keeps it, and starts nothing more.
#[test]
fn interrupted_it_keeps_what_has_finished() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut child = mining(&store, &[]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    let mut line = String::new();
    while !line.contains("shard_finished") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended before");
        told.extend_from_slice(line.as_bytes());
    }
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    stdout.read_to_end(&mut told).unwrap();
    let told = Told { events: events(&told), code: child.wait().unwrap().code() };
    assert_eq!(told.code, Some(130));
    assert_eq!(told.outcome()["interrupted"], true);
    let (started, kept) = (told.keys("shard_started"), told.keys("shard_finished"));
    assert_eq!(started, kept);
    assert!((1..2 * 55).contains(&started.len()));
    let again = run(mining(&store, &[]));
    assert_eq!(again.is_quiet().code, Some(0));
    assert!(again.keys("shard_started").is_disjoint(&kept));
}
