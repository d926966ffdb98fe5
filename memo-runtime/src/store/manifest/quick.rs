//! Reading a head in the very form in which it is written, in a third of the time that `serde_json`
//! takes: half of a hit was spent there.
//!
//! The bytes are checked before. Whatever looks otherwise than this crate writes a plain head today is
//! `None` here, and left to `serde_json`: what this file does not know costs time, and nothing else.

use std::str::FromStr;

use super::{Head, Kept, Output, PREFIX, SUM};
use crate::artifact::Meta;
use crate::digest::Digest;

/// Reads the head at the beginning of a manifest.
pub(super) fn head(manifest: &[u8]) -> Option<Head> {
    let mut rest = Rest(manifest.get(PREFIX.len() + SUM..)?);
    rest.skip("\",\"key\":")?;
    let key = rest.digest()?;
    rest.skip(",\"stage\":")?;
    let stage = rest.text()?;
    rest.skip(",\"outputs\":[")?;
    let mut outputs = Vec::with_capacity(1);
    while rest.skip("]").is_none() {
        if !outputs.is_empty() {
            rest.skip(",")?;
        }
        outputs.push(rest.output()?);
    }
    rest.skip(",\"seconds\":")?;
    let seconds = rest.number()?;
    rest.skip(",\"completed\":")?;
    let completed = rest.number()?;
    rest.skip(",\"run\":")?;
    let run = rest.text()?;
    let logged = rest.skip(",\"logged\":true").is_some();
    rest.skip("}\n")?;
    Some(Head { key, stage, outputs, seconds, completed, run, logged, validator: None })
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Passes over what must come next.
    fn skip(&mut self, next: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(next.as_bytes())?;
        Some(())
    }

    fn output(&mut self) -> Option<Output> {
        self.skip("{\"name\":")?;
        let name = self.text()?;
        if self.skip("}").is_some() {
            return Some(Output { name, artifact: None });
        }
        self.skip(",\"artifact\":{\"format\":")?;
        let format = self.digest()?;
        self.skip(",\"ext\":")?;
        let extension = self.text()?;
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

    /// Reads a text. Of what can be escaped in one, quotes and backslashes are common: JSON in JSON.
    fn text(&mut self) -> Option<String> {
        self.skip("\"")?;
        let mut text = Vec::new();
        loop {
            let end = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            text.extend_from_slice(&self.0[..end]);
            let escaped = match (self.0[end], self.0.get(end + 1)) {
                (b'"', _) => None,
                (b'\\', Some(escaped @ (b'"' | b'\\'))) => Some(*escaped),
                _ => return None,
            };
            let Some(escaped) = escaped else {
                self.0 = &self.0[end + 1..];
                return String::from_utf8(text).ok();
            };
            text.push(escaped);
            self.0 = &self.0[end + 2..];
        }
    }

    fn number<T: FromStr>(&mut self) -> Option<T> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'-' | b'+');
        let end = self.0.iter().position(|byte| !is_part(byte))?;
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}
