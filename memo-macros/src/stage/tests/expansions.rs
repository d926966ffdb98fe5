//! Expansions as people would read them. Local variables of ours are hygienic, which text does not show.

use super::{expand, pretty};
use crate::stage::model::Kind;

/// Returns the expansion of a stage without mistakes, formatted.
fn stage(attr: &str, item: &str) -> String {
    without_mistakes(Kind::Stage, attr, item)
}

fn aggregate(attr: &str, item: &str) -> String {
    without_mistakes(Kind::Aggregate, attr, item)
}

fn without_mistakes(kind: Kind, attr: &str, item: &str) -> String {
    let (expansion, errors) = expand(kind, attr, item);
    assert_eq!(errors, Vec::<String>::new());
    pretty(expansion)
}

/// Compares an expansion with the file of that name in `snapshots`.
fn snapshot(name: &str, expansion: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, expansion);
    });
}

#[test]
fn two_outputs_and_two_fields() {
    snapshot(
        "two_outputs_and_two_fields",
        &stage(
            "outputs = [train, test], cachers = [Csv, Csv]",
            "/// No inputs: the start of the pipeline.
        pub fn split(params: &Params) -> Result<(Vec<Digit>, Vec<Digit>)> {
            shuffle(params.test_share, params.seed)
        }",
        ),
    );
}

#[test]
fn every_option() {
    snapshot("every_option", &stage(
        r#"inputs = [train, prior as old], outputs = [model, Lazy(embeddings)], cachers = [Bincode, Npy],
        name = "fit", version = 2, code = strict, skip = [verbose, params.train.threads],
        secret = [token, params.api.token], env = ["HOME"], validate = checks::plausible, retries = 3,
        retry_if = |attempt| attempt.number() < 2, companion = Fit, crate = lab::memo"#,
        "pub(crate) fn fit<A: Bound, const N: usize>(
            params: &Params, train: &[Digit], old: Option<&Model>, top_k: usize, name: &str, verbose: bool,
            token: &str, ctx: &Context,
        ) -> Result<(Model, Array2<f32>)> where A: Send {
            ctx.log(params.api.token.len());
            train_on(&params.train, params.api.url, train, old, top_k, name, verbose, token)
        }",
    ));
}

#[test]
fn every_form_of_input() {
    snapshot("every_form_of_input", &stage(
        "inputs = [slice, text, path, lent, owned, handle, perhaps, perhaps_slice, perhaps_handle],
        outputs = [score]",
        "fn forms(
            slice: &[Digit], text: &str, path: &std::path::Path, lent: &Model, owned: Model, handle: Lazy<Model>,
            perhaps: Option<&Model>, perhaps_slice: Option<&[Digit]>, perhaps_handle: Option<Lazy<Model>>,
        ) -> f64 { 0.0 }",
    ));
}

#[test]
fn every_form_of_argument() {
    snapshot("every_form_of_argument", &stage(
        "outputs = [score]",
        "fn arguments(
            mut owned: usize, text: &str, slice: &[f64], lent: &Options, forever: &'static str, f: fn(&str) -> bool,
        ) -> f64 { 0.0 }",
    ));
}

#[test]
fn no_outputs() {
    snapshot("no_outputs", &stage("", "fn notify(params: &Params) { send(params); }"));
}

#[test]
fn no_outputs_but_a_marker() {
    snapshot(
        "no_outputs_but_a_marker",
        &stage(
            "inputs = [table], done = true, cache = true",
            "fn upload(table: &Table) -> Result<()> { put(table) }",
        ),
    );
}

#[test]
fn a_tuple_for_one_output() {
    snapshot(
        "a_tuple_for_one_output",
        &stage(
            "outputs = [pair], cachers = [Json], validate = |pair: &(u8, u8)| pair.0 < pair.1",
            "fn pair() -> (u8, u8) { (1, 2) }",
        ),
    );
}

#[test]
fn one_cacher_for_all_and_none_for_a_lazy_output() {
    snapshot(
        "one_cacher_for_all",
        &stage(
            "outputs = [a, b], cachers = [Csv::with(';')]",
            "fn pair() -> (Vec<A>, Vec<B>) { make() }",
        ),
    );
    snapshot(
        "a_lazy_output_without_a_cacher",
        &stage("outputs = [Lazy(a), b]", "fn pair() -> (A, B) { make() }"),
    );
}

#[test]
fn key_functions() {
    let item = "fn f(params: &Params, top_k: usize, name: &str) -> f64 { params.rate }";
    snapshot("key_function_of_params", &stage("outputs = [a], key = project", item));
    snapshot("key_function_of_some", &stage("outputs = [a], key = project(params, top_k)", item));
    snapshot(
        "key_closure",
        &stage("outputs = [a], key = |top_k, name| (*top_k, name.len())", item),
    );
    let item = "fn f(top_k: usize, name: &str) -> f64 { 1.0 }";
    snapshot("key_function_of_arguments", &stage("outputs = [a], key = project", item));
}

#[test]
fn names_that_get_in_the_way() {
    snapshot("names_that_get_in_the_way", &stage(
        "inputs = [r#type, inputs, result], outputs = [r#match, output]",
        "fn r#fn<'a>(record: u8, outputs: &'a str, r#type: &Kind, inputs: &[u8], result: u8, captured: u8, call: u8)
            -> (u8, u8) { (record, call) }",
    ));
}

