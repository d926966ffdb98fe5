//! A generated workspace, real cargo, and what the built program tells.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// One build at a time: the workspaces share a target folder, so that their dependencies are compiled once.
static CARGO: Mutex<()> = Mutex::new(());

/// What a stage of the workspace did in a run: `hit`, or why it ran.
pub(crate) type Verdicts = BTreeMap<String, String>;

/// The text that stands for what a stage without a miss did.
pub(crate) const HIT: &str = "hit";

/// A workspace in a folder of its own.
pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Makes an empty one.
    pub(crate) fn new(name: &str) -> Self {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edits");
        let folder = all.join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        Self { folder, target: all.join("target") }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        let found = fs::read_to_string(self.path(path));
        found.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies everything but what was built or computed to another folder.
    pub(crate) fn copy(&self, name: &str) -> Self {
        let copy = Self::new(name);
        for file in memo_tests::files_below(&self.folder) {
            let path = file.strip_prefix(&self.folder).unwrap();
            if !path.starts_with("store") {
                copy.write(path.to_str().unwrap(), &fs::read_to_string(&file).unwrap());
            }
        }
        copy
    }

    /// Runs cargo, and returns what it has written to standard output.
    pub(crate) fn cargo(&self, arguments: &[&str], variables: &[(&str, &Path)]) -> String {
        let mut cargo = Command::new(env!("CARGO"));
        // What a test's own build is told must not change that of the workspace.
        let own = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_PKG") || name.starts_with("CARGO_MANIFEST")
        });
        for (name, _) in own {
            cargo.env_remove(name);
        }
        cargo.arg(arguments[0]).args(["--offline", "--quiet"]).args(&arguments[1..]);
        cargo.current_dir(&self.folder);
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.env_remove("RUSTFLAGS").env_remove("RUSTC_WORKSPACE_WRAPPER");
        cargo.envs(variables.iter().copied());
        succeed(&mut cargo, arguments)
    }

    /// Builds, and runs what was built: `mode` is `plan` or `run`.
    pub(crate) fn build_and_run(&self, options: &[&str], runs: &[Run]) -> Vec<Verdicts> {
        let _one = CARGO.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = self.read("app/Cargo.toml");
        let name = manifest.lines().skip_while(|line| *line != "[[bin]]").nth(1).unwrap();
        let name = name.trim_start_matches("name = ").trim_matches('"');
        self.cargo(&[&["build", "-p", "app"], options].concat(), &[]);
        let program = self.target.join("debug").join(name);
        runs.iter().map(|run| self.run(&program, run)).collect()
    }

    /// Runs cargo alone.
    pub(crate) fn exclusively<T>(run: impl FnOnce() -> T) -> T {
        let _one = CARGO.lock().unwrap_or_else(PoisonError::into_inner);
        run()
    }

    fn run(&self, program: &Path, run: &Run) -> Verdicts {
        let mut command = Command::new(program);
        command.args([run.mode, run.record, run.jobs]).arg(&run.store).current_dir(&self.folder);
        command.envs(run.variables.iter().map(|(name, value)| (name, value)));
        let text = succeed(&mut command, &[run.mode]);
        let line = |line: &str| {
            let (stage, verdict) = line.split_once('\t').unwrap();
            let stage = stage.strip_prefix("app::").unwrap_or(stage);
            (stage.to_owned(), without_hashes(verdict))
        };
        text.lines().map(line).collect()
    }
}

/// How to run what was built.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) mode: &'static str,
    pub(crate) record: &'static str,
    pub(crate) jobs: &'static str,
    pub(crate) store: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
}

fn succeed(command: &mut Command, what: &[&str]) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{what:?} failed\n{out}\n{err}");
    out.into_owned()
}

/// Replaces fingerprints and digests, of which nobody can know the value.
fn without_hashes(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_inclusive([' ', ',']) {
        let bare = word.trim_end_matches([' ', ',']);
        let is_hash = bare.len() == 8 && bare.chars().all(|sign| sign.is_ascii_hexdigit());
        let bare = if is_hash { "#" } else { bare };
        write!(shown, "{bare}{}", &word[word.trim_end_matches([' ', ',']).len()..]).unwrap();
    }
    shown
}
