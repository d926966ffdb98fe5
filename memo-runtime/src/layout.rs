//! [`Layout`]: the shape of a `serde` type, so that bytes are never read as another type.
//!
//! `serde` has no description of types. But a type's `Deserialize` asks for its parts one by one, and
//! tells the names of structs, fields and variants. So a layout is found by *tracing*: the type is
//! deserialized from made-up values, and what it asks for is written down.
//!
//! One pass does not see all: an enum is asked for one variant, and a type that refuses a made-up
//! value (a date made of `""`) ends the pass. So passes are repeated, each going first where the former
//! ones have not been, until nothing new is found:
//!
//! - [`tree`] holds what is known, and says where to go next; [`text`] writes it down;
//! - [`trace`] is the deserializer, one step of a pass;
//! - [`access`] hands out the parts of structs, sequences, maps and enums;
//! - [`identity`] tells whether two places hold the same type, so that recursive types end.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde::de::DeserializeOwned;

use crate::digest::{Digest, Hashed};

mod access;
mod identity;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod tree;

use tree::Tree;

/// The shape of a `serde` type: names of structs, their fields in declared order, the variants of
/// enums, and the primitive types of it all, however deep.
///
/// It enters the key through [`Format::layout`](crate::Format::layout). A field that is renamed,
/// moved, or of another type is a miss, and a `u32` is never read as an `f32`.
///
/// ```
/// use memo_runtime::Layout;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Digit { pixels: Vec<u8>, digit: u8 }
///
/// let layout = Layout::of::<Vec<Digit>>();
/// assert_eq!(layout.to_string(), "[Digit{pixels:[u8],digit:u8}]");
/// assert_eq!(layout.columns(), Some(vec!["pixels", "digit"]));
/// assert_ne!(layout.digest(), Layout::of::<Vec<(Vec<u8>, u8)>>().digest());
/// ```
///
/// It depends on no path of a module, no process and no platform.
///
/// | text | stands for |
/// |---|---|
/// | `u8`, `f64`, `string`, `bytes`, `()` | a primitive type |
/// | `u8?`, `[u8]`, `{string:u8}` | `Option`, a sequence, a map |
/// | `(u8,f64)`, `(f32*3)` | a tuple, an array |
/// | `Name{a:u8}`, `Name(u8)`, `enum Name{A,B(u8)}` | a struct, a newtype or tuple struct, an enum |
/// | `^Name` | a type that is written out elsewhere in the text, so that recursive types end |
/// | `any` | what describes itself, as untagged enums need |
/// | `string!` | a type that accepts no made-up value; nothing is known of what it checks |
/// | `…` | not seen: behind a `!` in a tuple, or deeper than is looked |
#[derive(Clone)]
pub struct Layout(Arc<Inner>);

struct Inner {
    text: String,
    digest: Digest,
    columns: Option<Vec<&'static str>>,
    /// Further names of columns: `serde` tells aliases like fields.
    aliases: Vec<&'static str>,
}

static FOUND: LazyLock<RwLock<Found>> = LazyLock::new(RwLock::default);

type Found = HashMap<TypeId, Layout, BuildHasherDefault<Hashed>>;

impl Layout {
    /// Returns the layout of `T`. It is found once per type and process.
    ///
    /// ```
    /// use memo_runtime::Layout;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// enum Tree { Leaf(f32), Fork(Box<Tree>, Box<Tree>) }
    ///
    /// assert_eq!(Layout::of::<Tree>().to_string(), "enum Tree{Leaf(f32),Fork(^Tree,^Tree)}");
    /// ```
    pub fn of<T: DeserializeOwned + 'static>() -> Self {
        let id = TypeId::of::<T>();
        let found = FOUND.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        found.unwrap_or_else(|| {
            // Outside the lock: a `Deserialize` written by hand may do anything, and two threads that
            // trace one type find the same.
            let layout = Self::found_in(&trace::trace::<T>());
            let mut layouts = FOUND.write().unwrap_or_else(PoisonError::into_inner);
            layouts.entry(id).or_insert(layout).clone()
        })
    }

    fn found_in(tree: &Tree) -> Self {
        let text = tree.to_string();
        let digest = Digest::of(text.as_bytes());
        let (columns, aliases) = tree.columns().unzip();
        Self(Arc::new(Inner { text, digest, columns, aliases: aliases.unwrap_or_default() }))
    }

    /// Returns the digest of the layout.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Returns the names of the fields, where the type is a sequence of structs.
    pub fn columns(&self) -> Option<Vec<&str>> {
        self.0.columns.clone()
    }

    /// Whether these are the columns, in their order. An alias stands for any of them, since `serde`
    /// does not tell for which.
    #[cfg(feature = "csv")]
    pub(crate) fn has_columns<'a>(&self, header: impl Iterator<Item = &'a str>) -> bool {
        let Inner { columns: Some(columns), aliases, .. } = &*self.0 else { return false };
        let header: Vec<_> = header.collect();
        let known = |name: &&str| columns.contains(name) || aliases.contains(name);
        header == *columns
            || !aliases.is_empty() && header.len() == columns.len() && header.iter().all(known)
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Layout {}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layout({})", self.0.text)
    }
}
