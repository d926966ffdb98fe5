//! Refused entries of `skip` and `secret`, and refused key functions.

use super::{refused, refused_options};

#[test]
fn entries_of_skip_and_secret() {
    refused_options(&[
        (
            "skip = [params]",
            "`skip` takes single fields of params; name them, as in `params.threads`",
        ),
        (
            "secret = [params]",
            "`secret` takes single fields of params; name them, as in `params.threads`",
        ),
        ("skip = [a]", "`a` is an input, which always enters the key by its content; remove it"),
        ("skip = [x.field]", "only params can be taken apart; name `x` as a whole"),
        ("skip = [z]", "`z` is not a call argument; did you mean `x`?"),
        ("skip = [colour]", "`colour` is not a call argument; name one, or a field of `params`"),
        ("skip = [x, x]", "`x` is named twice; remove it once"),
        ("skip = [params.a.b, params.a.b]", "`params.a.b` is named twice; remove it once"),
        ("skip = [1]", "expected a params field (`params.threads`) or a call argument"),
        ("skip = [params.1.5e3]", "expected the name of a field"),
        ("skip = [x], secret = [x]", "`x` is secret and `x` is skipped; remove one of the two"),
        (
            "skip = [params.api], secret = [params.api.token]",
            "`params.api.token` is secret and `params.api` is skipped; remove one of the two",
        ),
    ]);
    refused(&[(
        "skip = [params.a], secret = [params.b]",
        "fn f() {}",
        &["the function has no `params`; add `params: &Params` to it"; 2],
    )]);
}

#[test]
fn key_functions() {
    refused_options(&[
        ("key = 3", "write `key = f`, `key = f(params, top_k)` or `key = |params, top_k| ..`"),
        (
            "key = f(x + 1)",
            "write `key = f`, `key = f(params, top_k)` or `key = |params, top_k| ..`",
        ),
        (
            "key = |(x, y)| x",
            "write `key = f`, `key = f(params, top_k)` or `key = |params, top_k| ..`",
        ),
        (
            "key = f()",
            "`key` takes nothing here; name `params` or a call argument, as in `key = f(top_k)`",
        ),
        ("key = f(a)", "`a` is an input, which always enters the key by its content; remove it"),
        ("key = |colour| 1", "`colour` is not a call argument; name one, or a field of `params`"),
        ("key = f(x), skip = [x]", "`key` decides what of `x` enters; remove it from `skip`"),
        (
            "key = f, skip = [params.a]",
            "`key` decides what of `params.a` enters; remove it from `skip`",
        ),
        ("key = f(x), secret = [x]", "`key` decides what of `x` enters; remove it from `secret`"),
    ]);
    refused(&[(
        "key = f",
        "fn f() {}",
        &["`key` takes nothing here; name `params` or a call argument, as in `key = f(top_k)`"],
    )]);
}
