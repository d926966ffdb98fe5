//! The program `memo`, on stores that other processes have filled.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "for tests only")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "so stages take their inputs")]

use std::path::Path;
use std::process::{Command, Output};

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;
use serde::{Deserialize, Serialize};

mod arrays;

const VARIANT: &str = "MEMO_TEST_VARIANT";
const ARGUMENTS: &str = "MEMO_TEST_ARGUMENTS";

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    seed: u64,
    rate: f64,
    fails: bool,
}

mod before {
    use super::Params;
    use memo_runtime::prelude::*;

    #[stage(name = "digits::split", outputs = [train], cachers = [Json])]
    pub fn split(params: &Params) -> u64 {
        params.seed * 10
    }

    #[stage(name = "digits::fit", inputs = [train], outputs = [model], cachers = [Json])]
    pub fn fit(params: &Params, train: &u64) -> Result<f64> {
        if params.fails {
            return Err("the rate is cursed".into());
        }
        let train = u32::try_from(*train)?;
        Ok(f64::from(train) * params.rate)
    }
}

/// The same after a refactoring.
mod after {
    use super::Params;
    use memo_runtime::prelude::*;

    #[stage(name = "digits::fit", inputs = [train], outputs = [model], cachers = [Json])]
    pub fn fit(params: &Params, train: &u64) -> Result<f64> {
        let rate = params.rate;
        if params.fails {
            return Err("the rate is cursed".into());
        }
        Ok(rate * f64::from(u32::try_from(*train)?))
    }
}

fn experiment(variant: &str) -> Experiment<Params> {
    let refactored = variant == "after";
    let pipeline = move |record: &mut Record<Params>| {
        before::split(record)?;
        if refactored {
            after::fit(record)?
        } else {
            before::fit(record)?
        };
        Ok(())
    };
    let params = |rate| Params { seed: 1, rate, fails: false };
    Experiment::new("digits", pipeline).record("base", params(0.1)).record("slow", params(0.01))
}

/// Plays the experiment's program, when it is asked to.
#[test]
fn child() {
    let Ok(variant) = std::env::var(VARIANT) else { return };
    let arguments = std::env::var(ARGUMENTS).unwrap();
    if variant == "arrays" {
        return arrays::play(&arguments);
    }
    let arguments = ["digits"].into_iter().chain(arguments.split('\n').filter(|a| !a.is_empty()));
    let code = experiment(&variant).main_with(arguments.map(Into::into));
    println!("code {code:?}");
}

/// Runs the experiment in a process of its own, and returns what it said.
fn run(store: &Path, variant: &str, arguments: &[&str]) -> String {
    let store = store.to_str().unwrap();
    let arguments = [&["--store", store, "-v"], arguments].concat().join("\n");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(VARIANT, variant)
        .env(ARGUMENTS, arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output)
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Runs `memo` on a store, and returns what it said and its exit code.
fn memo(store: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memo"));
    let output = command.args(arguments).arg("--store").arg(store).output().unwrap();
    let text = text(&output);
    assert!(!text.contains("panicked"), "{text}");
    (text, output.status.code())
}

fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    (folder, store)
}

fn files(store: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![store.to_owned()];
    while let Some(folder) = open.pop() {
        for child in std::fs::read_dir(folder).unwrap().map(|child| child.unwrap().path()) {
            if child.is_dir() { open.push(child) } else { files.push(child) }
        }
    }
    files.sort();
    files
}

