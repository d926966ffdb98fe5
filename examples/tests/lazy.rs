//! What the `lazy` example says of memory holds.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

const RECORDS: u64 = 4;
/// What is smaller, the allocator of Linux may hold back for the next one of its size.
const MEGABYTES: u64 = 40;

/// Returns the peak memory that a variant of the example tells, in MB.
fn peak(variant: &str) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_lazy"))
        .args([variant, &RECORDS.to_string(), &MEGABYTES.to_string()])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let (_, peak) = told.trim().rsplit_once("peak memory ").unwrap();
    peak.strip_suffix(" MB").unwrap().parse().unwrap()
}

#[test]
fn lazy_values_take_the_memory_of_one() {
    // `Bincode` makes a value of the bytes of its file, so while it reads both are there.
    let bound = 2 * MEGABYTES + 30;
    let lazy = peak("lazy");
    assert!(lazy < bound, "{lazy} MB, {bound} are allowed");
    let plain = peak("plain");
    assert!(plain > RECORDS * MEGABYTES, "{plain} MB hold all values");
}
