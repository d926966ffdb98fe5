//! Crates: those of the workspace, others, features and `cfg`s.

use crate::table::Case;

const MANIFEST: &str = "app/Cargo.toml";
const NEAR: &str = "near/src/lib.rs";
const LOCK: &str = "Cargo.lock";

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("another_crate", "#[stage]\npub fn fit() -> u64 { near::helper() }")
            .file("near/Cargo.toml", "[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nfar = { path = \"../far\" }\n")
            .file(NEAR, "pub fn helper() -> u64 { private() }\nfn private() -> u64 { 3 }\npub fn unreached() -> u64 { 5 }\npub fn quiet() -> u64 {\n    1\n}\npub fn further() -> u64 { far::helper() }\n#[macro_export]\nmacro_rules! near { () => { 7 } }\n")
            .edit_in(NEAR, "{ 3 }", "{ 4 }").miss("code: `near::private` changed (near/src/lib.rs)"),
        Case::new("unreached_in_another_crate", "#[stage]\npub fn fit() -> u64 { near::quiet() }")
            .edit_in(NEAR, "{ 5 }", "{ 6 }").hit(),
        Case::new("crate_behind_a_crate", "#[stage]\npub fn fit() -> u64 { near::further() }")
            .file("far/Cargo.toml", "[package]\nname = \"far\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
            .file("far/src/lib.rs", "pub fn helper() -> u64 { 3 }\n")
            .edit_in("far/src/lib.rs", "{ 3 }", "{ 4 }").miss("code: `far::helper` changed (far/src/lib.rs)"),
        Case::new("macro_of_another_crate", "#[stage]\npub fn fit() -> u64 { near::near!() }")
            .edit_in(NEAR, "{ 7 }", "{ 8 }").miss("code: `near::near!` changed (near/src/lib.rs)"),
        Case::new("comment_in_another_crate", "#[stage]\npub fn fit() -> u64 { near::quiet() }")
            .edit_in(NEAR, "    1\n", "    // One.\n\n    1\n").hit(),
        Case::new("proc_macro_of_the_workspace", "#[stage]\npub fn fit() -> u64 { writes::three!() }")
            .file("writes/Cargo.toml", "[package]\nname = \"writes\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n")
            .file("writes/src/lib.rs", "#[proc_macro]\npub fn three(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"3\".parse().unwrap() }\n")
            .edit_in("writes/src/lib.rs", "\"3\"", "\"4\"").miss("code: `writes` changed (writes)"),
        Case::new("version_of_a_crate", "#[stage]\npub fn fit() -> u64 { bumped::helper() }")
            .file("vendor/bumped/Cargo.toml", "[package]\nname = \"bumped\"\nversion = \"1.0.0\"\nedition = \"2024\"\n")
            .file("vendor/bumped/src/lib.rs", "pub fn helper() -> u64 { 3 }\n")
            .file("vendor/bumped/.cargo-checksum.json", "{\"files\":{},\"package\":\"1111111111111111111111111111111111111111111111111111111111111111\"}")
            .edit_in("vendor/bumped/Cargo.toml", "1.0.0", "1.0.1")
            .edit_in("vendor/bumped/src/lib.rs", "{ 3 }", "{ 4 }")
            .edit_in("vendor/bumped/.cargo-checksum.json", "1111111111111111111111111111111111111111111111111111111111111111", "2222222222222222222222222222222222222222222222222222222222222222")
            .edit_in(LOCK, "name = \"bumped\"\nversion = \"1.0.0\"", "name = \"bumped\"\nversion = \"1.0.1\"")
            .edit_in(LOCK, "1111111111111111111111111111111111111111111111111111111111111111", "2222222222222222222222222222222222222222222222222222222222222222")
            .miss("code: `bumped` 1.0.0 → 1.0.1"),
        Case::new("crate_that_a_crate_depends_on", "use outer as renamed;\n#[stage]\npub fn fit() -> u64 { renamed::helper() }")
            .file("vendor/outer/Cargo.toml", "[package]\nname = \"outer\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[dependencies]\ninner = { version = \"1\", registry-index = \"sparse+https://registry.invalid/index/\" }\n")
            .file("vendor/outer/src/lib.rs", "pub fn helper() -> u64 { inner::helper() }\n")
            .file("vendor/outer/.cargo-checksum.json", "{\"files\":{},\"package\":\"3333333333333333333333333333333333333333333333333333333333333333\"}")
            .file("vendor/inner/Cargo.toml", "[package]\nname = \"inner\"\nversion = \"1.0.0\"\nedition = \"2024\"\n")
            .file("vendor/inner/src/lib.rs", "pub fn helper() -> u64 { 3 }\n")
            .file("vendor/inner/.cargo-checksum.json", "{\"files\":{},\"package\":\"4444444444444444444444444444444444444444444444444444444444444444\"}")
            .edit_in("vendor/inner/Cargo.toml", "1.0.0", "1.0.1")
            .edit_in("vendor/inner/.cargo-checksum.json", "4444444444444444444444444444444444444444444444444444444444444444", "5555555555555555555555555555555555555555555555555555555555555555")
            .edit_in(LOCK, "name = \"inner\"\nversion = \"1.0.0\"", "name = \"inner\"\nversion = \"1.0.1\"")
            .edit_in(LOCK, "4444444444444444444444444444444444444444444444444444444444444444", "5555555555555555555555555555555555555555555555555555555555555555")
            .miss("code: `inner` 1.0.0 → 1.0.1"),
        Case::new("named_feature", "#[stage]\npub fn fit() -> u64 { if cfg!(feature = \"fast\") { 1 } else { 2 } }")
            .edit_in(MANIFEST, "default = []", "default = [\"fast\"]").miss("code: `cfg feature=\"fast\"` changed"),
        Case::new("feature_on_a_helper", "#[cfg(feature = \"fast\")]\nfn helper() -> u64 { 1 }\n#[cfg(not(feature = \"fast\"))]\nfn helper() -> u64 { 2 }\n#[stage]\npub fn fit() -> u64 { helper() }")
            .miss("code: `cfg feature=\"fast\"` changed"),
        Case::new("named_cfg", "#[stage]\npub fn fit() -> u64 { if cfg!(turbo) { 1 } else { 2 } }")
            .edit_in("app/build.rs", "rustc-cfg=slow", "rustc-cfg=turbo").miss("code: `cfg turbo` changed"),
        Case::new("debug_assertions", "#[stage]\npub fn fit() -> u64 { helper() }\nfn helper() -> u64 { if cfg!(debug_assertions) { 1 } else { 2 } }").hit(),
        Case::new("unrelated_dependency", "#[stage]\npub fn fit() -> u64 { 3 }")
            .edit_in(MANIFEST, "near = { path", "far = { path = \"../far\" }\nnear = { path").hit(),
        Case::new("name_of_the_binary", "#[stage]\npub fn fit() -> u64 { 3 }")
            .edit_in(MANIFEST, "name = \"edits\"", "name = \"edited\"").hit(),
    ]
}
