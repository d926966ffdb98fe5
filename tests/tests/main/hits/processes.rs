//! What differs from one build or start of a program to the next: code, versions, cachers, the environment, and
//! the order inside hashed collections.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use memo_tests::{Child, in_a_process};

use crate::common::*;

/// Each process calls one of these; to the store they are one stage at different times.
macro_rules! versions {
    ($($module:ident: $cacher:expr, $($version:literal)?, { $($body:tt)* };)*) => {$(
        mod $module {
            use crate::common::*;

            #[stage(outputs = [x], cachers = [$cacher], name = "once::upon", $(version = $version)?)]
            pub(super) fn stage() -> Vec<(u32, u32)> {
                $($body)*
            }
        }
    )*};
}

versions! {
    plain: Json, , { vec![(1, 2)] };
    comment: Json, , {
        // Nothing but a comment.
        vec![(1, 2)]
    };
    other_body: Json, , { vec![(1, 1 + 1)] };
    first: Json, 1, { vec![(1, 2)] };
    second: Json, 2, { vec![(1, 2)] };
    text_version: Json, "1", { vec![(1, 2)] };
    pretty: Json.pretty(), , { vec![(1, 2)] };
    csv: Csv, , { vec![(1, 2)] };
    csv_semicolon: Csv.delimiter(b';'), , { vec![(1, 2)] };
}

mod manual_first {
    use crate::common::*;

    #[stage(outputs = [x], cachers = [Json], name = "once::upon", code = manual)]
    pub(super) fn stage() -> Vec<(u32, u32)> {
        vec![(1, 2)]
    }
}

mod manual_second {
    use crate::common::*;

    #[stage(outputs = [x], cachers = [Json], name = "once::upon", code = manual)]
    pub(super) fn stage() -> Vec<(u32, u32)> {
        [(1, 2)].to_vec()
    }
}

mod manual_other_type {
    use crate::common::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Point {
        x: u32,
        y: u32,
    }

    #[stage(outputs = [x], cachers = [Json], name = "once::upon", code = manual)]
    pub(super) fn stage() -> Vec<Point> {
        vec![Point { x: 1, y: 2 }]
    }
}

#[test]
fn variant_of_the_stage() {
    let Some(child) = Child::here() else { return };
    let record = &mut child.record(());
    let pairs = match child.variant.as_str() {
        "plain" => plain::stage(record),
        "comment" => comment::stage(record),
        "other_body" => other_body::stage(record),
        "first" => first::stage(record),
        "second" => second::stage(record),
        "text_version" => text_version::stage(record),
        "pretty" => pretty::stage(record),
        "csv" => csv::stage(record),
        "csv_semicolon" => csv_semicolon::stage(record),
        "manual_first" => manual_first::stage(record),
        "manual_second" => manual_second::stage(record),
        "manual_other_type" => {
            assert_eq!(manual_other_type::stage(record).unwrap().load().unwrap().len(), 1);
            return child.report();
        }
        other => panic!("no variant {other}"),
    };
    assert_eq!(*pairs.unwrap().load().unwrap(), [(1, 2)]);
    child.report();
}

/// Runs the variants one after the other, each in a process of its own, and returns the first line of each.
fn variants<const N: usize>(variants: [&str; N]) -> [String; N] {
    let lab = Lab::new();
    variants.map(|variant| {
        let test = "hits::processes::variant_of_the_stage";
        in_a_process(&lab, test, variant, &[]).swap_remove(0)
    })
}

#[test]
fn another_process_finds_what_the_first_has_made() {
    assert_eq!(variants(["plain", "plain"]), ["ran upon: never ran", "hit upon"]);
}

#[test]
fn a_comment_is_a_hit_and_a_changed_body_is_not() {
    let [first, comment, body, back] = variants(["plain", "comment", "other_body", "plain"]);
    assert_eq!([&*first, &*comment, &*back], ["ran upon: never ran", "hit upon", "hit upon"]);
    assert!(body.starts_with("ran upon: code "), "{body}");
}

#[test]
fn a_version_is_in_the_key_and_going_back_is_a_hit() {
    let [first, second, back] = variants(["first", "second", "first"]);
    assert_eq!(
        [&*first, &*second, &*back],
        ["ran upon: never ran", "ran upon: version 1 → 2", "hit upon"]
    );
    let [_, added] = variants(["plain", "first"]);
    assert_eq!(added, "ran upon: version is new");
    let [_, removed] = variants(["first", "plain"]);
    assert_eq!(removed, "ran upon: version is gone");
}