#[test]
fn attributes_go_where_they_belong() {
    snapshot(
        "attributes_go_where_they_belong",
        &stage(
            "outputs = [a]",
            r#"/// Docs.
        #[cfg(feature = "x")]
        #[doc(hidden)]
        #[deprecated]
        #[allow(unused)]
        #[expect(clippy::cast_lossless, reason = "why")]
        #[inline]
        #[instrument]
        pub fn f(#[allow(unused)] x: u8) -> f64 { 1.0 }"#,
        ),
    );
}

#[test]
fn an_aggregate() {
    snapshot(
        "an_aggregate",
        &aggregate(
            "inputs = [score], outputs = [leaderboard], cachers = [Csv]",
            "fn compare(score: Across<Score>, top: usize) -> Result<Vec<Line>> { rank(score, top) }",
        ),
    );
}

#[test]
fn an_aggregate_with_params() {
    snapshot(
        "an_aggregate_with_params",
        &aggregate(
            "inputs = [score, note as notes, leaderboard], outputs = [page]",
            "fn compare(
            score: Across<Score, Params>, notes: Across<Option<Note>, Params>, leaderboard: &[Line],
        ) -> String { render(score, notes, leaderboard) }",
        ),
    );
}

#[test]
fn an_aggregate_without_outputs() {
    snapshot(
        "an_aggregate_without_outputs",
        &aggregate(
            "inputs = [score], done = true",
            "fn publish(score: Across<Score>) -> Result<()> { upload(score) }",
        ),
    );
}

#[test]
fn an_array() {
    snapshot(
        "an_array",
        &stage(
            "each = [page in pages, id in ids], inputs = [lexicon], outputs = [embedding, Lazy(size)],
            cachers = [Bincode], batch = 8, validate = plausible",
            "fn embed(page: &Page, id: u64, index: usize, params: &Params, lexicon: &Lexicon, verbose: bool)
                -> Result<(Embedding, u64)> { make(page, id, index, params.size, lexicon) }",
        ),
    );
}

#[test]
fn what_a_stage_takes_of_the_machine() {
    snapshot(
        "what_a_stage_takes_of_the_machine",
        &stage(
            "outputs = [model], cachers = [Bincode], retries = 2, resources(cpus = 4, memory = \"1GiB\"),
            retry_resources(memory = \"x1.5\", time = \"4h\", partition = \"long\")",
            "fn fit() -> Model { make() }",
        ),
    );
}

#[test]
fn an_array_of_every_form_of_element() {
    snapshot(
        "an_array_of_every_form_of_element",
        &stage(
            "each = [slice in slices, text in texts, path in paths, owned in values], outputs = [score]",
            "fn forms(slice: &[Digit], text: &str, path: &Path, owned: Option<Model>) -> f64 { 0.0 }",
        ),
    );
}

#[test]
fn an_array_without_outputs() {
    snapshot(
        "an_array_without_outputs",
        &stage("each = [page in pages], done = true", "fn send<T: Page>(page: &T) {}"),
    );
}

#[test]
fn whole_arrays_as_inputs() {
    snapshot(
        "whole_arrays_as_inputs",
        &stage(
            "inputs = [lent, owned], outputs = [sum], cachers = [Json]",
            "fn sum(lent: &Shards<u64>, owned: memo::Shards<Model>, index: usize) -> u64 { index }",
        ),
    );
}

/// A type of one's own may have that name, without parameters.
#[test]
fn shards_of_ones_own() {
    let item = "fn f(a: &Shards, b: Option<&Shards>, c: Shards, d: &Shards) -> Shards { c }";
    let expansion = stage("inputs = [a, b, c], outputs = [e]", item);
    assert!(expansion.contains("call.input::<Shards>(0)"), "{expansion}");
    assert!(!expansion.contains("call.shards"), "{expansion}");
}

/// Returns the fingerprint in an expansion.
fn code(attr: &str, item: &str) -> String {
    let expansion = stage(attr, item);
    let at = expansion.find("0x").expect("a fingerprint");
    expansion[at..at + 34].to_owned()
}

#[test]
fn how_an_array_is_cut_is_no_code() {
    let item = "fn f(page: &Page, index: usize) -> u8 { 1 }";
    let attr = "each = [page in pages], outputs = [a]";
    let same = [
        "each = [page in others], outputs = [a]",
        "each = [page in pages], outputs = [a], batch = 8",
        "each = [page in pages], outputs = [a], resources(cpus = 2)",
        "each = [page in pages], outputs = [a], retries = 1, retry_resources(time = \"1h\")",
    ];
    for other in same {
        assert_eq!(code(attr, item), code(other, item), "{other}");
    }
    let edited = "fn f(page: &Page, index: usize) -> u8 { 2 }";
    let renamed = "fn f(index: usize, page: &Page) -> u8 { 1 }";
    for other in [edited, renamed] {
        assert_ne!(code(attr, item), code(attr, other), "{other}");
    }
}

#[test]
fn an_array_with_mistakes_leaves_its_outline() {
    let item = "fn f(page: &Page, index: u8, x: u8) -> A { a }";
    let (outline, errors) = expand(Kind::Stage, "each = [page of pages], outputs = [a]", item);
    assert_eq!(errors.len(), 2);
    snapshot("an_array_with_mistakes_leaves_its_outline", &pretty(outline));
}

#[test]
fn mistakes_leave_an_outline() {
    let (outline, errors) = expand(
        Kind::Stage,
        "imputs = [train], outputs = [model], retry_if = f",
        "/// Docs.
        pub fn fit<A: Bound>(params: &Params, train: &[A], top_k: usize) -> Result<Model> { todo() }",
    );
    assert_eq!(errors.len(), 2);
    snapshot("mistakes_leave_an_outline", &pretty(outline));
}
