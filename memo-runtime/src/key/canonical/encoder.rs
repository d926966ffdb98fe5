//! [`Encoder`]: the buffer that a value is encoded into.
//!
//! The encoding is never whole in memory: BLAKE3 takes it over in pieces of [`PIECE`] bytes. What must
//! be sorted has to wait, but each waiting item is short: a long one is replaced by its digest.

use std::fmt;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use serde::Serialize;
use serde::ser;

use super::mask::Mask;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::file::{Input, InputKind};
use crate::key::files::{FileDigest, FileMemory};
use crate::key::spare::SpareBuffer;

/// How many bytes BLAKE3 gets at once: fewer would leave its vector lanes empty.
pub(super) const PIECE: usize = 64 * 1024;

/// The longest encoding that a sorted item keeps; longer ones enter as a digest.
const SHORT: usize = 128;

/// What each encoding begins with.
pub(super) mod tag {
    pub const END: u8 = 0x00;
    pub const UNIT: u8 = 0x01;
    pub const FALSE: u8 = 0x02;
    pub const TRUE: u8 = 0x03;
    pub const NONE: u8 = 0x04;
    pub const SOME: u8 = 0x05;
    pub const I8: u8 = 0x10;
    pub const I16: u8 = 0x11;
    pub const I32: u8 = 0x12;
    pub const I64: u8 = 0x13;
    pub const I128: u8 = 0x14;
    pub const U8: u8 = 0x18;
    pub const U16: u8 = 0x19;
    pub const U32: u8 = 0x1a;
    pub const U64: u8 = 0x1b;
    pub const U128: u8 = 0x1c;
    pub const F32: u8 = 0x20;
    pub const F64: u8 = 0x21;
    pub const CHAR: u8 = 0x22;
    pub const STR: u8 = 0x23;
    pub const BYTES: u8 = 0x24;
    pub const SEQ: u8 = 0x30;
    pub const TUPLE: u8 = 0x31;
    pub const MAP: u8 = 0x32;
    pub const SET: u8 = 0x33;
    pub const UNIT_STRUCT: u8 = 0x40;
    pub const NEWTYPE_STRUCT: u8 = 0x41;
    pub const TUPLE_STRUCT: u8 = 0x42;
    pub const STRUCT: u8 = 0x43;
    pub const UNIT_VARIANT: u8 = 0x48;
    pub const NEWTYPE_VARIANT: u8 = 0x49;
    pub const TUPLE_VARIANT: u8 = 0x4a;
    pub const STRUCT_VARIANT: u8 = 0x4b;
    pub const FILE: u8 = 0x50;
    pub const NAMED_FILE: u8 = 0x51;
    pub const DIR: u8 = 0x52;
    pub const NAMED_DIR: u8 = 0x53;
    pub const LONG: u8 = 0x7f;
}

/// Writes `number` in groups of seven bits, the lowest first; all but the last have their top bit set.
pub(in crate::key) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// What serde sees of an error while encoding.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Error);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::new(ErrorKind::Key, "its `Serialize` failed").because(message.to_string()))
    }
}

/// The serializer. One buffer serves all that is open: the bytes of the innermost frame are those from
/// `start` on.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) buffer: SpareBuffer,
    /// Where the bytes of the current frame begin.
    start: usize,
    /// The length of `buffer` at which the frame's bytes go to its hasher. It is out of reach while
    /// entries wait to be sorted.
    pub(super) limit: usize,
    /// Has the bytes of the current frame that are no longer in `buffer`.
    pub(super) hasher: Option<Box<blake3::Hasher>>,
    /// The entries of all maps, sets and structs that are open.
    pub(super) entries: Vec<Range<usize>>,
    /// Where entries are put in order.
    pub(super) sorted: Vec<u8>,
    pub(super) mask: Option<Box<Mask>>,
    /// The files met; `None` where files count by their path alone.
    pub(super) files: Option<Vec<FileDigest>>,
    /// What the store remembers of files.
    pub(super) memory: Option<Arc<FileMemory>>,
}

