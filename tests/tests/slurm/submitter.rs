//! The experiment as a user starts it, and what it tells.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memo_tests::files_below;
use serde_json::Value;

use crate::cluster::Cluster;

pub const HELPER: &str = env!("CARGO_BIN_EXE_cluster_helper");

/// No condition is waited for longer: nodes may be lost and come back, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(5);

/// Waits for a condition.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "still not: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder of a cluster in which the experiment is started.
pub struct Place<'a> {
    pub cluster: &'a Cluster,
    pub folder: PathBuf,
    starts: std::cell::Cell<usize>,
}

impl<'a> Place<'a> {
    pub fn new(cluster: &'a Cluster, name: &str) -> Self {
        Self { cluster, folder: cluster.work(name), starts: std::cell::Cell::new(0) }
    }

    /// Returns a program about to run the experiment, with the cluster's commands.
    pub fn command(&self, program: &str, flags: &[&str]) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.cluster.bin().display()));
        command.current_dir(&self.folder).args(["--format", "json"]).args(flags);
        command.stdin(Stdio::null());
        command
    }

    /// Starts it on Slurm.
    pub fn start(&self, flags: &[&str]) -> Submitter {
        let mut command = self.command(HELPER, flags);
        command.args(["--executor", "slurm"]);
        self.start_as(&mut command)
    }

    pub fn start_as(&self, command: &mut Command) -> Submitter {
        let number = self.starts.replace(self.starts.get() + 1);
        let told = self.folder.join(format!("told.{number}"));
        let errors = self.folder.join(format!("errors.{number}"));
        command.stdout(File::create(&told).unwrap()).stderr(File::create(&errors).unwrap());
        Submitter { child: command.spawn().unwrap(), told, errors }
    }

    /// Starts it on Slurm, and waits for its end.
    pub fn run(&self, flags: &[&str]) -> Told {
        self.start(flags).end()
    }

    /// Lets the shards end that are held.
    pub fn go(&self) {
        fs::write(self.folder.join("go"), "").unwrap();
    }

    /// Counts how often each shard has begun.
    pub fn begun(&self) -> BTreeMap<usize, usize> {
        self.noted("begins ")
    }

    /// Counts how often each shard has written this down.
    pub fn noted(&self, word: &str) -> BTreeMap<usize, usize> {
        let mut all = BTreeMap::new();
        for line in self.lines() {
            if let Some(page) = line.strip_prefix(word) {
                *all.entry(page.parse().unwrap()).or_default() += 1;
            }
        }
        all
    }

    /// Waits until so many shards have begun.
    pub fn until_begun(&self, count: usize) {
        until("begun", || self.begun().len() >= count);
    }

    /// What the shards have written down.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("ran")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Hides the jobs of a stage from whoever starts next, as if it had looked before they were submitted.
    pub fn forget_jobs(&self, stage: &str) {
        let jobs = fs::read_dir(self.folder.join(".memo/v1/jobs").join(stage)).unwrap();
        jobs.for_each(|folder| fs::write(folder.unwrap().path().join("ended"), "").unwrap());
    }

    /// Returns what the tasks of a stage have written.
    pub fn logs_of(&self, stage: &str) -> String {
        let jobs = self.folder.join(".memo/v1/jobs").join(stage);
        let logs =
            files_below(&jobs).into_iter().filter(|path| path.parent().unwrap().ends_with("log"));
        logs.filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    /// Counts the folders of jobs that are kept.
    pub fn job_folders(&self) -> usize {
        self.job_folders_of("plain")
    }

    /// Counts those of a stage.
    pub fn job_folders_of(&self, stage: &str) -> usize {
        fs::read_dir(self.folder.join(".memo/v1/jobs").join(stage)).unwrap().count()
    }

    /// Fails unless each of `count` shards has begun exactly once.
    pub fn each_ran_once(&self, count: usize) {
        assert_eq!(self.begun(), once_each(0..count));
    }

    /// Runs the experiment once more on threads: everything must be there, and be right.
    pub fn is_all_there(&self, count: usize) {
        let told = self
            .start_as(
                &mut self
                    .command(HELPER, &["--record", "plain", "--set", &format!("count={count}")]),
            )
            .end();
        assert_eq!(
            (told.code, told.number("cached"), told.number("ran")),
            (Some(0), 3, 0),
            "{told:?}"
        );
        let sum = fs::read_to_string(self.folder.join(".memo/v1/results/cluster/plain/sum.json"));
        assert_eq!(sum.unwrap().trim(), (0..count).map(|page| 3 * page).sum::<usize>().to_string());
    }
}

