//! The parts of following code, each by itself.

use super::sandbox::Sandbox;
use crate::reach::Mistake;
use crate::reach::crate_root::CommandLine;
use crate::reach::lock::Lock;

/// A crate of one file.
fn lib(text: &str) -> Sandbox {
    Sandbox::new(&[("src/lib.rs", text), ("Cargo.toml", "[package]\nname = \"demo\"")])
}

fn path(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
}

#[test]
fn the_command_line_of_rustc_is_read() {
    let read = |line: &str| CommandLine::read(line.split(' ').map(str::to_owned));
    assert!(read("rust-analyzer-proc-macro-srv").is_none());
    assert!(read("rustc --version").is_none());
    let line = read(
        "rustc --crate-name demo --edition=2024 examples/demo.rs --cfg feature=\"a\" \
         -C opt-level=3 --target x86_64-unknown-linux-gnu",
    );
    let line = line.unwrap();
    assert_eq!(line.root.unwrap().to_str(), Some("examples/demo.rs"));
    let value = |cfg: &str| line.cfgs.value(cfg);
    assert_eq!(value("feature=\"a\""), "true");
    assert_eq!(value("feature=\"b\""), "false");
    assert_eq!(value("debug_assertions"), "false");
    assert_eq!(value("target_os=\"linux\""), "x86_64 linux");
    let line = read("rustc --crate-name x -Cdebug-assertions=off src/lib.rs --test").unwrap();
    assert_eq!(line.cfgs.value("debug_assertions"), "false");
    assert_eq!(line.cfgs.value("test"), "true");
    assert_eq!(read("rustc --crate-name x a.rs").unwrap().cfgs.value("debug_assertions"), "true");
}

#[test]
fn the_same_target_told_or_not_is_one() {
    let read = |line: &str| CommandLine::read(line.split(' ').map(str::to_owned)).unwrap().cfgs;
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    if os == "linux" {
        let told = read(&format!("rustc --crate-name x --target {arch}-unknown-linux-gnu a.rs"));
        assert_eq!(told.value("unix"), read("rustc --crate-name x a.rs").value("unix"));
    }
}

#[test]
fn two_versions_of_a_crate_are_told_apart() {
    let lock = Lock::parse(
        "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
         [[package]]\nname = \"a\"\nversion = \"2.0.0\"\nsource = \"registry\"\n\n\
         [[package]]\nname = \"me\"\nversion = \"0.1.0\"\ndependencies = [\n \"a 2.0.0\",\n]\n",
    );
    let shown = |owner| lock.closure(owner, "a").iter().map(|p| p.shown()).collect::<Vec<_>>();
    assert_eq!(shown("me"), ["a 2.0.0"]);
    assert_eq!(shown("nobody"), ["a 1.0.0", "a 2.0.0"]);
}

#[test]
fn what_leads_nowhere_is_told_once() {
    let sandbox = lib("mod m {}\n\
         #[stage] fn fit<T: Default>() { struct Mine; impl Mine { fn new() {} }\n\
         m::gone(); nowhere::at::all(); nowhere::at::all(); T::default(); Mine::new();\n\
         std::mem::take(&mut 1); f64::max(1.0, 2.0); Vec::<u8>::new(); Self::x(); u8::MAX; }");
    let expected = ["`m::gone`, which `fit` names", "`nowhere::at::all`, which `fit` names"];
    assert_eq!(sandbox.reach().unseen, expected);
}

#[test]
fn foreign_code_and_missing_files_are_told() {
    let sandbox = lib("extern \"C\" { fn dgemm(); }\n\
         #[stage] fn fit() { unsafe { dgemm() } include_str!(\"gone.txt\"); \
         include!(concat!(env!(\"NO_SUCH_DIR\"), \"/x.rs\")); }");
    let expected = [
        "the code behind the foreign item `dgemm`",
        "the included file `NO_SUCH_DIR/x.rs`",
        "the included file `gone.txt`",
    ];
    assert_eq!(sandbox.reach().unseen, expected);
}

#[test]
fn a_file_that_cannot_be_parsed_is_told() {
    let sandbox = lib("mod broken;\n#[stage] fn fit() {}");
    sandbox.edit("src/broken.rs", "", "fn (");
    assert_eq!(sandbox.reach().unseen, ["the file `src/broken.rs`, which cannot be parsed"]);
}

#[test]
fn features_of_a_path_dependency_are_told() {
    let sandbox = Sandbox::new(&[
        ("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nother = { path = \"other\" }"),
        ("src/lib.rs", "#[stage] fn fit() { other::pace() }"),
        ("other/Cargo.toml", "[package]\nname = \"other\""),
        ("other/src/lib.rs", "#[cfg(feature = \"fast\")] pub fn pace() {}"),
    ]);
    let before = sandbox.reach();
    assert_eq!(before.unseen, ["features of `other` that are turned on outside of Cargo.toml"]);
    sandbox.edit("other/Cargo.toml", "\"other\"", "\"other\"\nversion = \"0.2.0\"");
    assert_eq!(sandbox.reach().total, before.total, "that is no feature");
    sandbox.edit("Cargo.toml", "path = \"other\"", "path = \"other\", features = [\"fast\"]");
    let named = sandbox.reach();
    assert_ne!(named.total, before.total);
    sandbox.edit("other/Cargo.toml", "0.2.0\"", "0.2.0\"\n[features]\ndefault = [\"fast\"]");
    assert_ne!(sandbox.reach().total, named.total);
}

