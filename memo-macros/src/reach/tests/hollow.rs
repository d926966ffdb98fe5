//! Files that are parsed without the bodies of their functions keep every token that syn keeps.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::fingerprint::fingerprint;
use crate::reach::tree::hollow::parse;

/// Whether a file keeps its tokens, or those that syn leaves of it, which writes some items in its
/// own way; nothing if it is no file of Rust.
fn is_kept(text: &str) -> Option<bool> {
    let tokens: TokenStream = text.strip_prefix('\u{feff}').unwrap_or(text).parse().ok()?;
    let file = parse(text).ok()?.into_token_stream();
    let whole = || text_of(&syn::parse_file(text).unwrap().into_token_stream());
    let reparsed = |file: &TokenStream| {
        let file = syn::parse2::<syn::File>(file.clone()).unwrap();
        text_of(&file.into_token_stream())
    };
    Some(fingerprint([file.clone()]) == fingerprint([tokens]) || reparsed(&file) == whole())
}

fn text_of(tokens: &TokenStream) -> String {
    tokens.to_string()
}

#[test]
fn braces_that_are_no_bodies_are_told_apart() {
    let texts = [
        "fn f() -> A<{ N + 1 }> { g() } fn h() { i() }",
        "fn f<T: B<{ 1 }, u8>>() where [(); { 2 }]: Sized { 3 }",
        "impl A<{ 1 }> { fn f(&self) -> u8 { 2 } const C: u8 = { 3 }; fn g() { 4 } }",
        "trait T { fn f(); fn g() { 1 } const C: fn(u8) = { h }; fn i() { 2 } }",
        "const F: fn(u8) = { fn g(x: u8) { 1 } g }; fn h() { 2 }",
        "macro_rules! m { () => { fn f() { 1 } } } fn g() { 2 } m! { fn h() { 3 } }",
        "mod a { pub mod b { fn f() { 1 } } fn g() { mod c { fn h() { 2 } } } }",
        "extern \"C\" { fn f(x: u8); } unsafe extern \"C\" fn g() { 1 }",
        "struct S<const N: usize = { 1 }>; fn f() -> impl Fn() -> u8 { || { 2 } }",
        "static X: u8 = { impl A { fn f() { 1 } } 2 }; fn g() { #![allow(unused)] 3 }",
        "\u{feff}fn f() { r##\"}\"##; b'}'; '\\'' } /* /* { */ */ fn g<'a>() { c\"{\" }",
    ];
    for text in texts {
        assert_eq!(is_kept(text), Some(true), "{text}");
    }
}

/// `MEMO_SOURCES` is a folder of sources, as that of the registry.
#[test]
#[ignore = "needs a folder of sources"]
fn every_file_of_a_folder_keeps_its_tokens() {
    let mut open = vec![PathBuf::from(std::env::var_os("MEMO_SOURCES").unwrap())];
    let (mut kept, mut no_rust, mut changed) = (0, 0, Vec::new());
    while let Some(next) = open.pop() {
        if next.is_dir() {
            open.extend(std::fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()));
        } else if next.extension().is_some_and(|extension| extension == "rs") {
            match std::fs::read_to_string(&next).ok().and_then(|text| is_kept(&text)) {
                Some(true) => kept += 1,
                Some(false) => changed.push(next),
                None => no_rust += 1,
            }
        }
    }
    println!("{kept} kept, {no_rust} no files of Rust, {} changed: {changed:#?}", changed.len());
    assert!(changed.is_empty());
}