/// The encoding of a value while it is short, else its digest.
///
/// Most params fields and arguments are a number or a word. As they are they enter a key at a tenth of
/// the cost of a digest, which is taken when somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoded(Form);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// How many of the bytes count; the others are zero.
    Short(u8, [u8; Encoded::SHORT]),
    Long(Digest),
}

impl Encoded {
    /// The longest encoding that is kept as it is.
    const SHORT: usize = 38;

    fn of(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= Self::SHORT => {
                let mut short = [0; Self::SHORT];
                short[..bytes.len()].copy_from_slice(bytes);
                Self(Form::Short(length, short))
            }
            _ => Self(Form::Long(Digest::of(bytes))),
        }
    }

    /// Returns the bytes of a short encoding.
    pub(crate) fn short(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Short(length, bytes) => Some(&bytes[..usize::from(*length)]),
            Form::Long(_) => None,
        }
    }

    /// Returns the digest of the encoding.
    pub(crate) fn digest(&self) -> Digest {
        match &self.0 {
            Form::Short(length, bytes) => Digest::of(&bytes[..usize::from(*length)]),
            Form::Long(digest) => *digest,
        }
    }

    /// Returns the same by its digest alone, for what must not be found in memory or messages.
    pub(crate) fn hidden(self) -> Self {
        Self(Form::Long(self.digest()))
    }
}

/// The frame around the one that was begun.
struct Outer {
    start: usize,
    limit: usize,
    hasher: Option<Box<blake3::Hasher>>,
}

impl Encoder {
    pub(super) fn new(reads_files: bool) -> Self {
        Self {
            buffer: SpareBuffer::new(),
            start: 0,
            limit: PIECE,
            hasher: None,
            entries: Vec::new(),
            sorted: Vec::new(),
            mask: None,
            files: reads_files.then(Vec::new),
            memory: None,
        }
    }

    /// Forgets all but the files, and keeps the memory.
    pub(super) fn reset(&mut self) {
        (self.start, self.limit, self.hasher) = (0, PIECE, None);
        self.buffer.clear();
        self.entries.clear();
    }

    /// Returns the current frame's bytes if they are few, else their digest.
    pub(super) fn finish(&mut self) -> Encoded {
        match self.hasher {
            None => {
                let encoded = Encoded::of(&self.buffer[self.start..]);
                self.buffer.truncate(self.start);
                encoded
            }
            Some(_) => Encoded(Form::Long(self.digest())),
        }
    }

    /// Returns the digest of the current frame's bytes.
    pub(super) fn digest(&mut self) -> Digest {
        let rest = &self.buffer[self.start..];
        let hash = match self.hasher.take() {
            Some(mut hasher) => hasher.update(rest).finalize(),
            None => blake3::hash(rest),
        };
        self.buffer.truncate(self.start);
        hash.into()
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= self.limit {
            self.spill();
        }
    }

    #[cold]
    fn spill(&mut self) -> &mut blake3::Hasher {
        let hasher = self.hasher.get_or_insert_default();
        hasher.update(&self.buffer[self.start..]);
        self.buffer.truncate(self.start);
        hasher
    }

    /// Writes a tag and bytes with their length.
    #[inline]
    pub(super) fn text(&mut self, tag: u8, bytes: &[u8]) {
        self.buffer.push(tag);
        self.name(bytes);
    }

    /// Writes bytes with their length.
    #[inline]
    pub(super) fn name(&mut self, bytes: &[u8]) {
        put_number(&mut self.buffer, bytes.len() as u64);
        if bytes.len() >= PIECE && self.limit != usize::MAX {
            // Not by way of the buffer: this is a large slice.
            self.spill().update(bytes);
        } else {
            self.put(bytes);
        }
    }