#[test]
fn depends_adds_items_modules_and_crates() {
    let sandbox = lib("mod a { pub fn one() {} pub fn two() {} }\nfn b() {}\n#[stage] fn fit() {}");
    let with = |added: &str| sandbox.reach_with(|request| request.depends = vec![path(added)]);
    let names = |added: &str| {
        let items = with(added).unwrap().items;
        items.into_iter().map(|item| item.name).collect::<Vec<_>>()
    };
    assert_eq!(names("b"), ["b"]);
    assert_eq!(names("a::one"), ["a::one"]);
    assert_eq!(names("crate::a"), ["a::one", "a::two"]);
    assert_eq!(with("a::three").unwrap_err(), [Mistake::Depends(0)]);
    assert_eq!(with("std::mem").unwrap_err(), [Mistake::Depends(0)]);
}

#[test]
fn opaque_leaves_out_items_modules_and_members() {
    let text = "mod log { pub fn say() { loud() } fn loud() {} }\n\
         pub struct S; impl S { fn show(&self) { shown() } fn run(&self) {} }\n\
         fn shown() {} fn helper() { log::say() }\n\
         #[stage] fn fit() { helper(); S.show(); S.run(); }";
    let sandbox = lib(text);
    let names = |left_out: &str| {
        let reach = sandbox.reach_with(|request| request.opaque = vec![path(left_out)]).unwrap();
        reach.items.into_iter().map(|item| item.name).collect::<Vec<_>>()
    };
    assert_eq!(names("log"), ["S", "S::run", "S::show", "helper", "shown"]);
    assert_eq!(names("helper"), ["S", "S::run", "S::show", "shown"]);
    assert_eq!(names("S::show"), ["S", "S::run", "helper", "log::loud", "log::say"]);
    let wrong = sandbox.reach_with(|request| request.opaque = vec![path("nobody")]);
    assert_eq!(wrong.unwrap_err(), [Mistake::Opaque(0)]);
}

#[test]
fn imports_that_go_round_in_circles_end() {
    let sandbox = lib("mod a { pub use super::b::*; pub use super::b::x as y; }\n\
         mod b { pub use super::a::*; pub use super::a::y as x; pub fn found() {} }\n\
         use a::*;\n#[stage] fn fit() { found(); a::b::c(); x() }");
    assert!(sandbox.names().contains(&"b::found".to_owned()));
}

#[test]
fn recursion_ends() {
    let sandbox = lib("fn even(n: u8) -> bool { n == 0 || odd(n - 1) }\n\
         fn odd(n: u8) -> bool { n == 1 || even(n - 1) || fit() }\n\
         #[stage] fn fit() -> bool { even(3) }");
    assert_eq!(sandbox.names(), ["even", "fit", "odd"]);
}

#[test]
fn stages_inside_of_functions_and_macros_reach_what_is_around() {
    let sandbox = lib("fn outer() {\n fn helper() { shared() }\n #[stage]\n \
         fn fit() { helper() }\n}\nfn shared() {}");
    let linked = sandbox.linked();
    let file = linked.world.modules[0].file.clone();
    let request = crate::reach::Request { name: "fit".to_owned(), ..Default::default() };
    let reach = crate::reach::follow(&linked, &file, 4, &request).unwrap();
    let names: Vec<&str> = reach.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["outer", "shared"]);
}

#[test]
fn a_stage_that_no_module_holds_counts_by_its_tokens() {
    let linked = lib("fn other() {}").linked();
    let request = crate::reach::Request { own: 7, ..Default::default() };
    let nowhere = std::path::Path::new("/nowhere.rs");
    let reach = crate::reach::follow(&linked, nowhere, 1, &request).unwrap();
    assert_eq!((reach.total, reach.unseen.len()), (7, 1));
}

#[test]
fn types_behind_aliases_and_macros_have_their_methods() {
    let sandbox =
        lib("mod m { pub struct Matrix; impl Matrix { pub fn new() -> Self { zero() } }\n\
         fn zero() -> Matrix { Matrix } }\n\
         type Alias = m::Matrix;\n\
         macro_rules! unit { ($n:ident) => { pub struct $n; } }\nunit!(Meter);\n\
         impl Meter { fn long(&self) {} fn short(&self) {} }\n\
         impl std::ops::Neg for Alias { fn neg(self) {} }\n\
         #[stage] fn fit() { Alias::new(); Meter.long() }");
    let names = sandbox.names();
    for expected in ["m::zero", "Meter::long", "unit!", "impl std::ops::Neg for Alias"] {
        assert!(names.iter().any(|name| name == expected), "{expected}: {names:?}");
    }
    assert!(!names.iter().any(|name| name == "Meter::short"));
}

