//! Streams, as a macro is given them, become tokens.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::word::{Word, hash};
use super::{Kind, Lexed, Token};

impl Lexed {
    /// Reads a stream.
    pub fn of_stream(stream: TokenStream) -> Self {
        let mut lexed = Self::default();
        let mut open = vec![(stream.into_iter(), None)];
        while let Some((tokens, bracket)) = open.last_mut() {
            let Some(token) = tokens.next() else {
                if let Some(bracket) = *bracket {
                    lexed.push(Kind::Close(bracket), closing(bracket));
                }
                open.pop();
                continue;
            };
            match token {
                TokenTree::Group(group) => {
                    let bracket = bracket_of(group.delimiter());
                    lexed.push(Kind::Open(bracket), opening(bracket));
                    open.push((group.stream().into_iter(), Some(bracket)));
                }
                TokenTree::Ident(name) => lexed.name(&name.to_string()),
                TokenTree::Punct(punct) => {
                    let is_joint = punct.spacing() == Spacing::Joint;
                    let text = punct.as_char();
                    let byte = u8::try_from(text).unwrap_or_default();
                    lexed.push(Kind::Punct(byte, is_joint), text.encode_utf8(&mut [0; 4]));
                }
                TokenTree::Literal(literal) => lexed.push(Kind::Literal, &literal.to_string()),
            }
        }
        let paired = Self::pair(&mut lexed.tokens);
        debug_assert!(paired.is_some(), "groups have both their brackets");
        lexed
    }

    fn name(&mut self, name: &str) {
        let unraw = name.strip_prefix("r#");
        let text = unraw.unwrap_or(name);
        let hash = hash(text.as_bytes());
        let is_lifetime =
            matches!(self.tokens.last().map(|last| last.kind), Some(Kind::Punct(b'\'', true)));
        let word = match unraw {
            None if !is_lifetime => Word::of(text.as_bytes(), hash),
            _ => Word::Other,
        };
        self.push(Kind::Name(word), text);
        if let Some(last) = self.tokens.last_mut() {
            last.extra = hash;
        }
    }

    fn push(&mut self, kind: Kind, text: &str) {
        let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let start = place(self.text.len());
        self.text.push_str(text);
        self.tokens.push(Token { kind, start, end: place(self.text.len()), extra: 0 });
    }
}

fn bracket_of(delimiter: Delimiter) -> u8 {
    match delimiter {
        Delimiter::Parenthesis => b'(',
        Delimiter::Bracket => b'[',
        Delimiter::Brace => b'{',
        Delimiter::None => 0,
    }
}

fn opening(bracket: u8) -> &'static str {
    match bracket {
        b'(' => "(",
        b'[' => "[",
        b'{' => "{",
        _ => "",
    }
}

fn closing(bracket: u8) -> &'static str {
    match bracket {
        b'(' => ")",
        b'[' => "]",
        b'{' => "}",
        _ => "",
    }
}
