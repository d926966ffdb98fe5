//! Edits that change no result: hits, but for two that are allowed to be needless misses.

use crate::table::Case;

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    let code = "/// Docs.\n#[stage]\npub fn fit() -> u64 {\n    // A comment.\n    helper(1)\n}\n\n/// Helps.\nfn helper(x: u64) -> u64 { x + 1 }\nfn unreached() -> u64 { 3 }\n";
    vec![
        Case::new("comments", code).edit("// A comment.", "// Another.\n    /* And one more. */").hit(),
        Case::new("docs", code).edit("/// Helps.", "/// Helps a lot.").edit("/// Docs.", "/// More docs.").hit(),
        Case::new("formatting", code).edit("{ x + 1 }", "{\n    x\n        + 1\n}").edit("    helper(1)", "  helper( 1 )").hit(),
        Case::new("blank_lines", code).edit("/// Docs.", "\n\n\n\n/// Docs.").hit(),
        Case::new("lints", code).edit("fn helper", "#[allow(dead_code)]\n#[inline(always)]\n#[must_use]\nfn helper").hit(),
        Case::new("unreached_helper", code).edit("{ 3 }", "{ 4 }").hit(),
        Case::new("moved_unrelated_function", code).edit("\nfn unreached() -> u64 { 3 }\n", "\n").edit("/// Docs.", "fn unreached() -> u64 { 3 }\n/// Docs.").hit(),
        Case::new("order_of_items", code).edit("/// Helps.\nfn helper(x: u64) -> u64 { x + 1 }\n", "").edit("/// Docs.", "fn helper(x: u64) -> u64 { x + 1 }\n/// Docs.").hit(),
        Case::new("moved_to_another_file", code).edit("/// Helps.\nfn helper(x: u64) -> u64 { x + 1 }\n", "mod moved;\nuse moved::helper;\n")
            .edit_in("./moved.rs", "", "pub(super) fn helper(x: u64) -> u64 { x + 1 }\n").hit(),
        Case::new("another_stage", code).edit("fn unreached", "#[memo_runtime::stage(outputs = [other], cachers = [Json])]\npub fn more() -> u64 { helper(2) }\nfn unreached").hit(),
        Case::new("unrelated_test_module", code).edit("fn unreached", "#[cfg(test)]\nmod tests { #[test] fn helper() { super::helper(7); } }\nfn unreached").hit(),
        Case::new("visibility", code).edit("fn helper", "pub(crate) fn helper").hit(),
        Case::new("unrelated_import", code).edit("/// Docs.", "use std::collections::HashMap;\n/// Docs.").hit(),
        Case::new("unreached_method", "struct P;\nimpl P { fn helper(&self) -> u64 { 3 }\nfn idle(&self) -> u64 { 5 } }\n#[stage]\npub fn fit() -> u64 { P.helper() }").edit("{ 5 }", "{ 6 }").hit(),
        Case::new("unreached_module", "mod idle;\n#[stage]\npub fn fit() -> u64 { 3 }").file("./idle.rs", "pub fn one() {}").edit_in("./idle.rs", "one", "two").hit(),
        Case::new("unreached_macro", "macro_rules! idle { () => { 1 } }\n#[stage]\npub fn fit() -> u64 { 3 }").edit("{ 1 }", "{ 2 }").hit(),
        Case::new("unrelated_field_of_params", "use crate::Params;\n#[stage]\npub fn fit(params: &Params) -> u64 { u64::from(params.inner.steady) }")
            .edit_in("app/src/lib.rs", "pub struct Inner {\n", "pub struct Inner {\n    #[serde(default)]\n    pub unrelated: String,\n").hit(),
        // The field that the case above adds.
        Case::new("field_of_params_handed_on", "use crate::{Inner, Params};\nfn what_is_steady(inner: &Inner) -> u32 { inner.steady }\n#[stage]\npub fn fit(params: &Params) -> u32 { what_is_steady(&params.inner) }").hit(),
        Case::new("field_of_params_handed_on_whole", "use crate::{Inner, Params};\nfn all_that_is_steady(params: &Params) -> u32 { what_is_steady(&params.inner) }\nfn what_is_steady(inner: &Inner) -> u32 { inner.steady }\n#[stage]\npub fn fit(params: &Params) -> u32 { all_that_is_steady(params) }").hit(),
        // Allowed: nobody can tell that the result does not depend on it.
        Case::new("name_of_a_local_variable", "#[stage]\npub fn fit() -> u64 { let one = 3; one }").edit("let one = 3; one", "let two = 3; two").miss("code # → #"),
        Case::new("derived_debug", "struct P(u64);\n#[stage]\npub fn fit() -> u64 { P(3).0 }").edit("struct P", "#[derive(Debug)]\nstruct P").miss("code: `{m}::P` changed (src/{m}.rs)"),
    ]
}
