//! Items that are told apart by their tokens, against those that syn parses.

mod parsed;

use std::path::PathBuf;
use std::rc::Rc;

use proc_macro2::TokenStream;

use crate::fingerprint::fingerprint;
use crate::reach::items::{self, Kind, What, entries};
use crate::tokens::Source;

/// An item as both sides tell it: what it is, its name without spaces, the digest of its tokens.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
pub struct Told {
    pub kind: String,
    pub name: String,
    pub digest: u128,
}

/// The items of a text, those in its modules as well.
fn ours(text: &str) -> Option<Vec<Told>> {
    let source = Rc::new(Source::of(text.to_owned())?);
    let tokens = source.tokens();
    let mut open: Vec<std::ops::Range<usize>> = Vec::new();
    open.push(0..tokens.len());
    let mut told = Vec::new();
    while let Some(list) = open.pop() {
        for entry in entries(tokens, list)? {
            if let (What::Mod, Some(body)) = (entry.what, entry.body) {
                open.push(body + 1..tokens.close(body));
            }
            for parsed in items::parse(&source, &entry)? {
                let item = parsed.item;
                let kind = match &item.kind {
                    Kind::Plain | Kind::Alias => "plain".to_owned(),
                    Kind::Struct => {
                        let fields = item.fields();
                        let fields = fields.iter().map(|field| {
                            format!("{}: {:?} {:?}", field.name, field.path, field.names.paths)
                        });
                        format!("struct {:?}", fields.collect::<Vec<_>>())
                    }
                    Kind::Member { name, of, .. } => format!("member {name:?} of {of:?}"),
                    Kind::Enum { variants } => format!("enum {variants:?}"),
                    Kind::Trait { methods } => format!("trait {methods:?}"),
                    Kind::Impl { of_trait, of } => format!("impl {of_trait:?} for {of:?}"),
                    Kind::MacroRules => "rules".to_owned(),
                    Kind::ItemMacro => "macro".to_owned(),
                    Kind::Foreign => "foreign".to_owned(),
                };
                let name = item.name.replace(char::is_whitespace, "");
                told.push(Told { kind, name, digest: item.digest() });
            }
        }
    }
    told.sort();
    Some(told)
}

