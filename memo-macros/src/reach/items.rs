//! What a stage can reach: an item, the digest of its tokens, and the names in it.
//!
//! Neither its path nor its visibility count, so that an item may move to another file.

mod body;
mod header;
mod parse;
mod split;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use super::scan::{Names, Path, scan};
use super::tree::ModuleId;
use crate::fingerprint::fingerprint_of;
use crate::tokens::{Source, Tokens, Word};

pub use body::Field;
pub use parse::{Parsed, parse};
pub use split::{Entry, What, entries, inner_attributes};

/// An item.
pub struct Item {
    pub kind: Kind,
    /// `norm`, `Vec2::len`, `impl Add for Vec2`.
    pub name: String,
    pub module: ModuleId,
    /// The file that it is written in.
    pub source: Rc<Source>,
    /// The places of its tokens, without those that do not count.
    pieces: Vec<Range<usize>>,
    /// All of it in the file; of a function of an `impl`, that function alone.
    whole: Range<usize>,
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
#[derive(Debug, PartialEq)]
pub enum Kind {
    /// A function, constant or static: reached by its path.
    Plain,
    /// Another name of a type.
    Alias,
    Struct,
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
        /// The `impl` up to its members.
        header: Range<usize>,
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

impl Item {
    /// Whether methods and implementations belong to it.
    pub fn is_type(&self) -> bool {
        matches!(self.kind, Kind::Struct | Kind::Enum { .. } | Kind::ItemMacro)
    }

    /// Returns the digest of its tokens.
    pub fn digest(&self) -> u128 {
        self.code().digest
    }

    /// Returns the names in it.
    pub fn names(&self) -> &Names {
        &self.code().names
    }

    /// Returns its first and last line.
    pub fn lines(&self) -> (usize, usize) {
        self.source.lines(&self.whole)
    }

    /// Returns its text, with that of the `impl` around it.
    pub fn text(&self) -> String {
        let own = self.source.text_of(&self.whole);
        match &self.kind {
            Kind::Member { header, .. } => format!("{}{own}}}", self.source.text_of(header)),
            _ => own.to_owned(),
        }
    }

    /// Returns the names in a function without the types of some of its parameters; also without what
    /// an `impl` around it is for, if nothing else in it names that as `Self`.
    pub fn names_without(&self, parameters: &BTreeSet<usize>) -> Names {
        let tokens = self.source.tokens();
        let functions = entries(tokens, self.whole.clone()).unwrap_or_default();
        let types = functions.first().map(|of| body::parameter_types(tokens, of, parameters));
        let is_own =
            |piece: &Range<usize>| self.whole.start <= piece.start && piece.end <= self.whole.end;
        let (own, around): (Vec<_>, Vec<_>) = self.pieces.iter().cloned().partition(is_own);
        let own = parse::without(own, &types.unwrap_or_default());
        let names_self = own.iter().cloned().flatten().any(|at| tokens.word(at) == Word::UpperSelf);
        if !names_self {
            return scan(Tokens { text: tokens.text, all: &tokens.joined(&own) });
        }
        let all = tokens.joined(&[around, own].concat());
        let mut names = scan(Tokens { text: tokens.text, all: &all });
        names.of_self(&self.of_self);
        names
    }

    /// Returns how deep brackets lie in each other.
    pub fn depth(&self) -> usize {
        self.source.tokens().part(self.whole.clone()).depth()
    }

    /// Counts how often names stand in it, but for that of the function itself.
    pub fn count(&self, names: &BTreeSet<&str>) -> usize {
        let tokens = self.source.tokens();
        self.pieces.iter().map(|piece| tokens.part(piece.clone()).count(names)).sum()
    }

    fn code(&self) -> &Code {
        self.code.get_or_init(|| {
            let all = self.source.tokens();
            let joined;
            let tokens = match &self.pieces[..] {
                [one] => all.part(one.clone()),
                pieces => {
                    joined = all.joined(pieces);
                    Tokens { text: all.text, all: &joined }
                }
            };
            let mut names = scan(tokens);
            if !self.of_self.is_empty() {
                names.of_self(&self.of_self);
            }
            Code { digest: fingerprint_of(tokens), names }
        })
    }
}
