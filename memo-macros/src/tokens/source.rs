//! A file: its tokens, and the lines they stand on.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::Path;

use super::{Lexed, Tokens};

/// A file that was read.
#[derive(Debug, Default)]
pub struct Source {
    lexed: Lexed,
    /// Where lines end. Few files are asked for them.
    ends: OnceCell<Vec<u32>>,
}

impl Source {
    /// Reads a file; nothing inside if it is no text of Rust.
    ///
    /// # Errors
    ///
    /// As [`std::fs::read_to_string`].
    pub fn read(file: &Path) -> std::io::Result<Option<Self>> {
        Ok(Self::of(std::fs::read_to_string(file)?))
    }

    /// Takes the text of a file.
    pub fn of(text: String) -> Option<Self> {
        Some(Self { lexed: Lexed::of_file(text)?, ends: OnceCell::new() })
    }

    /// Returns all tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        self.lexed.tokens()
    }

    /// Returns the text from the first of these tokens to the last.
    pub fn text_of(&self, tokens: &Range<usize>) -> &str {
        let all = &self.lexed.tokens[tokens.clone()];
        match (all.first(), all.last()) {
            (Some(first), Some(last)) => &self.lexed.text[first.start as usize..last.end as usize],
            _ => "",
        }
    }

    /// Returns the lines of the first and the last of these tokens.
    pub fn lines(&self, tokens: &Range<usize>) -> (usize, usize) {
        let all = &self.lexed.tokens[tokens.clone()];
        match (all.first(), all.last()) {
            (Some(first), Some(last)) => (self.line(first.start), self.line(last.end)),
            _ => (0, 0),
        }
    }

    fn line(&self, place: u32) -> usize {
        let ends = self.ends.get_or_init(|| {
            let bytes = self.lexed.text.as_bytes();
            let mut ends = Vec::new();
            // A loop that calls nothing: iterators cost most of the time here.
            let mut at = 0;
            while at < bytes.len() {
                if bytes[at] == b'\n' {
                    ends.extend(u32::try_from(at));
                }
                at += 1;
            }
            ends
        });
        ends.partition_point(|end| *end < place) + 1
    }
}
