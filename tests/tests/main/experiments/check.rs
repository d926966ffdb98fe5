//! `--check`: cached work runs again and is compared, and nothing in the store changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use memo_runtime::Event;
use memo_tests::files_below;

use crate::common::*;

/// Lists all files of the store with their content.
fn snapshot(lab: &Lab) -> Vec<(PathBuf, Vec<u8>)> {
    let files = files_below(&lab.store_path());
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn checked(lab: &Lab) -> RunOptions {
    lab.options().check([] as [&str; 0])
}

#[stage(outputs = [rows], cachers = [Json])]
fn rows(params: &u32) -> Vec<u32> {
    (0..*params).collect()
}

#[stage(inputs = [rows], outputs = [doubled])]
fn doubled(rows: &[u32]) -> Vec<u32> {
    rows.iter().map(|row| row * 2).collect()
}

#[stage(inputs = [doubled], outputs = [Lazy(sum)], cachers = [Json])]
fn sum(doubled: &[u32]) -> u32 {
    doubled.iter().sum()
}

fn honest(record: &mut Record<u32>) -> Result<()> {
    rows(record)?;
    doubled(record)?;
    sum(record)?;
    Ok(())
}

#[test]
fn honest_stages_are_all_the_same() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let experiment = Experiment::new("honest", honest).record("small", 3).record("large", 9);
        experiment.run(&lab.options()).unwrap();
        let before = snapshot(&lab);
        lab.lines();
        let outcome = experiment.run(&checked(&lab).jobs(jobs)).unwrap();
        assert_eq!((outcome.checked, outcome.differing, outcome.unchecked), (4, Some(0), 2));
        assert_eq!(outcome.exit_code(), 0);
        assert!(outcome.line().starts_with("4 calls checked, all the same, in "), "{outcome:?}");
        let lines = lab.lines();
        let count = |line: &str| lines.iter().filter(|told| *told == line).count();
        assert_eq!((count("same rows"), count("same sum")), (2, 2), "{lines:?}");
        assert_eq!(count("ran doubled: its outputs live in memory only"), 2, "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("ran rows")), "{lines:?}");
        assert_eq!(snapshot(&lab), before, "nothing in the store changes");
    }
}

#[test]
fn what_is_not_cached_is_not_checked() {
    let lab = Lab::new();
    let experiment = Experiment::new("honest", honest).record("small", 3);
    let outcome = experiment.run(&checked(&lab)).unwrap();
    assert_eq!((outcome.checked, outcome.differing), (0, Some(0)));
    assert!(!lab.store_path().exists(), "nothing is made");
    let lines = lab.lines();
    assert!(lines.contains(&"unchecked rows: it is not cached: never ran".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("ran ")), "{lines:?}");
}

