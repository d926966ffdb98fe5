//! Validators: fresh outputs before they are kept, found ones before they are served.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::common::*;

/// Tells what kept entries hold, and where an entry would be.
fn kept(lab: &Lab) -> usize {
    lab.entries().len()
}

fn small(number: &u32) -> bool {
    *number < 100
}

#[stage(outputs = [number], cachers = [Json], validate = small)]
fn by_value(number: u32) -> u32 {
    number
}

fn sorted(numbers: &[u32]) -> bool {
    numbers.is_sorted()
}

#[stage(outputs = [numbers], cachers = [Json], validate = sorted)]
fn by_slice(numbers: &[u32]) -> Vec<u32> {
    numbers.to_vec()
}

#[stage(outputs = [text], cachers = [Text], validate = |text: &str| !text.is_empty())]
fn by_text(text: &str) -> String {
    text.to_owned()
}

fn is_there(path: &Path) -> Result<(), String> {
    if path.exists() { Ok(()) } else { Err(format!("no {}", path.display())) }
}

#[stage(outputs = [path], cachers = [Json], validate = is_there)]
fn by_path(path: &Path) -> PathBuf {
    path.to_owned()
}

fn matching(numbers: &Vec<u32>, count: &usize) -> Result<bool, String> {
    if *count > 1000 {
        return Err(format!("{count} is not to be believed"));
    }
    Ok(numbers.len() == *count)
}

#[stage(outputs = [numbers, count], cachers = [Json, Json], validate = matching)]
fn several(numbers: &[u32], count: usize) -> (Vec<u32>, usize) {
    (numbers.to_vec(), count)
}

fn panicking(number: &u32) -> bool {
    assert!(*number < 100, "what a number");
    true
}

#[stage(outputs = [number], cachers = [Json], validate = panicking)]
fn by_panic(number: u32) -> u32 {
    number
}

#[test]
fn a_fresh_invalid_result_is_an_error_and_keeps_nothing() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    let errors = [
        (by_value(record, 100).map(drop), "`small` says: the validator answered `false`"),
        (by_slice(record, &[2, 1]).map(drop), "`sorted` says"),
        (by_text(record, "").map(drop), "answered `false`"),
        (by_path(record, Path::new("/no/such")).map(drop), "`is_there` says: no /no/such"),
        (several(record, &[1], 2).map(drop), "`matching` says"),
        (several(record, &[1], 2000).map(drop), "2000 is not to be believed"),
        (by_panic(record, 100).map(drop), "`panicking` says: it panicked"),
    ];
    for (outcome, expected) in errors {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.chain().contains(expected), "{}", error.chain());
        assert!(error.stage().is_some() && error.record() == Some("base"));
    }
    assert_eq!(lab.ran().len(), 7);
    assert_eq!((kept(&lab), lab.artifacts().len(), record.names().count()), (0, 0, 0));
    by_value(record, 100).unwrap_err();
    assert_eq!(lab.ran(), ["by_value"], "the next run runs it again");
}

#[test]
fn a_valid_result_is_kept_and_found() {
    let lab = Lab::new();
    let here = lab.write("here", "");
    for _ in 0..2 {
        let record = &mut lab.record(());
        by_value(record, 99).unwrap();
        by_slice(record, &[1, 2]).unwrap();
        by_text(record, "x").unwrap();
        by_path(record, &here).unwrap();
        let (numbers, count) = several(record, &[1, 5], 2).unwrap();
        assert_eq!((numbers.load().unwrap().len(), *count.load().unwrap()), (2, 2));
        by_panic(record, 99).unwrap();
    }
    assert_eq!(lab.ran().len(), 6);
}

#[test]
fn a_found_entry_that_is_invalid_is_computed_again_in_one_call() {
    let lab = Lab::new();
    let target = lab.write("target", "");
    by_path(&mut lab.record(()), &target).unwrap();
    fs::remove_file(&target).unwrap();
    lab.lines();
    assert_eq!(by_path(&mut lab.record(()), &target).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(lab.ran(), ["by_path"]);
    fs::write(&target, "").unwrap();
    by_path(&mut lab.record(()), &target).unwrap();
}

static TOO_BIG: AtomicU32 = AtomicU32::new(u32::MAX);
static NEXT: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [number], cachers = [Json], validate = |n: &u32| *n < TOO_BIG.load(Ordering::SeqCst))]
fn counter() -> u32 {
    NEXT.load(Ordering::SeqCst)
}

#[stage(inputs = [number], outputs = [double], cachers = [Json])]
fn double(number: &u32) -> u32 {
    number * 2
}