/// What is noted of shards that have each run once.
pub fn once_each(pages: impl IntoIterator<Item = usize>) -> BTreeMap<usize, usize> {
    pages.into_iter().map(|page| (page, 1)).collect()
}

/// The experiment while it runs.
pub struct Submitter {
    child: Child,
    told: PathBuf,
    errors: PathBuf,
}

impl Submitter {
    pub fn so_far(&self) -> Told {
        Told::read(&self.told, &self.errors, None)
    }

    /// Waits until something is submitted, and returns the number of the last job.
    pub fn job(&self) -> String {
        self.nth_job(1)
    }

    /// Waits until so much was submitted, and returns the number of the last job.
    pub fn nth_job(&self, count: usize) -> String {
        until("submitted", || self.so_far().jobs().len() >= count);
        self.so_far().jobs()[count - 1].clone()
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(done.unwrap().success());
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn end(mut self) -> Told {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end: {:?}", self.so_far());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        Told::read(&self.told, &self.errors, status.code())
    }
}

impl Drop for Submitter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run has told.
#[derive(Debug)]
pub struct Told {
    pub code: Option<i32>,
    pub events: Vec<Value>,
    pub errors: String,
}

impl Told {
    fn read(told: &PathBuf, errors: &PathBuf, code: Option<i32>) -> Self {
        let text = fs::read_to_string(told).unwrap();
        let events = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let errors = fs::read_to_string(errors).unwrap();
        assert!(!errors.contains("panicked"), "{errors}");
        Self { code, events, errors }
    }

    pub fn all<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |one| one["event"] == event)
    }

    pub fn count(&self, event: &str) -> usize {
        self.all(event).count()
    }

    /// Returns a number of the outcome.
    pub fn number(&self, field: &str) -> u64 {
        let outcome = self.all("outcome").next();
        outcome.and_then(|outcome| outcome[field].as_u64()).unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Returns all that was told of submissions.
    pub fn submitted(&self) -> Vec<&str> {
        self.all("submitted").filter_map(|one| one["message"].as_str()).collect()
    }

    /// Returns the numbers of the jobs that were submitted.
    pub fn jobs(&self) -> Vec<String> {
        self.jobs_of("")
    }

    /// Returns those of the stages whose names end so.
    pub fn jobs_of(&self, stage: &str) -> Vec<String> {
        let number = |said: &str| said.rsplit_once(" of Slurm job ").map(|(_, job)| job.to_owned());
        let of_stage = |one: &&Value| one["stage"].as_str().is_some_and(|it| it.ends_with(stage));
        let said = self.all("submitted").filter(of_stage);
        said.filter_map(|one| number(one["message"].as_str()?)).collect()
    }

    /// Returns the shards that have failed.
    pub fn failed(&self) -> Vec<u64> {
        let mut all: Vec<u64> =
            self.all("shard_failed").filter_map(|one| one["shard"].as_u64()).collect();
        all.sort_unstable();
        all
    }

    /// All that was told, to look for words in.
    pub fn text(&self) -> String {
        let events: Vec<String> = self.events.iter().map(ToString::to_string).collect();
        format!("{}\n{}", events.join("\n"), self.errors)
    }

    /// Fails unless these words were told.
    pub fn has(&self, words: &str) -> &Self {
        assert!(self.text().contains(words), "no `{words}` in {self:#?}");
        self
    }
}
