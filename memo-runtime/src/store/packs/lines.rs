//! Goes through the lines of a part of a file, whatever is in it.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, BufRead as _};
use std::os::unix::fs::FileExt as _;

use super::line::LONGEST;

/// How much is read at a time.
const CHUNK: u64 = 256 << 10;

/// The lines between two places of a file.
pub(super) struct Lines<F> {
    file: F,
    /// Where the buffer begins in the file.
    begin: u64,
    end: u64,
    buffer: Vec<u8>,
    /// Where the next line begins in the buffer.
    next: usize,
}

impl<F: Borrow<File>> Lines<F> {
    pub(super) fn new(file: F, begin: u64, end: u64) -> Self {
        Self { file, begin, end, buffer: Vec::new(), next: 0 }
    }

    /// Where the next line begins.
    pub(super) fn position(&self) -> u64 {
        self.begin + self.next as u64
    }

    /// Whether what follows is too long to be a line, so that nobody looks for more.
    pub(super) fn is_endless(&self) -> bool {
        self.buffer.len() - self.next > LONGEST
    }

    /// Returns the next line, with its line break, and where it begins. What follows the last line break
    /// is no line yet, and nothing is one that is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        let mut searched = self.next;
        loop {
            let length = (&self.buffer[searched..]).skip_until(b'\n')?;
            let end = searched + length;
            if length > 0 && self.buffer[end - 1] == b'\n' {
                let (begin, start) = (self.position(), self.next);
                self.next = end;
                return Ok(Some((begin, &self.buffer[start..end])));
            }
            if self.is_endless() {
                return Ok(None);
            }
            self.begin += self.next as u64;
            self.buffer.drain(..self.next);
            self.next = 0;
            searched = self.buffer.len();
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on. Returns false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let at = self.begin + self.buffer.len() as u64;
        let more = self.end.saturating_sub(at).min(CHUNK);
        let filled = self.buffer.len();
        self.buffer.resize(filled + usize::try_from(more).unwrap_or(0), 0);
        let count = self.file.borrow().read_at(&mut self.buffer[filled..], at);
        self.buffer.truncate(filled + *count.as_ref().unwrap_or(&0));
        Ok(count? > 0)
    }
}
