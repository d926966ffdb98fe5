//! Reading back before writing, so that no cacher changes a value in silence.
//!
//! The rules of `faithful` name what a format is known to change. Types can hide more: `Serialize`
//! and `Deserialize` written by hand, attributes that only one direction knows. So what is encoded
//! is held in memory while it is small, decoded again, and compared by structural digest, before a
//! byte of it is written. The first value of each type in a process is held up to a larger size.

use std::any::TypeId;
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::refused;
use crate::artifact::Artifact;
use crate::error::Result;
use crate::key::plain_digest_of;

/// Up to this size every artifact is read back.
const ALWAYS: usize = 64 << 10;
/// Up to this size the first artifact of a type is read back.
const FIRST: usize = 16 << 20;

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
    let limit = if was_read_back(kind) { ALWAYS } else { FIRST };
    let mut held = Held { bytes: Vec::new(), limit, rest: Rest::Waiting(out), failure: None };
    let encoded = codec.encode(value, &mut held);
    if let Some(failure) = held.failure.take() {
        return Err(failure.into());
    }
    encoded?;
    if let Rest::Waiting(_) = held.rest {
        read_back(codec, value, &held.bytes)?;
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

/// A writer that holds back what it is given until that is more than `limit` bytes.
struct Held<W: Write> {
    bytes: Vec<u8>,
    limit: usize,
    rest: Rest<W>,
    /// What the writer failed with; formats hide it in errors of their own.
    failure: Option<io::Error>,
}

enum Rest<W: Write> {
    Waiting(W),
    Writing(BufWriter<W>),
    Failed,
}

impl<W: Write> Held<W> {
    fn finish(mut self) -> io::Result<()> {
        self.pass_on()?;
        match &mut self.rest {
            Rest::Writing(rest) => rest.flush(),
            Rest::Waiting(_) | Rest::Failed => Ok(()),
        }
    }

    /// Writes what was held back, and from now on everything.
    fn pass_on(&mut self) -> io::Result<()> {
        if let Rest::Waiting(rest) = std::mem::replace(&mut self.rest, Rest::Failed) {
            let mut rest = BufWriter::with_capacity(ALWAYS, rest);
            rest.write_all(&self.bytes)?;
            self.bytes = Vec::new();
            self.rest = Rest::Writing(rest);
        }
        Ok(())
    }

    /// Keeps the first failure, and gives the format one like it.
    #[cold]
    fn fail(&mut self, error: io::Error) -> io::Error {
        let told = io::Error::new(error.kind(), error.to_string());
        self.failure.get_or_insert(error);
        told
    }
}

impl<W: Write> Write for Held<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Rest::Waiting(_) = self.rest {
            if bytes.len() <= self.limit - self.bytes.len() {
                self.bytes.extend_from_slice(bytes);
                return Ok(());
            }
            self.pass_on().map_err(|error| self.fail(error))?;
        }
        let written = match &mut self.rest {
            Rest::Writing(rest) => rest.write_all(bytes),
            Rest::Waiting(_) | Rest::Failed => Err(io::Error::other("an earlier write failed")),
        };
        written.map_err(|error| self.fail(error))
    }

    /// Does nothing: formats flush more often than files like; `finish` does it once.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
