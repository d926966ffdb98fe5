//! Tokens in one flat list: what files and streams are read as.
//!
//! Macros run unoptimised in most builds, where a tree with a string for each token takes longer than
//! all that is done with it. So a token is its place in the text, brackets know where they end, and
//! nothing here recurses: brackets may be nested as deep as memory allows.

mod lexer;
mod literal;
mod source;
mod stream;
mod word;

use std::collections::BTreeSet;
use std::ops::Range;

pub use source::Source;
pub use word::Word;

/// How deep brackets may lie in each other where each takes its part of the stack: in what syn parses.
pub const DEEPEST: usize = 40;

/// A token.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub kind: Kind,
    /// The first and the last place in the text, without the `r#` of a name.
    pub start: u32,
    pub end: u32,
    /// Of a name: a hash of it. Of a bracket: how many tokens away the other one is.
    extra: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Name(Word),
    /// A single character, and whether the next token follows it without a space.
    Punct(u8, bool),
    Literal,
    /// `(`, `[`, `{`, or 0 for what a macro holds together.
    Open(u8),
    Close(u8),
}

/// A text and its tokens.
#[derive(Debug, Default)]
pub struct Lexed {
    pub text: String,
    pub tokens: Vec<Token>,
}

/// Some of the tokens of a text.
#[derive(Clone, Copy)]
pub struct Tokens<'t> {
    pub text: &'t str,
    pub all: &'t [Token],
}

impl Lexed {
    /// Returns all tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens { text: &self.text, all: &self.tokens }
    }

    /// Finds for each bracket the other one; nothing if one has none.
    fn pair(tokens: &mut [Token]) -> Option<()> {
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match tokens[at].kind {
                Kind::Open(_) => open.push(at),
                Kind::Close(close) => {
                    let from = open.pop()?;
                    if !matches!(tokens[from].kind, Kind::Open(open) if open == close) {
                        return None;
                    }
                    let distance = u32::try_from(at - from).ok()?;
                    tokens[from].extra = distance;
                    tokens[at].extra = distance;
                }
                _ => {}
            }
            at += 1;
        }
        open.is_empty().then_some(())
    }
}

impl<'t> Tokens<'t> {
    pub fn len(self) -> usize {
        self.all.len()
    }

    /// Returns some of them.
    pub fn part(self, range: Range<usize>) -> Self {
        Self { text: self.text, all: &self.all[range] }
    }

    /// Returns several parts as one list.
    pub fn joined(self, parts: &[Range<usize>]) -> Vec<Token> {
        let mut joined = Vec::new();
        for part in parts {
            joined.extend_from_slice(&self.all[part.clone()]);
        }
        let paired = Lexed::pair(&mut joined);
        debug_assert!(paired.is_some(), "parts are cut between brackets");
        joined
    }

    /// Returns the text of a token.
    pub fn text(self, at: usize) -> &'t str {
        let token = self.all[at];
        &self.text[token.start as usize..token.end as usize]
    }

    /// Returns the name at `at`, without `r#`.
    pub fn name(self, at: usize) -> Option<&'t str> {
        if at < self.all.len() && matches!(self.all[at].kind, Kind::Name(_)) {
            return Some(self.text(at));
        }
        None
    }

    /// Returns the known word at `at`; [`Word::Other`] for all else.
    pub fn word(self, at: usize) -> Word {
        if at < self.all.len()
            && let Kind::Name(word) = self.all[at].kind
        {
            return word;
        }
        Word::Other
    }

    /// Whether a punctuation stands at `at`.
    pub fn is(self, at: usize, punct: u8) -> bool {
        at < self.all.len() && matches!(self.all[at].kind, Kind::Punct(found, _) if found == punct)
    }

    /// Whether a bracket of this kind opens at `at`.
    pub fn opens(self, at: usize, bracket: u8) -> bool {
        at < self.all.len() && matches!(self.all[at].kind, Kind::Open(found) if found == bracket)
    }

    /// Whether any bracket opens at `at`.
    pub fn opens_any(self, at: usize) -> bool {
        at < self.all.len() && matches!(self.all[at].kind, Kind::Open(_))
    }

    /// Whether `::` stands at `at`.
    pub fn is_path_separator(self, at: usize) -> bool {
        // `a: ::b` has three of them.
        at < self.all.len()
            && matches!(self.all[at].kind, Kind::Punct(b':', true))
            && self.is(at + 1, b':')
    }

    /// Returns the place of the bracket that closes the one at `at`.
    pub fn close(self, at: usize) -> usize {
        at + self.all[at].extra as usize
    }

    /// Returns the place behind the token at `at`, or behind the bracket that closes it.
    pub fn behind(self, at: usize) -> usize {
        match self.all[at].kind {
            Kind::Open(_) => self.close(at) + 1,
            _ => at + 1,
        }
    }

    /// Returns what stands between the brackets of which the first is at `at`.
    pub fn inside(self, at: usize) -> Self {
        self.part(at + 1..self.close(at))
    }

    /// Returns what stands between punctuations, without what is empty.
    pub fn split(self, punct: u8) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut from = 0;
        let mut at = 0;
        while at < self.len() {
            if self.is(at, punct) {
                if from < at {
                    parts.push(self.part(from..at));
                }
                from = at + 1;
            }
            at = self.behind(at);
        }
        if from < at {
            parts.push(self.part(from..at));
        }
        parts
    }

    /// Returns the hash of the name at `at`.
    pub fn hash(self, at: usize) -> u32 {
        self.all[at].extra
    }

    /// Returns how deep brackets lie in each other.
    pub fn depth(self) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        for token in self.all {
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        deepest
    }

    /// Counts how often one of these names stands there, but for those of functions that begin.
    pub fn count(self, names: &BTreeSet<&str>) -> usize {
        let is_named = |at: &usize| {
            let begins = *at > 0 && self.word(*at - 1) == Word::Fn;
            !begins && self.name(*at).is_some_and(|name| names.contains(name))
        };
        (0..self.len()).filter(is_named).count()
    }

    /// Returns the tokens as text, with a space only where two names would become one.
    pub fn shown(self) -> String {
        let mut shown = String::new();
        let mut was_word = false;
        for (at, token) in self.all.iter().enumerate() {
            let is_word = matches!(token.kind, Kind::Name(_) | Kind::Literal);
            let is_spaced =
                self.is(at, b'=') || at > 0 && (self.is(at - 1, b',') || self.is(at - 1, b'='));
            if is_word && was_word || is_spaced {
                shown.push(' ');
            }
            shown.push_str(self.text(at));
            was_word = is_word;
        }
        shown
    }
}

#[cfg(test)]
pub mod tests;
