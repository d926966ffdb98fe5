//! Every refusal and its sentence. Each row is an attribute, an item, and all errors, in order.

mod arrays;
mod inputs;
mod key;
mod options;
mod outputs;

use super::{expand, pretty};
use crate::stage::model::Kind;

/// Checks the rows of a table, and that something that parses is emitted all the same.
fn refused(rows: &[(&str, &str, &[&str])]) {
    for (attr, item, expected) in rows {
        let (expansion, errors) = expand(Kind::Stage, attr, item);
        assert_eq!(errors, *expected, "#[stage({attr})] {item}");
        pretty(expansion);
    }
}

fn refused_in_aggregates(rows: &[(&str, &str, &[&str])]) {
    for (attr, item, expected) in rows {
        let (expansion, errors) = expand(Kind::Aggregate, attr, item);
        assert_eq!(errors, *expected, "#[aggregate({attr})] {item}");
        pretty(expansion);
    }
}

/// Checks refused options, on a function that every option could be for.
fn refused_options(rows: &[(&str, &str)]) {
    let item = "fn f(params: &Params, a: &A, x: u8, y: u8) -> T { params.rate; }";
    for (attr, expected) in rows {
        refused(&[(&format!("{attr}, inputs = [a], outputs = [t]"), item, &[expected])]);
    }
}

#[test]
fn items_that_are_no_free_functions() {
    refused(&[
        ("", "struct S;", &["`#[stage]` belongs on a function"]),
        ("", "pub mod m {}", &["`#[stage]` belongs on a function"]),
        ("", "const X: u8 = 1;", &["`#[stage]` belongs on a function"]),
        ("", "fn f(a: A) -> B { b }", &["the returned value has no name; add `outputs = [..]`"]),
    ]);
    for item in ["fn f(&self) {}", "fn f(self: Box<Self>, x: u8) {}"] {
        let (_, errors) = expand(Kind::Stage, "", item);
        let sentence =
            "`#[stage]` needs a free function; pass `self` as params or as a call argument";
        assert_eq!(errors, [sentence], "{item}");
    }
    let (_, errors) = expand(Kind::Stage, "", "fn f();");
    assert_eq!(errors, ["`#[stage]` needs a function with a body"]);
    let (_, errors) = expand(Kind::Aggregate, "", "enum E {}");
    assert_eq!(errors, ["`#[aggregate]` belongs on a function"]);
    let sentence = "`Self` is not known here; move the function out of its `impl` block";
    refused(&[
        ("outputs = [a]", "fn f() -> Self { x }", &[sentence]),
        ("outputs = [a]", "fn f() -> Result<Self> { x }", &[sentence]),
        ("inputs = [a]", "fn f(a: &Self) {}", &[sentence]),
    ]);
}

#[test]
fn modifiers() {
    refused(&[
        ("", "const fn f() {}", &["a stage cannot be `const`; remove the `const`"]),
        (
            "",
            "async fn f() {}",
            &["a stage cannot be `async` yet; block on the future inside of an ordinary function"],
        ),
        (
            "",
            "unsafe fn f() {}",
            &["a stage cannot be `unsafe`; keep the `unsafe` block inside of a safe function"],
        ),
        ("", "extern \"C\" fn f() {}", &["a stage cannot be `extern`; remove the ABI"]),
        ("", "fn f(x: u8, ...) {}", &["a stage cannot be variadic; take a `Vec` or a slice"]),
    ]);
    refused_in_aggregates(&[(
        "",
        "const fn f() {}",
        &["an aggregate cannot be `const`; remove the `const`"],
    )]);
}

#[test]
fn aggregates() {
    refused_in_aggregates(&[
        (
            "",
            "fn f(params: &Params) {}",
            &[
                "an aggregate sees many records and has no `params`; take `Across<T, Params>` to see those of each record",
            ],
        ),
        (
            "inputs = [a, b]",
            "fn f(a: Across<A, P>, b: Across<B, Q>) {}",
            &["one aggregate sees one type of params; write `P` as in the input before"],
        ),
        (
            "inputs = [a]",
            "fn f(a: &Across<A>) {}",
            &["`Across<..>` is a handle; take it by value, without the `&`"],
        ),
        (
            "inputs = [a]",
            "fn f(a: Across) {}",
            &["write what lies across the records, as in `Across<Score>`"],
        ),
        (
            "inputs = [a]",
            "fn f(a: Across<&str>) {}",
            &["the input `a` is a value of the state and cannot borrow; own what it holds"],
        ),
    ]);
}

#[test]
fn all_mistakes_of_one_stage_are_reported_together() {
    refused(&[(
        "imputs = [train], outputs = [a, b], cachers = [Csv, Csv, Csv], each = [x on y], done = true, version = \"\"",
        "async fn many(train: &[f64], (x, y): (u8, u8)) -> Result<(u8, u8)> { Ok((x, y)) }",
        &[
            "unknown option `imputs`; did you mean `inputs`?",
            "write `each = [page in pages]`: a parameter of the function, `in`, and the name of an array in the record's state",
            "`version` cannot be empty; leave it out",
            "a stage cannot be `async` yet; block on the future inside of an ordinary function",
            "a parameter of a stage is a plain name; take the pattern apart in the body",
            "give one cacher per output, or one for all; here are 3 for 2",
            "`done` is for a stage without outputs; the outputs are the marker already, so remove it",
        ],
    )]);
}
