//! A real cluster on this machine, brought up by the scripts in `tests/slurm` of the repository.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::super::{Change, Commands, Indices, JobId, Name, Pace, Request, Slurm, Stuck, Watch};

/// No condition is waited for longer: nodes may be lost and come back, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(5);

/// What the scripts end with where Slurm cannot be installed.
const NO_SLURM: i32 = 77;

/// A cluster of one's own. It goes with this value, or with this process.
pub(super) struct Cluster(PathBuf);

impl Cluster {
    /// Brings one up. Where Slurm cannot be had, that is said, captured output or not.
    pub(super) fn up(options: &[&str]) -> Option<Self> {
        Self::try_up(options).map_err(|why| skipped(&why)).ok()
    }

    /// Returns one that all tests share that leave nodes and controller alone.
    pub(super) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let options = ["--cpus", "16", "--mem", "16000", "--gpus", "2"];
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

    pub(super) fn commands(&self) -> Commands {
        Commands::within(self.bin())
    }

    pub(super) fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    pub(super) fn slurm(&self) -> Slurm {
        Slurm::connect(self.commands()).unwrap()
    }

    /// Returns a folder for the test `name` that all nodes see.
    pub(super) fn work(&self, name: &str) -> PathBuf {
        let folder = self.0.join("work").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Asks for a line of shell, in the folder of the test.
    pub(super) fn request(&self, name: &str, line: &str) -> Request {
        let folder = self.work(name);
        let mut request = Request::new("/bin/sh".into(), Name::new(name).unwrap());
        request.arguments = vec!["-c".into(), line.into()];
        request.logs = folder.join("log");
        request.folder = folder;
        request
    }

    /// Kills or starts a node, stops or starts the controller.
    pub(super) fn act(&self, program: &str, arguments: &[&str]) {
        let status = script(program).arg(&self.0).args(arguments).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    /// Runs a command of Slurm as somebody else would.
    pub(super) fn outside(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(self.bin().join(program)).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
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
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/slurm").join(name))
}

/// Jobs that are followed, with all that was seen of them.
pub(super) struct Followed<'a> {
    pub(super) slurm: &'a Slurm,
    pub(super) watch: Watch,
    pub(super) changes: Vec<Change>,
    pub(super) stuck: Vec<Stuck>,
    pub(super) failures: usize,
}

impl<'a> Followed<'a> {
    pub(super) fn new(slurm: &'a Slurm) -> Self {
        let pace = Pace::of(Instant::now(), Duration::from_millis(100), Duration::from_millis(500));
        let watch = Watch::new(pace).grace(Duration::from_secs(3));
        Self { slurm, watch, changes: Vec::new(), stuck: Vec::new(), failures: 0 }
    }

    /// Submits all parts, and follows them.
    pub(super) fn submit(&mut self, request: &Request) -> Vec<JobId> {
        let mut jobs: Vec<JobId> = Vec::new();
        for part in request.parts(self.slurm.limits()) {
            let job = self.slurm.submit(request, &part, jobs.last().copied()).unwrap();
            self.watch.follow(job, part.indices.as_ref(), Instant::now());
            jobs.push(job);
        }
        jobs
    }

    /// Submits an array of as many tasks, and follows it.
    pub(super) fn submit_array(&mut self, request: &mut Request, count: u32) -> JobId {
        request.indices = Some((0..count).collect::<Indices>());
        self.submit(request)[0]
    }

    /// Looks until `is_enough`.
    pub(super) fn until(&mut self, what: &str, mut is_enough: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_enough(self) {
            assert!(Instant::now() < end, "not {what}: {:?} {:?}", self.changes, self.watch);
            match self.watch.look(self.slurm, Instant::now()) {
                Ok(changes) => self.changes.extend(changes),
                Err(error) => {
                    assert!(error.passes(), "{error}");
                    self.failures += 1;
                }
            }
            self.stuck.extend(self.watch.stuck(Instant::now()));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Looks until everything has ended.
    pub(super) fn until_over(&mut self) {
        self.until("ended", |followed| followed.watch.alive().next().is_none());
    }
}
