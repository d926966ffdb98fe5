//! [`Attempt`]: what a retry predicate is shown.

use crate::error::Error;

/// A failed attempt, as `retry_if = f` sees it: `fn f(attempt: &Attempt) -> bool` says whether another
/// follows.
///
/// ```
/// use memo_runtime::Attempt;
///
/// /// Tries again what a network may have caused.
/// fn transient(attempt: &Attempt) -> bool {
///     attempt.is::<std::io::Error>() && attempt.number() < 3
/// }
/// ```
#[derive(Debug)]
pub struct Attempt<'a> {
    pub(crate) number: u32,
    pub(crate) shard: Option<usize>,
    pub(crate) error: &'a Error,
}

impl Attempt<'_> {
    /// Returns which attempt this was, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns which shard of an array stage it was, from 0.
    pub fn shard(&self) -> Option<usize> {
        self.shard
    }

    /// Returns the error; what the body failed with is its source.
    pub fn error(&self) -> &Error {
        self.error
    }

    /// Whether the body failed with an `E`, or with something caused by one.
    ///
    /// An `anyhow::Error` hides the type of what it was made of; what has a `context` is seen below that.
    pub fn is<E: std::error::Error + 'static>(&self) -> bool {
        let mut next = std::error::Error::source(self.error);
        while let Some(cause) = next {
            if cause.is::<E>() {
                return true;
            }
            next = cause.source();
        }
        false
    }
}
