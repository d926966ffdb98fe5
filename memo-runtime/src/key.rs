//! Keys: the digest that says "the same work".
//!
//! A key is made of named components. They are kept in the manifest beside it, so that a miss can be
//! explained by comparing old and new.
//!
//! | component | how it enters | what stays out |
//! |---|---|---|
//! | stage | its name, the types of a generic instance, and the version of this scheme | the experiment's and the record's name |
//! | code | the tokens of the function and of all that it reaches in the workspace; locked versions of the crates it names | comments, formatting, docs, lints, unreached code |
//! | version | `version = ..` | |
//! | params | the fields that the body reads; the whole value where it escapes | the rest; what is skipped |
//! | arguments | each, by its serde structure, canonically ([`digest_of`]) | skipped ones |
//! | inputs | the digest of the artifact and of its format; where an output has no artifact, the key of the call that makes it | how it was made |
//! | files | [`InputFile`](crate::InputFile), [`InputDir`](crate::InputDir): the path as given, and the content | times |
//! | cachers | name, version, options, layout of the type | the extension, `publish` |
//! | environment | the variables of `env = [..]` | all else: time, host, user, executor, number of threads |
//!
//! The encoding of values is specified in `docs/canonical-digest.md`, with test vectors.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use spare::SpareBuffer;

pub(crate) mod canonical;
pub(crate) mod files;
pub(crate) mod part;
pub(crate) mod spare;

pub(crate) use canonical::Encoded;
use canonical::put_number;
pub use canonical::{KeyHasher, digest_of};
pub(crate) use canonical::{digest_and_files_of, plain_digest_of};
pub use part::CacheKey;

/// The version of the whole scheme. Changing what enters a key, or how, changes this number, and with
/// it every key.
const SCHEME: &[u8] = b"memo key 1";

/// What a component of a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ComponentKind {
    /// The stage's name, and the types of a generic instance.
    Stage,
    /// The tokens of the function.
    Code,
    /// `version = ..`.
    Version,
    /// A field of the params, or the whole value (then the name is empty).
    Param,
    /// A call argument.
    Argument,
    /// What `key = f` made of the params and call arguments.
    Projection,
    /// An input.
    Input,
    /// The format of an output.
    Cacher,
    /// An environment variable.
    Environment,
    /// The secrets. They are never shown, and no digest of them alone is kept.
    Secret,
}

impl ComponentKind {
    /// Returns the word for it in messages; empty for what is told by its name alone.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Code => "code",
            Self::Version => "version",
            Self::Param => "params",
            Self::Argument => "argument",
            Self::Projection => "key",
            Self::Input => "input",
            Self::Cacher => "cacher",
            Self::Environment => "environment",
            Self::Secret => "secret",
        }
    }
}

/// One named component of a key, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it is about.
    pub kind: ComponentKind,
    /// Its name: a field, an argument, an input, a variable.
    pub name: Cow<'static, str>,
    /// What enters the key.
    pub digest: Digest,
    /// The value, as people read it, cut short.
    pub shown: String,
}

/// Takes components one by one and gives the key.
///
/// They are gathered and digested at once: a BLAKE3 hasher is two kilobytes, most keys have less.
#[derive(Debug, Clone)]
pub(crate) struct KeyMaker(SpareBuffer);

impl KeyMaker {
    pub(crate) fn new() -> Self {
        let mut bytes = SpareBuffer::new();
        bytes.extend_from_slice(SCHEME);
        Self(bytes)
    }

    /// Adds a component. Kind and length are framed, so that no two lists of components run together.
    pub(crate) fn add(&mut self, kind: ComponentKind, name: &str, digest: &Digest) {
        self.framed(kind as u8, name.as_bytes());
        self.0.extend_from_slice(digest.as_bytes());
    }

    /// Adds a component whose encoding may be so short that it needs no digest.
    pub(crate) fn add_encoded(&mut self, kind: ComponentKind, name: &str, value: &Encoded) {
        match value.short() {
            None => self.add(kind, name, &value.digest()),
            Some(bytes) => {
                self.framed(0x40 | kind as u8, name.as_bytes());
                self.framed(kind as u8, bytes);
            }
        }
    }

    /// Adds a component that is a short text, without digesting it by itself.
    pub(crate) fn add_text(&mut self, kind: ComponentKind, text: &str) {
        self.framed(0x80 | kind as u8, text.as_bytes());
    }

    fn framed(&mut self, kind: u8, bytes: &[u8]) {
        self.0.push(kind);
        put_number(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn finish(&self) -> Digest {
        Digest::of(&self.0)
    }
}
