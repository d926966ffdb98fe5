//! What the macros refuse and what they accept, as a user's compiler sees it.
//!
//! Fixtures in `ui/fail` are named after the mistake and have the message beside them, those in
//! `ui/pass` after the oddity. `just bless` accepts new messages; read each as a user would first:
//! what is underlined is the user's, the first line says what to write instead, and one mistake is
//! one error.

#![allow(clippy::all, clippy::pedantic, missing_docs, unused_qualifications)]

use std::io::Write as _;
use std::process::Command;

#[path = "ui/pass/mod.rs"]
mod pass;

/// The compiler of `rust-toolchain.toml`: messages differ from one version to the next.
const PINNED: &str = include_str!("../../rust-toolchain.toml");

#[test]
fn mistakes() {
    let used = Command::new("rustc").arg("--version").output().unwrap();
    let used = String::from_utf8(used.stdout).unwrap();
    let pinned = PINNED.lines().find_map(|line| line.strip_prefix("channel = "));
    let pinned = pinned.unwrap().trim_matches('"');
    if used.starts_with(&format!("rustc {pinned} ")) {
        trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
    } else {
        // Past the harness, which shows nothing of a test that passes.
        let note = format!("SKIPPED: the messages are those of rustc {pinned}, this is {used}");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
}

/// A file that no `mod` line names would be an oddity that nobody looks at.
#[test]
fn all_oddities_are_compiled() {
    let listed = include_str!("ui/pass/mod.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ui/pass");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(name == "mod" || listed.contains(&format!("mod {name};")), "{name} is not listed");
    }
}
