//! Reading back before writing, so that no cacher changes a value in silence.
//!
//! The rules of `faithful` name what a format is known to change. Types can hide more: `Serialize`
//! and `Deserialize` written by hand, attributes that only one direction knows. So what is encoded
//! is held in memory while it is small, decoded again, and compared by structural digest, before a
//! byte of it is written. The first value of each type in a process is held up to a larger size.

use std::any::TypeId;
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::refused;
use crate::artifact::Artifact;
use crate::error::Result;
use crate::key::plain_digest_of;

/// Up to this size every artifact is read back.
const ALWAYS: usize = 64 << 10;
/// Up to this size the first artifact of a type is read back.
const FIRST: usize = 8 << 20;

/// A format by its two directions.
pub(super) trait Codec<T>: 'static {
    /// The cacher's name in messages.
    const NAME: &'static str;
    /// Which cacher to use for what this one cannot hold.
    const INSTEAD: &'static str;

    fn encode(&self, value: &T, out: impl Write) -> Result<()>;

    fn decode(&self, bytes: &[u8]) -> Result<T>;
}

/// Writes `value` to the artifact, unless it would not come back.
pub(super) fn save<T, C>(codec: &C, value: &T, artifact: &Artifact) -> Result<()>
where
    T: Serialize + 'static,
    C: Codec<T>,
{
    save_to(codec, value, artifact.writer()?)
}

pub(super) fn save_to<T, C>(codec: &C, value: &T, out: impl Write) -> Result<()>
where
    T: Serialize + 'static,
    C: Codec<T>,
{
    let kind = (TypeId::of::<C>(), TypeId::of::<T>());
    let mut held = Held::new(out, if was_read_back(kind) { ALWAYS } else { FIRST });
    let encoded = codec.encode(value, &mut held);
    if let Some(failure) = held.failure.take() {
        return Err(failure.into());
    }
    encoded?;
    if let Some(whole) = held.whole() {
        read_back(codec, value, whole)?;
        remember_read_back(kind);
    }
    Ok(held.finish()?)
}

fn read_back<T: Serialize, C: Codec<T>>(codec: &C, value: &T, bytes: &[u8]) -> Result<()> {
    let not_back = |why: &str| {
        refused(format!(
            "`{}` would not give this value back: {why}; use `{}`",
            C::NAME,
            C::INSTEAD
        ))
    };
    let back = codec.decode(bytes).map_err(|error| not_back(&chain(&*error)))?;
    if plain_digest_of(value)? == plain_digest_of(&back)? {
        Ok(())
    } else {
        Err(not_back("it would come back as another one"))
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

type Kind = (TypeId, TypeId);

static READ_BACK: Mutex<Option<HashSet<Kind>>> = Mutex::new(None);

fn was_read_back(kind: Kind) -> bool {
    let kinds = READ_BACK.lock().unwrap_or_else(PoisonError::into_inner);
    kinds.as_ref().is_some_and(|kinds| kinds.contains(&kind))
}

fn remember_read_back(kind: Kind) {
    READ_BACK.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(kind);
}

/// A writer that holds back what it is given until that is more than `limit` bytes; from then on it is
/// a buffer. Formats write a few bytes at a time, so the usual way is one comparison.
struct Held<W> {
    bytes: Vec<u8>,
    limit: usize,
    /// Whether something was written already.
    passed: bool,
    out: W,
    /// What the writer failed with; formats hide it in errors of their own.
    failure: Option<io::Error>,
}

impl<W: Write> Held<W> {
    fn new(out: W, limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, passed: false, out, failure: None }
    }

    /// Returns all that was given, if it is still here.
    fn whole(&self) -> Option<&[u8]> {
        (!self.passed).then_some(&*self.bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&self.bytes)?;
        self.out.flush()
    }

    #[cold]
    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.out.write_all(&self.bytes);
        if self.passed {
            self.bytes.clear();
        } else {
            (self.passed, self.limit) = (true, ALWAYS);
            self.bytes = Vec::with_capacity(ALWAYS);
        }
        if bytes.len() < ALWAYS {
            self.bytes.extend_from_slice(bytes);
        } else {
            written = written.and_then(|()| self.out.write_all(bytes));
        }
        written.map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            self.failure.get_or_insert(error);
            told
        })
    }
}

impl<W: Write> Write for Held<W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() <= self.limit - self.bytes.len() {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        self.pass_on(bytes)
    }

    /// Does nothing: formats flush more often than files like. `finish` does it once.
    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