#[test]
fn a_cacher_and_its_options_are_in_the_key() {
    let [_, pretty, csv, semicolon, back] =
        variants(["plain", "pretty", "csv", "csv_semicolon", "plain"]);
    assert_eq!(pretty, "ran upon: cacher of `x` json 1 → json 1 pretty=true");
    assert!(csv.starts_with("ran upon: cacher of `x` json 1"), "{csv}");
    assert!(
        semicolon.ends_with("csv 1 → csv 1 delimiter=;")
            || semicolon.ends_with("json 1 → csv 1 delimiter=;"),
        "{semicolon}"
    );
    assert_eq!(back, "hit upon");
}

#[test]
fn under_manual_code_only_the_version_tells() {
    assert_eq!(variants(["manual_first", "manual_second"])[1], "hit upon");
}

#[test]
fn a_value_is_never_read_as_another_type() {
    let [_, other, back] = variants(["manual_first", "manual_other_type", "manual_second"]);
    assert!(other.starts_with("ran upon"), "{other}");
    assert_eq!(back, "hit upon");
}

#[stage(outputs = [x], cachers = [Text], env = ["MEMO_TESTS_HOME", "MEMO_TESTS_OTHER"])]
fn in_an_environment() -> String {
    format!("{:?}", std::env::var_os("MEMO_TESTS_HOME"))
}

#[test]
fn reads_the_environment() {
    let Some(child) = Child::here() else { return };
    let value = in_an_environment(&mut child.record(())).unwrap().load().unwrap();
    assert_eq!(*value, format!("{:?}", std::env::var_os("MEMO_TESTS_HOME")));
    child.report();
}

#[test]
fn a_variable_that_is_named_is_in_the_key() {
    use std::os::unix::ffi::OsStrExt;
    let lab = Lab::new();
    let run = |variables: &[(&str, &OsStr)]| {
        in_a_process(&lab, "hits::processes::reads_the_environment", "", variables).swap_remove(0)
    };
    let home = |value| [("MEMO_TESTS_HOME", value)];
    let text = |text: &'static str| OsStr::new(text);
    assert_eq!(run(&[]), "ran in_an_environment: never ran");
    assert_eq!(
        run(&home(text("/a"))),
        "ran in_an_environment: environment variable `MEMO_TESTS_HOME` (not set) → /a"
    );
    assert!(run(&home(text("/b"))).ends_with(" → /b"));
    assert_eq!(run(&home(text("/a"))), "hit in_an_environment");
    assert_eq!(run(&[("MEMO_TESTS_UNNAMED", text("x"))]), "hit in_an_environment");
    assert!(run(&home(text(""))).starts_with("ran"), "empty is not unset");
    assert!(run(&home(text("(not set)"))).starts_with("ran"));
    assert!(run(&[("MEMO_TESTS_OTHER", text("/a"))]).starts_with("ran"));
    // What is no Unicode is told apart all the same.
    assert!(run(&home(OsStr::from_bytes(b"\xff"))).starts_with("ran"));
    assert!(run(&home(OsStr::from_bytes(b"\xfe"))).starts_with("ran"));
    assert!(run(&home(OsStr::from_bytes(b"\xff"))).starts_with("hit"));
}

#[stage(outputs = [x], cachers = [Json])]
fn hashed(set: HashSet<String>, map: &HashMap<String, HashSet<u64>>) -> usize {
    set.len() + map.len()
}

#[test]
fn calls_with_hashed_collections() {
    let Some(child) = Child::here() else { return };
    let set: HashSet<String> = (0..50).map(|n| format!("word {n}")).collect();
    let map = (0..20).map(|n| (format!("key {n}"), (n..n + 9).collect())).collect();
    hashed(&mut child.record(()), set, &map).unwrap();
    child.report();
}

#[test]
fn hashed_collections_give_one_key_in_every_process() {
    let lab = Lab::new();
    let test = "hits::processes::calls_with_hashed_collections";
    let lines: Vec<String> = (0..20).flat_map(|_| in_a_process(&lab, test, "", &[])).collect();
    assert_eq!(lines[0], "ran hashed: never ran");
    assert_eq!(lines[1..], ["hit hashed"; 19]);
}
