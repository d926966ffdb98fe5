//! Options of a stage, its params, files and variables.

use crate::table::Case;

const MAIN: &str = "app/src/main.rs";

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("cacher", "#[memo_runtime::stage(outputs = [cacher], cachers = [Json])]\npub fn fit() -> String { String::new() }")
            .edit("cachers = [Json]", "cachers = [Text]").miss("cacher of `cacher` json 1 → text 1"),
        Case::new("version", "#[stage(version = 1)]\npub fn fit() -> u64 { 3 }")
            .edit("version = 1", "version = 2").miss("version 1 → 2"),
        Case::new("body_of_code_body", "#[stage(code = body)]\npub fn fit() -> u64 { helper() + 1 }\nfn helper() -> u64 { 3 }")
            .edit("+ 1", "+ 2").miss("code # → #"),
        Case::new("helper_of_code_body", "#[stage(code = body)]\npub fn fit() -> u64 { helper() + 1 }\nfn helper() -> u64 { 3 }")
            .edit("{ 3 }", "{ 4 }").hit(),
        Case::new("body_of_code_manual", "#[stage(code = manual, version = 1)]\npub fn fit() -> u64 { 3 }")
            .edit("{ 3 }", "{ 4 }").hit(),
        Case::new("version_of_code_manual", "#[stage(code = manual, version = 1)]\npub fn fit() -> u64 { 3 }")
            .edit("version = 1", "version = 2").miss("version 1 → 2"),
        Case::new("helper_of_code_strict", "#[stage(code = strict)]\npub fn fit() -> u64 { helper() }\nfn helper() -> u64 { 3 }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::helper` changed (src/{m}.rs)"),
        Case::new("depends", "fn helper() -> u64 { 3 }\n#[stage(depends = [helper])]\npub fn fit() -> u64 { 1 }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::helper` changed (src/{m}.rs)"),
        Case::new("opaque", "fn helper() -> u64 { 3 }\n#[stage(opaque = [helper])]\npub fn fit() -> u64 { helper() }")
            .edit("{ 3 }", "{ 4 }").hit(),
        Case::new("variable", "#[stage(env = [\"EDITS_NAMED\"])]\npub fn fit() -> u64 { 1 }")
            .variable("EDITS_NAMED=one", "two").miss("environment variable `EDITS_NAMED` one → two"),
        Case::new("resources", "#[stage(resources(cpus = 1))]\npub fn fit() -> u64 { 1 }")
            .edit("cpus = 1", "cpus = 2, memory = \"1MiB\", time = \"1h\", gpus = 1, partition = \"long\"").hit(),
        Case::new("unnamed_variable", "#[stage]\npub fn fit() -> u64 { 1 }").variable("EDITS_UNNAMED=one", "two").hit(),
        Case::new("input_file", "use crate::Params;\n#[stage]\npub fn fit(params: &Params) -> u64 { params.file.path().to_string_lossy().len() as u64 }")
            .file("data/input.txt", "one").edit_in("data/input.txt", "one", "two").miss("params.file changed"),
        Case::new("field_that_is_read", "use crate::Params;\n#[stage]\npub fn fit(params: &Params) -> u32 { params.read }")
            .edit_in(MAIN, "read: 1,\n        unread: 1", "read: 2,\n        unread: 2").miss("params.read 1 → 2"),
        Case::new("inner_field_that_is_read", "use crate::Params;\n#[stage]\npub fn fit(params: &Params) -> u32 { params.inner.read }")
            .edit_in(MAIN, "Inner { read: 1, unread: 1", "Inner { read: 2, unread: 2").miss("params.inner.read 1 → 2"),
        Case::new("fields_that_are_not_read", "use crate::Params;\n#[stage]\npub fn fit(params: &Params) -> u32 { params.inner.steady }").hit(),
        Case::new("skipped_field", "use crate::Params;\n#[stage(skip = [params.skipped])]\npub fn fit(params: &Params) -> u32 { params.skipped }")
            .edit_in(MAIN, "skipped: 1", "skipped: 2").hit(),
        Case::new("argument", "#[stage]\npub fn fit(size: u32) -> u32 { size }\npub fn call(record: &mut Record<crate::Params>) -> Result<()> { fit(record, 3)?; Ok(()) }")
            .edit("fit(record, 3)", "fit(record, 4)").miss("argument `size` 3 → 4"),
        Case::new("name_of_an_argument_at_the_call", "#[stage]\npub fn fit(size: u32) -> u32 { size }\npub fn call(record: &mut Record<crate::Params>) -> Result<()> { let size = 3; fit(record, size)?; Ok(()) }")
            .edit("let size = 3; fit(record, size)", "let other = 1 + 2; fit(record, other)").hit(),
        Case::new("validator", "#[stage(validate = is_fine)]\npub fn fit() -> u64 { 3 }\nfn is_fine(x: &u64) -> bool { *x < 10 }")
            .edit("< 10", "< 11").hit(),
        Case::new("retries", "#[stage(retries = 1)]\npub fn fit() -> u64 { 3 }").edit("retries = 1", "retries = 2").hit(),
        Case::new("early_cutoff", "#[memo_runtime::stage(outputs = [early], cachers = [Json])]\npub fn before() -> u64 { helper() }\nfn helper() -> u64 { 1 + 2 }\n#[stage(inputs = [early])]\npub fn fit(early: &u64) -> u64 { *early }\npub fn call(record: &mut Record<crate::Params>) -> Result<()> { before(record)?; fit(record)?; Ok(()) }")
            .edit("1 + 2", "2 + 1").hit().planned("waits for before"),
    ]
}
