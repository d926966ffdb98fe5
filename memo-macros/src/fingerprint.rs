//! The fingerprint of code: its tokens, normalised, as an XXH3 of 128 bits.
//!
//! What cannot change a result does not count: layout and comments (the lexer drops them), doc
//! comments, lints and other attributes without effect, and the commas that rustfmt adds and
//! removes. Everything else counts, so that a different program has a different fingerprint.

use proc_macro2::TokenStream;
use xxhash_rust::xxh3::xxh3_128;

use crate::tokens::{Kind, Lexed, Tokens, Word};

/// Attributes that cannot change what a function returns.
pub const IGNORED: &[&str] = &[
    "allow",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "rustfmt",
    "track_caller",
    "warn",
];

/// Returns the fingerprint of several token streams, each of which is told apart from the next.
pub fn fingerprint(parts: impl IntoIterator<Item = TokenStream>) -> u128 {
    let mut digest = Digest::default();
    for part in parts {
        digest.part(Lexed::of_stream(part).tokens());
    }
    xxh3_128(&digest.bytes)
}

/// Returns the fingerprint of tokens, which is that of a stream of the same ones.
pub fn fingerprint_of(tokens: Tokens) -> u128 {
    let mut digest = Digest::default();
    digest.part(tokens);
    xxh3_128(&digest.bytes)
}

/// A list of tokens between two brackets, as far as it was read.
#[derive(Clone, Copy)]
struct List {
    around: Around,
    /// How many commas it has.
    commas: usize,
    /// The last token but one, and the last one.
    before: (Before, Before),
    /// A comma that is not written yet: whether it counts is told by what follows it.
    comma: Option<Comma>,
}

/// What surrounds a list of tokens, which decides whether a last comma in it means something.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    /// Parentheses that may be a tuple of one element, where `(x,)` is not `(x)`.
    Tuple,
    /// Braces, where the comma after the block of a match arm means nothing.
    Braces,
    Other,
}

/// A token that was read, as far as it decides what the next one means.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Name(Word),
    Punct(u8),
    Braces,
    Brackets,
    Literal,
}

#[derive(Clone, Copy, PartialEq)]
enum Comma {
    AfterBlock,
    Plain,
}

// The kinds of token, written before each so that `1` and `"1"` differ.
const NAME: u8 = 1;
const PUNCT: u8 = 2;
const LITERAL: u8 = 3;
const OPEN: u8 = 4;
const CLOSE: u8 = 5;

/// The tokens so far, as bytes: macros run unoptimised in most builds, where hashing at once takes a
/// fraction of the time of hashing bit by bit.
#[derive(Default)]
struct Digest {
    bytes: Vec<u8>,
}

impl Digest {
    /// Takes in tokens, and that they end.
    fn part(&mut self, tokens: Tokens) {
        self.bytes.reserve(tokens.len() * 14);
        let mut around: Vec<List> = Vec::new();
        let mut list = List::new(Around::Other);
        let mut at = 0;
        while at < tokens.len() {
            let token = tokens.all[at];
            match token.kind {
                Kind::Name(word) => {
                    self.next(&mut list, Before::Name(word));
                    self.put(NAME, tokens.text(at).as_bytes());
                }
                Kind::Literal => {
                    self.next(&mut list, Before::Literal);
                    self.put(LITERAL, tokens.text(at).as_bytes());
                }
                Kind::Punct(b'#', _) if let Some(end) = ignored(tokens, at) => {
                    at = end;
                    continue;
                }
                Kind::Punct(b',', _) => self.comma(&mut list),
                Kind::Punct(punct, is_joint) => {
                    self.next(&mut list, Before::Punct(punct));
                    self.put(PUNCT, &[punct]);
                    // `a && b` and `a & &b` are the same characters, and both may compile.
                    if is_joint && matches!(punct, b'&' | b'|') && tokens.is(at + 1, punct) {
                        self.put(PUNCT, &[]);
                    }
                }
                Kind::Open(bracket) => {
                    let inner = match bracket {
                        b'(' if is_call(list.before) => Around::Other,
                        b'(' => Around::Tuple,
                        b'{' => Around::Braces,
                        _ => Around::Other,
                    };
                    let is_braces = bracket == b'{';
                    self.next(&mut list, if is_braces { Before::Braces } else { Before::Brackets });
                    let opened: &[u8] = if bracket == 0 { &[] } else { &[bracket] };
                    self.put(OPEN, opened);
                    around.push(list);
                    list = List::new(inner);
                }
                Kind::Close(_) => {
                    self.end(&list);
                    list = around.pop().unwrap_or(list);
                }
            }
            at += 1;
        }
        self.end(&list);
    }

    /// Notes that a token follows, which decides about a comma before it.
    fn next(&mut self, list: &mut List, token: Before) {
        if let Some(comma) = list.comma.take() {
            let is_idle = comma == Comma::AfterBlock && list.around == Around::Braces;
            if token != Before::Punct(b'>') && !is_idle {
                self.put(PUNCT, b",");
            }
        }
        list.before = (list.before.1, token);
    }

    fn comma(&mut self, list: &mut List) {
        let is_after_block = list.before.1 == Before::Braces;
        self.next(list, Before::Punct(b','));
        list.commas += 1;
        list.comma = Some(if is_after_block { Comma::AfterBlock } else { Comma::Plain });
    }

    /// The end of a list: a last comma makes a tuple of one element.
    fn end(&mut self, list: &List) {
        if list.comma.is_some() && list.around == Around::Tuple && list.commas == 1 {
            self.put(PUNCT, b",");
        }
        self.put(CLOSE, &[]);
    }

    fn put(&mut self, kind: u8, text: &[u8]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(text);
    }
}

impl List {
    fn new(around: Around) -> Self {
        let before = (Before::Nothing, Before::Nothing);
        Self { around, commas: 0, before, comma: None }
    }
}

/// The end of the attribute whose `#` stands at `at`, if it has no effect.
fn ignored(tokens: Tokens, at: usize) -> Option<usize> {
    let open = at + 1 + usize::from(tokens.is(at + 1, b'!'));
    (tokens.opens(open, b'[') && tokens.word(open + 1).is_without_effect())
        .then(|| tokens.close(open) + 1)
}

/// Whether tokens make the parentheses after them an argument list.
fn is_call(before: (Before, Before)) -> bool {
    match before {
        (_, Before::Name(word)) => !word.is_before_value(),
        (arrow, Before::Punct(b'>')) => {
            !matches!(arrow, Before::Nothing | Before::Punct(b'-' | b'='))
        }
        (_, Before::Punct(punct)) => punct == b'!',
        (_, Before::Brackets) => true,
        (_, Before::Braces | Before::Literal | Before::Nothing) => false,
    }
}

#[cfg(test)]
mod tests;
