//! One walk over the tokens of an item gathers every name that may lead to other code.
//!
//! It errs on the side of too much: a local variable counts as a path, and leads nowhere unless an
//! item of that name exists.

mod attribute;
mod declared;
mod includes;
mod uses;

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

pub use includes::{Include, Part};

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
}

/// Gathers the names in `tokens`.
pub fn scan(tokens: TokenStream) -> Names {
    let mut names = Names::default();
    names.stream(tokens);
    names.follow_aliases();
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

    fn stream(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                TokenTree::Ident(_) => self.identifier(&tokens, at),
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(&tokens, at),
                TokenTree::Punct(punct) if punct.as_char() == '\'' => 2,
                // A variable of a `macro_rules!`; `$crate` is a path.
                TokenTree::Punct(punct) if punct.as_char() == '$' => {
                    if ident(&tokens, at + 1).is_some_and(|name| name != "crate") { 2 } else { 1 }
                }
                TokenTree::Literal(literal) => self.literal(&literal.to_string()),
                TokenTree::Group(group) => {
                    self.stream(group.stream());
                    1
                }
                TokenTree::Punct(_) => 1,
            };
        }
    }

    /// Reads what begins with the identifier at `at`, and returns the number of tokens read.
    fn identifier(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(name) = ident(tokens, at) else { return 1 };
        if is_field(tokens, at) {
            return self.member(name, tokens, at);
        }
        if name == "use"
            && let Some(read) = self.use_item(tokens, at)
        {
            return read;
        }
        self.declare(&name, tokens, at);
        if at > 1 && is_path_separator(tokens, at - 2) {
            // Behind generics: `Vec::<T>::new`, `<T as Trait>::new`.
            self.methods.insert(name);
            return 1;
        }
        if is_binding(&name, tokens, at) {
            return 1;
        }
        let (path, length) = path(tokens, at);
        let after = at + length;
        if is(tokens, after, '!') && !is(tokens, after + 1, '=') {
            self.macro_call(path, tokens, after + 1);
        } else if !(path.len() == 1 && is_keyword(&path[0])) {
            self.paths.insert(path);
        }
        length
    }

    /// A field, or a method if it is called.
    fn member(&mut self, name: String, tokens: &[TokenTree], at: usize) -> usize {
        let is_called = matches!(
            tokens.get(at + 1),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
        );
        if is_called || is_path_separator(tokens, at + 1) {
            self.methods.insert(name);
        }
        1
    }

    fn macro_call(&mut self, path: Path, tokens: &[TokenTree], at: usize) {
        let name = path.last().map(String::as_str).unwrap_or_default();
        if let Some(TokenTree::Group(group)) = tokens.get(at) {
            self.known_macro(name, group);
        }
        self.macros.insert(path);
    }

    /// Macros of std that bring something from outside.
    fn known_macro(&mut self, name: &str, group: &Group) {
        match name {
            "include" | "include_str" | "include_bytes" => {
                self.includes.insert(Include::of(name == "include", group.stream()));
            }
            "env" | "option_env" => {
                if let Some(variable) = includes::first_string(group.stream()) {
                    self.environment.insert(variable);
                }
            }
            "cfg" => self.cfg(group.stream()),
            _ => {}
        }
    }

    /// Names inside of the braces of a format string.
    fn literal(&mut self, text: &str) -> usize {
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

/// Reads `a::b::<T>::c` from `at` on; generics are read by the caller, as tokens behind it.
fn path(tokens: &[TokenTree], at: usize) -> (Path, usize) {
    let mut path: Path = ident(tokens, at).into_iter().collect();
    let mut end = at + 1;
    while is_path_separator(tokens, end) {
        let Some(name) = ident(tokens, end + 2) else { break };
        path.push(name);
        end += 3;
    }
    (path, end - at)
}

/// Returns the identifier at `at`, without `r#`.
pub fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(ident) => {
            let name = ident.to_string();
            Some(name.strip_prefix("r#").map(str::to_owned).unwrap_or(name))
        }
        _ => None,
    }
}

/// Whether a punctuation stands at `at`.
pub fn is(tokens: &[TokenTree], at: usize, punct: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == punct)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens, at, ':') && is(tokens, at + 1, ':')
}

/// Whether a single dot stands before `at`; `..x` is a range.
fn is_field(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && is(tokens, at - 1, '.') && !(at > 1 && is(tokens, at - 2, '.'))
}

/// Whether the identifier at `at` names something new: a function, a field or a parameter.
fn is_binding(name: &str, tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| ident(tokens, before));
    let is_lower = name.starts_with(|first: char| first.is_lowercase() || first == '_');
    let is_typed = is(tokens, at + 1, ':') && !is(tokens, at + 2, ':');
    before.as_deref() == Some("fn") || (is_lower && is_typed)
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Words that never name an item on their own. `Self` is none of them: an impl knows what it is.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "_", "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
        "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move",
        "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
        "type", "unsafe", "use", "where", "while", "yield",
    ];
    KEYWORDS.contains(&word)
}
