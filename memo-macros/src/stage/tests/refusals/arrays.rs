//! Refused array stages, and inputs that are whole arrays.

use super::{refused, refused_in_aggregates};

const SENTENCE: &str = "write `each = [page in pages]`: a parameter of the function, `in`, and the name of an array in the record's state";

#[test]
fn each_that_is_written_wrongly() {
    let item = "fn f(page: &Page) {}";
    let rows: &[(&str, &str)] = &[
        ("each = page in pages", "write `each = [page in pages]`"),
        ("each = pages", "write `each = [page in pages]`"),
        ("each(page in pages)", "write `each = ..`, as in `each = [page in pages]`"),
        ("each", "write `each = ..`, as in `each = [page in pages]`"),
        ("each = []", "`each` names no array; write `each = [page in pages]`, or remove it"),
        ("each = [page]", SENTENCE),
        ("each = [pages]", SENTENCE),
        ("each = [page in]", SENTENCE),
        ("each = [page of pages]", SENTENCE),
        ("each = [page in &pages]", SENTENCE),
        ("each = [page in record.pages]", SENTENCE),
        ("each = [pages as page]", SENTENCE),
        ("each = [3]", SENTENCE),
        ("each = [\"page in pages\"]", "write `page in pages` without the quotes"),
        ("batch = 0, each = [page in pages]", "`batch` is a whole number from 1, such as `4`"),
        ("batch = many, each = [page in pages]", "`batch` is a whole number from 1, such as `4`"),
        ("batch, each = [page in pages]", "write `batch = ..`, as in `batch = 8`"),
    ];
    for (attr, sentence) in rows {
        refused(&[(attr, item, &[sentence])]);
    }
}

#[test]
fn names_of_elements() {
    refused(&[
        (
            "each = [pgae in pages]",
            "fn f(page: &Page, x: u8) {}",
            &["the function has no parameter `pgae`; did you mean `page`?"],
        ),
        (
            "each = [row in rows]",
            "fn f(page: &Page) {}",
            &["the function has no parameter `row`; add it, or remove the element"],
        ),
        (
            "inputs = [page], each = [page in pages]",
            "fn f(page: &Page) {}",
            &["`page` is an element of an array, as `each` says; remove it from `inputs`"],
        ),
        (
            "inputs = [first as page], each = [page in pages]",
            "fn f(page: &Page) {}",
            &["`page` is an element of an array, as `each` says; remove it from `inputs`"],
        ),
        (
            "each = [page in pages, page in others]",
            "fn f(page: &Page) {}",
            &["the parameter `page` is named twice; remove it once"],
        ),
        (
            "each = [params in all, ctx in contexts, index in indices, page in pages]",
            "fn f(params: &Params, ctx: &Context, index: usize, page: &Page) {}",
            &[
                "`params` is never an element; remove it from `each`",
                "`ctx` is never an element; remove it from `each`",
                "`index` is never an element; remove it from `each`",
            ],
        ),
        (
            "inputs = [index], each = [page in pages]",
            "fn f(page: &Page, index: usize) {}",
            &["`index` is never an input; remove it from `inputs`"],
        ),
        (
            "skip = [page]",
            "fn f(params: &Params) {}",
            &["`page` is not a call argument; name one, or a field of `params`"],
        ),
    ]);
}

#[test]
fn elements_and_the_index_stay_in_the_key() {
    let element = "`page` is an element of an array, which always enters the key; remove it";
    let index = "`index` enters the key because the function takes it; remove it here";
    for option in ["skip = [page]", "secret = [page]", "key = f(page)", "key = |page| page.len()"] {
        let attr = format!("each = [page in pages], {option}");
        refused(&[(&attr, "fn f(page: &Page, x: u8) {}", &[element])]);
    }
    for option in ["skip = [index]", "secret = [index]", "key = f(index)"] {
        let attr = format!("each = [page in pages], {option}");
        refused(&[(&attr, "fn f(page: &Page, index: usize, x: u8) {}", &[index])]);
    }
}

