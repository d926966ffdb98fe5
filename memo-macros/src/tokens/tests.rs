//! The lexer against that of `proc_macro2`, which reads text as rustc does.

use std::path::PathBuf;

use proc_macro2::TokenStream;

use super::{Kind, Lexed};
use crate::fingerprint::{fingerprint, fingerprint_of};

/// Tokens with their texts; without docs, which `proc_macro2` makes attributes of.
fn told(lexed: &Lexed) -> Vec<(String, String)> {
    let tokens = lexed.tokens();
    let mut told = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let open = at + 1 + usize::from(tokens.is(at + 1, b'!'));
        let is_doc = tokens.is(at, b'#')
            && tokens.opens(open, b'[')
            && tokens.text(open + 1) == "doc"
            && tokens.is(open + 2, b'=');
        if is_doc {
            at = tokens.close(open) + 1;
            continue;
        }
        // Whether a comment or a doc comment follows is no matter.
        let kind = match tokens.all[at].kind {
            Kind::Punct(punct, is_joint) => {
                let doubles = matches!(punct, b'&' | b'|') && tokens.is(at + 1, punct);
                format!("{:?}", Kind::Punct(punct, is_joint && doubles))
            }
            kind => format!("{kind:?}"),
        };
        told.push((kind, tokens.text(at).to_owned()));
        at += 1;
    }
    told
}

/// What differs between the two lexers; nothing for a text that neither of them reads.
fn difference(text: &str) -> Option<String> {
    let ours = Lexed::of_file(text.to_owned());
    // What a file has and a stream has not.
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let plain = match plain.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => {
            rest.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned())
        }
        _ => plain,
    };
    let theirs = plain.parse::<TokenStream>().ok();
    // A text that rustc refuses is compiled by nobody, so that no matter what is made of it.
    let stream = theirs.as_ref()?;
    let Some(ours) = &ours else { return Some("ours does not read it".to_owned()) };
    let theirs = Lexed::of_stream(stream.clone());
    let (left, right) = (told(ours), told(&theirs));
    let first = left.iter().zip(&right).find(|(ours, theirs)| ours != theirs);
    if let Some((ours, theirs)) = first {
        return Some(format!("ours {ours:?}, theirs {theirs:?}"));
    }
    if left.len() != right.len() {
        return Some(format!("{} tokens, {} theirs", left.len(), right.len()));
    }
    let is_same = fingerprint_of(ours.tokens()) == fingerprint([stream.clone()]);
    (!is_same).then(|| "another fingerprint".to_owned())
}

#[test]
fn texts_are_read_as_rustc_reads_them() {
    let texts = [
        "fn f() -> u8 { 1 }",
        "r\"a\\\" r#\"b\"c\"# r##\"d\"#e\"## br\"f\\\" br#\"g\"\"# cr#\"h\"#",
        "b\"a\\\"\\\\\" b'a' b'\\'' b'\"' c\"x\\\"\" \"\\\\\" \"a\nb\" \"a\\\n   b\"",
        "'a' '\\'' '\\\\' '\"' '\\u{1F600}' 'é' '😀' '\\n' '(' ' ' ','",
        "'a: loop { break 'a; } fn g<'b, 'static_>(x: &'b str, y: &'static str) -> &'_ u8 {}",
        "f::<'a', 'b'>('a','b') A<'a,'b> 'a+'b match x{'a'..='z'=>1,'r'|'b'=>2}",
        "'r#async r#async r#type r#match",
        "1 1u8 1_000 0x1F_u32 0b1010 0o17 1.0 1. 1e10 1e+5 1E-5f32 1.5e3_0 1f64 0xE+1 0xAe-1",
        "1..2 1..=2 1.max(2) x.0.1 x.0 .. 1.0.sin() 1._x 2.e3 [0.;3] 0u8 1usize.. ..1",
        "/* a /* b */ c */ // d\n/// e\n//! f\n/** g */ /*! h */ /**/ /***/ //// i\nfn f() {}",
        "a/**/b a//\nb a/b a / b a/ /b",
        "a && b || c & &d | |e | f &&& g ||| h &= i &&= j & & k &/**/& l",
        "#!/bin/sh\nfn f() {}",
        "#![allow(unused)]\nfn f() {}",
        "#! [allow(unused)]\nfn f() {}",
        "#!/usr/bin/env run",
        "\u{feff}fn f() {}",
        "\u{feff}#!/bin/sh\nfn f() {}",
        "fn f() {\r\n  \"a\r\nb\";\r\n  // c\r\n}\r\n",
        "let größe = ñ + 变量; fn привет(_ä: u8) {}",
        "a\u{85}b\u{2028}c\u{200e}d",
        "$x $crate::f $($x:expr),* #[doc = \"x\"] #[a] #(b) # #",
        "macro_rules! m { ($($t:tt)*) => { $($t)* }; }",
        "a <<= b >>= c -> d => e :: f ..= g ... h != i @ j ~ k ^ l % m ? n ; o , p . q",
        "((((((((((([[[[{{{{}}}}]]]])))))))))))",
        "\"{\" '{' r\"{\" b'{' // {\n /* { */",
        "\"a\"suffix 'b'suffix 1suffix 1.0suffix b\"c\"suffix",
        "r\"\" r#\"\"# \"\" b\"\" br\"\"",
        "async move { x.await } union U { a: u8 } auto trait T {}",
        "_ __ _a a_ A_1",
        "",
        " \n\t ",
    ];
    for text in texts {
        assert!(Lexed::of_file(text.to_owned()).is_some(), "{text}");
        assert_eq!(difference(text), None, "{text}");
    }
    let of = |text: &str| fingerprint_of(Lexed::of_file(text.to_owned()).unwrap().tokens());
    assert_eq!(of("#! // x\n[inline] fn f() {}"), of("fn f() {}"), "that is no line for a shell");
}

