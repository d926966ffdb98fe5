//! Edits that must leave the stage alone.

use super::{Edit, check, workspace};

const LIB: &str = "src/lib.rs";
const GEOMETRY: &str = "src/geometry.rs";

#[rustfmt::skip] // One line per edit.
const EDITS: &[Edit] = &[
    ("nothing", LIB, "fn", "fn"),
    ("a comment in the stage", LIB, "// A comment.", "// Another comment."),
    ("docs of the stage", LIB, "/// Trains.", "/// Trains well."),
    ("docs of a method", GEOMETRY, "/// A method that is called.", "/// Docs.\n    ///\n    /// More."),
    ("lints on a helper", GEOMETRY, "fn helper", "#[allow(clippy::all)]\n#[inline]\nfn helper"),
    ("layout of a helper", GEOMETRY, "{ helper(v.x, v.y) }", "{\n    helper(\n        v.x,\n        v.y,\n    )\n}"),
    ("visibility of a helper", GEOMETRY, "fn helper", "pub(crate) fn helper"),
    ("visibility of a field", GEOMETRY, "pub y: f64", "y: f64"),
    ("a function that is not reached", GEOMETRY, "{ 0.0 }", "{ 5.0 }"),
    ("an unrelated function in the file of the stage", LIB, "{ 7.0 }", "{ 8.0 }"),
    ("a method that nobody calls", GEOMETRY, "{ 8.0 }", "{ 9.0 }"),
    ("a method of params that nobody calls", LIB, "fn uncalled(&self) -> f64 { 2.0 }", ""),
    ("an unreached function of an inline module", LIB, "{ 9.0 }", "{ 10.0 }"),
    ("an unreached function of a module that serde calls", LIB, "{ 3 }", "{ 4 }"),
    ("another stage", LIB, "fn another() -> u8 { 1 }", "fn another() -> u8 { 2 }"),
    ("a new stage", LIB, "#[stage(outputs = [x])]", "#[stage]\nfn new() -> f64 { bound() }\n#[stage(outputs = [x])]"),
    ("the options of the stage that are no code", LIB, "cachers = [Json]", "cachers = [Csv]"),
    ("a field of params that is not read", LIB, "pub unrelated: u32,", "pub unrelated: u32,\n    pub more: Vec2,"),
    ("the default of params", LIB, "rate: 0.1, unrelated: 1", "rate: 0.2, unrelated: 2"),
    ("a field of a part of params that is not read", LIB, "pub unread: u8,", "pub unread: u16,"),
    ("a new import", LIB, "use serde::", "use std::fmt::Debug;\nuse serde::"),
    ("the order of imports", LIB, "{Deserialize, Serialize}", "{Serialize, Deserialize}"),
    ("the order of items", GEOMETRY, "pub fn fast(x: f64) -> f64 { x * 2.0 }\npub fn slow(x: f64) -> f64 { x * 3.0 }", "pub fn slow(x: f64) -> f64 { x * 3.0 }\npub fn fast(x: f64) -> f64 { x * 2.0 }"),
    ("tests", GEOMETRY, "pub fn not_reached", "#[cfg(test)]\nmod tests { use super::*; fn test() { helper(1.0, 2.0); } }\npub fn not_reached"),
    ("an unreached module", LIB, "mod deep;", "mod deep;\nmod new { pub fn new() {} }"),
    ("a trait that is not in scope", GEOMETRY, "pub fn not_reached", "mod hidden { pub trait Area { fn area(&self); } impl Area for u8 { fn area(&self) {} } }\npub fn not_reached"),
    ("an unreached macro", LIB, "mod deep;", "macro_rules! idle { () => { bound() } }\nmod deep;"),
    ("a file beside", "src/idle.rs", "", "pub fn idle() {}"),
];

#[test]
fn what_a_stage_does_not_reach_leaves_its_fingerprint() {
    check(EDITS, false);
}

#[test]
fn helpers_may_move_to_another_file() {
    let before = workspace().reach();
    let sandbox = workspace();
    sandbox.edit(
        GEOMETRY,
        "fn helper(x: f64, y: f64) -> f64 { (x * x + y * y).sqrt() + EPSILON }\n",
        "use self::extra::helper;\nmod extra;\n",
    );
    sandbox.edit("src/geometry/extra.rs", "", "use super::EPSILON;\n\n/// Moved.\npub(super) fn helper(x: f64, y: f64) -> f64 {\n    (x * x + y * y).sqrt() + EPSILON\n}\n");
    let after = sandbox.reach();
    assert_eq!(after.total, before.total);
    let moved = after.items.iter().find(|item| item.name.ends_with("helper")).unwrap();
    assert_eq!(
        (moved.name.as_str(), moved.place.as_str()),
        ("geometry::extra::helper", "src/geometry/extra.rs")
    );
}

#[test]
fn going_back_is_a_hit_and_the_folder_does_not_count() {
    let first = workspace();
    let before = first.reach();
    first.edit(GEOMETRY, "1e-9", "1e-8");
    assert_ne!(first.reach().total, before.total);
    first.edit(GEOMETRY, "1e-8", "1e-9");
    assert_eq!(first.reach().total, before.total);
    assert_eq!(workspace().reach().items, before.items);
}

#[test]
fn equal_items_that_swap_what_they_lead_to_are_told_apart() {
    let files = |one: &str, other: &str| {
        let text = format!(
            "mod a {{ pub fn norm() -> u8 {{ scale() }} fn scale() -> u8 {{ {one} }} }}\n\
             mod b {{ pub fn norm() -> u8 {{ scale() }} fn scale() -> u8 {{ {other} }} }}\n\
             #[stage] fn fit() -> u8 {{ a::norm() - b::norm() }}"
        );
        super::super::sandbox::Sandbox::new(&[("src/lib.rs", &text)]).reach().total
    };
    assert_ne!(files("1", "2"), files("2", "1"));
}
