//! What there is without the feature `tracing`: nobody listens.

use crate::event::Event;

pub(crate) fn is_heard() -> bool {
    false
}

pub(crate) fn event(_: &Event) {}

/// Stands for the span that there would be.
pub(crate) struct NoSpan;

pub(crate) fn enter(_: &'static str, _: Option<&str>, _: u32) -> NoSpan {
    NoSpan
}
