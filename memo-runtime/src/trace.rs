//! Events on their way to `tracing`, and a span around each body. Without the feature, nothing.

#[cfg(feature = "tracing")]
mod with;
#[cfg(not(feature = "tracing"))]
mod without;

#[cfg(feature = "tracing")]
pub(crate) use with::{enter, event, is_heard};
#[cfg(not(feature = "tracing"))]
pub(crate) use without::{enter, event, is_heard};