#[test]
fn why_tells_of_each_record_and_follows_the_inputs() {
    let (_folder, store) = store();
    run(&store, "before", &["--jobs", "1"]);
    let (told, code) = memo(&store, &["why", "fit"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("digits::fit (base)\n") && told.contains("why: never ran"), "{told}");
    assert!(told.contains("digits::fit (slow)\n"), "{told}");

    run(&store, "before", &["--jobs", "1", "--set", "seed=2"]);
    let before = files(&store);
    let (told, _) = memo(&store, &["why", "fit", "--record", "base"]);
    let expected = "why: input `train` changed (made by `split`, which ran: params.seed 1 → 2)";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("input `train` was made by digits::split (base), "), "{told}");
    assert!(!told.contains("(slow)"), "{told}");

    let (json, _) = memo(&store, &["why", "digits::fit", "--record", "base", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["event"], "why");
    let change = &json["entry"]["reason"]["why"]["changes"][0];
    assert_eq!(change["made_by"]["stage"], "digits::split");
    assert_eq!(change["made_by"]["reason"]["changes"][0]["name"], "seed");
    assert_eq!(json["entry"]["inputs"][0]["stage"], "digits::split");
    assert_eq!(files(&store), before, "nothing is written");
}

#[test]
fn why_compares_where_no_reason_was_kept() {
    let (_folder, path) = store();
    let fit = |seed, rate| {
        // Nobody listens, so no reason is found out.
        let mut record =
            Record::new(&Store::open(&path).unwrap(), "base", Params { seed, rate, fails: false });
        before::split(&mut record).unwrap();
        before::fit(&mut record).unwrap();
        // Entries are told apart by the millisecond.
        let before = std::time::SystemTime::now();
        while before.elapsed().unwrap().as_millis() < 3 {}
    };
    fit(1, 0.5);
    fit(1, 0.25);
    let (told, _) = memo(&path, &["why", "fit"]);
    assert!(told.contains("why: params.rate 0.5 → 0.25 (by comparison"), "{told}");
    fit(2, 0.25);
    let (told, _) = memo(&path, &["why", "fit"]);
    assert!(told.contains("why: input `train` ") && told.contains(" → "), "{told}");
    assert!(told.contains("was made by digits::split (base), "), "{told}");
    assert!(told.contains(": params.seed 1 → 2"), "{told}");
}

#[test]
fn why_tells_of_a_call_that_failed() {
    let (_folder, store) = store();
    run(&store, "before", &[]);
    run(&store, "before", &["--set", "fails=true"]);
    let (told, _) = memo(&store, &["why", "fit", "--record", "base"]);
    assert!(told.contains("failed in the run that ended "), "{told}");
    assert!(told.contains("the rate is cursed"), "{told}");
    assert!(told.contains("it was to run: params.fails false → true"), "{told}");
    assert!(told.contains("why: never ran"), "the entry is told too: {told}");
}

#[test]
fn wrong_usage_is_told_and_makes_nothing() {
    let (_folder, path) = store();
    let (told, code) = memo(&path, &["why", "fit"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("there is no store in "), "{told}");
    assert!(!path.exists());
    let (_, code) = memo(&path, &["accept", "fit"]);
    assert_eq!((code, path.exists()), (Some(2), false));

    run(&path, "before", &[]);
    let (told, code) = memo(&path, &["why", "fir"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("no stage is named `fir`; did you mean `fit`?"), "{told}");
    let (told, code) = memo(&path, &["why", "fit", "--record", "bass"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("did you mean `base`?"), "{told}");
    let (told, code) = memo(&path, &["accept", "fit"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("with `--plan` first"), "{told}");
}

#[test]
fn accept_says_what_it_does_and_revert_takes_it_back() {
    let (_folder, store) = store();
    run(&store, "before", &[]);
    let plan = run(&store, "after", &["--plan"]);
    assert!(plan.contains("2 will run") && plan.contains("code"), "{plan}");
    let before = files(&store);
    let (told, code) = memo(&store, &["accept", "fit", "--dry-run"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("2 entries would be found for "), "{told}");
    assert_eq!(files(&store), before, "nothing is written");

    let (told, code) = memo(&store, &["accept", "fit"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("digits::fit: code ") && told.contains(" (asked for "), "{told}");
    assert!(told.contains("2 entries will be found for "), "{told}");
    let accepted = |path: &std::path::PathBuf| path.to_string_lossy().contains("/accepted/");
    assert!(files(&store).iter().any(accepted));
    let plan = run(&store, "after", &["--plan"]);
    assert!(plan.contains("3 cached, 0 will run"), "{plan}");
    let ran = run(&store, "after", &[]);
    assert!(ran.contains("3 cached, 0 ran"), "{ran}");
    let (told, _) = memo(&store, &["why", "fit", "--record", "base"]);
    assert!(told.contains("whose entries `memo accept` carried over"), "{told}");
    let (told, _) = memo(&store, &["accept", "fit"]);
    assert!(told.contains("are accepted for") && told.contains("already"), "{told}");

    let (told, code) = memo(&store, &["accept", "--revert", "fit"]);
    assert_eq!(code, Some(0), "{told}");
    let expected = "1 acceptance and 2 entries that were carried over are taken back";
    assert!(told.contains(expected), "{told}");
    let former = |path: &&std::path::PathBuf| path.to_string_lossy().contains("/former/");
    assert_eq!(files(&store).iter().filter(former).count(), 2, "nothing is deleted");
    assert!(!files(&store).iter().any(accepted));
    let plan = run(&store, "after", &["--plan"]);
    assert!(plan.contains("2 will run"), "{plan}");
    let plan = run(&store, "before", &["--plan"]);
    assert!(plan.contains("3 cached"), "the former entries are untouched: {plan}");

    let (told, code) = memo(&store, &["accept", "fit", "--from", "zz"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("no former code of `digits::fit` begins with `zz`"), "{told}");
}

#[test]
fn a_plan_that_may_write_nothing_notes_nothing() {
    let (_folder, store) = store();
    run(&store, "before", &[]);
    let before = files(&store);
    run(&store, "after", &["--plan", "--read-only"]);
    assert_eq!(files(&store), before);
}

#[test]
fn a_secret_is_in_no_reason() {
    #[stage(outputs = [x], cachers = [Json], secret = [token], validate = fine)]
    fn fetch(token: &str) -> String {
        token.chars().rev().collect()
    }
    /// Refuses what is found, and nothing else.
    fn fine(text: &str) -> Result<(), String> {
        let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if call == 1 { Err(text.chars().rev().collect()) } else { Ok(()) }
    }
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

    let (_folder, path) = store();
    let call = || {
        let store = Store::options().observer(Recorder::new()).open(&path).unwrap();
        fetch(&mut Record::new(&store, "base", ()), "open-sesame").map(drop)
    };
    call().unwrap();
    call().unwrap();
    let (told, _) = memo(&path, &["why", "fetch", "--format", "json"]);
    assert!(told.contains("entry invalid: `fine` says: (secret)"), "{told}");
    assert!(!told.contains("open-sesame"), "{told}");
    for file in files(&path) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains("open-sesame"), "{}: {text}", file.display());
    }
}
