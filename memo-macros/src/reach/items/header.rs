//! What an `impl` says before its body: a trait, and the type that it is for.

use std::ops::Range;

use super::body::{behind_generics, closes_angle};
use crate::tokens::{Tokens, Word};

/// The head of an `impl`, by the places of its tokens.
pub struct Header {
    pub of_trait: Option<Range<usize>>,
    pub own: Range<usize>,
}

impl Header {
    /// Reads what stands between the word `impl` and the brace of the body.
    pub fn read(tokens: Tokens, word: usize, body: usize) -> Self {
        let mut from = word + 1;
        if has_generics(tokens, from) {
            from = behind_generics(tokens, from);
        }
        while tokens.word(from) == Word::Const || tokens.is(from, b'!') {
            from += 1;
        }
        let (mut split, mut end) = (None, body);
        let mut depth = 0_usize;
        let mut at = from;
        while at < body {
            if tokens.is(at, b'<') {
                depth += 1;
            } else if closes_angle(tokens, at) {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && tokens.word(at) == Word::Where {
                end = at;
                break;
            } else if depth == 0 && split.is_none() && tokens.word(at) == Word::For {
                // `for<'a>` is no end of a trait.
                let is_binder = tokens.is(at + 1, b'<')
                    && (tokens.is(at + 2, b'\'') || tokens.is(at + 2, b'>'));
                split = (!is_binder).then_some(at);
            }
            at = tokens.behind(at);
        }
        match split {
            Some(at) => Self { of_trait: Some(from..at), own: at + 1..end },
            None => Self { of_trait: None, own: from..end },
        }
    }
}

/// Whether `<` at `at` begins parameters: `impl <T as Of>::Item {}` is one of a type.
fn has_generics(tokens: Tokens, at: usize) -> bool {
    let is_named = tokens.name(at + 1).is_some()
        && (tokens.is(at + 2, b',')
            || tokens.is(at + 2, b'>')
            || tokens.is(at + 2, b'=')
            || tokens.is(at + 2, b':') && !tokens.is_path_separator(at + 2));
    let is_other = tokens.is(at + 1, b'>')
        || tokens.is(at + 1, b'#')
        || tokens.is(at + 1, b'\'')
        || tokens.word(at + 1) == Word::Const;
    tokens.is(at, b'<') && (is_named || is_other)
}
