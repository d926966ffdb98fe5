//! Many entries of a stage: the next runs find them in an index, and what is no longer so is seen.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memo_runtime::{Event, RunOptions, Verdict};

use crate::common::*;

const RECORDS: u32 = 300;

#[stage(outputs = [number], cachers = [Json])]
fn find(params: &u32) -> u32 {
    *params
}

#[stage(inputs = [number], outputs = [double], cachers = [Json])]
fn double(number: u32) -> u32 {
    number * 2
}

fn pipeline(record: &mut Record<u32>) -> Result<()> {
    find(record)?;
    double(record)?;
    Ok(())
}

/// Two for each record.
const ALL: usize = 2 * RECORDS as usize;

fn experiment(records: u32) -> Experiment<u32> {
    let records = (0..records).map(|number| (format!("r{number}"), number));
    Experiment::new("indexed", pipeline).records(records)
}

/// Runs the first so many records, and tells how many calls were found and how many ran.
fn run(records: u32, options: &RunOptions) -> (usize, usize) {
    let outcome = experiment(records).run(options).unwrap();
    assert_eq!(outcome.failed, 0);
    (outcome.cached, outcome.ran)
}

/// A store with all entries.
struct Kit {
    lab: Lab,
}

impl Kit {
    fn new() -> Self {
        let kit = Self { lab: Lab::new() };
        assert_eq!(run(RECORDS, &kit.options()), (0, ALL));
        kit
    }

    fn options(&self) -> RunOptions {
        self.lab.options().jobs(2)
    }

    fn run(&self) -> (usize, usize) {
        run(RECORDS, &self.options())
    }

    /// All entries are found, by a run that finds no index that is true and leaves one behind.
    fn is_indexed(&self) {
        rest(&self.lab.store_path());
        assert_eq!(self.run(), (ALL, 0));
        assert_eq!(indexes(&self.lab.store_path()).len(), 2);
    }

    /// The manifests of a stage.
    fn manifests(&self, stage: &str) -> Vec<PathBuf> {
        let files = self.lab.entries().into_iter();
        let is_one = |path: &PathBuf| {
            path.extension() == Some("jsonl".as_ref()) && path.to_string_lossy().contains(stage)
        };
        files.filter(is_one).collect()
    }
}

fn indexes(store: &Path) -> Vec<PathBuf> {
    let stages = fs::read_dir(store.join("v1/entries")).unwrap();
    let indexes = stages.map(|stage| stage.unwrap().path().join("index"));
    indexes.filter(|index| index.exists()).collect()
}

/// Waits until the clock has moved on so far that any change of a folder would show in its times.
fn rest(store: &Path) {
    let below = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|child| child.unwrap().path());
    let folders = below(store.join("v1/entries")).flat_map(below);
    let changed = folders.map(|folder| fs::metadata(folder).unwrap().ctime()).max().unwrap();
    let at_rest = UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).unwrap() + 3);
    while let Ok(rest) = at_rest.duration_since(SystemTime::now()) {
        std::thread::sleep(rest);
    }
}

#[test]
fn a_run_finds_in_it_what_it_would_find_in_the_manifests() {
    let kit = Kit::new();
    kit.is_indexed();
    kit.lab.lines();
    // The index tells what was right; nobody opens the manifests of which it tells.
    for manifest in kit.manifests("find") {
        fs::write(manifest, "garbage").unwrap();
    }
    let (cached, ran) = run(RECORDS, &kit.lab.options().jobs(1));
    assert_eq!(cached + ran, ALL);
    assert!((8..48).contains(&ran), "the first are looked for in their manifests: {ran}");
    let hits = kit.lab.recorder().take().into_iter();
    assert_eq!(hits.filter(|event| matches!(event, Event::Hit { .. })).count(), cached);
}

