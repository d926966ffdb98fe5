//! The fingerprint of a stage's own code: its tokens, normalised, as an XXH3 of 128 bits.
//!
//! What cannot change a result does not count: layout and comments (the lexer drops them), doc
//! comments, lints and other attributes without effect, and the commas that rustfmt adds and
//! removes. Everything else counts, so that a different program has a different fingerprint.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use xxhash_rust::xxh3::xxh3_128;

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

/// Keywords after which parentheses are a tuple or a group, not the arguments of a call.
const BEFORE_VALUE: &[&str] = &[
    "as", "box", "break", "dyn", "else", "for", "if", "in", "let", "match", "move", "mut", "ref",
    "return", "while", "yield",
];

/// Returns the fingerprint of several token streams, each of which is told apart from the next.
pub fn fingerprint(parts: impl IntoIterator<Item = TokenStream>) -> u128 {
    let mut digest = Digest(Vec::with_capacity(1024));
    for part in parts {
        digest.stream(part, Around::Other);
        digest.put(Tag::Close, "");
    }
    xxh3_128(&digest.0)
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

/// The kinds of token, hashed before each so that `1` and `"1"` differ.
#[derive(Clone, Copy)]
enum Tag {
    Ident = 1,
    Punct,
    Literal,
    Open,
    Close,
}

/// The tokens so far, as bytes: macros run unoptimised in most builds, where hashing at once takes a
/// fraction of the time of hashing bit by bit.
struct Digest(Vec<u8>);

impl Digest {
    fn stream(&mut self, stream: TokenStream, around: Around) {
        let tokens = without_ignored_attributes(stream);
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.put(Tag::Ident, &unraw(&ident.to_string())),
                TokenTree::Literal(literal) => self.put(Tag::Literal, &literal.to_string()),
                TokenTree::Punct(_) if is(token, ',') && !comma_counts(&tokens, at, around) => {}
                TokenTree::Punct(punct) => {
                    self.put(Tag::Punct, punct.as_char().encode_utf8(&mut [0; 4]));
                    // `a && b` and `a & &b` are the same characters, and both may compile.
                    if punct.spacing() == Spacing::Joint && doubles(&tokens, at) {
                        self.put(Tag::Punct, "");
                    }
                }
                TokenTree::Group(group) => self.group(group, &tokens[..at]),
            }
        }
    }

    fn group(&mut self, group: &Group, before: &[TokenTree]) {
        let (open, around) = match group.delimiter() {
            Delimiter::Parenthesis if is_call(before) => ("(", Around::Other),
            Delimiter::Parenthesis => ("(", Around::Tuple),
            Delimiter::Brace => ("{", Around::Braces),
            Delimiter::Bracket => ("[", Around::Other),
            Delimiter::None => ("", Around::Other),
        };
        self.put(Tag::Open, open);
        self.stream(group.stream(), around);
        self.put(Tag::Close, "");
    }

    fn put(&mut self, tag: Tag, text: &str) {
        self.0.push(tag as u8);
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }
}

fn without_ignored_attributes(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if !is(&token, '#') {
            kept.push(token);
            continue;
        }
        let inner = tokens.next_if(|next| is(next, '!'));
        if tokens.next_if(is_ignored).is_none() {
            kept.push(token);
            kept.extend(inner);
        }
    }
    kept
}

/// Whether this is the `[..]` of an attribute without effect.
fn is_ignored(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    group.delimiter() == Delimiter::Bracket
        && matches!(
            group.stream().into_iter().next(),
            Some(TokenTree::Ident(name)) if IGNORED.iter().any(|ignored| name == ignored)
        )
}

fn comma_counts(tokens: &[TokenTree], at: usize, around: Around) -> bool {
    let next = tokens.get(at + 1);
    let before = at.checked_sub(1).map(|before| &tokens[before]);
    let after_block = matches!(
        before,
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace
    );
    let is_tuple_of_one =
        || around == Around::Tuple && tokens.iter().filter(|token| is(token, ',')).count() == 1;
    match next {
        None => is_tuple_of_one(),
        Some(next) if is(next, '>') => false,
        Some(_) => !(after_block && around == Around::Braces),
    }
}

/// Whether `before` ends in something that makes the parentheses after it an argument list.
fn is_call(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Ident(name)] => !BEFORE_VALUE.iter().any(|keyword| name == keyword),
        [.., arrow, head] if is(head, '>') => !is(arrow, '-') && !is(arrow, '='),
        [.., TokenTree::Punct(punct)] => punct.as_char() == '!',
        [.., TokenTree::Group(group)] => group.delimiter() != Delimiter::Brace,
        _ => false,
    }
}

/// Whether the token at `at` and the next one are the halves of `&&` or `||`.
fn doubles(tokens: &[TokenTree], at: usize) -> bool {
    ['&', '|'].iter().any(|half| {
        is(&tokens[at], *half) && tokens.get(at + 1).is_some_and(|next| is(next, *half))
    })
}

fn is(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == punct)
}

fn unraw(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests;
