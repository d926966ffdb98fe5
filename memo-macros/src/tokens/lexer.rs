//! A text becomes tokens, as rustc reads it.

use super::literal::{self, char_or_lifetime};
use super::word::{START, Word, step};
use super::{Kind, Lexed, Token};

impl Lexed {
    /// Reads the text of a file: without the mark of its encoding and a first line for a shell, and
    /// with line ends as rustc sees them. Nothing if it is no text of Rust.
    pub fn of_file(text: String) -> Option<Self> {
        let mut text = text;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        if text.contains("\r\n") {
            text = text.replace("\r\n", "\n");
        }
        let from = shebang(&text);
        let mut tokens = Lexer::new(&text, from).read()?;
        Self::pair(&mut tokens)?;
        Some(Self { text, tokens })
    }
}

/// The end of a first line `#!/bin/sh`; `#![..]` is none.
fn shebang(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("#!") else { return 0 };
    let mut lexer = Lexer::new(text, 2);
    let next = lexer.skip().map(|()| text.as_bytes().get(lexer.at).copied());
    match next {
        Some(Some(b'[')) => 0,
        _ => 2 + rest.find('\n').unwrap_or(rest.len()),
    }
}

/// What a byte may begin.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum Class {
    Bad,
    Space,
    Name,
    Digit,
    Punct,
    Slash,
    Quote,
    DoubleQuote,
    Open,
    Close,
    /// The first byte of a character beyond ASCII.
    Wide,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Bad; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "less than 256")]
        let this = byte as u8;
        classes[byte] = match this {
            b' ' | b'\n' | b'\t' | b'\r' | 0x0b | 0x0c => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Name,
            b'0'..=b'9' => Class::Digit,
            b'/' => Class::Slash,
            b'\'' => Class::Quote,
            b'"' => Class::DoubleQuote,
            b'(' | b'[' | b'{' => Class::Open,
            b')' | b']' | b'}' => Class::Close,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'*' | b'+' | b',' | b'-' | b'.' | b':' | b';'
            | b'<' | b'=' | b'>' | b'?' | b'@' | b'^' | b'|' | b'~' => Class::Punct,
            0x80.. => Class::Wide,
            _ => Class::Bad,
        };
        byte += 1;
    }
    classes
}

