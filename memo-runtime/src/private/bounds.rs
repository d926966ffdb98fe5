//! Bounds that are there for their messages: each says what to write where a type does not satisfy it.

use crate::error::BoxError;

/// What a stage keeps: its outputs, its inputs, and the arguments of a call until it runs.
#[diagnostic::on_unimplemented(
    message = "a stage cannot keep a `{Self}`: it must be `Send + Sync`, to be read by several threads",
    label = "not `Send + Sync`",
    note = "write `Arc` for `Rc`, `Mutex` or an atomic type for `Cell` and `RefCell`"
)]
pub trait Kept: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Kept for T {}

/// The error of a body.
#[diagnostic::on_unimplemented(
    message = "the error of a stage must be one: implement `std::error::Error` for `{Self}`",
    label = "the error in here is no `std::error::Error`",
    note = "anything that converts into `Box<dyn Error + Send + Sync>` will do: a `String`, `anyhow::Error`, your own `Send + Sync` error type"
)]
pub trait BodyError {
    /// Converts it.
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> BodyError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// A call argument that is lent.
#[diagnostic::on_unimplemented(
    message = "a call argument is kept until the stage runs: derive `Clone` for `{Self}`, or take it by another type",
    label = "this cannot be kept"
)]
pub trait Lent {
    /// What is kept.
    type Kept;

    /// Makes what is kept.
    fn keep(&self) -> Self::Kept;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned + ?Sized> Lent for T {
    type Kept = T::Owned;

    fn keep(&self) -> T::Owned {
        self.to_owned()
    }
}

/// Returns what is kept of a call argument that is lent.
pub fn keep<T: Lent + ?Sized>(lent: &T) -> T::Kept {
    lent.keep()
}

/// A value that the body takes for itself, while others keep theirs.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` that is taken by value must be `Clone`: write `&{Self}`, or derive `Clone` for it",
    label = "this cannot be cloned"
)]
pub trait Cloned {
    /// Clones it.
    fn cloned(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Cloned for T {
    fn cloned(&self) -> T {
        self.clone()
    }
}

/// Returns a value of one's own.
pub fn clone_of<T: Cloned>(value: &T) -> T {
    value.cloned()
}
