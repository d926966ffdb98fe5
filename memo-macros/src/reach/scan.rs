//! One walk over the tokens of an item gathers every name that may lead to other code.
//!
//! It errs on the side of too much: a local variable counts as a path, and leads nowhere unless an
//! item of that name exists.

mod attribute;
mod declared;
mod includes;
mod seen;
mod uses;

use std::collections::BTreeSet;

use crate::tokens::{Kind, Tokens, Word};
use seen::Seen;

pub use includes::{Include, Part, first_string};

/// A path as it is written, without generics: `["self", "norm"]`.
pub type Path = Vec<String>;

/// What the tokens of an item mention.
#[derive(Default, Debug, Clone)]
pub struct Names {
    /// Paths outside of attributes, single identifiers among them.
    pub paths: BTreeSet<Path>,
    /// Paths in attributes and in format strings, of which some are no paths at all.
    pub hints: BTreeSet<Path>,
    /// Paths that `!` follows.
    pub macros: BTreeSet<Path>,
    /// Names behind a dot that are called.
    pub methods: BTreeSet<String>,
    /// Modules that a `use a::*;` inside of the item opens.
    pub globs: BTreeSet<Path>,
    /// Generic parameters and items declared inside, which need no finding.
    pub declared: BTreeSet<String>,
    /// Files that become part of the code.
    pub includes: BTreeSet<Include>,
    /// Variables that `env!` and `option_env!` read.
    pub environment: BTreeSet<String>,
    /// Names of `cfg` values: `test`, `feature = "fast"`.
    pub cfgs: BTreeSet<String>,
    /// What a `use a::b as c;` inside of the item calls `a::b`.
    aliases: Vec<(String, Path)>,
    /// Whether the tokens are those of an attribute, where one in another is not told apart.
    is_attribute: bool,
    /// Single names that were noted already: most names occur again and again.
    seen: Seen,
}

/// Gathers the names in `tokens`.
pub fn scan(tokens: Tokens) -> Names {
    let mut names = Names::default();
    names.walk(tokens);
    names.follow_aliases();
    names.seen = Seen::default();
    names
}

impl Names {
    /// Returns whether an identifier occurs in any path.
    pub fn mention(&self, name: &str) -> bool {
        self.paths.iter().any(|path| path.iter().any(|segment| segment == name))
    }

    /// `Self::new` inside of an `impl` is a path of the types that it is for.
    pub fn of_self(&mut self, of: &BTreeSet<Path>) {
        let of_self = |path: &&Path| path[0] == "Self" && path.len() > 1;
        let paths = self.paths.iter().filter(of_self);
        self.methods.extend(paths.filter_map(|path| path.last().cloned()));
        self.paths.extend(of.iter().cloned());
    }

    fn walk(&mut self, tokens: Tokens) {
        let mut at = 0;
        while at < tokens.len() {
            at += match tokens.all[at].kind {
                Kind::Name(word) => self.name(word, tokens, at),
                Kind::Punct(b'#', _) => self.attribute(tokens, at),
                Kind::Punct(b'\'', _) => 2,
                // A variable of a `macro_rules!`; `$crate` is a path.
                Kind::Punct(b'$', _) => match tokens.name(at + 1) {
                    Some(_) if tokens.word(at + 1) != Word::Crate => 2,
                    _ => 1,
                },
                Kind::Literal => self.literal(tokens.text(at)),
                Kind::Punct(..) | Kind::Open(_) | Kind::Close(_) => 1,
            };
        }
    }

    /// Reads what begins with the name at `at`, and returns the number of tokens read.
    fn name(&mut self, word: Word, tokens: Tokens, at: usize) -> usize {
        if is_field(tokens, at) {
            return self.member(tokens, at);
        }
        if word == Word::Use
            && let Some(read) = self.use_item(tokens, at)
        {
            return read;
        }
        self.declare(word, tokens, at);
        let is_inner = at > 1 && tokens.is_path_separator(at - 2);
        if is_inner && is_behind_type(tokens, at - 2) {
            // Behind generics: `Vec::<T>::new`, `<T as Trait>::new`.
            self.methods.insert(tokens.text(at).to_owned());
            if is_behind_value(tokens, at - 2) {
                let mut path = path(tokens, at, path_end(tokens, at));
                path.insert(0, String::new());
                self.hints.insert(path);
            }
            return 1;
        }
        if !is_inner && is_binding(tokens, at) {
            return 1;
        }
        let is_root = matches!(word, Word::Crate | Word::LowerSelf | Word::Super);
        if word.is_keyword() && !is_root {
            return 1;
        }
        let end = path_end(tokens, at);
        if is_inner {
            // `::name`, which is a crate.
            let mut path = path(tokens, at, end);
            path.insert(0, String::new());
            if tokens.is(end, b'!') && !tokens.is(end + 1, b'=') {
                self.macro_call(path, tokens, end + 1);
            } else {
                self.paths.insert(path);
            }
            return end - at;
        }
        if tokens.is(end, b'!') && !tokens.is(end + 1, b'=') {
            self.macro_call(path(tokens, at, end), tokens, end + 1);
        } else if end > at + 1 {
            self.paths.insert(path(tokens, at, end));
        } else if !is_root && self.seen.insert(tokens, at) {
            self.paths.insert(vec![tokens.text(at).to_owned()]);
        }
        end - at
    }

