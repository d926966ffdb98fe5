//! [`KeyHasher`]: the canonical structural digest of any [`Serialize`] value.
//!
//! `docs/canonical-digest.md` specifies the bytes. In short: every value is a tag and what follows
//! it, no encoding is the beginning of another one, and whatever has no order (maps, sets, the fields
//! of a struct) is sorted by its encoded bytes. The digest is BLAKE3 of the encoding.

mod encoder;
mod mask;
mod serializer;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;

use super::files::{FileDigest, FileMemory};
use crate::digest::Digest;
use crate::error::Error;

pub(crate) use encoder::Encoded;
use encoder::{Encoder, Fault, tag};
pub(super) use encoder::{is_unordered, put_number};
pub(super) use mask::Mask;

/// Takes what makes two values the same work, and digests it.
///
/// An implementation of [`CacheKey`](crate::CacheKey) is handed one. Everything it is told is framed
/// and tagged, so `value("ab")`, `value("c")` is not `value("a")`, `value("bc")`.
///
/// ```
/// use memo_runtime::{CacheKey, Error, KeyHasher};
///
/// struct Table { name: String, rows: Vec<f64>, cursor: usize }
///
/// impl CacheKey for Table {
///     fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
///         key.value(&self.name)?;
///         key.value(&self.rows)       // the cursor stays out
///     }
/// }
/// ```
#[derive(Debug)]
pub struct KeyHasher {
    encoder: Encoder,
    /// Whoever swallows an error must not get a digest of half a value.
    failed: Option<Error>,
}

impl KeyHasher {
    /// Makes a hasher that has been told nothing.
    pub(super) fn new() -> Self {
        Self { encoder: Encoder::new(true), failed: None }
    }

    /// Makes a hasher that believes of files what `memory` does.
    pub(super) fn within(memory: &Arc<FileMemory>) -> Self {
        let mut hasher = Self::new();
        hasher.encoder.memory = Some(Arc::clone(memory));
        hasher
    }

    /// Adds `value`, by its structure.
    ///
    /// Maps and sets count without their order, structs and variants by their names, floats by their
    /// bits, an [`InputFile`](crate::InputFile) by its path and content.
    ///
    /// # Errors
    ///
    /// The value's `Serialize` failed, or a file in it cannot be read.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        value.serialize(&mut self.encoder).map_err(|Fault(error)| {
            self.failed = Some(error.clone());
            error
        })
    }

    /// Adds `bytes`, which is quicker than `value` for a large slice.
    ///
    /// ```
    /// use memo_runtime::{CacheKey, Error, KeyHasher};
    ///
    /// struct Image { width: usize, pixels: Vec<u8> }
    ///
    /// impl CacheKey for Image {
    ///     fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
    ///         key.value(&self.width)?;
    ///         key.bytes(&self.pixels);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.encoder.text(tag::BYTES, bytes);
    }

    /// Returns what was added since the last time, and begins anew with nothing left out. The files
    /// stay.
    ///
    /// # Errors
    ///
    /// A value before has failed, or a field that was to be left out is not there.
    pub(super) fn finish(&mut self) -> Result<Encoded, Error> {
        let mask = self.encoder.mask.take();
        if let Some(error) = self.failed.take() {
            self.encoder.reset();
            return Err(error);
        }
        let encoded = self.encoder.finish();
        mask.map_or(Ok(()), |mask| mask.check()).map(|()| encoded)
    }

    /// Leaves the fields at these paths out of what is added until the next digest.
    pub(super) fn leave_out(&mut self, paths: &'static [&'static str]) {
        self.encoder.mask = Mask::new(paths).map(Box::new);
    }

    /// Makes the digest fail, as a value that cannot be added does.
    pub(super) fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }

    /// Returns the files met so far, and forgets them.
    pub(super) fn take_files(&mut self) -> Vec<FileDigest> {
        self.encoder.files.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// Returns the digest of a value by its structure, as it enters keys.
///
/// It is the same in every process, on every platform, in debug and release builds.
///
/// ```
/// use std::collections::HashSet;
/// use memo_runtime::digest_of;
///
/// let (one, other) = (HashSet::from([1, 2, 3]), HashSet::from([3, 2, 1]));
/// assert_eq!(digest_of(&one)?, digest_of(&other)?);
/// assert_ne!(digest_of(&1u8)?, digest_of("1")?);
/// # Ok::<(), memo_runtime::Error>(())
/// ```
///
/// # Errors
///
/// The value's `Serialize` failed, or a file in it cannot be read.
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> Result<Digest, Error> {
    let mut hasher = KeyHasher::new();
    hasher.value(value)?;
    Ok(hasher.finish()?.digest())
}

/// Returns the digest of a value, and the files whose content is in it.
///
/// # Errors
///
/// Those of [`digest_of`].
pub(crate) fn digest_and_files_of<T: Serialize + ?Sized>(
    value: &T,
    memory: &Arc<FileMemory>,
) -> Result<(Digest, Vec<FileDigest>), Error> {
    let mut hasher = KeyHasher::within(memory);
    hasher.value(value)?;
    let files = hasher.take_files();
    Ok((hasher.finish()?.digest(), files))
}

/// Returns the digest of a value in which files count by their path alone: no file is read. It tells
/// whether a value that was read back is the one that was written.
///
/// # Errors
///
/// The value's `Serialize` failed.
pub(crate) fn plain_digest_of<T: Serialize + ?Sized>(value: &T) -> Result<Digest, Error> {
    let mut hasher = KeyHasher { encoder: Encoder::new(false), failed: None };
    hasher.value(value)?;
    Ok(hasher.finish()?.digest())
}