#[test]
fn thousands_of_brackets_are_no_matter() {
    let deep = |inner: &str| format!("{}{inner}{}", "(".repeat(20_000), ")".repeat(20_000));
    let sandbox = lib("mod m;\n#[derive(Serialize)] pub struct P { pub a: u8, pub b: u8 }\n\
         #[stage] fn fit(params: &P) -> u8 { m::helper(params) + m::DEEP }");
    let modules = format!(
        "pub fn helper(p: &super::P) -> u8 {{ {} }}\n\
         pub const DEEP: u8 = {};\nm! {{ {} }}\nuse {}super::P{};\n#[a{}] struct S([u8; {}]);",
        deep("p.a + scale()"),
        deep("1"),
        deep("scaled"),
        "{".repeat(20_000),
        "}".repeat(20_000),
        deep("x"),
        deep("2"),
    );
    sandbox.edit("src/m.rs", "", &modules);
    sandbox.edit("src/m.rs", "pub const", "fn scale() -> u8 { 1 }\npub const");
    let before = sandbox.reach();
    assert_eq!(sandbox.fields(), "*", "nobody looks that deep");
    assert_eq!(before.unseen, Vec::<String>::new());
    assert!(before.items.iter().any(|item| item.name == "m::scale"));
    sandbox.edit("src/m.rs", "{ 1 }", "{ 2 }");
    assert_ne!(sandbox.reach().total, before.total);
    sandbox.edit("src/m.rs", "", "pub fn helper(p: &super::P) -> u8 { deep }");
    let flat = format!("{}p.a{}", "f((".repeat(18), "))".repeat(18));
    sandbox.edit("src/m.rs", "deep", &flat);
    assert_eq!(sandbox.fields(), "a");
}

#[test]
fn modules_that_lie_too_deep_are_told() {
    let sandbox = lib("mod m;\n#[stage] fn fit() {}");
    sandbox.edit("src/m.rs", "", &format!("{}{}", "mod a { ".repeat(70), "}".repeat(70)));
    let told = "the file `src/m.rs`, whose modules lie too deep in each other";
    assert_eq!(sandbox.reach().unseen, [told]);
}

#[test]
fn paths_that_begin_with_a_crate_are_followed() {
    let sandbox = Sandbox::new(&[
        ("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nother = { path = \"other\" }"),
        (
            "src/lib.rs",
            "mod other { pub fn pace() {} }\n#[stage] fn fit(x: ::other::Pace) -> ::std::vec::Vec<u8> {\n\
             match x { _ => ::other::pace() }; return ::other::rest(a > ::other::MOST, <A as B>::c()) }",
        ),
        ("other/Cargo.toml", "[package]\nname = \"other\""),
        (
            "other/src/lib.rs",
            "pub fn pace() {}\npub fn rest() {}\npub struct Pace; pub const MOST: u8 = 1;",
        ),
    ]);
    assert_eq!(sandbox.names(), ["other::MOST", "other::Pace", "other::pace", "other::rest"]);
    assert_eq!(sandbox.reach().unseen, Vec::<String>::new());
    sandbox.edit(
        "src/lib.rs",
        "",
        "mod other { pub fn pace() { no() } }\nfn no() {}\n\
         use ::{other::{pace as go}};\n#[stage] fn fit() { go() }",
    );
    assert_eq!(sandbox.names(), ["other::pace"]);
}

#[test]
fn what_a_macro_writes_is_found_behind_a_glob() {
    let sandbox = lib("mod m { write! { pub fn made() -> u8 { 1 } }\npub fn other() {} }\n\
         use m::*;\n#[stage] fn fit() -> u8 { made() }");
    assert_eq!(sandbox.names(), ["m::write!"]);
}

#[test]
fn names_that_are_keywords_elsewhere_are_followed() {
    let sandbox = lib("fn r#type() -> u8 { 1 }\nfn r#match() -> u8 { 2 }\n\
         #[stage] fn fit() -> u8 { r#type() }");
    assert_eq!(sandbox.names(), ["type"]);
}

#[test]
fn names_that_could_lead_elsewhere_are_told() {
    let sandbox = lib("mod a { pub fn fast() {} pub fn slow() {} pub fn norm() {} }\n\
         mod b { pub fn norm() {} }\nuse a::{fast as first, slow};\nuse b::norm;\n\
         #[stage] fn fit() { first(); slow(); norm(); a::norm() }");
    let leads =
        sandbox.reach().leads.into_iter().map(|lead| format!("{} {}", lead.name, lead.place));
    let expected = ["a::norm in fit → a::norm", "first in fit → a::fast", "norm in fit → b::norm"];
    assert_eq!(leads.collect::<Vec<_>>(), expected);
}
