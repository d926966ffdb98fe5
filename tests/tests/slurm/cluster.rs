//! A real cluster on this machine, brought up by the scripts in `tests/slurm` of the repository.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What the scripts end with where Slurm cannot be installed.
const NO_SLURM: i32 = 77;

/// A cluster of one's own. It goes with this value, or with this process.
pub struct Cluster(PathBuf);

impl Cluster {
    /// Brings one up. Where Slurm cannot be had, that is said, captured output or not.
    pub fn up(options: &[&str]) -> Option<Self> {
        Self::try_up(options).map_err(|why| skipped(&why)).ok()
    }

    /// Returns one that all tests share that leave nodes and controller alone.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let options = ["--cpus", "32", "--mem", "64000"];
        SHARED.get_or_init(|| Self::try_up(&options)).as_ref().map_err(|why| skipped(why)).ok()
    }

    fn try_up(options: &[&str]) -> Result<Self, String> {
        // Once for all tests: to find that there is no network takes a while.
        static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
        let tree = std::env::var_os("MEMO_SLURM_TREE");
        if tree.is_none() {
            INSTALLED.get_or_init(|| done(&mut script("install"))).clone()?;
        }
        let folder = tempfile::Builder::new().prefix("slurm").tempdir().unwrap().keep();
        let cluster = Self(folder);
        let mut up = script("up");
        up.arg(&cluster.0).arg("--owner").arg(std::process::id().to_string()).args(options);
        if let Some(tree) = tree {
            up.arg("--tree").arg(tree);
        }
        done(&mut up).map(|()| cluster)
    }

    pub fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// Returns a folder for the test `name` that all nodes see.
    pub fn work(&self, name: &str) -> PathBuf {
        let folder = self.0.join("work").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Kills or starts a node, stops or starts the controller.
    pub fn act(&self, program: &str, arguments: &[&str]) {
        let status = script(program).arg(&self.0).args(arguments).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    /// Runs a command of Slurm as somebody else would.
    pub fn outside(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(self.bin().join(program)).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the state of each task of `job` that waits or runs.
    pub fn tasks(&self, job: &str) -> Vec<(String, String)> {
        // Two numbers: then a job that is forgotten is no error.
        let jobs = format!("--jobs={job},{job}");
        let told = self.outside("squeue", &["-h", "-r", &jobs, "-o", "%K %T %N"]);
        let pair = |line: &str| line.split_once(' ').map(|(id, state)| (id.into(), state.into()));
        told.lines().filter_map(pair).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = script("down").arg(&self.0).arg("--purge").status();
        // Also where the scripts are not there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a script; what it says if Slurm cannot be had.
fn done(script: &mut Command) -> Result<(), String> {
    let output = script.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NO_SLURM) {
        return Err(said.into_owned());
    }
    assert!(output.status.success(), "{:?}: {said}", output.status);
    Ok(())
}

/// Says that this test tests nothing here.
fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "\n!!! skipped: no Slurm ({test}): {}", why.trim());
}

fn script(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("slurm").join(name))
}
