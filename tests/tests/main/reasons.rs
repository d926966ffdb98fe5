//! Each miss has a reason, with old and new.

use std::fs;

use memo_runtime::{ComponentKind, MissReason};

use crate::common::*;

#[derive(Clone, Default, Serialize)]
struct Params {
    rate: f64,
    train: Train,
}

#[derive(Clone, Default, Serialize)]
struct Train {
    rounds: u32,
    name: String,
}

#[stage(outputs = [model], cachers = [Json])]
fn fit(params: &Params, top: usize) -> String {
    format!("{} {} {} {top}", params.rate, params.train.rounds, params.train.name)
}

#[stage(outputs = [rows], cachers = [Json])]
fn rows(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[stage(inputs = [rows, prior], outputs = [sum], cachers = [Json])]
fn sum(rows: &[u32], prior: Option<&u32>) -> u32 {
    rows.iter().sum::<u32>() + prior.copied().unwrap_or_default()
}

/// Runs `call`, and returns why the last stage that ran did.
fn reason(lab: &Lab, call: impl FnOnce()) -> String {
    lab.lines();
    call();
    lab.reasons().last().map(ToString::to_string).unwrap_or_default()
}

fn fit_with(lab: &Lab, rate: f64, rounds: u32, name: &str, top: usize) {
    let train = Train { rounds, name: name.to_owned() };
    fit(&mut lab.record(Params { rate, train }), top).unwrap();
}

#[test]
fn a_first_run_never_ran() {
    let lab = Lab::new();
    fit_with(&lab, 0.1, 1, "a", 3);
    assert_eq!(lab.reasons(), [MissReason::NeverRan]);
}

#[test]
fn a_changed_field_or_argument_is_told_with_old_and_new() {
    let lab = Lab::new();
    fit_with(&lab, 0.1, 1, "a", 3);
    let told = reason(&lab, || fit_with(&lab, 0.01, 1, "a", 3));
    assert_eq!(told, "params.rate 0.1 → 0.01");
    let told = reason(&lab, || fit_with(&lab, 0.1, 2, "a", 3));
    assert_eq!(told, "params.train.rounds 1 → 2");
    let told = reason(&lab, || fit_with(&lab, 0.1, 1, "b", 3));
    assert!(
        told.starts_with("params.train.name ") && told.contains('a') && told.contains('b'),
        "{told}"
    );
    let told = reason(&lab, || fit_with(&lab, 0.1, 1, "a", 4));
    assert_eq!(told, "argument `top` 3 → 4");
    let told = reason(&lab, || fit_with(&lab, 7.5, 8, "a", 3));
    assert!(
        told.contains("params.rate")
            && told.contains("params.train.rounds")
            && told.ends_with("→ 8"),
        "{told}"
    );
}

#[test]
fn a_change_is_there_for_programs_too() {
    let lab = Lab::new();
    fit_with(&lab, 0.1, 1, "a", 3);
    fit_with(&lab, 0.5, 1, "a", 3);
    let reasons = lab.reasons();
    let MissReason::Changed { changes } = &reasons[1] else { panic!("{reasons:?}") };
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].kind, &*changes[0].name), (ComponentKind::Param, "rate"));
    assert_eq!((changes[0].old.as_deref(), changes[0].new.as_deref()), (Some("0.1"), Some("0.5")));
}

#[test]
fn of_many_entries_the_nearest_is_told() {
    let lab = Lab::new();
    for rate in [0.1, 0.2, 0.3] {
        fit_with(&lab, rate, 1, "a", 3);
    }
    assert_eq!(reason(&lab, || fit_with(&lab, 0.2, 1, "a", 9)), "argument `top` 3 → 9");
}

#[test]
fn a_changed_input_is_told_with_who_made_it() {
    let lab = Lab::new();
    let run = |count, prior: Option<u32>| {
        let mut record = lab.record(());
        if let Some(prior) = prior {
            record.insert("prior", prior).unwrap();
        }
        rows(&mut record, count).unwrap();
        sum(&mut record).unwrap();
    };
    run(3, None);
    let told = reason(&lab, || run(4, None));
    let expected = "input `rows` changed (made by `rows`, which ran: argument `count` 3 → 4)";
    assert_eq!(told, expected);
    let told = reason(&lab, || run(3, Some(1)));
    assert!(told.starts_with("input `prior` absent → ") && told.ends_with("(inserted)"), "{told}");
}

#[stage(inputs = [sum], outputs = [third], cachers = [Json])]
fn third(sum: &u32) -> u32 {
    sum + 1
}

#[stage(inputs = [third], outputs = [fourth], cachers = [Json])]
fn fourth(third: &u32) -> u32 {
    third + 1
}

#[stage(inputs = [fourth], outputs = [fifth], cachers = [Json])]
fn fifth(fourth: &u32) -> u32 {
    fourth + 1
}

#[test]
fn a_long_chain_is_told_in_part() {
    let lab = Lab::new();
    let run = |count| {
        let mut record = lab.record(());
        rows(&mut record, count).unwrap();
        sum(&mut record).unwrap();
        third(&mut record).unwrap();
        fourth(&mut record).unwrap();
        fifth(&mut record).unwrap();
    };
    run(3);
    lab.lines();
    run(4);
    let reasons = lab.reasons();
    let producers = |told: &MissReason| told.to_string().matches("(made by ").count();
    // Where the reason is cut, the last input is told by its digests, each with its maker.
    let told: Vec<usize> = reasons.iter().map(producers).collect();
    assert_eq!(told, [0, 1, 2, 3, 5], "{reasons:?}");
    assert!(reasons[4].to_string().starts_with(
        "input `fourth` changed (made by `fourth`, which ran: input `third` changed (made by `third`"
    ));
}

