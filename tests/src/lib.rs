//! What the tests share: a store of one's own for each test, and processes of one's own where a test needs
//! several starts of a program.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "for tests only")]
#![allow(clippy::print_stdout, reason = "a process of its own reports to its parent")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use memo_runtime::testing::Recorder;
use memo_runtime::{Error, Event, MissReason, Record, RunOptions, Store, StoreOptions};
use serde::Serialize;

/// A folder that goes away with the test, a store in it, and a recorder of all that happens.
#[derive(Debug)]
pub struct Lab {
    folder: tempfile::TempDir,
    recorder: Heard,
}

/// A recorder that can be printed.
struct Heard(Recorder);

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.events()).finish()
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// Makes the folder. The store is not there yet.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), recorder: Heard(Recorder::new()) }
    }

    /// Opens the store anew, as another start of the program would.
    pub fn store(&self) -> Store {
        Store::options().observer(self.recorder()).open(self.store_path()).unwrap()
    }

    /// Makes the record `base` on a store that is opened anew.
    pub fn record<P: Serialize + Send + Sync + 'static>(&self, params: P) -> Record<P> {
        Record::new(&self.store(), "base", params)
    }

    /// Returns options for a run on the store.
    pub fn options(&self) -> RunOptions {
        RunOptions::new().store(self.store_path()).observer(self.recorder())
    }

    /// Returns the recorder of everything that happens on the store.
    pub fn recorder(&self) -> Recorder {
        self.recorder.0.clone()
    }

    /// Tells what happened since the last question, one line each.
    pub fn lines(&self) -> Vec<String> {
        self.recorder.0.lines()
    }

    /// Lists the stages that started since the last question.
    pub fn ran(&self) -> Vec<String> {
        self.recorder.0.ran()
    }

    /// Lists the stages that started since the last question, in alphabetical order.
    pub fn ran_sorted(&self) -> Vec<String> {
        let mut ran = self.ran();
        ran.sort();
        ran
    }

    /// Returns the reasons of the misses since the last question.
    pub fn reasons(&self) -> Vec<MissReason> {
        let reason = |event| match event {
            Event::Started { reason, .. } => Some(reason),
            _ => None,
        };
        self.recorder.0.take().into_iter().filter_map(reason).collect()
    }

    /// Returns the warnings since the last question.
    pub fn warnings(&self) -> Vec<String> {
        let message = |event| match event {
            Event::Warning { message, .. } => Some(message),
            _ => None,
        };
        self.recorder.0.take().into_iter().filter_map(message).collect()
    }

    /// Returns the store's folder.
    pub fn store_path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Returns a path beside the store.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the store.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Lists all files of the store whose path has `part` in it.
    pub fn files(&self, part: &str) -> Vec<PathBuf> {
        let all = files_below(&self.store_path());
        all.into_iter().filter(|path| path.to_string_lossy().contains(part)).collect()
    }

    /// Lists the artifacts of the store that are files of their own.
    pub fn artifacts(&self) -> Vec<PathBuf> {
        self.files("/artifacts/")
    }

    /// Lists the manifests of the store.
    pub fn entries(&self) -> Vec<PathBuf> {
        self.files("/entries/")
    }
}

/// Makes an entry older, or younger, by so many milliseconds, as if the clock had stood elsewhere.
pub fn age(manifest: &Path, milliseconds: i64) {
    const SUM: usize = 32;
    const PREFIX: &str = "{\"memo\":1,\"sum\":\"";
    let text = fs::read_to_string(manifest).unwrap();
    let (head, detail) = text[PREFIX.len() + SUM + 2..].split_once('\n').unwrap();
    let mut head: serde_json::Value = serde_json::from_str(&format!("{{{head}")).unwrap();
    let completed = head["completed"].as_i64().unwrap() - milliseconds;
    head["completed"] = completed.into();
    let body = format!("{}\n{detail}", &head.to_string()[1..]);
    let sum = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(body.as_bytes()));
    fs::write(manifest, format!("{PREFIX}{sum}\",{body}")).unwrap();
}

/// Lists all files below a folder, in order; none if it is not there.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(children) = fs::read_dir(folder) else { continue };
        for child in children.map(|child| child.unwrap().path()) {
            if child.is_dir() { open.push(child) } else { files.push(child) }
        }
    }
    files.sort();
    files
}

/// Replaces a file's content by one of the same size, and puts its times back.
pub fn change_behind_the_back(path: &Path, content: &str) {
    let before = fs::metadata(path).unwrap();
    assert_eq!(before.len(), content.len() as u64, "the size is to stay");
    fs::write(path, content).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), before.modified().unwrap());
}

/// Returns the message of an error with those of all its causes.
pub fn chain<T>(outcome: Result<T, Error>) -> String {
    match outcome {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.chain(),
    }
}

const STORE: &str = "MEMO_TESTS_STORE";
const VARIANT: &str = "MEMO_TESTS_VARIANT";
const MARK: &str = "child says: ";

/// A test that also runs in processes of its own: those find the parent's store and what they are to do.
#[derive(Debug)]
pub struct Child {
    /// What the parent asks for.
    pub variant: String,
    recorder: Heard,
    store: PathBuf,
}

impl Child {
    /// Returns the child's side, if this process is one.
    pub fn here() -> Option<Self> {
        let store = std::env::var_os(STORE)?.into();
        let variant = std::env::var(VARIANT).unwrap();
        Some(Self { recorder: Heard(Recorder::new()), variant, store })
    }

    /// Makes the record `base` on the parent's store.
    pub fn record<P: Serialize + Send + Sync + 'static>(&self, params: P) -> Record<P> {
        self.record_with(Store::options(), params)
    }

    /// Makes the record `base` on the parent's store, opened with these options.
    pub fn record_with<P: Serialize + Send + Sync + 'static>(
        &self,
        options: StoreOptions,
        params: P,
    ) -> Record<P> {
        let store = options.observer(self.recorder.0.clone()).open(&self.store).unwrap();
        Record::new(&store, "base", params)
    }

    /// Tells the parent what happened, one line each.
    pub fn report(&self) {
        self.recorder.0.lines().iter().for_each(|line| println!("{MARK}{line}"));
    }
}

/// Runs `test`, given by its full name, in a process of its own on the store of `lab`, and returns what it
/// reports.
pub fn in_a_process(
    lab: &Lab,
    test: &str,
    variant: &str,
    variables: &[(&str, &OsStr)],
) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(STORE, lab.store_path())
        .env(VARIANT, variant)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "`{test}` names no test: {text}");
    // The harness writes `test name ... ` before the first line.
    let said = text.lines().filter_map(|line| line.split_once(MARK));
    said.map(|(_, line)| line.to_owned()).collect()
}
