//! Cachers, validators and the rest are any expressions, with names of the module, and no variable of the
//! expansion in sight.

use memo_runtime::prelude::*;
use memo_tests::Lab;

mod checks {
    pub fn is_full<T>(rows: &[T]) -> bool {
        !rows.is_empty()
    }

    pub fn both(rows: &Vec<u64>, note: &String) -> Result<(), String> {
        if rows.len() == note.len() {
            Ok(())
        } else {
            Err(format!("{note} for {} rows", rows.len()))
        }
    }
}

const JSON: Json = Json;

fn text() -> Text {
    Text
}

#[stage(
    outputs = [rows, note],
    cachers = [self::JSON, text()],
    validate = self::checks::both,
    retries = 1,
    retry_if = |attempt| { let number = attempt.number(); number < 3 },
    key = |count, note: &str| (count % 10, note.len()),
)]
fn rows(count: u64, note: &str) -> (Vec<u64>, String) {
    ((0..count).collect(), note.to_owned())
}

#[stage(inputs = [rows], outputs = [even], cachers = [if cfg!(debug_assertions) { Json } else { Json }],
    validate = checks::is_full::<u64>, version = 0x10_u8, code = manual)]
fn even(rows: Vec<u64>) -> Vec<u64> {
    rows.into_iter().filter(|row| row % 2 == 0).collect()
}

#[stage(inputs = [even], outputs = [file], cachers = [Json],
    validate = |file: &Artifact| file.size() > 0, version = 1.5)]
fn file(even: Lazy<Vec<u64>>) -> Result<usize> {
    Ok(even.load()?.len())
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    rows(&mut record, 3, "abc")?;
    even(&mut record)?;
    assert_eq!(*file(&mut record)?.load()?, 2);
    Ok(())
}
