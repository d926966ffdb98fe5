//! What stages, records and experiments promise, one module a theme.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::needless_pass_by_value,
    clippy::option_option,
    clippy::ptr_arg,
    clippy::trivially_copy_pass_by_ref,
    clippy::type_complexity,
    clippy::unnecessary_wraps,
    reason = "stages are called with every form of parameter, and return every form of value"
)]

mod again;
mod arrays;
mod cachers;
mod declaring;
mod done_and_cache;
mod experiments;
mod hits;
mod lazy;
#[cfg(target_os = "linux")]
mod memory;
mod reasons;
mod retries;
mod started;
mod validate;

/// What most tests need.
mod common {
    pub(crate) use memo_runtime::prelude::*;
    pub(crate) use memo_runtime::{Error, ErrorKind};
    pub(crate) use memo_tests::{Lab, chain};
    pub(crate) use serde::{Deserialize, Serialize};
}
