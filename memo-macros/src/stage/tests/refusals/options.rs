//! Refused options, alone and together.

use super::{refused, refused_options};

#[test]
fn options_that_are_written_wrongly() {
    refused_options(&[
        ("verison = 1", "unknown option `verison`; did you mean `version`?"),
        (
            "colour = 3",
            "unknown option `colour`; the options are `inputs`, `outputs`, `cachers`, `name`, `version`, `code`, `depends`, `opaque`, `skip`, `key`, `env`, `secret`, `validate`, `cache`, `rerun`, `expires`, `was`, `done`, `retries`, `retry_if`, `resources`, `retry_resources`, `each`, `batch`, `companion`, `crate`",
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
        ("rerun = 1", "`rerun` is either `true` or `false`"),
        (
            "expires = 7",
            "`expires` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"7d\"` or `\"1h30m\"`",
        ),
        (
            "expires = \"7\"",
            "`expires` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"7d\"` or `\"1h30m\"`",
        ),
        (
            "expires = \"7 days\"",
            "`expires` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"7d\"` or `\"1h30m\"`",
        ),
        (
            "expires = \"\"",
            "`expires` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"7d\"` or `\"1h30m\"`",
        ),
        (
            "expires = \"99999999999999999w\"",
            "`expires` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"7d\"` or `\"1h30m\"`",
        ),
        (
            "expires = \"0s\"",
            "an entry that is never served need not be kept; write `cache = false`, or a longer time",
        ),
        ("was = old", "`was` is a name in quotes, such as `\"old_name\"`"),
        ("was = \"\"", "`was` cannot be empty; leave it out"),
        ("was = [\"\"]", "an empty string in `was` names nothing"),
        ("3 = 3", "expected an option like `outputs = [..]`"),
    ]);
    refused(&[(
        "version = 1, version = 2",
        "fn f() {}",
        &["`version` is given twice; keep one of the two"],
    )]);
}

#[test]
fn resources_that_cannot_be_meant() {
    refused_options(&[
        ("resources = 4", "write `resources(..)`, as in `resources(cpus = 4, memory = \"8GiB\")`"),
        ("resources(cpu = 4)", "unknown resource `cpu`; did you mean `cpus`?"),
        ("resources(cpus = 0)", "`cpus` is a whole number from 1, such as `4`"),
        ("resources(gpus = \"1\")", "`gpus` is a whole number from 1, such as `4`"),
        ("resources(cpus)", "write `cpus = ..`, as in `cpus = 4`"),
        ("resources(cpus = 4 memory = 3)", "expected `,` and the next resource"),
        ("resources(cpus = 4, cpus = 4)", "`cpus` is given twice; keep one of the two"),
        (
            "resources(memory = \"8\")",
            "`memory` is a size in quotes, with `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, such as `\"8GiB\"`",
        ),
        (
            "resources(time = \"30\")",
            "`time` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"30m\"`",
        ),
        ("resources(partition = \"\")", "`partition` is a name in quotes, such as `\"long\"`"),
        ("resources(4)", "expected a resource like `cpus = 4`"),
    ]);
}

#[test]
fn more_resources_that_cannot_be_meant() {
    let memory = "`memory` is what the next attempt has, in quotes: so many times what the one before asked for, such as `\"x2\"`, or a size, such as `\"64GiB\"`";
    let time = "`time` is what the next attempt has, in quotes: so many times what the one before asked for, such as `\"x2\"`, or a time, such as `\"4h\"`";
    refused_options(&[
        (
            "retry_resources = 4",
            "write `retry_resources(..)`, as in `retry_resources(memory = \"x2\", time = \"x2\")`",
        ),
        (
            "retry_resources(ram = \"x2\")",
            "unknown resource `ram`; the resources are `cpus`, `memory`, `time`, `gpus`, `partition`",
        ),
        ("retry_resources(cpus = \"x2\")", "`cpus` is a whole number from 1, such as `4`"),
        ("retry_resources(memory = \"x1\")", memory),
        ("retry_resources(memory = \"2x\")", memory),
        ("retry_resources(time = \"x\")", time),
        ("retry_resources(time = 2)", time),
    ]);
}

#[test]
fn more_than_nothing_is_refused() {
    refused(&[
        (
            "retry_resources(memory = \"64GiB\")",
            "fn f() {}",
            &["`retry_resources` needs a number of attempts; add `retries = 3`"],
        ),
        (
            "retries = 2, resources(time = \"1h\"), retry_resources(memory = \"x2\", time = \"x2\")",
            "fn f() {}",
            &[
                "what is it so many times of? Add `resources(memory = \"8GiB\")`, or write how much `memory` the next attempt has",
            ],
        ),
    ]);
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
            "outputs = [a], cachers = [Json], rerun = true, cache = false",
            "fn f() -> A { x }",
            &[
                "`rerun = true` compares with what is kept and `cache = false` keeps nothing; remove one of the two",
            ],
        ),
        (
            "outputs = [a], cachers = [Json], rerun = true, expires = \"1h\"",
            "fn f() -> A { x }",
            &["`rerun = true` always runs, so nothing is left to expire; remove one of the two"],
        ),
        (
            "outputs = [a], rerun = true",
            "fn f() -> A { x }",
            &[
                "`rerun` compares with what is kept, and `a` is not kept; add `cachers = [..]`, or write `cache = false`",
            ],
        ),
        (
            "rerun = true",
            "fn f() {}",
            &[
                "`rerun` compares outputs, and there are none; a stage without outputs always runs, so remove it",
            ],
        ),
        (
            "outputs = [a], cachers = [Json], expires = \"1h\", cache = false",
            "fn f() -> A { x }",
            &["`cache = false` keeps nothing that could expire; remove one of the two"],
        ),
        (
            "expires = \"1h\"",
            "fn f() {}",
            &["nothing is kept that could expire; add `done = true`, or remove it"],
        ),
        (
            "outputs = [a], expires = \"1h\"",
            "fn f() -> A { x }",
            &["`a` is not kept, so it cannot expire; add `cachers = [..]`, or remove it"],
        ),
        (
            "was = \"f\"",
            "fn f() {}",
            &["that is the stage's name now; write the one that it had before"],
        ),
        (
            "was = [\"f\", \"a/b\"], name = \"a/b\"",
            "fn f() {}",
            &["that is the stage's name now; write the one that it had before"],
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
