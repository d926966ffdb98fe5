//! A serializer in front of another that refuses what the other's format would change.
//!
//! The rules are constants of a type, so that for a format without a rule its check is compiled away:
//! a `Vec<f64>` goes to `Bincode` as fast as without it.

use std::cell::RefCell;
use std::fmt::Display;
use std::marker::PhantomData;

use serde::ser::{Serialize, Serializer};

use super::refused;
use crate::error::{BoxError, Result};

mod serializer;

use serializer::Faithful;

/// What a format can hold. The defaults refuse nothing.
pub(super) trait Rules: 'static {
    /// The cacher's name in messages.
    const NAME: &'static str;
    /// Which cacher to use for what this one cannot hold.
    const INSTEAD: &'static str;
    /// Floats are finite.
    const FINITE: bool = false;
    /// `Some(None)` and `Some(())` differ from `None`.
    const NULL_IN_SOME: bool = true;
    /// `Some("")` differs from `None`.
    const EMPTY_IN_SOME: bool = true;
    /// Keys of maps can be anything.
    const KEYS: bool = true;
    /// Fields may be left out, and lengths told late.
    const HOLES: bool = true;
    /// There can be more than a struct or tuple of primitive values.
    const NESTED: bool = true;
    /// How deep values may be nested.
    const DEPTH: u16 = u16::MAX;
    /// `Some` and newtypes count as nesting.
    const WRAPPERS_ARE_DEEP: bool = false;
}

/// Runs `encode`, which serializes values as the [`checked`](Notes::checked) of the notes it is given,
/// and tells its error with the place in the value.
pub(super) fn check<R: Rules, E: Display>(
    encode: impl FnOnce(&Notes<R>) -> Result<(), E>,
) -> Result<()> {
    let notes = Notes { path: RefCell::default(), refusal: RefCell::default(), rules: PhantomData };
    encode(&notes).map_err(|error| notes.tell(&error))
}

/// What is known of a failure, besides the error that the other serializer makes of it.
pub(super) struct Notes<R> {
    /// Where in the value it is. Written on the way out, so that success costs nothing.
    path: RefCell<String>,
    /// What a rule says; the other serializer would add words of its own.
    refusal: RefCell<Option<String>>,
    rules: PhantomData<R>,
}

impl<R: Rules> Notes<R> {
    /// Returns `value` as it is to be serialized.
    pub(super) fn checked<'a, T: ?Sized>(&'a self, value: &'a T) -> Checked<'a, T, R> {
        Checked { value, notes: self, place: Place::default() }
    }

    #[cold]
    pub(super) fn at_index(&self, index: usize) {
        self.path.borrow_mut().insert_str(0, &format!("[{index}]"));
    }

    #[cold]
    fn at_field(&self, field: &str) {
        self.path.borrow_mut().insert_str(0, &format!(".{field}"));
    }

    #[cold]
    fn refuse<E: serde::ser::Error>(&self, why: impl Display) -> E {
        let why = why.to_string();
        let error = E::custom(&why);
        self.refusal.replace(Some(why));
        error
    }

    fn tell(&self, error: &impl Display) -> BoxError {
        let place = match self.path.borrow().trim_start_matches('.') {
            "" => "this value".to_owned(),
            path => format!("the value at `{path}`"),
        };
        refused(match &*self.refusal.borrow() {
            Some(why) => format!("`{}` cannot hold {place}: {why}; use `{}`", R::NAME, R::INSTEAD),
            None => format!("`{}` cannot hold {place}: {error}", R::NAME),
        })
    }
}

/// Where in a value the serializer is, as far as rules depend on it.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: u16,
    /// In a `Some`, or in newtypes in it.
    in_some: bool,
    in_key: bool,
}

/// A value to be serialized under the rules.
pub(super) struct Checked<'a, T: ?Sized, R> {
    value: &'a T,
    notes: &'a Notes<R>,
    place: Place,
}

impl<T: Serialize + ?Sized, R: Rules> Serialize for Checked<'_, T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, notes, place } = *self;
        value.serialize(Faithful { inner: serializer, notes, place })
    }
}

impl<R: Rules> Notes<R> {
    /// Enters a container, `levels` deep.
    fn enter<E: serde::ser::Error>(
        &self,
        place: Place,
        levels: u16,
        what: What,
    ) -> Result<Place, E> {
        if !R::NESTED && (place.depth > 0 || !matches!(what, What::Struct | What::Tuple)) {
            let part = if place.depth > 0 { "cell" } else { "row" };
            return Err(self.refuse(format_args!("a {part} cannot hold {}", what.text())));
        }
        if !R::KEYS && place.in_key {
            return Err(self.refuse(format_args!("{} cannot be a key", what.text())));
        }
        let depth = place.depth.saturating_add(levels);
        if depth > R::DEPTH {
            return Err(self.refuse(format_args!("it is nested deeper than {} levels", R::DEPTH)));
        }
        Ok(Place { depth, ..Place::default() })
    }

    /// Enters a `Some` or a newtype.
    fn wrap<E: serde::ser::Error>(&self, place: Place, in_some: bool) -> Result<Place, E> {
        let depth = place.depth.saturating_add(u16::from(R::WRAPPERS_ARE_DEEP));
        if R::WRAPPERS_ARE_DEEP && depth > R::DEPTH {
            return Err(self.refuse(format_args!("it is nested deeper than {} levels", R::DEPTH)));
        }
        Ok(Place { depth, in_some: place.in_some || in_some, in_key: place.in_key })
    }

    /// Checks a value that a format may write like `None`.
    fn null<E: serde::ser::Error>(&self, place: Place, what: &str) -> Result<(), E> {
        if !R::NULL_IN_SOME && place.in_some {
            return Err(self.refuse(format_args!("`Some({what})` would come back as `None`")));
        }
        if !R::KEYS && place.in_key {
            return Err(self.refuse(format_args!("`{what}` cannot be a key")));
        }
        Ok(())
    }

    fn empty<E: serde::ser::Error>(&self, place: Place, is_empty: bool) -> Result<(), E> {
        if !R::EMPTY_IN_SOME && place.in_some && is_empty {
            return Err(self.refuse("`Some(\"\")` would come back as `None`"));
        }
        Ok(())
    }

    fn float<E: serde::ser::Error>(&self, is_finite: bool, is_nan: bool) -> Result<(), E> {
        if R::FINITE && !is_finite {
            let what = if is_nan { "NaN" } else { "infinity" };
            return Err(self.refuse(format_args!("JSON has no form for {what}")));
        }
        Ok(())
    }

    fn hole<E: serde::ser::Error>(&self, field: &str) -> Result<(), E> {
        if !R::HOLES {
            return Err(self.refuse(format_args!(
                "the field `{field}` is left out (`skip_serializing_if`), and would be missing"
            )));
        }
        Ok(())
    }

    fn length<E: serde::ser::Error>(&self, length: Option<usize>, what: What) -> Result<(), E> {
        if !R::HOLES && length.is_none() {
            return Err(self.refuse(format_args!(
                "the length of {} is not known beforehand (`flatten`)",
                what.text()
            )));
        }
        Ok(())
    }
}

/// A kind of container, for messages.
#[derive(Clone, Copy)]
enum What {
    Sequence,
    Tuple,
    Struct,
    Map,
    Variant,
}

impl What {
    fn text(self) -> &'static str {
        match self {
            Self::Sequence => "a sequence",
            Self::Tuple => "a tuple",
            Self::Struct => "a struct",
            Self::Map => "a map",
            Self::Variant => "an enum with content",
        }
    }
}
