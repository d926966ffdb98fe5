//! Types that a stage reaches, and what runs for them without being named: all are misses.

use crate::table::Case;

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("discriminant", "enum Level { Low = 1, High = 3 }\n#[stage]\npub fn fit() -> u64 { Level::High as u64 + Level::Low as u64 }")
            .edit("High = 3", "High = 4").miss("code: `{m}::Level` changed (src/{m}.rs)"),
        Case::new("order_of_fields", "use serde::{Deserialize, Serialize};\n#[derive(Serialize, Deserialize)]\npub struct Out { a: u64, b: u64 }\n#[stage]\npub fn fit() -> Out { Out { a: 1, b: 2 } }")
            .edit("a: u64, b: u64", "b: u64, a: u64").miss("code: `{m}::Out` changed (src/{m}.rs), cacher of `{m}` changed"),
        Case::new("derived_order", "#[derive(PartialEq, Eq, PartialOrd, Ord)]\nstruct Pair { a: u64, b: u64 }\n#[stage]\npub fn fit() -> bool { Pair { a: 1, b: 2 } < Pair { a: 2, b: 1 } }")
            .edit("{ a: u64, b: u64 }", "{ b: u64, a: u64 }").miss("code: `{m}::Pair` changed (src/{m}.rs)"),
        Case::new("derive", "#[derive(Default)]\nstruct P(u64);\n// own\n#[stage]\npub fn fit() -> u64 { P::default().0 }")
            .edit("#[derive(Default)]\n", "").edit("// own", "impl Default for P { fn default() -> Self { P(7) } }")
            .miss("code: `{m}::P` changed (src/{m}.rs), code: `{m}::impl Default for P` is new (src/{m}.rs)"),
        Case::new("serde_attribute", "use serde::{Deserialize, Serialize};\n#[derive(Serialize, Deserialize)]\npub struct Out { #[serde(rename = \"x\")] a: u64 }\n#[stage]\npub fn fit() -> Out { Out { a: 1 } }")
            .edit("\"x\"", "\"y\"").miss("code: `{m}::Out` changed (src/{m}.rs), cacher of `{m}` changed"),
        Case::new("operator", "use std::ops::Add;\nstruct P(u64);\nimpl Add for P { type Output = u64; fn add(self, other: P) -> u64 { self.0 + other.0 } }\n#[stage]\npub fn fit() -> u64 { P(1) + P(2) }")
            .edit("self.0 + other.0", "self.0 * other.0").miss("code: `{m}::impl Add for P` changed (src/{m}.rs)"),
        Case::new("index", "use std::ops::Index;\nstruct P;\nimpl Index<usize> for P { type Output = u64; fn index(&self, at: usize) -> &u64 { &[1, 2][at] } }\n#[stage]\npub fn fit() -> u64 { P[1] }")
            .edit("[1, 2][at]", "[1, 3][at]").miss("code: `{m}::impl Index<usize> for P` changed (src/{m}.rs)"),
        Case::new("through_into", "struct A(u64);\nstruct B(u64);\nimpl From<A> for B { fn from(a: A) -> B { B(a.0 + 1) } }\n#[stage]\npub fn fit() -> u64 { let b: B = A(1).into(); b.0 }")
            .edit("a.0 + 1", "a.0 + 2").miss("code: `{m}::impl From<A> for B` changed (src/{m}.rs)"),
        Case::new("default_of_the_rest", "struct P { a: u64, b: u64 }\nimpl Default for P { fn default() -> Self { P { a: 1, b: 2 } } }\n#[stage]\npub fn fit() -> u64 { let p = P { a: 5, ..Default::default() }; p.a + p.b }")
            .edit("b: 2", "b: 3").miss("code: `{m}::impl Default for P` changed (src/{m}.rs)"),
        Case::new("drop", "use std::cell::Cell;\nstruct P<'a>(&'a Cell<u64>);\nimpl Drop for P<'_> { fn drop(&mut self) { self.0.set(3) } }\n#[stage]\npub fn fit() -> u64 { let cell = Cell::new(1); drop(P(&cell)); cell.get() }")
            .edit("set(3)", "set(4)").miss("code: `{m}::impl Drop for P<'_>` changed (src/{m}.rs)"),
        Case::new("iterator", "struct Count(u64);\nimpl Iterator for Count { type Item = u64; fn next(&mut self) -> Option<u64> { self.0 += 1; (self.0 < 4).then_some(self.0) } }\n#[stage]\npub fn fit() -> u64 { Count(0).sum() }")
            .edit("< 4", "< 5").miss("code: `{m}::impl Iterator for Count` changed (src/{m}.rs)"),
        Case::new("deref", "use std::ops::Deref;\nstruct P(u64);\nimpl Deref for P { type Target = u64; fn deref(&self) -> &u64 { &self.0 } }\n#[stage]\npub fn fit() -> u64 { *P(3) }")
            .edit("{ &self.0 }", "{ &7 }").miss("code: `{m}::impl Deref for P` changed (src/{m}.rs)"),
        Case::new("display_in_a_format", "use std::fmt;\nstruct P;\nimpl fmt::Display for P { fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { f.write_str(\"one\") } }\n#[stage]\npub fn fit() -> String { format!(\"{}\", P) }")
            .edit("\"one\"", "\"two\"").miss("code: `{m}::impl fmt::Display for P` changed (src/{m}.rs)"),
        Case::new("parse", "use std::str::FromStr;\nstruct P(u64);\nimpl FromStr for P { type Err = (); fn from_str(_: &str) -> Result<P, ()> { Ok(P(3)) } }\nfn helper() -> Option<P> { \"x\".parse().ok() }\n#[stage]\npub fn fit() -> u64 { helper().map_or(0, |p| p.0) }")
            .edit("P(3)", "P(4)").miss("code: `{m}::impl FromStr for P` changed (src/{m}.rs)"),
        Case::new("alias", "type Number = u32;\n#[stage]\npub fn fit() -> u64 { std::mem::size_of::<Number>() as u64 }")
            .edit("= u32", "= u16").miss("code: `{m}::Number` changed (src/{m}.rs)"),
        Case::new("instance", "trait Has { fn get() -> u64; }\npub struct A;\npub struct B;\nimpl Has for A { fn get() -> u64 { 1 } }\nimpl Has for B { fn get() -> u64 { 2 } }\n#[stage(crate = memo_runtime)]\npub fn fit<T: Has + Send + Sync + 'static>() -> u64 { T::get() }\npub fn call(record: &mut Record<crate::Params>) -> Result<()> { fit::<A>(record)?; Ok(()) }")
            .edit("fit::<A>", "fit::<B>").miss("stage A → B"),
    ]
}
