//! What all fault tests share: the helper program, a small pipeline, listings of folders.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;

/// The program whose runs are disturbed.
pub const HELPER: &str = env!("CARGO_BIN_EXE_faults_helper");

/// Returns the helper, about to run its pipeline.
pub fn pipeline(store: &Path, seed: u64, flags: &[&str]) -> Command {
    let mut command = Command::new(HELPER);
    command.arg("pipeline").arg(store).arg(seed.to_string()).args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a helper has told.
#[derive(Debug)]
pub struct Told {
    pub code: Option<i32>,
    pub lines: Vec<String>,
}

impl Told {
    /// Runs a helper to its end. It may fail, but not panic or be killed.
    pub fn by(command: &mut Command) -> Self {
        let told = Self::of(&command.output().unwrap());
        assert!(told.code.is_some(), "{command:?} was killed: {told:?}");
        told
    }

    pub fn of(output: &Output) -> Self {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("panicked"), "{errors}");
        let mut lines = whole_lines(&output.stdout);
        if !errors.is_empty() {
            lines.push(format!("stderr {errors}"));
        }
        Self { code: output.status.code(), lines }
    }

    /// Returns the rest of the lines that begin with `word`.
    pub fn all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
    }

    pub fn values(&self) -> &str {
        self.all("values").next().unwrap_or_else(|| panic!("no values: {self:?}"))
    }

    /// Returns stage and key of all lines that begin with `word`.
    pub fn keys(&self, word: &str) -> HashSet<String> {
        let key = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        self.lines
            .iter()
            .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
            .map(key)
            .collect()
    }

    /// Fails if anything was said to be wrong.
    pub fn is_quiet(&self) -> &Self {
        for word in ["warning", "failed", "error", "lost", "stderr"] {
            assert_eq!(self.all(word).next(), None, "{self:?}");
        }
        self
    }
}

/// Returns the lines of what a program wrote; one that it did not end does not count.
pub fn whole_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(Into::into).collect()
}

/// Returns what the helper's pipeline must give.
pub fn expected(seed: u64) -> String {
    let told = Told::by(Command::new(HELPER).args(["expected", &seed.to_string()]));
    told.values().to_owned()
}

/// Runs the pipeline undisturbed: right values, and all that was not there is there now.
pub fn runs_well(store: &Path, seed: u64) -> Told {
    let told = Told::by(&mut pipeline(store, seed, &[]));
    told.is_quiet();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.values(), expected(seed));
    told
}

/// How many calls the pipeline makes.
pub const CALLS: usize = 9;

/// Runs the pipeline, which must be a hit in all.
pub fn all_hits(store: &Path, seed: u64) {
    let told = runs_well(store, seed);
    assert_eq!(told.keys("started"), HashSet::new(), "{told:?}");
    assert_eq!(told.keys("hit").len(), CALLS, "{told:?}");
}

/// Runs `body`, which must not take for ever.
pub fn within<R: Send + 'static>(
    time: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> std::thread::Result<R> {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let result = body();
        let _ = done.send(());
        result
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(time) {
        panic!("it hangs");
    }
    thread.join()
}

/// Whether this machine lets tests mount file systems; where not, they say that they are left out.
pub fn can_mount() -> bool {
    let probe = "mount -t tmpfs tmpfs /mnt";
    let can = Command::new("unshare").args(["-m", "sh", "-c", probe]).output();
    let can = can.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("LEFT OUT: mounting needs privileges that this test does not have");
    }
    can
}

/// Runs a shell script with mounts of its own.
pub fn with_mounts(script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-euc", script, "sh"]).args(arguments).stdin(Stdio::null());
    command.output().unwrap()
}

/// All that can be told of a folder without reading it: a write anywhere shows.
pub type Listing = BTreeMap<PathBuf, (u64, i64, i64, u32, u64)>;

/// Lists everything below a folder, and the folder.
pub fn listing(folder: &Path) -> Listing {
    let mut all = Listing::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let seen = (meta.len(), meta.ctime(), meta.ctime_nsec(), meta.mode(), meta.ino());
        all.insert(path, seen);
    }
    all
}

/// Lists the files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let all = listing(folder).into_keys();
    all.filter(|path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())).collect()
}

/// Copies a folder of plain files.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        if source.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(source).unwrap(), to.join(target)).unwrap();
        } else if source.is_dir() {
            copy(&source, &to.join(target));
        } else {
            fs::copy(source, to.join(target)).unwrap();
        }
    }
}

