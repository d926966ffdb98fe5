//! Code that runs though the stage's tokens hardly show it: all are misses.

use crate::table::Case;

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    let helper = "code: `{m}::helper` changed (src/{m}.rs)";
    vec![
        Case::new("constant_in_a_pattern", "const LIMIT: u64 = 3;\n#[stage]\npub fn fit() -> bool { matches!(2 + 1, LIMIT) }")
            .edit("= 3", "= 4").miss("code: `{m}::LIMIT` changed (src/{m}.rs)"),
        Case::new("imported_variant", "enum Level { Low = 1, High = 3 }\nuse Level::*;\n#[stage]\npub fn fit() -> u64 { High as u64 }")
            .edit("High = 3", "High = 4").miss("code: `{m}::Level` changed (src/{m}.rs)"),
        Case::new("impl_by_a_macro", "trait Has { fn get(&self) -> u64; }\nstruct A;\nmacro_rules! has { ($t:ty) => { impl Has for $t { fn get(&self) -> u64 { 3 } } } }\nhas!(A);\n#[stage]\npub fn fit() -> u64 { A.get() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::has!` changed (src/{m}.rs)"),
        Case::new("blanket_impl", "trait Has { fn get(&self) -> u64; }\nimpl<T: Copy> Has for T { fn get(&self) -> u64 { 3 } }\n#[stage]\npub fn fit() -> u64 { 'x'.get() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::impl Has for T` changed (src/{m}.rs)"),
        Case::new("impl_for_a_foreign_type", "trait Has { fn get(&self) -> u64; }\nimpl Has for Vec<u8> { fn get(&self) -> u64 { 3 } }\n#[stage]\npub fn fit() -> u64 { vec![1].get() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::impl Has for Vec<u8>` changed (src/{m}.rs)"),
        Case::new("associated_type", "trait Has { type Out; }\nstruct A;\nimpl Has for A { type Out = u32; }\n#[stage]\npub fn fit() -> u64 { size_of::<<A as Has>::Out>() as u64 }")
            .edit("= u32", "= u16").miss("code: `{m}::impl Has for A` changed (src/{m}.rs)"),
        Case::new("lazy_static", "use std::sync::LazyLock;\nstatic ALL: LazyLock<u64> = LazyLock::new(|| helper());\nfn helper() -> u64 { 3 }\n#[stage]\npub fn fit() -> u64 { *ALL }")
            .edit("{ 3 }", "{ 4 }").miss(helper),
        Case::new("thread_local_static", "thread_local! { static ALL: u64 = helper(); }\nfn helper() -> u64 { 3 }\n#[stage]\npub fn fit() -> u64 { ALL.with(|x| *x) }")
            .edit("{ 3 }", "{ 4 }").miss(helper),
        Case::new("precision_in_a_format", "const DEPTH: usize = 3;\n#[stage]\npub fn fit() -> String { format!(\"{:.DEPTH$}\", 1.0) }")
            .edit("= 3", "= 4").miss("code: `{m}::DEPTH` changed (src/{m}.rs)"),
        Case::new("inside_std_macros", "fn helper() -> u64 { 3 }\n#[stage]\npub fn fit() -> Vec<u64> { vec![helper(); 2] }")
            .edit("{ 3 }", "{ 4 }").miss(helper),
        Case::new("included_code", "include!(\"included_code/part.rs\");\n#[stage]\npub fn fit() -> u64 { helper() }")
            .file("./part.rs", "fn helper() -> u64 { 3 }").edit_in("./part.rs", "{ 3 }", "{ 4 }").miss(helper),
        Case::new("equality", "struct P(u64);\nimpl PartialEq for P { fn eq(&self, other: &P) -> bool { self.0 == other.0 } }\n#[stage]\npub fn fit() -> bool { [P(1)].contains(&P(2)) }")
            .edit("self.0 == other.0", "self.0 <= other.0").miss("code: `{m}::impl PartialEq for P` changed (src/{m}.rs)"),
        Case::new("question_mark", "struct A;\nstruct B(u64);\nimpl From<A> for B { fn from(_: A) -> B { B(3) } }\nfn fails() -> std::result::Result<u64, A> { Err(A) }\nfn helper() -> std::result::Result<u64, B> { Ok(fails()? + 1) }\n#[stage]\npub fn fit() -> u64 { helper().unwrap_or_else(|b| b.0) }")
            .edit("B(3)", "B(4)").miss("code: `{m}::impl From<A> for B` changed (src/{m}.rs)"),
        Case::new("for_loop", "struct P;\nimpl IntoIterator for &P { type Item = u64; type IntoIter = std::ops::Range<u64>; fn into_iter(self) -> Self::IntoIter { 0..3 } }\n#[stage]\npub fn fit() -> u64 { let mut sum = 0; for x in &P { sum += x } sum }")
            .edit("0..3", "0..4").miss("code: `{m}::impl IntoIterator for &P` changed (src/{m}.rs)"),
        Case::new("sum", "struct P(u64);\nimpl std::iter::Sum for P { fn sum<I: Iterator<Item = P>>(all: I) -> P { P(all.count() as u64) } }\n#[stage]\npub fn fit() -> u64 { [1, 2].into_iter().map(P).sum::<P>().0 }")
            .edit("all.count() as u64", "7").miss("code: `{m}::impl std::iter::Sum for P` changed (src/{m}.rs)"),
        Case::new("qualified_path", "trait Has { fn get() -> u64; }\nstruct A;\nimpl Has for A { fn get() -> u64 { 3 } }\n#[stage]\npub fn fit() -> u64 { <A as Has>::get() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::impl Has for A` changed (src/{m}.rs)"),
        Case::new("function_of_an_associated_type", "trait Has { type Out: Gets; }\ntrait Gets { fn get() -> u64; }\nstruct A;\nstruct B;\nimpl Has for A { type Out = B; }\nimpl Gets for B { fn get() -> u64 { 3 } }\nfn helper<T: Has>() -> u64 { T::Out::get() }\n#[stage]\npub fn fit() -> u64 { helper::<A>() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::impl Gets for B` changed (src/{m}.rs)"),
        Case::new("returned_closure", "fn helper() -> impl Fn(u64) -> u64 { |x| x + 1 }\n#[stage]\npub fn fit() -> u64 { helper()(2) }")
            .edit("x + 1", "x + 2").miss(helper),
        Case::new("macro_in_a_macro", "macro_rules! inner { () => { 3 } }\nmacro_rules! outer { () => { inner!() } }\n#[stage]\npub fn fit() -> u64 { outer!() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::inner!` changed (src/{m}.rs)"),
        Case::new("default_of_a_field", "struct A(u64);\nimpl Default for A { fn default() -> A { A(3) } }\n#[derive(Default)]\nstruct P { a: A }\n#[stage]\npub fn fit() -> u64 { P::default().a.0 }")
            .edit("A(3)", "A(4)").miss("code: `{m}::impl Default for A` changed (src/{m}.rs)"),
        Case::new("method_behind_a_deref", "struct P;\nimpl P { fn helper(&self) -> u64 { 3 } }\nstruct W(P);\nimpl std::ops::Deref for W { type Target = P; fn deref(&self) -> &P { &self.0 } }\n#[stage]\npub fn fit() -> u64 { W(P).helper() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::P::helper` changed (src/{m}.rs)"),
        Case::new("supertrait", "trait Low { fn low(&self) -> u64 { 3 } }\ntrait High: Low { fn high(&self) -> u64 { self.low() } }\nstruct A;\nimpl Low for A {}\nimpl High for A {}\n#[stage]\npub fn fit() -> u64 { A.high() }")
            .edit("{ 3 }", "{ 4 }").miss("code: `{m}::Low` changed (src/{m}.rs)"),
        Case::new("method_of_a_field_of_params", "use crate::{Inner, Params};\ntrait Scales { fn scaled(&self) -> u32; }\nimpl Scales for Inner { fn scaled(&self) -> u32 { self.steady + 1 } }\n#[stage]\npub fn fit(params: &Params) -> u32 { params.inner.scaled() }")
            // The case of an unrelated field has added one to this type, which enters whole here.
            .edit("self.steady + 1", "self.steady + 2").miss("code: `Inner` changed (src/lib.rs), code: `{m}::impl Scales for Inner` changed (src/{m}.rs), \
                   params.inner {\"steady\":0,\"read\":1,\"unread\":1} → {\"unrelated\":\"\",\"steady\":0,\"read\":2,\"unread\":2}"),
        Case::new("parent_module", "mod deep { use super::*; pub fn two() -> u64 { helper() } }\nfn helper() -> u64 { 3 }\n#[stage]\npub fn fit() -> u64 { deep::two() }")
            .edit("{ 3 }", "{ 4 }").miss(helper),
        Case::new("absolute_path", "pub fn helper() -> u64 { 3 }\n#[stage]\npub fn fit() -> u64 { crate::absolute_path::helper() }")
            .edit("{ 3 }", "{ 4 }").miss(helper),
        Case::new("cfg_attribute_on_a_statement", "#[stage]\npub fn fit() -> u64 { let mut x = 1; #[cfg(turbo)] { x = 2; } x }")
            .miss("code: `cfg turbo` changed"),
        Case::new("variable_of_the_build", "#[stage]\npub fn fit() -> u64 { env!(\"EDITS_BUILT\").len() as u64 }")
            .edit_in("app/build.rs", "EDITS_BUILT=one", "EDITS_BUILT=three").miss("code: `EDITS_BUILT` changed (environment variable)"),
        Case::new("constant_of_the_type_itself", "struct Tolerance(f64);\nimpl Tolerance { const WIDE: Self = Self(0.5); }\n#[stage]\npub fn fit() -> bool { 0.1 < Tolerance::WIDE.0 }")
            .edit("Self(0.5)", "Self(0.05)").miss("code: `{m}::Tolerance::WIDE` changed (src/{m}.rs)"),
        Case::new("hashing", "use std::hash::{Hash, Hasher};\nuse std::collections::HashSet;\n#[derive(PartialEq, Eq)]\nstruct P(u64);\nimpl Hash for P { fn hash<H: Hasher>(&self, state: &mut H) { state.write_u64(self.0) } }\n#[stage]\npub fn fit() -> u64 { HashSet::from([P(1)]).len() as u64 }")
            .edit("state.write_u64(self.0)", "state.write_u64(1)").miss("code: `{m}::impl Hash for P` changed (src/{m}.rs)"),
        Case::new("sorting", "#[derive(PartialEq, Eq, PartialOrd)]\nstruct P(u64);\nimpl Ord for P { fn cmp(&self, other: &P) -> std::cmp::Ordering { self.0.cmp(&other.0) } }\nfn rows() -> Vec<P> { vec![P(2), P(1)] }\n#[stage]\npub fn fit() -> u64 { let mut all = rows(); all.sort(); all[0].0 }")
            .edit("self.0.cmp(&other.0)", "other.0.cmp(&self.0)").miss("code: `{m}::impl Ord for P` changed (src/{m}.rs)"),
    ]
}
