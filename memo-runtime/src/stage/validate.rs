//! Validators: functions that check the outputs of a stage, fresh or found.
//!
//! They take the values (`&T`, or a slice of them) or, without loading, the files (`&Artifact`). Which
//! of the two a function takes is found out by the compiler, from its type.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::error::Error;

/// What a validator may return: `bool`, or a `Result` whose error says what is wrong.
pub trait Verdict {
    /// Returns what is wrong, or `Ok`.
    ///
    /// # Errors
    ///
    /// What is wrong, as a sentence.
    fn verdict(self) -> Result<(), String>;
}

impl Verdict for bool {
    fn verdict(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("the validator answered `false`".to_owned()) }
    }
}

impl<V: Verdict, E: std::fmt::Display> Verdict for Result<V, E> {
    fn verdict(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())?.verdict()
    }
}

impl Verdict for () {
    fn verdict(self) -> Result<(), String> {
        Ok(())
    }
}

/// What a validator is given.
pub(crate) trait Outputs {
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, Error>;
    fn artifact(&self, index: usize) -> Result<Artifact, Error>;
}

/// Checks outputs, whatever function does it.
pub(crate) trait Check: Send + Sync {
    fn check(&self, outputs: &dyn Outputs) -> Result<(), String>;
}

/// A function that validates outputs of the types `O`; `M` tells by which way.
#[diagnostic::on_unimplemented(
    message = "write a validator as a function of `&T` for each output, or of `&Artifact`, that returns `bool` or a `Result`",
    label = "this cannot validate the outputs, which are `{O}`"
)]
pub trait Validate<O, M>: Send + Sync + 'static {
    /// Calls the function.
    ///
    /// # Errors
    ///
    /// What it found, or that an output cannot be read.
    #[doc(hidden)]
    fn validate(&self, outputs: &dyn Source) -> Result<(), String>;
}

/// Gives the outputs to [`Validate`], without naming crate-private types.
#[doc(hidden)]
pub trait Source {
    /// Returns a value.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, String>;
    /// Returns an artifact.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    fn artifact(&self, index: usize) -> Result<Artifact, String>;
}

impl Source for &dyn Outputs {
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, String> {
        Outputs::value(*self, index).map_err(|error| error.chain())
    }

    fn artifact(&self, index: usize) -> Result<Artifact, String> {
        Outputs::artifact(*self, index).map_err(|error| error.chain())
    }
}

fn typed<T: Send + Sync + 'static>(source: &dyn Source, index: usize) -> Result<Arc<T>, String> {
    source.value(index)?.downcast().map_err(|_| "the value is of another type".to_owned())
}

/// Calls a validator with files; a digest that is wrong is found even where the validator is content.
fn with_artifacts<const N: usize, V: Verdict>(
    source: &dyn Source,
    call: impl FnOnce(&[Artifact; N]) -> V,
) -> Result<(), String> {
    let artifacts: Vec<Artifact> =
        (0..N).map(|index| source.artifact(index)).collect::<Result<_, _>>()?;
    let artifacts: [Artifact; N] =
        artifacts.try_into().map_err(|_| "an output is missing".to_owned())?;
    call(&artifacts).verdict()
}

/// By value.
pub struct ByValue;
/// By value, as a borrowed form: `&[T]`, `&str`, `&Path`.
pub struct ByBorrow;
/// By file.
pub struct ByFile;

macro_rules! validate {
    ($count:literal: $($type:ident $index:literal),+; $($artifact:ty),+) => {
        impl<F, V, $($type),+> Validate<($($type,)+), ByValue> for F
        where
            F: Fn($(&$type),+) -> V + Send + Sync + 'static,
            V: Verdict,
            $($type: Send + Sync + 'static,)+
        {
            fn validate(&self, outputs: &dyn Source) -> Result<(), String> {
                self($(&*typed::<$type>(outputs, $index)?),+).verdict()
            }
        }

        impl<F, V, $($type),+> Validate<($($type,)+), ByFile> for F
        where
            F: Fn($($artifact),+) -> V + Send + Sync + 'static,
            V: Verdict,
        {
            fn validate(&self, outputs: &dyn Source) -> Result<(), String> {
                with_artifacts::<$count, V>(outputs, |artifacts| self($(&artifacts[$index]),+))
            }
        }
    };
}

validate!(1: A 0; &Artifact);
validate!(2: A 0, B 1; &Artifact, &Artifact);
validate!(3: A 0, B 1, C 2; &Artifact, &Artifact, &Artifact);
validate!(4: A 0, B 1, C 2, D 3; &Artifact, &Artifact, &Artifact, &Artifact);

macro_rules! validate_borrowed {
    ($owned:ty => $borrowed:ty $(, $type:ident)?) => {
        impl<F, V $(, $type)?> Validate<($owned,), ByBorrow> for F
        where
            F: Fn(&$borrowed) -> V + Send + Sync + 'static,
            V: Verdict,
            $($type: Send + Sync + 'static,)?
        {
            fn validate(&self, outputs: &dyn Source) -> Result<(), String> {
                self(&typed::<$owned>(outputs, 0)?).verdict()
            }
        }
    };
}

validate_borrowed!(Vec<T> => [T], T);
validate_borrowed!(String => str);
validate_borrowed!(PathBuf => Path);

struct Typed<F, O, M>(F, PhantomData<fn() -> (O, M)>);

impl<O, M, F: Validate<O, M>> Check for Typed<F, O, M> {
    fn check(&self, outputs: &dyn Outputs) -> Result<(), String> {
        self.0.validate(&outputs)
    }
}

/// The validator of a call.
pub(crate) struct Validator {
    name: &'static str,
    /// The fingerprint of its code, where that alone decides what it says.
    code: Option<u128>,
    check: Box<dyn Check>,
}

impl Validator {
    pub(crate) fn new<O, M, F>(name: &'static str, code: Option<u128>, function: F) -> Self
    where
        O: 'static,
        M: 'static,
        F: Validate<O, M>,
    {
        Self { name, code, check: Box::new(Typed::<F, O, M>(function, PhantomData)) }
    }

    /// Returns what it says against the outputs, if anything.
    pub(crate) fn check(&self, outputs: &dyn Outputs) -> Result<(), String> {
        let name = self.name;
        match catch_unwind(AssertUnwindSafe(|| self.check.check(outputs))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(what)) => Err(format!("`{name}` says: {what}")),
            Err(_) => Err(format!("`{name}` says: it panicked")),
        }
    }

    /// Returns how manifests name it.
    pub(crate) fn mark(&self) -> String {
        match self.code {
            Some(code) => format!("{} {code:032x}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// Returns the digest by which shards name the validator that passed them; 0 where it is none that can be
    /// relied on.
    pub(crate) fn mark_digest(&self) -> u64 {
        if self.code.is_some() { crate::store::packs::mark(Some(&self.mark())) } else { 0 }
    }

    /// Whether this very validator has passed a shard that bears the digest of a mark.
    pub(crate) fn has_passed_mark(&self, mark: u64) -> bool {
        mark != 0 && mark == self.mark_digest()
    }

    /// Whether this very validator has passed an entry that bears `mark`, and would say the same again.
    pub(crate) fn has_passed(&self, mark: Option<&str>) -> bool {
        self.code.is_some() && mark == Some(&self.mark())
    }
}