    /// Begins a frame: until its end, what is written is not part of the frame around it.
    fn begin(&mut self) -> Outer {
        let start = self.buffer.len();
        Outer {
            start: std::mem::replace(&mut self.start, start),
            limit: std::mem::replace(&mut self.limit, start + PIECE),
            hasher: self.hasher.take(),
        }
    }

    fn end(&mut self, outer: Outer) {
        Outer { start: self.start, limit: self.limit, hasher: self.hasher } = outer;
    }

    /// Writes an item of something that will be sorted: its encoding, or the digest of a long one.
    pub(super) fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let outer = self.begin();
        value.serialize(&mut *self)?;
        if self.hasher.is_some() || self.buffer.len() - self.start > SHORT {
            let digest = self.digest();
            self.buffer.push(tag::LONG);
            self.buffer.extend_from_slice(digest.as_bytes());
        }
        self.end(outer);
        Ok(())
    }

    /// Writes a file or folder: the path or the name in its place, and the digest of the content.
    pub(super) fn input<T>(&mut self, kind: InputKind, value: &T) -> Result<(), Fault>
    where
        T: Serialize + ?Sized,
    {
        let outer = self.begin();
        value.serialize(&mut *self)?;
        let text = text_of(&self.buffer[self.start..]).map(Input::parse);
        self.buffer.truncate(self.start);
        self.end(outer);
        let input = text.ok_or_else(|| ser::Error::custom("an input must be a path"))?;
        let file = FileDigest::of(kind, &input, self.memory.as_deref()).map_err(Fault)?;
        match (kind, &input.name) {
            (InputKind::File, Some(name)) => self.text(tag::NAMED_FILE, name.as_bytes()),
            (InputKind::Dir, Some(name)) => self.text(tag::NAMED_DIR, name.as_bytes()),
            (InputKind::File, None) => self.text(tag::FILE, input.path.as_os_str().as_bytes()),
            (InputKind::Dir, None) => self.text(tag::DIR, input.path.as_os_str().as_bytes()),
        }
        self.put(file.digest.as_bytes());
        self.files.get_or_insert_default().push(file);
        Ok(())
    }

    /// Says whether the field is part of the value; if so, [`leave`](Self::leave) must follow.
    #[inline]
    pub(super) fn enter(&mut self, field: &str) -> bool {
        self.mask.as_mut().is_none_or(|mask| mask.enter(field))
    }

    #[inline]
    pub(super) fn hide(&mut self) {
        if let Some(mask) = &mut self.mask {
            mask.hide();
        }
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        if let Some(mask) = &mut self.mask {
            mask.leave();
        }
    }
}

/// Returns the text, if these bytes are the encoding of one.
pub(super) fn text_of(encoding: &[u8]) -> Option<&str> {
    let (&tag::STR, mut rest) = encoding.split_first()? else { return None };
    let (mut length, mut shift) = (0, 0);
    loop {
        let (&byte, more) = rest.split_first()?;
        length |= usize::from(byte & 0x7f) << shift;
        (shift, rest) = (shift + 7, more);
        if byte < 0x80 {
            break;
        }
    }
    (rest.len() == length).then(|| std::str::from_utf8(rest).ok())?
}

/// Says whether `I` yields its items in an order that means nothing.
///
/// Serde shows sets as sequences, but the type of what it iterates over tells them apart. The order of
/// a `HashSet` differs in every process, that of a `BinaryHeap` with how it was filled.
pub(in crate::key) fn is_unordered<I>() -> bool {
    let name = std::any::type_name::<I>().trim_start_matches('&').trim_start_matches("mut ");
    if name.starts_with(['[', '(']) {
        return false;
    }
    let head = name.split('<').next().unwrap_or(name);
    head.starts_with("std::collections::hash::")
        || head.starts_with("hashbrown::")
        || matches!(head.rsplit("::").next(), Some("HashSet" | "BinaryHeap"))
}