#[test]
fn what_is_no_text_of_rust_is_refused() {
    let texts =
        ["( ]", "(", ")", "\"abc", "/* abc", "r#\"abc\"", "'", "fn f() { ` }", "\\", "r#1", "b'"];
    for text in texts {
        assert!(Lexed::of_file(text.to_owned()).is_none(), "{text}");
    }
}

/// Random texts of pieces that go wrong when they are put side by side.
#[test]
fn random_texts_are_read_as_rustc_reads_them() {
    let pieces = [
        "a",
        "r",
        "b",
        "br",
        "c",
        "r#a",
        "'a",
        "'a'",
        "'\\''",
        "\"x\"",
        "\"\\\"\"",
        "r\"\\\"",
        "r#\"\"#",
        "b'x'",
        "1",
        "1.",
        "1.5",
        "2.e",
        "0x1f",
        "1e5",
        "..",
        ".",
        "/",
        "//x\n",
        "/*y*/",
        "/*/**/*/",
        "*",
        "&",
        "&&",
        "|",
        "#",
        "!",
        "[a]",
        "(a,)",
        "{ }",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        ":",
        "::",
        ",",
        ";",
        "\"",
        " ",
        "\n",
        "_",
        "é",
        "\\",
        "-",
        "///d\n",
        "/**e*/",
        "#[doc = \"f\"]",
        "#[allow(g)]",
    ];
    let mut random = Random(7);
    let mut read = 0;
    for _ in 0..60_000 {
        let count = 1 + random.below(9);
        let text: String = (0..count).map(|_| pieces[random.below(pieces.len())]).collect();
        read += usize::from(Lexed::of_file(text.clone()).is_some());
        if let Some(difference) = difference(&text) {
            panic!("{text:?}: {difference}");
        }
    }
    assert!(read > 3_000, "{read}");
}

/// Numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    /// Returns a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// `MEMO_SOURCES` is a folder of sources, as that of the registry.
#[test]
#[ignore = "needs a folder of sources"]
fn every_file_of_a_folder_is_read_as_rustc_reads_it() {
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
    println!("{same} files read the same, {} not: {wrong:#?}", wrong.len());
    assert!(wrong.is_empty());
}

#[test]
fn thousands_of_brackets_are_no_matter() {
    let deep = |open: &str, close: &str| {
        format!("fn f() {{ {}1{} }}", open.repeat(200_000), close.repeat(200_000))
    };
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("/*", "*/"), ("#[a(", ")]")] {
        let lexed = Lexed::of_file(deep(open, close)).unwrap();
        assert_ne!(fingerprint_of(lexed.tokens()), 0);
    }
    let stream: TokenStream = deep("(", ")").parse().unwrap();
    let lexed = Lexed::of_file(deep("(", ")")).unwrap();
    assert_eq!(fingerprint([stream]), fingerprint_of(lexed.tokens()));
}
