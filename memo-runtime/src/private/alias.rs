//! Refuses another name of `Result` as the type that a stage returns.
//!
//! A stage is fallible when the last segment of its returned type is `Result`; the macro cannot see what lies
//! behind another name. Generated code declares an output of a returned type `T` of another name so:
//!
//! ```ignore
//! use rt::AliasOfNothing as _;
//! rt::Alias::<T>::new(&mut call).kind().output::<T, _>(cacher);
//! ```
//!
//! `kind` is an inherent method where `T` is a `Result`, and otherwise that of the trait: look-up prefers the
//! inherent one. What a `Result` gives has an `output` that nothing satisfies [`WrittenOut`] for, and that asks
//! for nothing else: so that this is the only error. A type parameter is no `Result`, whatever it is in an
//! instance.

use std::marker::PhantomData;

use super::{Gathering, Kept};
use crate::cacheable::Cacheable;

/// Asks whether `T` is a `Result`.
pub struct Alias<'c, 'f, T> {
    call: &'c mut Gathering<'f>,
    asked: PhantomData<T>,
}

impl<'c, 'f, T> Alias<'c, 'f, T> {
    /// Makes the question.
    pub fn new(call: &'c mut Gathering<'f>) -> Self {
        Self { call, asked: PhantomData }
    }
}

impl<T, E> Alias<'_, '_, Result<T, E>> {
    /// Answers for a `Result`.
    pub fn kind(self) -> AnotherNameOfResult {
        AnotherNameOfResult
    }
}

/// Answers for every type that is not a `Result`.
pub trait AliasOfNothing<'c, 'f>: Sized {
    /// Answers for any other type.
    fn kind(self) -> PlainType<'c, 'f>;
}

impl<'c, 'f, T> AliasOfNothing<'c, 'f> for Alias<'c, 'f, T> {
    fn kind(self) -> PlainType<'c, 'f> {
        PlainType(self.call)
    }
}

/// The answer for a `Result` that has another name.
pub struct AnotherNameOfResult;

impl AnotherNameOfResult {
    /// Refuses the output.
    pub fn output<T: WrittenOut, C>(self, _: C) {}

    /// Refuses the output.
    pub fn output_in_memory<T: WrittenOut>(self) {}
}

/// The answer for any other type.
pub struct PlainType<'c, 'f>(&'c mut Gathering<'f>);

impl PlainType<'_, '_> {
    /// Adds the output.
    pub fn output<T: Kept, C: Cacheable<T>>(self, cacher: C) {
        self.0.output::<T, C>(cacher);
    }

    /// Adds the output.
    pub fn output_in_memory<T: Kept>(self) {
        self.0.output_in_memory::<T>();
    }
}

/// Holds for no type: it is there for its message.
#[diagnostic::on_unimplemented(
    message = "write `Result<..>` out: the returned type of this stage is another name of it",
    label = "this is a `Result`",
    note = "a stage is fallible when its returned type is written as `Result<..>`, and then the output is what is in it"
)]
pub trait WrittenOut {}