#[test]
fn an_invalid_entry_is_replaced_for_good() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        counter(&mut record).unwrap();
        *double(&mut record).unwrap().load().unwrap()
    };
    NEXT.store(50, Ordering::SeqCst);
    assert_eq!(run(), 100);
    TOO_BIG.store(10, Ordering::SeqCst);
    NEXT.store(5, Ordering::SeqCst);
    lab.lines();
    assert_eq!(run(), 10);
    let lines = lab.lines();
    assert!(lines.iter().any(|line| line.starts_with("warning: an entry is invalid")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("ran counter: entry invalid: ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("ran double: input")), "{lines:?}");
    // In the next process the new one is current.
    assert_eq!(run(), 10);
    assert_eq!(lab.ran(), [""; 0]);
    assert!(!lab.files("/former/").is_empty(), "the former one stays listed");
}

static LOADS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl Cacheable<Vec<u8>> for Counting {
    fn format(&self) -> Format {
        Format::new("embeddings", 1)
    }

    fn save(&self, value: &Vec<u8>, artifact: &Artifact) -> Result<()> {
        artifact.set_meta("lines", value.len() / 4096)?;
        Bytes.save(value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<u8>> {
        LOADS.fetch_add(1, Ordering::SeqCst);
        Bytes.load(artifact)
    }
}

/// stopes' own check: a file of `lines` vectors of 1024 floats.
fn right_size(file: &Artifact) -> Result<bool> {
    let lines: u64 = file.meta("lines")?.ok_or("no lines")?;
    Ok(file.size() == lines * 1024 * 4)
}

#[stage(outputs = [embeddings], cachers = [Counting], validate = right_size)]
fn embed(lines: usize, surplus: usize) -> Vec<u8> {
    vec![1; lines * 4096 + surplus]
}

#[test]
fn a_file_is_checked_by_its_size_without_loading_it() {
    let lab = Lab::new();
    embed(&mut lab.record(()), 5, 0).unwrap();
    embed(&mut lab.record(()), 5, 0).unwrap();
    assert_eq!(lab.ran(), ["embed"]);
    assert_eq!(LOADS.load(Ordering::SeqCst), 0);
    assert_eq!(embed(&mut lab.record(()), 5, 1).unwrap_err().kind(), ErrorKind::Invalid);

    let file = lab.artifacts().pop().unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_len(5 * 4096 - 1).unwrap();
    lab.lines();
    let handle = embed(&mut lab.record(()), 5, 0).unwrap();
    assert_eq!(lab.ran(), ["embed"], "one byte less is computed again");
    assert_eq!(handle.load().unwrap().len(), 5 * 4096);
    embed(&mut lab.record(()), 5, 0).unwrap();
    assert_eq!(lab.ran(), [""; 0]);
}

#[stage(outputs = [number], validate = small)]
fn in_memory(number: u32) -> u32 {
    number
}

#[stage(outputs = [number], cachers = [Json], cache = false, validate = small)]
fn uncached(number: u32) -> u32 {
    number
}

#[test]
fn what_is_not_kept_is_validated_as_well() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    in_memory(record, 5).unwrap();
    uncached(record, 5).unwrap();
    assert_eq!(in_memory(record, 500).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(uncached(record, 500).unwrap_err().kind(), ErrorKind::Invalid);
    let store = Store::options().read_only(true).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    assert_eq!(by_value(&mut record, 500).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(embed(&mut record, 5, 1).unwrap_err().kind(), ErrorKind::Invalid);
    embed(&mut record, 5, 0).unwrap();
}

#[test]
fn an_invalid_value_reaches_nobody_who_asks_for_it_by_handle() {
    let lab = Lab::new();
    let mut record = lab.record(());
    assert!(in_memory(&mut record, 500).is_err());
    assert!(record.get::<u32>("number").is_err());
}

#[stage(outputs = [number], cachers = [Refusing])]
fn unkeepable(number: u32) -> u32 {
    number
}

struct Refusing;

impl Cacheable<u32> for Refusing {
    fn format(&self) -> Format {
        Format::new("refusing", 1)
    }

    fn save(&self, _: &u32, _: &Artifact) -> Result<()> {
        Err("it does not fit".into())
    }

    fn load(&self, _: &Artifact) -> Result<u32> {
        Ok(0)
    }
}

#[test]
fn what_was_refused_is_not_in_the_outcome() {
    let run = |stage: fn(&mut Record<()>) -> Result<(), Error>, expected: &str| {
        let lab = Lab::new();
        let pipeline = move |record: &mut Record<()>| Ok(stage(record)?);
        let experiment = Experiment::new("refused", pipeline).record("base", ());
        let outcome = experiment.run(&lab.options()).unwrap();
        assert_eq!((outcome.failed, outcome.exit_code()), (1, 1));
        let text = chain(outcome.output::<u32>("base", "number").unwrap().load());
        assert!(text.contains(expected), "{text}");
    };
    run(|record| in_memory(record, 500).map(drop), "`small` says");
    run(|record| by_value(record, 500).map(drop), "`small` says");
    run(|record| unkeepable(record, 5).map(drop), "it does not fit");
}

#[stage(name = "checked", code = manual, outputs = [number], cachers = [Json], validate = small)]
fn checked() -> u32 {
    50
}

fn smaller(number: &u32) -> bool {
    *number < 60
}

/// The same entry, met by a program whose validator is another.
#[stage(outputs = [number], code = manual, cachers = [Json], was = "checked", validate = smaller)]
fn checked_anew() -> u32 {
    50
}

#[test]
fn what_a_validator_has_passed_once_is_not_given_to_it_again() {
    let lab = Lab::new();
    let test = "validate::what_a_validator_has_passed_once_is_not_given_to_it_again";
    if let Some(child) = memo_tests::Child::here() {
        let record = &mut child.record(());
        let called = if child.variant == "same" { checked(record) } else { checked_anew(record) };
        called.unwrap();
        return child.report();
    }
    let run = |variant| memo_tests::in_a_process(&lab, test, variant, &[]);
    assert_eq!(run("same"), ["ran checked: never ran"]);
    let manifest = fs::read_to_string(&lab.entries()[0]).unwrap();
    assert!(manifest.contains("\"validator\":\"small "), "{manifest}");
    assert_eq!(run("same"), ["hit checked"]);
    assert_eq!(run("other"), ["loaded number", "hit checked_anew"]);
}
