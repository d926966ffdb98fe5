//! Refused parameters: inputs, call arguments, params and context.

use super::refused;

#[test]
fn parameters() {
    let impl_trait =
        "a stage cannot take `impl Trait`; name a type parameter, as in `fn f<T: Trait>(x: T)`";
    refused(&[
        ("", "fn f(x: impl Into<String>) {}", &[impl_trait]),
        ("", "fn f(x: Vec<impl Into<String>>) {}", &[impl_trait]),
        (
            "",
            "fn f((a, b): (u8, u8)) {}",
            &["a parameter of a stage is a plain name; take the pattern apart in the body"],
        ),
        (
            "",
            "fn f(ref a: u8) {}",
            &["a parameter of a stage is a plain name; take the pattern apart in the body"],
        ),
        ("", "fn f(_: u8) {}", &["a parameter of a stage needs a name; `_` is none"]),
        (
            "",
            "fn f(#[cfg(x)] a: u8) {}",
            &["a parameter of a stage cannot be conditional; put `cfg` on the stage"],
        ),
    ]);
}

#[test]
fn params_and_context() {
    let params = "`params` is lent by the record; write `&Params`, or rename a parameter that is a call argument";
    let context =
        "`ctx` is lent by the run; write `&Context`, or rename a parameter that is a call argument";
    refused(&[
        ("", "fn f(params: Params) {}", &[params]),
        ("", "fn f(params: &mut Params) {}", &[params]),
        (
            "",
            "fn f(params: &Params<'_>) {}",
            &["params cannot borrow; own the values, as in `String` for `&str`"],
        ),
        ("", "fn f(ctx: Context) {}", &[context]),
        ("", "fn f(ctx: &mut Context) {}", &[context]),
        ("", "fn f(ctx: &Run) {}", &[context]),
    ]);
}

#[test]
fn call_arguments() {
    refused(&[
        (
            "",
            "fn f(x: &mut u8) {}",
            &[
                "a stage cannot change the call argument `x`; take `&T` and return the changed value as an output",
            ],
        ),
        (
            "",
            "fn f(x: &dyn Shape) {}",
            &[
                "the call argument `x` has no owned form; name its type, or a type parameter, in place of `dyn`",
            ],
        ),
        (
            "",
            "fn f(x: &&str) {}",
            &["the call argument `x` is a reference to a reference; one `&` is enough"],
        ),
        (
            "",
            "fn f(x: &[&str]) {}",
            &[
                "the call argument `x` must be kept and cannot borrow; own what it holds, as in `&[String]` for `&[&str]`",
            ],
        ),
        (
            "",
            "fn f(x: Option<&str>) {}",
            &[
                "the call argument `x` must be kept until the stage runs and cannot borrow; own what it holds, or take it as `&T`",
            ],
        ),
        (
            "",
            "fn f<'a>(x: Options<'a>) {}",
            &[
                "the call argument `x` must be kept until the stage runs and cannot borrow; own what it holds, or take it as `&T`",
            ],
        ),
        ("", "fn f(x: Across<u8>) {}", &["`Across<..>` is an input; name `x` in `inputs`"]),
    ]);
}

#[test]
fn names_of_inputs() {
    refused(&[
        (
            "inputs = [trian]",
            "fn f(train: &A, x: u8) {}",
            &["the function has no parameter `trian`; did you mean `train`?"],
        ),
        (
            "inputs = [model]",
            "fn f(train: &A) {}",
            &["the function has no parameter `model`; add it, or remove the input"],
        ),
        (
            "inputs = [state as mdoel]",
            "fn f(model: &A) {}",
            &["the function has no parameter `mdoel`; did you mean `model`?"],
        ),
        (
            "inputs = [a, b as a]",
            "fn f(a: &A) {}",
            &["the parameter `a` is named twice; remove it once"],
        ),
        (
            "inputs = [params, ctx]",
            "fn f(params: &P, ctx: &Context) {}",
            &[
                "`params` is never an input; remove it from `inputs`",
                "`ctx` is never an input; remove it from `inputs`",
            ],
        ),
        ("inputs = [\"a\"]", "fn f(a: &A) {}", &["write `a` without the quotes"]),
        ("inputs = a", "fn f(a: &A) {}", &["write `inputs = [..]`"]),
        ("inputs = [a as]", "fn f(a: &A) {}", &["write the name of the parameter behind `as`"]),
        (
            "inputs = [3, a]",
            "fn f(a: &A) {}",
            &["expected the name of an input, or `state_name as parameter`"],
        ),
    ]);
}

#[test]
fn types_of_inputs() {
    let optional = "write `Option<&T>` if the input `a` may be absent, or `&Option<T>` if its value is an `Option`";
    let state = "the input `a` is a value of the state and cannot borrow; own what it holds";
    let rows: &[(&str, &str)] = &[
        (
            "&mut A",
            "a stage cannot change the input `a`; take `&T` and return the changed value as an output",
        ),
        (
            "&dyn A",
            "the input `a` has no owned form; name its type, or a type parameter, in place of `dyn`",
        ),
        ("&&A", "the input `a` is a reference to a reference; one `&` is enough"),
        (
            "&[&str]",
            "the input `a` must be kept and cannot borrow; own what it holds, as in `&[String]` for `&[&str]`",
        ),
        ("&'static A", "the input `a` is lent for the call only; remove the `'static`"),
        ("&Lazy<A>", "`Lazy<..>` is a handle; take it by value, without the `&`"),
        ("Option<A>", optional),
        (
            "Option<&mut A>",
            "a stage cannot change the input `a`; take `&T` and return the changed value as an output",
        ),
        ("Vec<&str>", state),
        ("Lazy<&str>", state),
        ("Across<A>", "a stage sees one record; `Across<..>` belongs to `#[aggregate]`"),
    ];
    for (ty, sentence) in rows {
        refused(&[("inputs = [a]", &format!("fn f(a: {ty}) {{}}"), &[sentence])]);
    }
}
