//! How params and call arguments enter a key: by their [`CacheKey`], else by serde, else not at all.
//!
//! The generated code says `(&&&Part(&x)).enter(slot)`. Method look-up takes off one `&` after the
//! other, so of the three traits that have an `enter`, the one with the most references is tried first.
//! [`elements`] asks the same of the elements of arrays, which need not enter by their value.

pub(crate) mod elements;
mod show;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::canonical::{Encoded, KeyHasher};
use super::files::{FileDigest, FileMemory};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};

/// How a value enters keys, for types that do not enter by their [`Serialize`].
///
/// A type that has both enters by this one. It is the place to leave out what does not matter, to be
/// quicker than serde can be, or to let in what serde cannot see.
///
/// ```
/// use memo_runtime::{CacheKey, Error, KeyHasher};
///
/// struct Tokenizer { vocabulary: Vec<String>, calls: std::sync::atomic::AtomicU64 }
///
/// impl CacheKey for Tokenizer {
///     fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
///         key.value(&self.vocabulary)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key: derive `serde::Serialize` for it, or leave it out with `skip = [..]`",
    label = "this is neither `serde::Serialize` nor `CacheKey`",
    note = "where serde does not suit, write `impl CacheKey for {Self}`"
)]
pub trait CacheKey {
    /// Tells `key` all that makes one value another than the next.
    ///
    /// # Errors
    ///
    /// What was told cannot enter a key.
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error>;
}

/// Lets pointers enter as what they point to.
macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: CacheKey + ?Sized> CacheKey for $pointer {
            fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
                (**self).cache_key(key)
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: CacheKey> CacheKey for Option<T> {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value(&self.is_some())?;
        self.as_ref().map_or(Ok(()), |value| value.cache_key(key))
    }
}

impl<T: CacheKey> CacheKey for [T] {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value(&self.len())?;
        self.iter().try_for_each(|item| item.cache_key(key))
    }
}

impl<T: CacheKey> CacheKey for Vec<T> {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        self.as_slice().cache_key(key)
    }
}

/// A value on its way into a key.
#[derive(Debug)]
pub struct Part<'v, T: ?Sized>(pub &'v T);

/// Enters a value by its [`CacheKey`].
pub trait ByCacheKey {
    /// Puts the value into the slot.
    fn enter(&self, slot: PartSlot<'_>);
}

impl<T: CacheKey + ?Sized> ByCacheKey for &&Part<'_, T> {
    fn enter(&self, slot: PartSlot<'_>) {
        slot.cache_key(self.0);
    }
}

/// Enters a value by its [`Serialize`].
pub trait BySerialize {
    /// Puts the value into the slot.
    fn enter(&self, slot: PartSlot<'_>);
}

impl<T: Serialize + ?Sized> BySerialize for &Part<'_, T> {
    fn enter(&self, slot: PartSlot<'_>) {
        slot.serialize(self.0);
    }
}

/// Is there for the error message: it enters a value that has neither.
pub trait ByNothing {
    /// The type of the value.
    type Value: ?Sized;

    /// Puts the value into the slot.
    fn enter(&self, slot: PartSlot<'_>)
    where
        Self::Value: CacheKey;
}

impl<T: ?Sized> ByNothing for Part<'_, T> {
    type Value = T;

    fn enter(&self, slot: PartSlot<'_>)
    where
        T: CacheKey,
    {
        slot.cache_key(self.0);
    }
}

/// What a part of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// A field of the params, or, with an empty name, all of them.
    Param,
    /// A call argument.
    Argument,
    /// A field or argument that is never shown.
    Secret,
    /// What a function made of params and arguments.
    Projection,
}

/// One part, and what enters the key of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartDigest {
    /// What it is.
    pub(crate) kind: PartKind,
    /// The path of the field, or the name of the argument.
    pub(crate) name: &'static str,
    /// Its value, or the digest of that. Of a secret, always the digest.
    pub(crate) value: Encoded,
}

impl PartDigest {
    /// Returns the digest of the value.
    pub(crate) fn digest(&self) -> Digest {
        self.value.digest()
    }
}

