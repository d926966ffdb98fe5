//! Edits of other crates, of the lock file and of what rustc is told.

use super::{Edit, check, workspace};

const LOCK: &str = "Cargo.lock";

#[rustfmt::skip] // One line per edit.
const MISSES: &[Edit] = &[
    ("a function of a path dependency", "helpers/src/scale.rs", "x * factor()", "x + factor()"),
    ("a private function of a path dependency", "helpers/src/scale.rs", "{ 2.0 }", "{ 2.5 }"),
    ("a path dependency of a path dependency, through the workspace", "leaf/src/lib.rs", "{ 1.0 }", "{ 1.5 }"),
    ("a macro of a path dependency", "helpers/src/lib.rs", "three() * $x", "three() + $x"),
    ("a function that this macro names", "helpers/src/lib.rs", "{ 3.0 }", "{ 3.5 }"),
    ("what a path dependency exports under that name", "helpers/src/lib.rs", "pub use scale::twice;", "pub use other as twice;"),
    ("a proc macro of the workspace", "derive/src/lib.rs", "{ 1 }", "{ 2 }"),
    ("the version of a crate", LOCK, "1.0.229", "1.0.230"),
    ("the checksum of a crate", LOCK, "dd01", "dd02"),
    ("the source of a crate", LOCK, "version = \"0.8.5\"\nsource = \"registry\"", "version = \"0.8.5\"\nsource = \"git\""),
    ("a crate that a named crate depends on", LOCK, "bb06", "bb07"),
    ("a crate under another name", LOCK, "2.0.0", "2.0.1"),
];

#[rustfmt::skip] // One line per edit.
const HITS: &[Edit] = &[
    ("an unrelated function of a path dependency", "helpers/src/lib.rs", "{ 1.0 }", "{ 4.0 }"),
    ("a comment in a path dependency", "helpers/src/scale.rs", "/// Twice.", "/// Doubled."),
    ("a comment in a proc macro of the workspace", "derive/src/lib.rs", "// A comment.", "// Another."),
    ("an unreached function of a path dependency", "leaf/src/lib.rs", "fall() {}", "fall() { spring() }"),
    ("a crate that nobody names", LOCK, "ee01", "ee02"),
    ("another version of a crate, which others use", LOCK, "aa07", "aa06"),
    ("memo itself", LOCK, "name = \"memo-runtime\"\nversion = \"0.1.0\"", "name = \"memo-runtime\"\nversion = \"0.2.0\""),
    ("a dependency that nobody names", "Cargo.toml", "unused = \"1\"", "unused = \"1\"\nmore = \"1\""),
    ("comments in Cargo.toml", "Cargo.toml", "[dependencies]", "# What it needs.\n[dependencies] # All."),
];

#[test]
fn crates_that_are_reached_move_the_fingerprint() {
    check(MISSES, true);
}

#[test]
fn crates_that_are_not_reached_leave_the_fingerprint() {
    check(HITS, false);
}

#[test]
fn cfgs_count_where_they_are_named() {
    let with = |arguments: &[&str]| {
        let mut sandbox = workspace();
        sandbox.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        sandbox.reach().total
    };
    let before = with(&[]);
    assert_ne!(with(&["--cfg", "feature=\"fast\""]), before);
    assert_eq!(with(&["--cfg", "feature=\"other\""]), before);
    assert_eq!(with(&["-C", "opt-level=3", "--test", "--cfg=unnamed"]), before);
}

#[test]
fn reached_crates_are_told_with_their_versions() {
    let names = workspace().names();
    for expected in ["serde 1.0.229", "rand 0.8.5", "rand_core 0.6.4", "renamed 2.0.0", "derive"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:#?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("unused") || name.contains("memo-runtime")));
}
