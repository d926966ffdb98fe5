//! What the macros refuse and what they accept, as a user's compiler sees it.
//!
//! Fixtures in `ui/fail` are named after the mistake and have the message beside them, those in
//! `ui/pass` after the oddity. `just bless` accepts new messages; read each as a user would first:
//! what is underlined is the user's, the first line says what to write instead, and one mistake is
//! one error.

use std::process::Command;

/// The compiler of `rust-toolchain.toml`: messages differ from one version to the next.
const PINNED: &str = include_str!("../../rust-toolchain.toml");

#[test]
fn ui() {
    let used = Command::new("rustc").arg("--version").output().unwrap();
    let used = String::from_utf8(used.stdout).unwrap();
    let pinned = PINNED.lines().find_map(|line| line.strip_prefix("channel = "));
    let pinned = pinned.unwrap().trim_matches('"');
    if !used.starts_with(&format!("rustc {pinned} ")) {
        eprintln!("SKIPPED: the messages are those of rustc {pinned}, and this is {used}");
        return;
    }
    // Two runs: one that only checks is quicker than one that may have to link.
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