/// Removes whatever is at a path.
pub fn remove(path: &Path) {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

/// Nobody holds a lock on a key any more, and the file of locks is empty.
pub fn no_lock_is_left(store: &Path) {
    let locks = fs::read_dir(store.join("v1/locks"));
    assert_eq!(locks.map_or(0, Iterator::count), 0);
    assert_eq!(fs::metadata(store.join("v1/lock")).map_or(0, |meta| meta.len()), 0);
    let held = locks_held(store).unwrap_or_default();
    assert!(held.is_empty(), "{held:?}");
}

/// Lists the keys that are locked, as the kernel tells them; nothing where it does not.
pub fn locks_held(store: &Path) -> Option<Vec<String>> {
    let all = fs::read_to_string("/proc/locks").ok()?;
    let inode = format!(":{}", fs::metadata(store.join("v1/lock")).ok()?.ino());
    let is_ours = |line: &&str| line.split(' ').any(|word| word.ends_with(&inode));
    Some(all.lines().filter(is_ours).map(str::to_owned).collect())
}

/// The same numbers in each run (xorshift), so that a failure can be repeated.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

#[derive(Debug, PartialEq)]
pub struct Model {
    pub weights: Vec<u8>,
    pub bias: Vec<u8>,
}

/// Keeps a model as two files.
pub struct TwoFiles;

impl Cacheable<Model> for TwoFiles {
    fn format(&self) -> Format {
        Format::new("model", 1)
    }

    fn save(&self, model: &Model, artifact: &Artifact) -> Result<()> {
        fs::write(artifact.path()?, &model.weights)?;
        fs::write(artifact.file("bias")?, &model.bias)?;
        Ok(())
    }

    fn load(&self, artifact: &Artifact) -> Result<Model> {
        Ok(Model { weights: fs::read(artifact.path()?)?, bias: fs::read(artifact.file("bias")?)? })
    }
}

/// Inside its manifest.
#[stage(outputs = [numbers], cachers = [Json])]
pub fn numbers(params: &u64) -> Vec<u64> {
    (0..*params).map(|number| number * number).collect()
}

/// A file of 6.4 kB.
#[stage(inputs = [numbers], outputs = [rows], cachers = [Bincode])]
pub fn rows(numbers: &[u64]) -> Vec<u64> {
    (0..800).map(|row| row * numbers.iter().sum::<u64>()).collect()
}

/// A folder of two files.
#[stage(inputs = [numbers], outputs = [model], cachers = [TwoFiles])]
pub fn model(numbers: &[u64]) -> Model {
    let weights = (0..3000_u64).flat_map(|weight| (weight * numbers[2]).to_le_bytes());
    Model { weights: weights.collect(), bias: vec![7; 300] }
}

/// Two outputs: text and bytes inside the manifest.
#[stage(inputs = [rows, model], outputs = [text, bits], cachers = [Text, Bytes])]
pub fn both(rows: &[u64], model: &Model) -> (String, Vec<u8>) {
    (format!("{:?}", &rows[..20]), model.weights.iter().map(|byte| byte | 128).take(90).collect())
}

#[derive(Debug, PartialEq)]
pub struct Values {
    numbers: Vec<u64>,
    rows: Vec<u64>,
    model: Model,
    text: String,
    bits: Vec<u8>,
}

/// The params of the small pipeline.
pub const PARAMS: u64 = 7;

/// What the small pipeline must give.
pub fn right() -> Values {
    let numbers = numbers::body(&PARAMS);
    let (rows, model) = (rows::body(&numbers), model::body(&numbers));
    let (text, bits) = both::body(&rows, &model);
    Values { numbers, rows, model, text, bits }
}

/// Runs the small pipeline as a new process would, and loads everything.
pub fn small_run(store: &Path) -> (Values, Vec<String>) {
    let recorder = Recorder::new();
    let store = Store::options().observer(recorder.clone()).open(store).unwrap();
    let values = calls(&store).unwrap_or_else(|error| panic!("{error:?}: {:?}", recorder.lines()));
    (values, recorder.lines())
}

fn calls(store: &Store) -> Result<Values> {
    let mut record = Record::new(store, "small", PARAMS);
    let numbers = numbers(&mut record)?;
    let rows = rows(&mut record)?;
    let model = model(&mut record)?;
    let (text, bits) = both(&mut record)?;
    let own = |model: &Model| Model { weights: model.weights.clone(), bias: model.bias.clone() };
    Ok(Values {
        numbers: numbers.load()?.to_vec(),
        rows: rows.load()?.to_vec(),
        model: own(&*model.load()?),
        text: text.load()?.to_string(),
        bits: bits.load()?.to_vec(),
    })
}

/// Whether a run was hits alone.
pub fn is_all_hits(lines: &[String]) -> bool {
    lines.iter().all(|line| line.starts_with("hit ") || line.starts_with("loaded "))
}

/// A whole store of the small pipeline, to be copied and damaged.
pub fn whole_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (values, _) = small_run(&folder.path().join("store"));
    assert_eq!(values, right());
    assert!(is_all_hits(&small_run(&folder.path().join("store")).1));
    folder
}

/// Checks what must hold after any damage: right values, and healed by then.
pub fn heals(store: &Path, what: &str) -> Vec<String> {
    let (values, lines) = small_run(store);
    assert!(values == right(), "{what}: wrong values: {lines:?}");
    let (values, again) = small_run(store);
    assert!(values == right(), "{what}: wrong values after healing: {again:?}");
    assert!(is_all_hits(&again), "{what}: not healed: {lines:?}, then {again:?}");
    lines
}

/// The name under which a process of this machine writes: what it has left is removed by others of it.
pub fn scratch_name(rest: &str) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String = host.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("run-{plain}-{rest}")
}
