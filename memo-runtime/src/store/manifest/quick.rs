//! Reading a head in the very form in which it is written, in a third of the time that `serde_json`
//! takes: half of a hit was spent there.
//!
//! The bytes are checked before. Whatever looks otherwise than this crate writes a plain head today is
//! `None` here, and left to `serde_json`: what this file does not know costs time, and nothing else.

use std::str::FromStr;

use super::{Head, Kept, Output, PREFIX, SUM, Text};
use crate::artifact::Meta;
use crate::digest::Digest;
use crate::stage::StageSpec;

/// Extensions of the cachers of this crate.
pub(in crate::store) const EXTENSIONS: [&str; 4] = ["json", "bin", "csv", "txt"];

/// Reads the head at the beginning of a manifest, which is most likely one of the stage `asked`.
pub(super) fn head(manifest: &[u8], asked: Option<&'static StageSpec>) -> Option<Head> {
    let mut rest = Rest(manifest.get(PREFIX.len() + SUM..)?);
    let head = rest.head(asked)?;
    rest.skip("}\n")?;
    Some(head)
}

/// Reads a line of a pack: the head, the index of its element, and its generation.
pub(in crate::store) fn line(
    line: &[u8],
    asked: Option<&'static StageSpec>,
) -> Option<(Head, u64, u32)> {
    let mut rest = Rest(line.get(PREFIX.len() + SUM..)?);
    let head = rest.head(asked)?;
    rest.skip(",\"index\":")?;
    let index = rest.number()?;
    let generation = match rest.skip(",\"generation\":") {
        Some(()) => rest.number()?,
        None => 0,
    };
    rest.skip("}\n")?;
    rest.0.is_empty().then_some((head, index, generation))
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Passes over what must come next.
    fn skip(&mut self, next: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(next.as_bytes())?;
        Some(())
    }

    /// Reads a head up to the brace that closes it.
    fn head(&mut self, asked: Option<&'static StageSpec>) -> Option<Head> {
        self.skip("\",\"key\":")?;
        let key = self.digest()?;
        self.skip(",\"stage\":")?;
        let stage = self.familiar(asked.map(|spec| spec.name))?;
        self.skip(",\"outputs\":[")?;
        let specs = asked.map_or(&[][..], |spec| spec.outputs);
        let mut outputs = Vec::with_capacity(specs.len());
        while self.skip("]").is_none() {
            if !outputs.is_empty() {
                self.skip(",")?;
            }
            outputs.push(self.output(specs.get(outputs.len()).map(|spec| spec.name))?);
        }
        self.skip(",\"seconds\":")?;
        let seconds = self.number()?;
        self.skip(",\"completed\":")?;
        let completed = self.number()?;
        self.skip(",\"run\":")?;
        let run = self.text()?;
        let logged = self.skip(",\"logged\":true").is_some();
        Some(Head { key, stage, outputs, seconds, completed, run, logged, validator: None })
    }

    fn output(&mut self, name: Option<&'static str>) -> Option<Output> {
        self.skip("{\"name\":")?;
        let name = self.familiar(name)?;
        if self.skip("}").is_some() {
            return Some(Output { name, artifact: None });
        }
        self.skip(",\"artifact\":{\"format\":")?;
        let format = self.digest()?;
        self.skip(",\"ext\":")?;
        let extension = self.familiar(EXTENSIONS)?;
        self.skip(",\"digest\":")?;
        let digest = self.digest()?;
        self.skip(",\"size\":")?;
        let size = self.number()?;
        let text = match self.skip(",\"text\":") {
            Some(()) => Some(self.text()?),
            None => None,
        };
        self.skip("}}")?;
        let (hex, parts, meta, references) = (None, Vec::new(), Meta::new(), Vec::new());
        let artifact = Kept { format, extension, digest, size, text, hex, parts, meta, references };
        Some(Output { name, artifact: Some(artifact) })
    }

    fn digest(&mut self) -> Option<Digest> {
        self.skip("\"")?;
        let (digits, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        self.skip("\"")?;
        Digest::from_digits(digits).ok()
    }

    /// Reads a text that is most likely one of `known`, which then need not be copied.
    fn familiar(&mut self, known: impl IntoIterator<Item = &'static str>) -> Option<Text> {
        let is_next = |known: &&str| {
            let quoted =
                self.0.strip_prefix(b"\"").and_then(|rest| rest.strip_prefix(known.as_bytes()));
            // In the manifest, what must be escaped looks otherwise than the text itself.
            quoted.is_some_and(|rest| rest.starts_with(b"\"")) && !known.contains(['"', '\\'])
        };
        match known.into_iter().find(is_next) {
            Some(known) => {
                self.0 = &self.0[known.len() + 2..];
                Some(Text::Borrowed(known))
            }
            None => self.text().map(Text::Owned),
        }
    }

    /// Reads a text. Of what can be escaped in one, quotes and backslashes are common: JSON in JSON.
    fn text(&mut self) -> Option<String> {
        self.skip("\"")?;
        let (mut end, mut escapes) = (0, 0);
        loop {
            match self.0.get(end)? {
                b'"' => break,
                b'\\' if matches!(self.0.get(end + 1), Some(b'"' | b'\\')) => {
                    escapes += 1;
                    end += 2;
                }
                b'\\' | 0..0x20 => return None,
                _ => end += 1,
            }
        }
        let (written, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        let mut text = Vec::with_capacity(end - escapes);
        let mut bytes = written.iter();
        while let Some(byte) = bytes.next() {
            text.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
        }
        String::from_utf8(text).ok()
    }

    fn number<T: FromStr>(&mut self) -> Option<T> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'-' | b'+');
        let end = self.0.iter().position(|byte| !is_part(byte))?;
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}
