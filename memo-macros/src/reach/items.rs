//! What a stage can reach: an item, the digest of its tokens, and the names in it.
//!
//! Neither its path nor its visibility count, so that an item may move to another file.

mod parse;

use std::collections::BTreeSet;

use super::scan::{Names, Path};
use super::tree::ModuleId;

pub use parse::{Parsed, lines, parse};

/// An item.
#[derive(Default)]
pub struct Item {
    pub kind: Kind,
    /// `norm`, `Vec2::len`, `impl Add for Vec2`.
    pub name: String,
    pub module: ModuleId,
    pub digest: u128,
    pub names: Names,
    pub lines: (usize, usize),
}

/// What an item is, as far as that decides how it is reached.
#[derive(Default)]
pub enum Kind {
    /// A function, constant, static or alias: reached by its path.
    #[default]
    Plain,
    Struct {
        fields: Vec<Field>,
    },
    Enum {
        variants: BTreeSet<String>,
    },
    Trait {
        methods: BTreeSet<String>,
    },
    /// A function or constant of an inherent `impl`, by its own name; nothing for a macro there.
    Member {
        name: Option<String>,
        of: BTreeSet<Path>,
    },
    /// An `impl` of a trait: its path, and the types around it.
    Impl {
        of_trait: Path,
        of: BTreeSet<Path>,
    },
    MacroRules,
    /// `name! { .. }` between items.
    ItemMacro,
    /// An item behind `extern "C"`.
    Foreign,
}

/// A field of a struct.
pub struct Field {
    pub name: String,
    /// The type, if that is a plain path.
    pub path: Option<Path>,
    pub names: Names,
}

impl Item {
    /// Whether methods and implementations belong to it.
    pub fn is_type(&self) -> bool {
        matches!(self.kind, Kind::Struct { .. } | Kind::Enum { .. } | Kind::ItemMacro)
    }
}