    /// A field, or a method if it is called.
    fn member(&mut self, tokens: Tokens, at: usize) -> usize {
        if tokens.opens(at + 1, b'(') || tokens.is_path_separator(at + 1) {
            self.methods.insert(tokens.text(at).to_owned());
        }
        1
    }

    fn macro_call(&mut self, path: Path, tokens: Tokens, at: usize) {
        let name = path.last().map(String::as_str).unwrap_or_default();
        if tokens.opens_any(at) {
            self.known_macro(name, tokens.inside(at));
        }
        self.macros.insert(path);
    }

    /// Macros of std that bring something from outside.
    fn known_macro(&mut self, name: &str, arguments: Tokens) {
        match name {
            "include" | "include_str" | "include_bytes" => {
                self.includes.insert(Include::of(name == "include", arguments));
            }
            "env" | "option_env" => {
                if let Some(variable) = first_string(arguments) {
                    self.environment.insert(variable);
                }
            }
            "cfg" => self.cfg(arguments),
            _ => {}
        }
    }

    /// Names inside of the braces of a format string.
    fn literal(&mut self, text: &str) -> usize {
        if text.as_bytes()[0].is_ascii_digit() || !text.contains('{') {
            return 1;
        }
        let mut pieces = text.split('{');
        pieces.next();
        for spec in pieces.filter_map(|piece| piece.split('}').next()) {
            let parts = spec.split_inclusive([':', '.', '$', '>', '<', '^']);
            for (place, part) in parts.enumerate() {
                let name = part.trim_end_matches([':', '.', '$', '>', '<', '^']);
                if (place == 0 || part.ends_with('$')) && is_name(name) {
                    self.hints.insert(vec![name.to_owned()]);
                }
            }
        }
        1
    }

    /// Writes paths that start with the name of a `use` in the item the way the module knows them.
    fn follow_aliases(&mut self) {
        let aliases = std::mem::take(&mut self.aliases);
        for (name, target) in &aliases {
            let follow = |path: &Path| {
                (path[0] == *name && path.len() > 1).then(|| [target, &path[1..]].concat())
            };
            let paths: Vec<Path> = self.paths.iter().filter_map(follow).collect();
            let macros =
                self.macros.iter().filter(|path| path.as_slice() == std::slice::from_ref(name));
            let macros: Vec<Path> = macros.map(|_| target.clone()).collect();
            self.paths.insert(target.clone());
            self.paths.extend(paths);
            self.macros.extend(macros);
            self.declared.insert(name.clone());
        }
    }
}

/// The end of `a::b::c` at `at`; generics are read by the caller, as tokens behind it.
fn path_end(tokens: Tokens, at: usize) -> usize {
    let mut end = at + 1;
    while tokens.is_path_separator(end) && tokens.name(end + 2).is_some() {
        end += 3;
    }
    end
}

/// The names of a path.
fn path(tokens: Tokens, at: usize, end: usize) -> Path {
    (at..end).step_by(3).map(|at| tokens.text(at).to_owned()).collect()
}

/// Whether the `::` at `at` may follow a type: `Vec<T>::`, `$t::`.
fn is_behind_type(tokens: Tokens, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    match tokens.all[before].kind {
        Kind::Name(word) => {
            !word.is_keyword() || matches!(word, Word::Crate | Word::LowerSelf | Word::Super)
        }
        Kind::Punct(b'>', _) => {
            !(before > 0 && (tokens.is(before - 1, b'-') || tokens.is(before - 1, b'=')))
        }
        Kind::Close(_) => true,
        Kind::Punct(..) | Kind::Literal | Kind::Open(_) => false,
    }
}

/// Whether the `::` at `at` may begin a path although it may follow a type: `a > ::b::C`.
fn is_behind_value(tokens: Tokens, at: usize) -> bool {
    matches!(tokens.all[at - 1].kind, Kind::Punct(b'>', false))
}

/// Whether a single dot stands before `at`; `..x` is a range.
fn is_field(tokens: Tokens, at: usize) -> bool {
    at > 0 && tokens.is(at - 1, b'.') && !(at > 1 && tokens.is(at - 2, b'.'))
}

/// Whether the name at `at` names something new: a function, a field or a parameter.
fn is_binding(tokens: Tokens, at: usize) -> bool {
    let is_typed = tokens.is(at + 1, b':') && !tokens.is_path_separator(at + 1);
    let is_lower = |first: char| first.is_lowercase() || first == '_';
    at > 0 && tokens.word(at - 1) == Word::Fn || is_typed && tokens.text(at).starts_with(is_lower)
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}