#[test]
fn what_is_removed_is_seen_by_plans_and_runs() {
    let kit = Kit::new();
    kit.is_indexed();
    for manifest in kit.manifests("double").iter().take(3) {
        fs::remove_file(manifest).unwrap();
    }
    let plan = experiment(RECORDS).plan(&kit.options()).unwrap();
    let calls = plan.calls.iter();
    let runs = calls.filter(|call| matches!(call.verdict, Verdict::WillRun { .. }));
    assert_eq!(runs.count(), 3);
    assert_eq!(kit.run(), (ALL - 3, 3));
    assert_eq!(kit.run(), (ALL, 0));
    let stage = kit.manifests("find")[0].ancestors().nth(2).unwrap().to_owned();
    fs::remove_dir_all(stage).unwrap();
    assert_eq!(kit.run(), (RECORDS as usize, RECORDS as usize));
}

#[test]
fn damaged_indexes_and_those_that_are_away_cost_time_and_nothing_else() {
    let kit = Kit::new();
    kit.is_indexed();
    let whole: Vec<_> = indexes(&kit.lab.store_path());
    let whole: Vec<_> = whole.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    for (bytes, index) in &whole {
        let mut bytes = bytes.clone();
        bytes.iter_mut().skip(1000).step_by(50).for_each(|byte| *byte ^= 1);
        fs::write(index, bytes).unwrap();
    }
    assert_eq!(kit.run(), (ALL, 0));
    for (bytes, index) in &whole {
        assert_eq!(fs::read(index).unwrap(), *bytes, "it was made again");
        fs::remove_file(index).unwrap();
    }
    assert_eq!(run(RECORDS, &kit.options().read_only(true)), (ALL, 0));
    assert!(
        indexes(&kit.lab.store_path()).is_empty(),
        "nothing is written to a store that is read"
    );
    assert!(kit.lab.warnings().is_empty());
}

#[test]
fn a_small_experiment_has_none() {
    let kit = Kit::new();
    rest(&kit.lab.store_path());
    assert_eq!(run(100, &kit.options()), (200, 0));
    assert!(indexes(&kit.lab.store_path()).is_empty());
}

#[test]
fn a_store_that_was_copied_with_its_indexes_is_read_anew() {
    let kit = Kit::new();
    kit.is_indexed();
    let copy = kit.lab.path("copy");
    let done = Command::new("cp").arg("-a").arg(kit.lab.store_path()).arg(&copy).status();
    assert!(done.unwrap().success());
    assert_eq!(indexes(&copy).len(), 2);
    for manifest in kit.manifests("double").iter().take(3) {
        let manifest = manifest.strip_prefix(kit.lab.store_path()).unwrap();
        fs::remove_file(copy.join(manifest)).unwrap();
    }
    assert_eq!(run(RECORDS, &kit.options().store(copy)), (ALL - 3, 3));
    assert_eq!(kit.run(), (ALL, 0));
}

/// What a body finds in the world beside its params.
static WORLD: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [seen], cachers = [Json])]
fn look(params: &u32) -> u32 {
    params + WORLD.load(Ordering::Relaxed)
}

#[test]
fn what_another_run_computes_on_purpose_is_seen() {
    let lab = Lab::new();
    let records = (0..RECORDS).map(|number| (format!("r{number}"), number));
    let look = |record: &mut Record<u32>| {
        look(record)?;
        Ok(())
    };
    let experiment = Experiment::new("world", look).records(records);
    let seen = |options: &RunOptions| {
        let outcome = experiment.run(options).unwrap();
        let seen =
            |number| *outcome.output::<u32>(&format!("r{number}"), "seen").unwrap().load().unwrap();
        (outcome.ran, (0..RECORDS).map(seen).collect::<Vec<_>>())
    };
    let first: Vec<u32> = (0..RECORDS).collect();
    assert_eq!(seen(&lab.options()), (RECORDS as usize, first.clone()));
    rest(&lab.store_path());
    assert_eq!(seen(&lab.options()), (0, first.clone()));
    assert_eq!(indexes(&lab.store_path()).len(), 1);
    WORLD.store(1000, Ordering::Relaxed);
    assert_eq!(seen(&lab.options()), (0, first.clone()));
    let forced = lab.options().force(["look"]).records(["r7", "r8"]);
    assert_eq!(experiment.run(&forced).unwrap().ran, 2);
    let mut second = first;
    second[7..=8].iter_mut().for_each(|seen| *seen += 1000);
    assert_eq!(seen(&lab.options()), (0, second));
}