#[test]
fn a_file_that_changed_is_told_by_its_field() {
    #[stage(outputs = [x], cachers = [Json])]
    fn measure(file: InputFile) -> usize {
        fs::read(file).unwrap().len()
    }
    let lab = Lab::new();
    let path = lab.write("rows.csv", "one");
    measure(&mut lab.record(()), InputFile::new(&path)).unwrap();
    fs::write(&path, "other").unwrap();
    let told = reason(&lab, || drop(measure(&mut lab.record(()), InputFile::new(&path)).unwrap()));
    assert!(told.starts_with("argument `file`"), "{told}");
}

#[stage(outputs = [x])]
fn in_memory() -> u32 {
    1
}

#[stage]
fn no_outputs() {}

#[stage(outputs = [x], cachers = [Json], cache = false)]
fn uncached() -> u32 {
    1
}

#[stage(inputs = [x], outputs = [y], cachers = [Json])]
fn below(x: &u32) -> u32 {
    x + 1
}

#[test]
fn what_is_not_kept_says_why() {
    let lab = Lab::new();
    let told = reason(&lab, || drop(in_memory(&mut lab.record(())).unwrap()));
    assert_eq!(told, "its outputs live in memory only");
    let told = reason(&lab, || no_outputs(&mut lab.record(())).unwrap());
    assert_eq!(told, "it has no outputs, so it always runs");
    let told = reason(&lab, || drop(uncached(&mut lab.record(())).unwrap()));
    assert_eq!(told, "caching is off by the stage");
    let told = reason(&lab, || {
        let mut record = lab.record(());
        uncached(&mut record).unwrap();
        below(&mut record).unwrap();
    });
    assert!(told.contains("depends on") && told.contains("uncached`"), "{told}");
}

#[stage(outputs = [big], cachers = [Bytes])]
fn big(size: usize) -> Vec<u8> {
    vec![7; size]
}

fn is_big(lab: &Lab) -> bool {
    let mut record = lab.record(());
    let value = big(&mut record, 100_000).unwrap().load().unwrap();
    value.len() == 100_000 && value.iter().all(|byte| *byte == 7)
}

#[test]
fn an_artifact_that_is_gone_or_cut_is_told() {
    let lab = Lab::new();
    assert!(is_big(&lab));
    let artifact = lab.artifacts().pop().unwrap();
    fs::remove_file(&artifact).unwrap();
    let told = reason(&lab, || assert!(is_big(&lab)));
    assert!(
        told.starts_with("artifact gone: ") && told.contains(artifact.to_str().unwrap()),
        "{told}"
    );
    assert_eq!(reason(&lab, || assert!(is_big(&lab))), "", "it is there again");

    fs::File::options().write(true).open(&artifact).unwrap().set_len(99_999).unwrap();
    let told = reason(&lab, || assert!(is_big(&lab)));
    assert!(told.contains("99999 bytes, 100000 were kept"), "{told}");
    assert_eq!(reason(&lab, || assert!(is_big(&lab))), "");
}

#[test]
fn a_flipped_bit_is_found_when_it_is_read() {
    let lab = Lab::new();
    assert!(is_big(&lab));
    let artifact = lab.artifacts().pop().unwrap();
    let mut bytes = fs::read(&artifact).unwrap();
    bytes[50_000] ^= 1;
    fs::write(&artifact, &bytes).unwrap();
    lab.lines();
    assert!(is_big(&lab), "the right value is served");
    let lines = lab.lines();
    assert!(lines.iter().any(|line| line.starts_with("warning: an entry is damaged")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("ran big: entry damaged: ")), "{lines:?}");
    assert!(!lab.files("/damaged/").is_empty(), "it is set aside, not deleted");
    assert_eq!(reason(&lab, || assert!(is_big(&lab))), "");
}

#[test]
fn a_manifest_of_nonsense_is_a_miss() {
    let lab = Lab::new();
    for nonsense in ["", "nonsense", "{}", "{\n", "\u{0}\u{0}", "[1,2,3]\n[4]\n"] {
        assert!(is_big(&lab));
        let entry = lab.entries().pop().unwrap();
        fs::write(&entry, nonsense).unwrap();
        let told = reason(&lab, || assert!(is_big(&lab)));
        assert!(told.starts_with("entry damaged: "), "{nonsense:?}: {told}");
        assert_eq!(reason(&lab, || assert!(is_big(&lab))), "");
    }
}

#[test]
fn a_manifest_of_another_entry_is_a_miss() {
    let lab = Lab::new();
    let call = |size| big(&mut lab.record(()), size).unwrap().load().unwrap().len();
    call(1);
    let first = lab.entries();
    call(2);
    let second = lab.entries().into_iter().find(|path| !first.contains(path)).unwrap();
    fs::copy(&first[0], &second).unwrap();
    assert_eq!((call(1), call(2)), (1, 2));
}

#[stage(outputs = [x], cachers = [Json], validate = positive)]
fn checked(number: i32) -> i32 {
    number
}

fn positive(number: &i32) -> Result<(), String> {
    if *number < LIMIT.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(format!("{number} is too small"));
    }
    Ok(())
}

static LIMIT: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);

#[test]
fn a_found_entry_that_became_invalid_is_told() {
    let lab = Lab::new();
    checked(&mut lab.record(()), 5).unwrap();
    LIMIT.store(10, std::sync::atomic::Ordering::Relaxed);
    lab.lines();
    let error = checked(&mut lab.record(()), 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let told = lab.reasons()[0].to_string();
    assert!(told.starts_with("entry invalid: ") && told.contains("5 is too small"), "{told}");
}