#[test]
fn only_the_named_stages_are_checked() {
    let lab = Lab::new();
    let experiment = Experiment::new("honest", honest).record("small", 3);
    experiment.run(&lab.options()).unwrap();
    let outcome = experiment.run(&lab.options().check(["rows"])).unwrap();
    assert_eq!((outcome.checked, outcome.unchecked), (1, 0));
    let error = experiment.run(&lab.options().check(["row"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.chain().contains("did you mean `rows`?"), "{}", error.chain());
    let error = experiment.run(&checked(&lab).force(["rows"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

static DRAWN: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [draw], cachers = [Text])]
fn draw() -> String {
    format!("first\n{}\nlast\n", DRAWN.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn a_stage_that_is_not_deterministic_is_told_with_a_diff() {
    let lab = Lab::new();
    let pipeline = |record: &mut Record<()>| Ok(draw(record).map(drop)?);
    let experiment = Experiment::new("draws", pipeline).record("base", ());
    experiment.run(&lab.options()).unwrap();
    let before = snapshot(&lab);
    let outcome = experiment.run(&checked(&lab)).unwrap();
    assert_eq!((outcome.checked, outcome.differing, outcome.exit_code()), (1, Some(1), 1));
    assert!(outcome.line().starts_with("1 call checked, 1 not the same, in "), "{outcome:?}");
    let events = lab.recorder().take();
    let differences = events.into_iter().find_map(|event| match event {
        Event::Checked { record, differences, .. } => Some((record, differences)),
        _ => None,
    });
    let (record, differences) = differences.unwrap();
    assert_eq!(record.as_deref(), Some("base"));
    assert_eq!(differences[0].output.as_deref(), Some("draw"));
    assert_eq!(differences[0].diff.as_deref(), Some("@@ line 2 @@\n-0\n+1"));
    assert_eq!(snapshot(&lab), before);
    let mut record = lab.record(());
    assert_eq!(
        *draw(&mut record).unwrap().load().unwrap(),
        "first\n0\nlast\n",
        "what is kept stays"
    );
}

static FAILS: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [moody], cachers = [Json], secret = [token], retries = 1)]
fn moody(token: &str) -> Result<u32> {
    // The first run succeeds at its second attempt, and so does the first check.
    match FAILS.fetch_add(1, Ordering::Relaxed) {
        1 | 3 => Ok(7),
        _ => Err(format!("{token} was refused").into()),
    }
}

#[test]
fn a_body_that_fails_is_a_difference_and_tells_no_secret() {
    let lab = Lab::new();
    let pipeline = |record: &mut Record<()>| Ok(moody(record, "open-sesame").map(drop)?);
    let experiment = Experiment::new("moody", pipeline).record("base", ());
    experiment.run(&lab.options()).unwrap();
    assert_eq!(experiment.run(&checked(&lab)).unwrap().differing, Some(0), "attempts are repeated");
    lab.lines();
    assert_eq!(experiment.run(&checked(&lab)).unwrap().differing, Some(1));
    let lines = lab.lines().join("\n");
    assert!(lines.contains("differs moody: the stage failed: (secret) was refused"), "{lines}");
}

#[stage(outputs = [report], cachers = [Copied])]
fn report(ctx: &Context, folder: &str, inside: bool) -> Result<PathBuf> {
    let folder = if inside { ctx.folder()? } else { PathBuf::from(folder) };
    let path = folder.join("report.txt");
    fs::write(&path, "the same each time\n".repeat(500))?;
    Ok(path)
}

#[test]
fn files_that_a_stage_makes_are_compared_and_stay_the_users() {
    let lab = Lab::new();
    let folder = lab.path("made");
    fs::create_dir_all(&folder).unwrap();
    let place = folder.to_str().unwrap().to_owned();
    let pipeline = move |record: &mut Record<bool>| {
        let inside = *record.params();
        Ok(report(record, &place, inside).map(drop)?)
    };
    let experiment = Experiment::new("files", pipeline).record("in", true).record("out", false);
    experiment.run(&lab.options()).unwrap();
    let before = snapshot(&lab);
    let outcome = experiment.run(&checked(&lab)).unwrap();
    assert_eq!((outcome.checked, outcome.differing), (2, Some(0)), "{:?}", lab.lines());
    assert_eq!(snapshot(&lab), before, "the kept files stay");
    assert_eq!(experiment.run(&lab.options()).unwrap().cached, 2);
}

#[stage(outputs = [table], cachers = [Referenced])]
fn table(place: &str) -> Result<PathBuf> {
    fs::write(place, "one,two\n")?;
    Ok(place.into())
}

#[test]
fn files_that_stay_where_they_are_are_compared() {
    let lab = Lab::new();
    let place = lab.path("table.csv").to_str().unwrap().to_owned();
    let path = place.clone();
    let pipeline = move |record: &mut Record<()>| Ok(table(record, &place).map(drop)?);
    let experiment = Experiment::new("tables", pipeline).record("base", ());
    experiment.run(&lab.options()).unwrap();
    assert_eq!(experiment.run(&checked(&lab)).unwrap().differing, Some(0), "{:?}", lab.lines());
    assert!(Path::new(&path).exists());
}

static LIMIT: AtomicU32 = AtomicU32::new(100);

#[stage(outputs = [size], cachers = [Json.publish(published().display().to_string())], validate = small)]
fn size() -> u32 {
    SIZE.load(Ordering::Relaxed)
}

static SIZE: AtomicU32 = AtomicU32::new(5);

/// Where `size` is published.
fn published() -> PathBuf {
    std::env::temp_dir().join(format!("memo-check-{}.json", std::process::id()))
}

fn small(size: &u32) -> bool {
    *size < LIMIT.load(Ordering::Relaxed)
}

#[test]
fn a_validator_sees_what_was_made_again() {
    let lab = Lab::new();
    let pipeline = |record: &mut Record<()>| {
        size(record)?;
        Ok(())
    };
    let experiment = Experiment::new("sizes", pipeline).record("base", ());
    experiment.run(&lab.options()).unwrap();
    fs::remove_file(published()).unwrap();
    SIZE.store(1000, Ordering::Relaxed);
    lab.lines();
    assert_eq!(experiment.run(&checked(&lab)).unwrap().differing, Some(1));
    let lines = lab.lines().join("\n");
    assert!(lines.contains("differs size: ") && lines.contains("`small` says"), "{lines}");
    assert!(!published().exists(), "nothing is published");
}

#[test]
fn values_leave_memory() {
    let lab = Lab::new();
    let experiment = Experiment::new("honest", honest).record("small", 3);
    experiment.run(&lab.options()).unwrap();
    lab.lines();
    experiment.run(&checked(&lab).jobs(1)).unwrap();
    let lines = lab.lines();
    assert!(lines.contains(&"evicted rows".to_owned()), "{lines:?}");
}
