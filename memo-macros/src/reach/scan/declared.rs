//! Names that an item declares for itself: generic parameters, and items inside of bodies.

use super::Names;
use crate::tokens::{Tokens, Word};

impl Names {
    /// Notes what the word at `at` declares.
    pub(super) fn declare(&mut self, word: Word, tokens: Tokens, at: usize) {
        match word {
            Word::Fn
            | Word::Struct
            | Word::Enum
            | Word::Union
            | Word::Trait
            | Word::Type
            | Word::Mod
            | Word::Const
            | Word::Static => {
                if let Some(name) = tokens.name(at + 1)
                    && !tokens.word(at + 1).is_keyword()
                {
                    self.declared.insert(name.to_owned());
                    self.generics(tokens, at + 2);
                }
            }
            Word::Impl | Word::For => self.generics(tokens, at + 1),
            _ => {}
        }
    }

    /// Notes the parameters of `<T: Bound, const N: usize>`, if that stands at `at`.
    fn generics(&mut self, tokens: Tokens, at: usize) {
        if !tokens.is(at, b'<') {
            return;
        }
        let mut depth = 0_usize;
        let mut here = at;
        while here < tokens.len() {
            if tokens.is(here, b'<') {
                depth += 1;
            } else if tokens.is(here, b'>') && !tokens.is(here - 1, b'-') {
                depth -= 1;
            }
            if depth == 0 || matches!(tokens.all[here].kind, crate::tokens::Kind::Close(_)) {
                return;
            }
            let starts = depth == 1 && (tokens.is(here, b'<') || tokens.is(here, b','));
            if starts && let Some(name) = tokens.name(here + 1) {
                let is_const = tokens.word(here + 1) == Word::Const;
                let name = if is_const { tokens.name(here + 2) } else { Some(name) };
                self.declared.extend(name.map(str::to_owned));
            }
            here = tokens.behind(here);
        }
    }
}