/// What differs from what syn makes of a text; nothing where syn makes nothing of it, or where it
/// writes tokens in its own way.
fn difference(text: &str) -> Option<String> {
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let file = syn::parse_file(&plain).ok()?;
    let Some(ours) = ours(text) else { return Some("ours does not read it".to_owned()) };
    let theirs = parsed::told(&file);
    if theirs.iter().any(|told| told.name == "anitem") {
        // Syntax that syn leaves as it is.
        return None;
    }
    if ours.len() != theirs.len() {
        return Some(format!("{} items, {} theirs", ours.len(), theirs.len()));
    }
    let without_digests = |all: &[Told]| {
        let mut all: Vec<Told> =
            all.iter().map(|told| Told { digest: 0, ..told.clone() }).collect();
        all.sort();
        all
    };
    let (left, right) = (without_digests(&ours), without_digests(&theirs));
    let mut pairs = left.iter().zip(&right);
    if let Some((ours, theirs)) = pairs.find(|(ours, theirs)| ours != theirs) {
        return Some(format!("ours {ours:#?}, theirs {theirs:#?}"));
    }
    let tokens: TokenStream = plain.parse().ok()?;
    let is_rewritten = fingerprint([tokens]) != fingerprint([quote::quote!(#file)]);
    let (ours, theirs): (Vec<_>, Vec<_>) = (
        ours.iter().filter(|o| !theirs.contains(o)).collect(),
        theirs.iter().filter(|t| !ours.contains(t)).collect(),
    );
    (!is_rewritten && !ours.is_empty()).then(|| format!("ours {ours:#?}, theirs {theirs:#?}"))
}

#[test]
fn items_are_those_that_syn_parses() {
    let texts = [
        "pub fn f() {} pub(crate) const fn g() {} async unsafe fn h() {} extern \"C\" fn i() {}",
        "fn f() -> A<{ N + 1 }> { g() } fn h() { i() }",
        "fn f<T: B<{ 1 }, u8>>() where [(); { 2 }]: Sized { 3 } fn g<const N: usize>() {}",
        "impl A<{ 1 }> { fn f(&self) -> u8 { 2 } pub const C: u8 = { 3 }; type T = u8; m! {} }",
        "impl<T: B> C<T> { #![allow(x)] #[stage] pub fn f() {} #[inline] const fn g() {} }",
        "impl<'a, const N: usize> X<'a> for Y<N> where Y<N>: Z { fn f() {} }",
        "impl<T> Fn<(T,)> for fn() -> T {} impl A for for<'a> fn(&'a u8) {} unsafe impl B for C {}",
        "impl<E: ::a::B> From<E> for C {} impl dyn for<'a> A<'a> { fn f() {} } impl A for <B as C>::D {} impl <A as B>::C {}",
        "impl a::b::<T>::C for [u8; { 3 }] {} impl A for (B, C) {} impl A for &mut dyn B {}",
        "default impl A for B {} impl A for fn(u8) -> u8 {} impl A<fn() -> B> for C {}",
        "trait T: A { fn f(); fn g() { 1 } const C: fn(u8) = { h }; type X; m!(); }",
        "unsafe auto trait A {} pub trait B = C + D; trait E<T> where T: F { async fn f(); }",
        "const F: fn(u8) = { fn g(x: u8) { 1 } g }; fn h() { 2 } const _: () = {};",
        "macro_rules! m { () => { fn f() { 1 } } } fn g() { 2 } m! { fn h() { 3 } } a::b!(c);",
        "macro_rules! m ( () => {} ); m![]; ::a::m! {} thread_local! { static X: u8 = 1; }",
        "mod a { pub mod b { fn f() { 1 } } fn g() { mod c { fn h() { 2 } } } } mod d;",
        "extern \"C\" { fn f(x: u8); static S: u8; type T; } unsafe extern \"C\" fn g() { 1 }",
        "struct S<const N: usize = { 1 }>; fn f() -> impl Fn() -> u8 { || { 2 } }",
        "pub struct A { pub a: u8, #[x] pub(crate) b: Vec<(u8, u8)>, pub(in a::b) c: fn(u8) -> u8 }",
        "struct A(pub u8, (u8, u8), pub(super) HashMap<u8, pub_>, pub (u8, u8)); struct B();",
        "struct A<T = (u8,)>(pub T) where T: Fn(u8) -> u8; struct B<T: C> where T: D { pub t: T }",
        "struct A { a: a::b::<u8>::C, b: ::d::E, c: &'static str, d: [u8; 3], e: impl X, f: dyn Y }",
        "enum E { A, #[x] B(u8, u8), C { a: u8 }, D = 1 << 3, r#E = { 2 } } enum F {}",
        "union U { a: u8, pub b: u16 } fn union() {} static mut X: u8 = 1; pub static Y: u8 = 2;",
        "type A<T> = B<T>; pub type C = fn() -> D; use a::{b, c as d}; extern crate e as f;",
        "static X: u8 = { impl A { fn f() { 1 } } 2 }; fn g() { #![allow(unused)] 3 }",
        "#[stage(outputs = [x])] #[memo_runtime::stage] #[other] fn f() {} #[a::aggregate] fn g() {}",
        "fn r#type() {} fn safe() {} fn auto() {} fn default() {} fn gen_() {}",
        "\u{feff}fn f() { r##\"}\"##; b'}'; '\\'' } /* /* { */ */ fn g<'a>() { c\"{\" }",
    ];
    for text in texts {
        assert!(ours(text).is_some(), "{text}");
        assert_eq!(difference(text), None, "{text}");
        assert!(syn::parse_file(text.trim_start_matches('\u{feff}')).is_ok(), "{text}");
    }
}

#[test]
fn what_is_no_list_of_items_is_refused() {
    for text in ["fn", "fn ()", "struct;", "const X", "use a::b", "impl A", "fn f()", "m!", "pub"] {
        assert_eq!(ours(text), None, "{text}");
    }
}

/// `MEMO_SOURCES` is a folder of sources, as that of the registry.
#[test]
#[ignore = "needs a folder of sources"]
fn items_of_a_folder_are_those_that_syn_parses() {
    let mut open = vec![PathBuf::from(std::env::var_os("MEMO_SOURCES").unwrap())];
    let (mut same, mut wrong) = (0, Vec::new());
    while let Some(next) = open.pop() {
        if next.is_dir() {
            open.extend(std::fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()));
        } else if next.extension().is_some_and(|extension| extension == "rs") {
            let Ok(text) = std::fs::read_to_string(&next) else { continue };
            match difference(&text) {
                None => same += 1,
                Some(difference) => wrong.push((next, difference)),
            }
        }
    }
    println!("{same} files read the same, {} not", wrong.len());
    for (file, difference) in wrong.iter().take(20) {
        println!("{}: {difference}", file.display());
    }
    assert!(wrong.is_empty());
}
