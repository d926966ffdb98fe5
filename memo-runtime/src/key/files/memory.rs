//! What is remembered of files that were read: in this process, and in a store for the next one.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::Identity;
use crate::digest::Digest;
use crate::store::digests::KeptDigests;

/// The size from which reading a file again costs more than keeping its digest.
const WORTH_KEEPING: u64 = 64 * 1024;

/// What the calls of one store believe of files.
#[derive(Debug)]
pub(crate) struct FileMemory {
    strict: bool,
    kept: Option<KeptDigests>,
}

impl FileMemory {
    /// Remembers nothing: every file is read each time.
    pub(crate) const STRICT: Self = Self { strict: true, kept: None };

    /// Remembers what `kept` does, beside what this process has read.
    pub(crate) fn with(kept: KeptDigests) -> Self {
        Self { strict: false, kept: Some(kept) }
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Writes what could not be written before there was a store.
    pub(crate) fn flush(&self) {
        if let Some(kept) = &self.kept {
            kept.flush();
        }
    }

    /// Returns where digests of this file are kept, if they are.
    fn kept_for(&self, identity: &Identity) -> Option<&KeptDigests> {
        let is_worth = identity.size >= WORTH_KEEPING && identity.tells_fractions();
        self.kept.as_ref().filter(|_| is_worth)
    }
}

/// The digests of all files that were read at rest.
static MEMORY: LazyLock<Mutex<HashMap<Identity, Digest>>> = LazyLock::new(Mutex::default);

pub(super) fn of_process() -> MutexGuard<'static, HashMap<Identity, Digest>> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the digest of a file at rest that was read before.
pub(super) fn recall(identity: &Identity, memory: Option<&FileMemory>) -> Option<Digest> {
    let known = of_process().get(identity).copied();
    known.or_else(|| memory?.kept_for(identity)?.get(identity))
}

/// Remembers the digest of a file that was read at rest.
pub(super) fn remember(identity: Identity, digest: Digest, memory: Option<&FileMemory>) {
    of_process().insert(identity, digest);
    if let Some(kept) = memory.and_then(|memory| memory.kept_for(&identity)) {
        kept.add(identity, digest);
    }
}
