//! How much memory a run takes: nothing outlives its readers, whether it is `Lazy` or not.
//!
//! Each run is a process of its own, since nobody knows what else this one holds.

use std::process::Command;

use crate::common::*;

/// What a process takes that has nothing to do with the values.
const BESIDE: u64 = 60_000_000;

/// Runs a pipeline of large values, and returns how many bodies ran and the peak of its memory.
fn run(lab: &Lab, records: usize, megabytes: u64, jobs: usize, what: &str) -> (usize, u64) {
    let output = Command::new(env!("CARGO_BIN_EXE_memory_helper"))
        .arg(lab.store_path())
        .args([records.to_string(), megabytes.to_string(), jobs.to_string(), what.to_owned()])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let number = |word: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(word)).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    assert_eq!(number("failed"), 0, "{told}");
    (usize::try_from(number("ran")).unwrap(), number("peak"))
}

#[test]
fn two_jobs_hold_the_values_of_two_stages() {
    for (what, records, megabytes) in [("bytes", 20, 12), ("bincode", 4, 16)] {
        let lab = Lab::new();
        let (ran, peak) = run(&lab, records, megabytes, 2, what);
        assert_eq!(ran, 3 * records);
        // Two running stages, each with its input and its output.
        let bound = 4 * megabytes * 1_000_000 + BESIDE;
        assert!(peak < bound, "{what}: {peak} bytes, {bound} are allowed");
    }
}

#[test]
fn what_is_found_takes_no_memory() {
    let lab = Lab::new();
    run(&lab, 8, 12, 2, "bytes");
    let (ran, peak) = run(&lab, 8, 12, 2, "bytes");
    assert_eq!(ran, 0);
    assert!(peak < BESIDE, "{peak} bytes");
}

#[test]
fn a_lazy_value_is_in_memory_while_it_is_written_or_read() {
    let (records, megabytes) = (6, 40);
    let lab = Lab::new();
    let (ran, peak) = run(&lab, records, megabytes, 1, "lazy");
    assert_eq!(ran, 2 * records);
    // It is read as a copy of the file, which is in memory meanwhile.
    let bound = 2 * megabytes * 1_000_000 + BESIDE / 2;
    assert!(peak < bound, "{peak} bytes, {bound} are allowed");
}
