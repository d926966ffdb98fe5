//! Refuses another name of `Result` as the type that a stage returns.
//!
//! A stage is fallible when the last segment of its returned type is `Result`; the macro cannot see what lies
//! behind another name. Generated code says, for a returned type `T` of another name:
//!
//! ```ignore
//! use rt::AliasOfNothing as _;
//! rt::result_is_written_out(rt::Alias::<T>::new().kind());
//! ```
//!
//! `kind` is an inherent method where `T` is a `Result`, and otherwise that of the trait: look-up prefers the
//! inherent one, so that only a `Result` gives the kind for which [`WrittenOut`] is missing. A type parameter
//! is no `Result`, whatever it is in an instance.

use std::marker::PhantomData;

/// Asks whether `T` is a `Result`.
pub struct Alias<T>(PhantomData<T>);

impl<T> Alias<T> {
    /// Makes the question.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T, E> Alias<Result<T, E>> {
    /// Answers for a `Result`.
    pub fn kind(self) -> AnotherNameOfResult {
        AnotherNameOfResult
    }
}

/// Answers for every type that is not a `Result`.
pub trait AliasOfNothing: Sized {
    /// Answers for any other type.
    fn kind(self) -> PlainType {
        PlainType
    }
}

impl<T> AliasOfNothing for Alias<T> {}

/// The answer for a `Result` that has another name.
pub struct AnotherNameOfResult;

/// The answer for any other type.
pub struct PlainType;

/// Returned types whose fallibility is plain to see.
#[diagnostic::on_unimplemented(
    message = "the returned type of this stage is another name of `Result`",
    label = "write `Result<..>` out",
    note = "a stage is fallible when its returned type is written as `Result<..>`"
)]
pub trait WrittenOut {}

impl WrittenOut for PlainType {}

/// Refuses [`AnotherNameOfResult`] at the place of the returned type.
pub fn result_is_written_out<K: WrittenOut>(_: K) {}