/// One part as people see it: what it is, its name, its value cut short.
pub type PartText = (PartKind, &'static str, String);

/// All parts that were digested, and the files whose content is in them.
#[derive(Debug)]
pub(crate) struct DigestedParts {
    pub(crate) digests: Box<[PartDigest]>,
    pub(crate) files: Vec<FileDigest>,
    /// The texts in the secrets, kept in memory only, so that no message shows them.
    pub(crate) secrets: Vec<String>,
}

/// What the generated code fills, part by part: either to digest them or to show them.
#[derive(Debug)]
pub struct Parts(Mode);

#[derive(Debug)]
enum Mode {
    Digesting {
        hasher: KeyHasher,
        digests: Vec<PartDigest>,
        errors: Vec<Error>,
        secrets: Vec<String>,
    },
    Showing(Vec<PartText>),
}

impl Parts {
    /// Begins to digest parts, with what is believed of files.
    pub(crate) fn digesting(memory: &Arc<FileMemory>) -> Self {
        let (digests, errors, secrets) = (Vec::with_capacity(4), Vec::new(), Vec::new());
        Self(Mode::Digesting { hasher: KeyHasher::within(memory), digests, errors, secrets })
    }

    /// Returns the parts, and leaves none.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::showing())
    }

    /// Begins to write parts down for people.
    pub(crate) fn showing() -> Self {
        Self(Mode::Showing(Vec::new()))
    }

    /// Returns the slot for a field of the params; an empty path is the whole value. The fields at the
    /// paths in `without`, relative to it, stay out.
    pub fn param(&mut self, path: &'static str, without: &'static [&'static str]) -> PartSlot<'_> {
        PartSlot { parts: self, kind: PartKind::Param, name: path, without }
    }

    /// Returns the slot for a call argument.
    pub fn argument(&mut self, name: &'static str) -> PartSlot<'_> {
        PartSlot { parts: self, kind: PartKind::Argument, name, without: &[] }
    }

    /// Returns the slot for a field or argument that is digested, but never shown.
    pub fn secret(&mut self, name: &'static str) -> PartSlot<'_> {
        PartSlot { parts: self, kind: PartKind::Secret, name, without: &[] }
    }

    /// Returns the slot for what a function made of params and arguments.
    pub fn projection(&mut self, name: &'static str) -> PartSlot<'_> {
        PartSlot { parts: self, kind: PartKind::Projection, name, without: &[] }
    }

    /// Returns the digests of all parts, in the order in which they came; none when showing.
    ///
    /// # Errors
    ///
    /// The one that was met, or one that tells all that were met.
    pub(crate) fn finish(self) -> Result<DigestedParts, Error> {
        let Mode::Digesting { mut hasher, digests, mut errors, secrets } = self.0 else {
            let (digests, files, secrets) = (Box::default(), Vec::new(), Vec::new());
            return Ok(DigestedParts { digests, files, secrets });
        };
        match errors.len() {
            0 => {
                // Copied, so that what many calls keep has no room to grow.
                let digests = digests.as_slice().into();
                Ok(DigestedParts { digests, files: hasher.take_files(), secrets })
            }
            1 => Err(errors.remove(0)),
            _ => {
                let all: Vec<_> = errors.iter().map(Error::chain).collect();
                Err(Error::new(ErrorKind::Key, all.join("; ")))
            }
        }
    }

    /// Returns what was entered since the last time, which is one element of an array, and the files it names.
    ///
    /// # Errors
    ///
    /// The element cannot enter a key.
    pub(crate) fn take_element(&mut self) -> Result<(Encoded, Vec<FileDigest>), Error> {
        let nothing = || Error::new(ErrorKind::Key, "the element did not enter the key");
        let Mode::Digesting { hasher, digests, errors, .. } = &mut self.0 else {
            return Err(nothing());
        };
        let value = digests.pop();
        digests.clear();
        match errors.drain(..).next() {
            Some(error) => Err(error),
            None => Ok((value.ok_or_else(nothing)?.value, hasher.take_files())),
        }
    }

    /// Returns the texts of all parts that may be shown; none when digesting.
    pub(crate) fn texts(self) -> Vec<PartText> {
        match self.0 {
            Mode::Digesting { .. } => Vec::new(),
            Mode::Showing(texts) => texts,
        }
    }
}

/// The place of one part among the others.
#[derive(Debug)]
pub struct PartSlot<'p> {
    parts: &'p mut Parts,
    kind: PartKind,
    name: &'static str,
    without: &'static [&'static str],
}

impl PartSlot<'_> {
    fn serialize<T: Serialize + ?Sized>(self, value: &T) {
        let without = self.without;
        if let (PartKind::Secret, Mode::Digesting { secrets, .. }) = (self.kind, &mut self.parts.0)
        {
            show::collect_texts(value, secrets);
        }
        self.fill(
            |hasher| {
                hasher.leave_out(without);
                hasher.value(value)
            },
            || show::text_of(value, without),
        );
    }

    fn cache_key<T: CacheKey + ?Sized>(self, value: &T) {
        let without = self.without;
        let type_name = std::any::type_name::<T>;
        self.fill(
            |hasher| match without {
                [] => value.cache_key(hasher),
                [field, ..] => Err(no_field(field, type_name())),
            },
            || type_name().trim_start_matches('&').to_owned(),
        );
    }

    /// Digests the value or writes it down, whichever the parts are for.
    fn fill(
        self,
        digest: impl FnOnce(&mut KeyHasher) -> Result<(), Error>,
        show: impl FnOnce() -> String,
    ) {
        let Self { parts, kind, name, .. } = self;
        match &mut parts.0 {
            Mode::Digesting { hasher, digests, errors, .. } => {
                if let Err(error) = digest(hasher) {
                    hasher.fail(error);
                }
                match hasher.finish() {
                    Ok(value) => {
                        let value = if kind == PartKind::Secret { value.hidden() } else { value };
                        digests.push(PartDigest { kind, name, value });
                    }
                    Err(error) => errors.push(in_part(kind, name, error)),
                }
            }
            Mode::Showing(_) if kind == PartKind::Secret => {}
            Mode::Showing(texts) => texts.push((kind, name, show())),
        }
    }
}

fn no_field(field: &str, type_name: &str) -> Error {
    let message = format!(
        "the field `{field}` cannot be left out of `{type_name}`, which enters keys by its own `CacheKey`"
    );
    Error::new(ErrorKind::Key, message)
}

/// Says of which part an error is. What a secret's own code says may hold the secret.
fn in_part(kind: PartKind, name: &str, error: Error) -> Error {
    let what = match kind {
        PartKind::Param if name.is_empty() => "the params".to_owned(),
        PartKind::Param => format!("`params.{name}`"),
        PartKind::Argument => format!("the argument `{name}`"),
        PartKind::Secret => format!("the secret `{name}`"),
        PartKind::Projection => "what `key = ..` gave".to_owned(),
    };
    let outer = Error::new(ErrorKind::Key, format!("{what} cannot enter a key"));
    if kind == PartKind::Secret { outer } else { outer.because(error) }
}
