//! Functions, methods, constants and macros that a stage reaches: all are misses.

use crate::table::Case;

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    let changed = "code: `{m}::helper` changed (src/{m}.rs)";
    vec![
        Case::new("own_body", "#[stage]\npub fn fit() -> u64 { 1 + 2 }")
            .edit("1 + 2", "2 + 1").miss("code # → #"),
        Case::new("same_file", "#[stage]\npub fn fit() -> u64 { helper(2) }\nfn helper(x: u64) -> u64 { x + 1 }")
            .edit("x + 1", "x + 2").miss(changed),
        Case::new("three_calls_away", "#[stage]\npub fn fit() -> u64 { one() }\nfn one() -> u64 { two() }\nfn two() -> u64 { helper() }\nfn helper() -> u64 { 3 }")
            .edit("{ 3 }", "{ 4 }").miss(changed),
        Case::new("another_module", "mod deep;\n#[stage]\npub fn fit() -> u64 { deep::helper() }")
            .file("./deep.rs", "pub fn helper() -> u64 { 3 }")
            .edit_in("./deep.rs", "{ 3 }", "{ 4 }").miss("code: `{m}::deep::helper` changed (src/{m}/deep.rs)"),
        Case::new("nested_module", "mod a { pub mod b { pub fn helper() -> u64 { super::two() } }\nfn two() -> u64 { 3 } }\n#[stage]\npub fn fit() -> u64 { self::a::b::helper() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::a::two` changed (src/{m}.rs)"),
        Case::new("path_attribute", "#[path = \"../elsewhere/odd.rs\"]\nmod odd;\n#[stage]\npub fn fit() -> u64 { odd::helper() }")
            .file("app/elsewhere/odd.rs", "pub fn helper() -> u64 { 3 }")
            .edit_in("app/elsewhere/odd.rs", "{ 3 }", "{ 4 }").miss("code: `{m}::odd::helper` changed (elsewhere/odd.rs)"),
        Case::new("method_in_an_impl", "struct Point(u64);\nimpl Point { fn helper(&self) -> u64 { self.0 + 1 } }\n#[stage]\npub fn fit() -> u64 { Point(2).helper() }")
            .edit("self.0 + 1", "self.0 + 2").miss("code: `{m}::Point::helper` changed (src/{m}.rs)"),
        Case::new("through_self", "struct Point;\nimpl Point { fn new() -> Self { Self::helper() }\nfn helper() -> Self { let _x = 1; Self }\nfn get(&self) -> u64 { 3 } }\n#[stage]\npub fn fit() -> u64 { Point::new().get() }")
            .edit("_x = 1", "_x = 2").miss("code: `{m}::Point::helper` changed (src/{m}.rs)"),
        Case::new("trait_default", "trait Twice { fn once(&self) -> u64; fn helper(&self) -> u64 { self.once() * 2 } }\nimpl Twice for u64 { fn once(&self) -> u64 { *self } }\n#[stage]\npub fn fit() -> u64 { 3_u64.helper() }")
            .edit("* 2", "* 4").miss("code: `{m}::Twice` changed (src/{m}.rs)"),
        Case::new("trait_impl", "trait Twice { fn helper(&self) -> u64; }\nimpl Twice for u64 { fn helper(&self) -> u64 { *self } }\n#[stage]\npub fn fit() -> u64 { 3_u64.helper() }")
            .edit("{ *self }", "{ *self + 1 }").miss("code: `{m}::impl Twice for u64` changed (src/{m}.rs)"),
        Case::new("trait_object", "trait Twice { fn helper(&self) -> u64; }\nstruct A;\nimpl Twice for A { fn helper(&self) -> u64 { 3 } }\nfn made() -> Box<dyn Twice> { Box::new(A) }\n#[stage]\npub fn fit() -> u64 { made().helper() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::impl Twice for A` changed (src/{m}.rs)"),
        Case::new("generic_helper", "trait Area { fn area(&self) -> u64; }\nstruct A;\nimpl Area for A { fn area(&self) -> u64 { 3 } }\nfn helper<T: Area>(x: &T) -> u64 { x.area() + 1 }\n#[stage]\npub fn fit() -> u64 { helper(&A) }")
            .edit("+ 1", "+ 2").miss(changed),
        Case::new("impl_behind_a_bound", "trait Area { fn area(&self) -> u64; }\nstruct A;\nimpl Area for A { fn area(&self) -> u64 { 3 } }\nfn helper<T: Area>(x: &T) -> u64 { x.area() + 1 }\n#[stage]\npub fn fit() -> u64 { helper(&A) }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::impl Area for A` changed (src/{m}.rs)"),
        Case::new("constant", "const LIMIT: u64 = 3;\n#[stage]\npub fn fit() -> u64 { LIMIT }")
            .edit("= 3", "= 4").miss("code: `{m}::LIMIT` changed (src/{m}.rs)"),
        Case::new("static_item", "static LIMIT: u64 = 3;\n#[stage]\npub fn fit() -> u64 { LIMIT }")
            .edit("= 3", "= 4").miss("code: `{m}::LIMIT` changed (src/{m}.rs)"),
        Case::new("associated_constant", "struct P;\nimpl P { const LIMIT: u64 = 3; }\n#[stage]\npub fn fit() -> u64 { P::LIMIT }")
            .edit("= 3", "= 4").miss("code: `{m}::P::LIMIT` changed (src/{m}.rs)"),
        Case::new("constant_of_a_trait", "trait Has { const LIMIT: u64 = 3; }\nstruct P;\nimpl Has for P {}\n#[stage]\npub fn fit() -> u64 { P::LIMIT }")
            .edit("= 3", "= 4").miss("code: `{m}::Has` changed (src/{m}.rs)"),
        Case::new("constant_with_a_closure", "const STEP: fn(u64) -> u64 = |x| x + 1;\n#[stage]\npub fn fit() -> u64 { STEP(2) }")
            .edit("x + 1", "x + 2").miss("code: `{m}::STEP` changed (src/{m}.rs)"),
        Case::new("length_of_an_array", "const SIZE: usize = 3;\ntype Row = [u64; SIZE];\n#[stage]\npub fn fit() -> u64 { Row::default().len() as u64 }")
            .edit("= 3", "= 4").miss("code: `{m}::SIZE` changed (src/{m}.rs)"),
        Case::new("constant_in_a_format", "const DEPTH: u64 = 3;\n#[stage]\npub fn fit() -> String { format!(\"{DEPTH}\") }")
            .edit("= 3", "= 4").miss("code: `{m}::DEPTH` changed (src/{m}.rs)"),
        Case::new("const_fn", "const fn helper() -> u64 { 3 }\nconst LIMIT: u64 = helper();\n#[stage]\npub fn fit() -> u64 { LIMIT }")
            .edit("{ 3 }", "{ 4 }").miss(changed),
        Case::new("const_generic_default", "struct Grid<const N: usize = 3>;\nimpl<const N: usize> Grid<N> { fn size(&self) -> u64 { N as u64 } }\n#[stage]\npub fn fit() -> u64 { let grid: Grid = Grid; grid.size() }")
            .edit("= 3", "= 4").miss("code: `{m}::Grid` changed (src/{m}.rs)"),
        Case::new("macro_body", "macro_rules! helper { ($x:expr) => { $x + 1 } }\n#[stage]\npub fn fit() -> u64 { helper!(2) }")
            .edit("$x + 1", "$x + 2").miss("code: `{m}::helper!` changed (src/{m}.rs)"),
        Case::new("function_that_a_macro_names", "macro_rules! call { () => { helper() } }\nfn helper() -> u64 { 3 }\n#[stage]\npub fn fit() -> u64 { call!() }")
            .edit("{ 3 }", "{ 4 }").miss(changed),
        Case::new("function_that_a_macro_writes", "macro_rules! make { ($name:ident, $x:expr) => { fn $name() -> u64 { $x } } }\nmake!(helper, 3);\n#[stage]\npub fn fit() -> u64 { helper() }")
            .edit("helper, 3", "helper, 4").miss("code: `{m}::make!` changed (src/{m}.rs)"),
        Case::new("swapped_imports", "mod of { pub fn fast() -> u64 { 1 }\npub fn slow() -> u64 { 2 } }\nuse of::{fast as first, slow as second};\n#[stage]\npub fn fit() -> u64 { first() * 10 + second() }")
            .edit("fast as first, slow as second", "slow as first, fast as second").miss("code: `first` in `fit` leads to `{m}::of::slow`, no longer to `{m}::of::fast`, code: `second` in `fit` leads to `{m}::of::fast`, no longer to `{m}::of::slow`"),
        Case::new("written_behind_a_glob", "mod of { macro_rules! write { ($name:ident, $value:expr) => { pub fn $name() -> u64 { $value } }; }\nwrite!(step, 1); }\nuse of::*;\n#[stage]\npub fn fit() -> u64 { step() }")
            .edit("write!(step, 1)", "write!(step, 2)").miss("code: `{m}::of::write!` changed (src/{m}.rs)"),
        Case::new("renamed_import", "mod of { pub fn fast() -> u64 { 1 }\npub fn slow() -> u64 { 2 } }\nuse of::fast as step;\n#[stage]\npub fn fit() -> u64 { step() }")
            .edit("fast as step", "slow as step").miss("code: `{m}::of::fast` is gone (src/{m}.rs), code: `{m}::of::slow` is new (src/{m}.rs)"),
        Case::new("glob_import", "mod of { pub fn helper() -> u64 { 3 } }\nuse of::*;\n#[stage]\npub fn fit() -> u64 { helper() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::of::helper` changed (src/{m}.rs)"),
        Case::new("re_export", "mod of { mod inner { pub fn helper() -> u64 { 3 } }\npub use inner::helper as shown; }\n#[stage]\npub fn fit() -> u64 { of::shown() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::of::inner::helper` changed (src/{m}.rs)"),
        Case::new("shadowing_item", "mod of { pub fn helper() -> u64 { 3 } }\nuse of::*;\n#[stage]\npub fn fit() -> u64 { helper() }\n// here")
            .edit("// here", "fn helper() -> u64 { 4 }").miss("code: `{m}::helper` is new (src/{m}.rs)"),
        Case::new("function_as_a_value", "fn helper(x: u64) -> u64 { x + 1 }\n#[stage]\npub fn fit() -> Vec<u64> { [1, 2].into_iter().map(helper).collect() }")
            .edit("x + 1", "x + 2").miss(changed),
        Case::new("table_of_functions", "fn helper() -> u64 { 3 }\nstatic ALL: &[fn() -> u64] = &[helper];\n#[stage]\npub fn fit() -> u64 { ALL[0]() }")
            .edit("{ 3 }", "{ 4 }").miss(changed),
        Case::new("nested_function", "#[stage]\npub fn fit() -> u64 { fn inner() -> u64 { helper() } inner() }\nfn helper() -> u64 { 3 }")
            .edit("{ 3 }", "{ 4 }").miss(changed),
        Case::new("included_text", "#[stage]\npub fn fit() -> String { include_str!(\"included_text/text.txt\").to_owned() }")
            .file("./text.txt", "one").edit_in("./text.txt", "one", "two").miss("code: `{m}/text.txt` changed (included file)"),
        Case::new("included_bytes", "#[stage]\npub fn fit() -> Vec<u8> { helper() }\nfn helper() -> Vec<u8> { include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/included_bytes/b.bin\")).to_vec() }")
            .file("./b.bin", "one").edit_in("./b.bin", "one", "two").miss("code: `CARGO_MANIFEST_DIR/src/{m}/b.bin` changed (included file)"),
    ]
}