/// A reader and its place.
struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    fn new(text: &'t str, at: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at, tokens: Vec::new() }
    }

    fn read(mut self) -> Option<Vec<Token>> {
        u32::try_from(self.bytes.len()).ok()?;
        self.tokens.reserve(self.bytes.len() / 4);
        loop {
            self.skip()?;
            if self.at >= self.bytes.len() {
                return Some(self.tokens);
            }
            let start = self.at;
            let byte = self.bytes[start];
            match CLASSES[byte as usize] {
                Class::Name | Class::Wide => self.name_or_literal()?,
                Class::Digit => {
                    self.at = literal::number(self.bytes, start);
                    self.literal(start);
                }
                Class::Punct | Class::Slash => self.punct(byte),
                Class::Open => self.bracket(Kind::Open(byte)),
                Class::Close => self.bracket(Kind::Close(opening(byte))),
                Class::DoubleQuote => {
                    self.at = literal::quoted(self.bytes, start + 1, b'"')?;
                    self.literal(start);
                }
                Class::Quote => self.quote()?,
                Class::Bad | Class::Space => return None,
            }
        }
    }

    fn push(&mut self, kind: Kind, start: usize, extra: u32) {
        // The length of the text is that of a `u32`.
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let (start, end) = (start as u32, self.at as u32);
        self.tokens.push(Token { kind, start, end, extra });
    }

    fn bracket(&mut self, kind: Kind) {
        self.at += 1;
        self.push(kind, self.at - 1, 0);
    }

    fn punct(&mut self, punct: u8) {
        self.at += 1;
        let is_joint = self.at < self.bytes.len() && is_punct(self.bytes, self.at);
        self.push(Kind::Punct(punct, is_joint), self.at - 1, 0);
    }

    /// A literal from `start` on, with the suffix that follows it.
    fn literal(&mut self, start: usize) {
        self.at = name_end(self.text, self.at).0;
        self.push(Kind::Literal, start, 0);
    }

    /// Skips spaces and comments, docs among them; nothing if one does not end.
    fn skip(&mut self) -> Option<()> {
        let bytes = self.bytes;
        let mut at = self.at;
        while at < bytes.len() {
            match CLASSES[bytes[at] as usize] {
                Class::Space => at += 1,
                Class::Slash if at + 1 < bytes.len() && bytes[at + 1] == b'/' => {
                    while at < bytes.len() && bytes[at] != b'\n' {
                        at += 1;
                    }
                }
                Class::Slash if at + 1 < bytes.len() && bytes[at + 1] == b'*' => {
                    at = comment_end(bytes, at)?;
                }
                Class::Wide => match wide_space(self.text, at) {
                    0 => break,
                    length => at += length,
                },
                _ => break,
            }
        }
        self.at = at;
        Some(())
    }

    /// A name, or a literal with a prefix: `b"..`, `r#"..`, `c'..`.
    fn name_or_literal(&mut self) -> Option<()> {
        let start = self.at;
        let (end, hash) = name_end(self.text, start);
        if end == start {
            return None;
        }
        let bytes = self.bytes;
        if end < bytes.len() && end - start <= 2 {
            let prefix = &bytes[start..end];
            let is_raw = matches!(prefix, b"r" | b"br" | b"cr");
            match bytes[end] {
                b'"' if is_raw => return self.raw(start, end),
                b'"' if matches!(prefix, b"b" | b"c") => {
                    self.at = literal::quoted(bytes, end + 1, b'"')?;
                    self.literal(start);
                    return Some(());
                }
                b'\'' if prefix == b"b" => {
                    self.at = literal::quoted(bytes, end + 1, b'\'')?;
                    self.literal(start);
                    return Some(());
                }
                b'#' if is_raw && literal::is_raw(bytes, end) => return self.raw(start, end),
                b'#' if prefix == b"r" => return self.raw_name(end + 1),
                _ => {}
            }
        }
        self.at = end;
        self.push(Kind::Name(Word::of(&bytes[start..end], hash)), start, hash);
        Some(())
    }

    fn raw(&mut self, start: usize, hashes: usize) -> Option<()> {
        self.at = literal::raw(self.bytes, hashes)?;
        self.literal(start);
        Some(())
    }

    /// A name behind `r#`, which is no keyword.
    fn raw_name(&mut self, start: usize) -> Option<()> {
        let (end, hash) = name_end(self.text, start);
        self.at = end;
        if end == start {
            return None;
        }
        self.push(Kind::Name(Word::Other), start, hash);
        Some(())
    }

    /// `'a'`, or the `'` of a lifetime.
    fn quote(&mut self) -> Option<()> {
        let start = self.at;
        if let Some(end) = char_or_lifetime(self.text, start)? {
            self.at = end;
            self.literal(start);
            return Some(());
        }
        self.at = start + 1;
        self.push(Kind::Punct(b'\'', true), start, 0);
        // Its name is none of the words, be it `'static`.
        let is_raw = self.text[self.at..].starts_with("r#");
        self.raw_name(if is_raw { self.at + 2 } else { self.at })
    }
}

/// Whether a punctuation stands at `at`, and no comment begins there.
fn is_punct(bytes: &[u8], at: usize) -> bool {
    match CLASSES[bytes[at] as usize] {
        Class::Punct => true,
        Class::Slash => !(at + 1 < bytes.len() && matches!(bytes[at + 1], b'/' | b'*')),
        _ => false,
    }
}

fn opening(close: u8) -> u8 {
    match close {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    }
}

/// The end and the hash of the name at `at`.
pub fn name_end(text: &str, at: usize) -> (usize, u32) {
    let bytes = text.as_bytes();
    let mut hash = START;
    let mut end = at;
    while end < bytes.len() {
        match CLASSES[bytes[end] as usize] {
            Class::Name => {}
            Class::Digit if end > at => {}
            Class::Wide if wide_space(text, end) == 0 => {}
            // The further bytes of such a character.
            _ => break,
        }
        hash = step(hash, bytes[end]);
        end += 1;
        while end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
            hash = step(hash, bytes[end]);
            end += 1;
        }
    }
    (end, hash)
}

/// The length of a space beyond ASCII, as the language has them.
fn wide_space(text: &str, at: usize) -> usize {
    match text[at..].chars().next() {
        Some(space @ ('\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')) => {
            space.len_utf8()
        }
        _ => 0,
    }
}

/// The end of the comment at `at`, in which others may lie.
fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = at;
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
    None
}
