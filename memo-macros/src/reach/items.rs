//! What a stage can reach: an item, the digest of its tokens, and the names in it.
//!
//! Neither its path nor its visibility count, so that an item may move to another file.

mod parse;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use proc_macro2::TokenStream;

use super::own_lexer::OwnLexer;
use super::scan::{Names, Path, scan};
use super::tree::ModuleId;
use crate::fingerprint::fingerprint;

pub use parse::{Parsed, lines, parse};

/// An item.
#[derive(Default)]
pub struct Item {
    pub kind: Kind,
    /// `norm`, `Vec2::len`, `impl Add for Vec2`.
    pub name: String,
    pub module: ModuleId,
    pub lines: (usize, usize),
    tokens: TokenStream,
    /// The types that an `impl` around it is for.
    of_self: BTreeSet<Path>,
    code: OnceCell<Code>,
}

/// What the tokens of an item say. Most items of a crate are reached by no stage, so that nobody
/// asks.
struct Code {
    digest: u128,
    names: Names,
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

    /// Returns the digest of its tokens.
    pub fn digest(&self) -> u128 {
        self.code().digest
    }

    /// Returns the names in it.
    pub fn names(&self) -> &Names {
        &self.code().names
    }

    fn code(&self) -> &Code {
        self.code.get_or_init(|| {
            let _own_lexer = OwnLexer::new();
            let mut names = scan(self.tokens.clone());
            if !self.of_self.is_empty() {
                names.of_self(&self.of_self);
            }
            Code { digest: fingerprint([self.tokens.clone()]), names }
        })
    }
}
