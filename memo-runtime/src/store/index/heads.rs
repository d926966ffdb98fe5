//! A head as it lies in an index: in a third of the bytes that it has in its manifest, and read in a
//! fraction of the time.
//!
//! What most heads consist of is written field by field. A head with anything else keeps the line that it
//! has in its manifest, and one that is long stays there alone: it is listed, and read where it lies.

use crate::artifact::Meta;
use crate::digest::Digest;
use crate::stage::StageSpec;
use crate::store::manifest::quick::EXTENSIONS;
use crate::store::manifest::{self, Head, HexBytes, Kept, Output, Text};

/// No head takes more room in an index: the time that it spares is that of opening a small file.
const LARGEST: usize = 1024;

/// What the bytes of a head begin with.
const FIELDS: u8 = 1;
const LINE: u8 = 2;

/// Of a kept output, in the byte before it.
const KEPT: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 4;

/// Adds the bytes of a head, whose manifest begins with `line`. None stand for one that stays where it is.
pub(super) fn write(head: &Head, line: &[u8], bytes: &mut Vec<u8>) {
    let start = bytes.len();
    if head.kept().all(is_plain) {
        bytes.push(FIELDS);
        write_fields(head, bytes);
    } else {
        bytes.push(LINE);
        bytes.extend_from_slice(line);
    }
    if bytes.len() - start > LARGEST {
        bytes.truncate(start);
    }
}

fn is_plain(kept: &Kept) -> bool {
    kept.parts.is_empty() && kept.meta.is_empty() && kept.references.is_empty()
}

fn write_fields(head: &Head, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&head.seconds.to_bits().to_le_bytes());
    bytes.extend_from_slice(&head.completed.to_le_bytes());
    write_text(&head.run, bytes);
    bytes.push(u8::from(head.logged));
    bytes.push(u8::from(head.validator.is_some()));
    head.validator.iter().for_each(|validator| write_text(validator, bytes));
    write_number(head.outputs.len() as u64, bytes);
    for output in &head.outputs {
        write_text(&output.name, bytes);
        let Some(kept) = &output.artifact else {
            bytes.push(0);
            continue;
        };
        let text = kept.text.as_ref().map_or(0, |_| TEXT);
        let hex = kept.hex.as_ref().map_or(0, |_| BYTES);
        bytes.push(KEPT | text | hex);
        bytes.extend_from_slice(kept.format.as_bytes());
        write_text(&kept.extension, bytes);
        bytes.extend_from_slice(kept.digest.as_bytes());
        write_number(kept.size, bytes);
        kept.text.iter().for_each(|text| write_text(text, bytes));
        kept.hex.iter().for_each(|hex| write_bytes(&hex.0, bytes));
    }
}

fn write_text(text: &str, bytes: &mut Vec<u8>) {
    write_bytes(text.as_bytes(), bytes);
}

fn write_bytes(content: &[u8], bytes: &mut Vec<u8>) {
    write_number(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

/// Adds a number, seven bits in a byte, the lowest first; the last byte is below 128.
fn write_number(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let [lowest, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(lowest);
        }
        bytes.push(lowest | 128);
    }
}

/// Reads the head of the entry of `key`, which is most likely of the stage `asked`. `None` also for bytes
/// that no head has been written as.
pub(super) fn read(
    bytes: &[u8],
    stage: &str,
    key: &Digest,
    asked: Option<&'static StageSpec>,
) -> Option<Head> {
    match bytes.split_first()? {
        (&FIELDS, rest) => {
            let mut rest = Rest(rest);
            let head = rest.head(stage, key, asked)?;
            rest.0.is_empty().then_some(head)
        }
        (&LINE, line) => manifest::checked_head(line, asked).ok(),
        _ => None,
    }
}

/// What is still to be read. Nothing is taken that is not there, however long it is told to be.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn head(
        &mut self,
        stage: &str,
        key: &Digest,
        asked: Option<&'static StageSpec>,
    ) -> Option<Head> {
        let asked = asked.filter(|asked| asked.name == stage);
        let stage = asked.map_or_else(|| stage.to_owned().into(), |asked| asked.name.into());
        let seconds = f64::from_bits(u64::from_le_bytes(self.array()?));
        let completed = u64::from_le_bytes(self.array()?);
        let run = self.text()?.to_owned();
        let logged = self.flag()?;
        let validator = if self.flag()? { Some(self.text()?.to_owned()) } else { None };
        let specs = asked.map_or(&[][..], |asked| asked.outputs);
        let count = usize::try_from(self.number()?).ok()?;
        // Each takes two bytes at least.
        if count > self.0.len() {
            return None;
        }
        let mut outputs = Vec::with_capacity(count);
        while outputs.len() < count {
            outputs.push(self.output(specs.get(outputs.len()).map(|spec| spec.name))?);
        }
        Some(Head { key: *key, stage, outputs, seconds, completed, run, logged, validator })
    }

    fn output(&mut self, name: Option<&'static str>) -> Option<Output> {
        let name = self.familiar(name)?;
        let flags = self.byte()?;
        if flags == 0 {
            return Some(Output { name, artifact: None });
        }
        if flags & KEPT == 0 || flags > KEPT | TEXT | BYTES {
            return None;
        }
        let format = Digest::from_bytes(self.array()?);
        let extension = self.familiar(EXTENSIONS)?;
        let digest = Digest::from_bytes(self.array()?);
        let size = self.number()?;
        let text = if flags & TEXT == 0 { None } else { Some(self.text()?.to_owned()) };
        let hex = if flags & BYTES == 0 { None } else { Some(HexBytes(self.bytes()?.to_vec())) };
        let (parts, meta, references) = (Vec::new(), Meta::new(), Vec::new());
        let artifact = Kept { format, extension, digest, size, text, hex, parts, meta, references };
        Some(Output { name, artifact: Some(artifact) })
    }

    /// Reads a text that is most likely one of `known`, which then need not be copied.
    fn familiar(&mut self, known: impl IntoIterator<Item = &'static str>) -> Option<Text> {
        let text = self.text()?;
        let known = known.into_iter().find(|known| *known == text);
        Some(known.map_or_else(|| text.to_owned().into(), Text::Borrowed))
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 127);
            if part << shift >> shift != part {
                return None;
            }
            number |= part << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}
