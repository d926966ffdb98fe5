//! Refused outputs, returned types and cachers.

use super::refused;

#[test]
fn names_of_outputs() {
    refused(&[
        ("", "fn f() -> A { a }", &["the returned value has no name; add `outputs = [..]`"]),
        (
            "outputs = []",
            "fn f() -> A { a }",
            &["the returned value has no name; add `outputs = [..]`"],
        ),
        (
            "outputs = [a]",
            "fn f() {}",
            &["the function returns nothing; return the value of `a`, or remove `outputs`"],
        ),
        (
            "outputs = [a, b]",
            "fn f() -> Result<()> { Ok(()) }",
            &["the function returns nothing; return the value of `a`, or remove `outputs`"],
        ),
        (
            "outputs = [a, b]",
            "fn f() -> (A, B, C) { x }",
            &["`outputs` has 2 names for 3 returned values; give each value one name"],
        ),
        (
            "outputs = [a, b]",
            "fn f() -> Pair { x }",
            &[
                "`outputs` has 2 names, but the returned type is no tuple; write a tuple of 2 values out, or keep one name",
            ],
        ),
        (
            "outputs = [a, Lazy(a)]",
            "fn f() -> (A, A) { x }",
            &["the output `a` is named twice; give each value its own name"],
        ),
        ("outputs = [lazy(a)]", "fn f() -> A { x }", &["write `Lazy(a)` or just `a`"]),
        (
            "outputs = [Lazy(a, b)]",
            "fn f() -> (A, A) { x }",
            &["`Lazy(..)` holds one name; write `Lazy(a), Lazy(b)` for two"],
        ),
        ("outputs = [\"a\"]", "fn f() -> A { x }", &["write `a` without the quotes"]),
        ("outputs = [a b]", "fn f() -> (A, A) { x }", &["expected `,` or `]`"]),
        (
            "outputs = [1, a]",
            "fn f() -> A { x }",
            &["expected the name of an output, or `Lazy(name)`"],
        ),
        (
            "outputs = [Lazy(a)], cache = false",
            "fn f() -> A { x }",
            &[
                "`Lazy(a)` lives in the store, and `cache = false` keeps nothing there; remove one of the two",
            ],
        ),
    ]);
}

#[test]
fn types_of_outputs() {
    let rows: &[(&str, &str)] = &[
        ("&str", "an output is kept and cannot borrow; return an owned value"),
        ("Result<&'a str>", "an output is kept and cannot borrow; return an owned value"),
        ("Cow<'a, str>", "an output is kept and cannot borrow; return an owned value"),
        ("impl Iterator", "the type of an output must have a name; `impl Trait` has none"),
        ("Lazy<A>", "return the value itself; `outputs = [Lazy(name)]` makes a handle of it"),
        ("Result", "write the returned type out, as in `Result<Model>`"),
    ];
    for (ty, sentence) in rows {
        refused(&[("outputs = [a]", &format!("fn f() -> {ty} {{ x }}"), &[sentence])]);
    }
}

#[test]
fn cachers() {
    refused(&[
        (
            "outputs = [a, b, c], cachers = [Json, Csv]",
            "fn f() -> (A, B, C) { x }",
            &["give one cacher per output, or one for all; here are 2 for 3"],
        ),
        (
            "outputs = [a], cachers = []",
            "fn f() -> A { x }",
            &["give one cacher per output, or one for all; here are 0 for 1"],
        ),
        (
            "cachers = [Json]",
            "fn f() {}",
            &["`cachers` write outputs, and there are none; remove it, or add `outputs = [..]`"],
        ),
        ("outputs = [a], cachers = Json", "fn f() -> A { x }", &["write `cachers = [..]`"]),
    ]);
}