#[test]
fn types_of_elements() {
    let absent = "the element `a` is never absent; write `&T`, or `&Option<T>` if the elements are `Option`s";
    let lazy = "the element `a` is loaded when its turn comes; write `&T` for `Lazy<T>`";
    let rows: &[(&str, &str)] = &[
        (
            "&mut A",
            "a stage cannot change the element `a`; take `&T` and return the changed value as an output",
        ),
        (
            "&dyn A",
            "the element `a` has no owned form; name its type, or a type parameter, in place of `dyn`",
        ),
        ("&&A", "the element `a` is a reference to a reference; one `&` is enough"),
        ("&'static A", "the element `a` is lent for the call only; remove the `'static`"),
        (
            "Vec<&str>",
            "the element `a` is a value of the state and cannot borrow; own what it holds",
        ),
        ("Option<&A>", absent),
        ("Option<&[A]>", absent),
        ("Lazy<A>", lazy),
        ("&Lazy<A>", lazy),
        ("Option<Lazy<A>>", lazy),
        ("Across<A>", "the element `a` is a value of one record; write `&T` for `Across<T>`"),
        (
            "&Shards<A>",
            "the element `a` is one value; write `&T` for `Shards<T>`, or name it in `inputs` to take a whole array",
        ),
    ];
    for (ty, sentence) in rows {
        refused(&[("each = [a in all]", &format!("fn f(a: {ty}) {{}}"), &[sentence])]);
    }
}

#[test]
fn types_of_the_index() {
    let sentence = "`index` is the place of the element in its array; write `usize`, or rename a parameter that is a call argument";
    for ty in ["u32", "&usize", "Option<usize>"] {
        let item = format!("fn f(a: &A, index: {ty}) {{}}");
        refused(&[("each = [a in all]", &item, &[sentence])]);
    }
}

#[test]
fn options_that_need_an_array() {
    refused(&[
        (
            "batch = 8",
            "fn f(x: u8) {}",
            &["`batch` cuts an array into tasks; add `each = [page in pages]`, or remove it"],
        ),
        (
            "each = [], batch = 8",
            "fn f(x: u8) {}",
            &["`each` names no array; write `each = [page in pages]`, or remove it"],
        ),
    ]);
    refused_in_aggregates(&[(
        "each = [a in all], batch = 3",
        "fn f(a: &A) {}",
        &["an aggregate runs once over all records; remove `each`, or write `#[stage]`"],
    )]);
}

#[test]
fn whole_arrays() {
    let absent = "shards cannot be absent yet; write `&Shards<T>`";
    let lazy = "shards are read one by one, when they are asked for; write `Shards<T>`";
    let rows: &[(&str, &str)] = &[
        ("Option<&Shards<A>>", absent),
        ("Option<Shards<A>>", absent),
        ("Lazy<Shards<A>>", lazy),
        (
            "Shards<&str>",
            "the input `a` is a value of the state and cannot borrow; own what it holds",
        ),
        (
            "&Shards<&str>",
            "the input `a` must be kept and cannot borrow; own what it holds, as in `&[String]` for `&[&str]`",
        ),
        (
            "&mut Shards<A>",
            "a stage cannot change the input `a`; take `&T` and return the changed value as an output",
        ),
    ];
    for (ty, sentence) in rows {
        refused(&[("inputs = [a]", &format!("fn f(a: {ty}) {{}}"), &[sentence])]);
    }
    let borrowed = "the input `a` is a value of the state and cannot borrow; own what it holds";
    for ty in ["Across<&Shards<A>>", "Across<Option<&Shards<A>>>"] {
        refused_in_aggregates(&[("inputs = [a]", &format!("fn f(a: {ty}) {{}}"), &[borrowed])]);
    }
    for ty in ["Across<Shards<A>>", "Across<Option<Shards<A>>>", "Across<Shards<A>, Params>"] {
        refused_in_aggregates(&[("inputs = [a]", &format!("fn f(a: {ty}) {{}}"), &[])]);
    }
    let forgotten = "`Shards<..>` is an input; name `a` in `inputs`";
    refused(&[
        ("", "fn f(a: &Shards<A>) {}", &[forgotten]),
        ("", "fn f(a: Shards<A>) {}", &[forgotten]),
        (
            "outputs = [a]",
            "fn f() -> Shards<A> { x }",
            &["return a value; `each = [page in pages]` makes shards of values"],
        ),
    ]);
}
