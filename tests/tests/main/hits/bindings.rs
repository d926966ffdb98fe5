//! Which argument is skipped and which value a parameter is given are told by the attribute alone: signature
//! and body stay as they are.

use memo_tests::{Child, in_a_process};

use crate::common::*;

mod skips_second {
    use crate::common::*;

    #[stage(outputs = [z], cachers = [Json], name = "once::skips", skip = [b])]
    pub(super) fn stage(a: u32, b: u32) -> (u32, u32) {
        (a, b)
    }
}

mod skips_first {
    use crate::common::*;

    #[stage(outputs = [z], cachers = [Json], name = "once::skips", skip = [a])]
    pub(super) fn stage(a: u32, b: u32) -> (u32, u32) {
        (a, b)
    }
}

mod straight {
    use crate::common::*;

    #[stage(inputs = [x as l, y as r], outputs = [z], cachers = [Json], name = "once::binds")]
    pub(super) fn stage(l: &u32, r: &u32) -> (u32, u32) {
        (*l, *r)
    }
}

mod crossed {
    use crate::common::*;

    #[stage(inputs = [x as r, y as l], outputs = [z], cachers = [Json], name = "once::binds")]
    pub(super) fn stage(l: &u32, r: &u32) -> (u32, u32) {
        (*l, *r)
    }
}

#[test]
fn variant_of_the_attribute() {
    let Some(child) = Child::here() else { return };
    let record = &mut child.record(());
    record.insert("x", 1_u32).unwrap();
    record.insert("y", 2_u32).unwrap();
    let (pair, expected) = match child.variant.as_str() {
        "skips_second" => (skips_second::stage(record, 2, 9), (2, 9)),
        "skips_first" => (skips_first::stage(record, 1, 2), (1, 2)),
        "straight" => (straight::stage(record), (1, 2)),
        "crossed" => (crossed::stage(record), (2, 1)),
        other => panic!("no variant {other}"),
    };
    assert_eq!(*pair.unwrap().load().unwrap(), expected);
    child.report();
}

/// Runs the variants one after the other, each in a process of its own, and tells for each whether it ran.
fn ran<const N: usize>(variants: [&str; N]) -> [bool; N] {
    let lab = Lab::new();
    let test = "hits::bindings::variant_of_the_attribute";
    variants.map(|variant| in_a_process(&lab, test, variant, &[])[0].starts_with("ran "))
}

#[test]
fn which_argument_is_skipped_is_in_the_key() {
    assert_eq!(
        ran(["skips_second", "skips_first", "skips_second", "skips_first"]),
        [true, true, false, false]
    );
}

#[test]
fn which_parameter_an_input_is_given_to_is_in_the_key() {
    assert_eq!(ran(["straight", "crossed", "straight", "crossed"]), [true, true, false, false]);
}
