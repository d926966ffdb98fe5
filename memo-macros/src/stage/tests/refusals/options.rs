//! Refused options, alone and together.

use super::{refused, refused_options};

#[test]
fn options_that_are_written_wrongly() {
    refused_options(&[
        ("verison = 1", "unknown option `verison`; did you mean `version`?"),
        (
            "colour = 3",
            "unknown option `colour`; the options are `inputs`, `outputs`, `cachers`, `name`, `version`, `code`, `depends`, `opaque`, `skip`, `key`, `env`, `secret`, `validate`, `cache`, `done`, `retries`, `retry_if`, `companion`, `crate`",
        ),
        ("skip(x)", "write `skip = ..`, as in `skip = [params.threads]`"),
        ("skip", "write `skip = ..`, as in `skip = [params.threads]`"),
        ("key =", "write `key = ..`, as in `key = f`"),
        ("cache == true", "write `cache = ..`, as in `cache = false`"),
        ("cache = no", "`cache` is either `true` or `false`"),
        ("name = \"\"", "`name` cannot be empty; leave it out"),
        ("name = fit", "`name` is a string, such as `\"digits/fit\"`"),
        ("companion = \"Fit\"", "`companion` is a name without quotes, such as `Fit`"),
        ("crate = \"memo\"", "`crate` is a path without quotes, such as `crate::lab::memo`"),
        ("env = [HOME]", "`env` holds strings, as in `env = [\"HOME\"]`"),
        ("version = \"\"", "`version` cannot be empty; leave it out"),
        ("version = two", "`version` is a literal, such as `2` or `\"2024-05\"`"),
        ("code = some", "`code` is one of `auto`, `body`, `manual` and `strict`"),
        ("code = 1", "`code` is one of `auto`, `body`, `manual` and `strict`"),
        ("env = [\"\"]", "an empty string in `env` names nothing"),
        ("retries = -1", "`retries` is a whole number, such as `3`"),
        ("retries = many", "`retries` is a whole number, such as `3`"),
        ("name = \"a\" version = 2", "expected `,` and the next option"),
        ("3 = 3", "expected an option like `outputs = [..]`"),
    ]);
    refused(&[(
        "version = 1, version = 2",
        "fn f() {}",
        &["`version` is given twice; keep one of the two"],
    )]);
}

#[test]
fn options_that_come_later() {
    for option in [
        "rerun = true",
        "expires = \"7d\"",
        "was = \"old\"",
        "retry_resources(memory = \"8GiB\")",
        "resources(cpus = 4, memory = \"8GiB\")",
        "each = [page in pages]",
        "batch = 8",
    ] {
        let name = option.split([' ', '(']).next().unwrap_or_default();
        refused_options(&[(option, &format!("`{name}` is not supported yet"))]);
    }
}

#[test]
fn options_that_contradict_each_other() {
    refused(&[
        (
            "outputs = [a], done = true",
            "fn f() -> A { x }",
            &[
                "`done` is for a stage without outputs; the outputs are the marker already, so remove it",
            ],
        ),
        (
            "done = true, cache = false",
            "fn f() {}",
            &[
                "`done = true` keeps a marker and `cache = false` keeps nothing; remove one of the two",
            ],
        ),
        (
            "validate = f",
            "fn f() {}",
            &["`validate` checks outputs, and there are none; remove it"],
        ),
        (
            "retry_if = f",
            "fn f() {}",
            &["`retry_if` needs a number of attempts; add `retries = 3`"],
        ),
    ]);
}

#[test]
fn code_that_is_not_followed_has_nothing_to_add_to() {
    refused_options(&[
        (
            "code = body, depends = [x]",
            "`depends` needs code that is followed; remove `code = body`",
        ),
        (
            "opaque = [x], code = manual",
            "`opaque` needs code that is followed; remove `code = manual`",
        ),
        ("depends = x", "write `depends = [..]`"),
    ]);
}
