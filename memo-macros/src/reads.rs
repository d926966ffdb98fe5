//! Which fields of `params` a body reads, found in its tokens.
//!
//! `params.train.rate` is a read of that field, `params.layers.len()` one of `layers`. Wherever
//! `params` itself goes somewhere that tokens do not tell (passed on, rebound, inside an unknown
//! macro, formatted), the whole value counts as read: at worst a stage runs once too often, never
//! too seldom. A call that is handed `params`, or a method of it, is told as a [`Site`], which
//! [`crate::reach`] may follow.

mod sites;

use std::collections::BTreeSet;

use proc_macro2::{Group, Ident, Literal, TokenStream, TokenTree};
use syn::{Index, Lit, Member, ext::IdentExt};

pub use sites::{Site, Through};

use crate::tokens::{DEEPEST, Kind, Lexed, Tokens};

/// The name by which a stage knows the params of its record.
pub const PARAMS: &str = "params";

/// Macros of std that evaluate their arguments as ordinary expressions.
const TRANSPARENT: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "matches",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// A field below `params`: `train.rate`. The empty path is the whole value.
#[derive(Clone)]
pub struct FieldPath(pub Vec<Member>);

impl FieldPath {
    /// Returns the path as it is shown and stored: `train.rate`, `0.1`.
    pub fn text(&self) -> String {
        let names: Vec<String> = self.0.iter().map(member_text).collect();
        names.join(".")
    }

    /// Returns whether `other` is this field or lies in it.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len()
            && self.0.iter().zip(&other.0).all(|(a, b)| member_text(a) == member_text(b))
    }

    /// Returns the path of `inner` as seen from here; `inner` must lie in it.
    pub fn relative(&self, inner: &Self) -> String {
        Self(inner.0[self.0.len()..].to_vec()).text()
    }
}

/// Returns the name of a field, or its number.
pub fn member_text(member: &Member) -> String {
    match member {
        Member::Named(name) => name.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

/// What a body does with a parameter.
#[derive(Default, Clone)]
pub struct Uses {
    /// The fields it reads.
    pub fields: Vec<FieldPath>,
    /// Where it hands them on.
    pub sites: Vec<Site>,
    /// The names of macros around either, which are taken for those of std.
    pub macros: BTreeSet<String>,
}

/// Returns what `body` does with the parameter `name`.
pub fn uses(name: &str, body: TokenStream) -> Uses {
    let (found, sites) = (Vec::new(), Vec::new());
    let mut walk = Walk { name, depth: 0, macros: BTreeSet::new(), found, sites };
    walk.stream(body);
    Uses { fields: outermost(walk.found), sites: walk.sites, macros: walk.macros }
}

/// Leaves out each path that lies in another one, and orders them by name.
pub fn outermost(mut paths: Vec<FieldPath>) -> Vec<FieldPath> {
    paths.sort_by_key(FieldPath::text);
    paths.dedup_by(|later, earlier| later.text() == earlier.text());
    let covered = |path: &FieldPath| {
        paths.iter().any(|other| other.0.len() < path.0.len() && other.contains(path))
    };
    paths.iter().filter(|path| !covered(path)).cloned().collect()
}

/// One walk over the tokens of a body.
struct Walk<'a> {
    /// The parameter.
    name: &'a str,
    /// How many brackets are open.
    depth: usize,
    /// The macros that it takes for std's, by their names.
    macros: BTreeSet<String>,
    found: Vec<FieldPath>,
    sites: Vec<Site>,
}

impl Walk<'_> {
    fn stream(&mut self, stream: TokenStream) {
        if self.depth > DEEPEST {
            // Whatever lies that deep may do anything with it.
            if self.mentions(stream) {
                self.whole();
            }
            return;
        }
        self.depth += 1;
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.token(&tokens, at);
        }
        self.depth -= 1;
    }

    /// Handles the token at `at` and returns the position of the next one to look at.
    fn token(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match &tokens[at] {
            TokenTree::Ident(name) if name.unraw() == self.name => {
                if !names_something_else(tokens, at) {
                    let (path, next) = field_path(tokens, at + 1);
                    let Some(method) = Self::method(tokens, next) else {
                        self.found.push(path);
                        return next;
                    };
                    let to = Through::Method(method);
                    let call = tokens[next + 1].span().start();
                    self.sites.push(Site { at: path, to, span: name.span(), call });
                    return next + 2;
                }
            }
            TokenTree::Ident(name) => {
                if let Some((arguments, next)) = macro_arguments(tokens, at) {
                    if !is_transparent(name, &tokens[..at]) {
                        self.opaque(name, arguments);
                        return next;
                    }
                    if self.mentions(arguments.stream()) {
                        self.macros.insert(name.unraw().to_string());
                    }
                }
            }
            TokenTree::Literal(literal) if self.is_formatted(&literal.to_string()) => self.whole(),
            TokenTree::Group(group) => {
                if self.call(tokens, at, group).is_none() {
                    self.stream(group.stream());
                }
            }
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
        at + 1
    }

    /// A macro that may do anything with what it is given.
    fn opaque(&mut self, name: &Ident, arguments: &Group) {
        // An included file is not hygienic: it may name `params`, and its tokens are not here.
        if name == "include" || self.mentions(arguments.stream()) {
            self.whole();
        }
    }

    fn whole(&mut self) {
        self.found.push(FieldPath(Vec::new()));
    }

    fn mentions(&self, stream: TokenStream) -> bool {
        self.are_mentions(Lexed::of_stream(stream).tokens())
    }

    fn are_mentions(&self, tokens: Tokens) -> bool {
        (0..tokens.len()).any(|at| match tokens.all[at].kind {
            Kind::Name(_) => tokens.text(at) == self.name,
            Kind::Literal => self.is_formatted(tokens.text(at)),
            _ => false,
        })
    }

    /// Whether a format string would capture it: `{params}`, `{params:?}`, `{:params$}`.
    fn is_formatted(&self, literal: &str) -> bool {
        if !literal.contains(self.name) && !literal.contains('\\') {
            return false;
        }
        // As the compiler sees it: a brace or a letter may be written as an escape.
        let text = match syn::parse_str::<Lit>(literal) {
            Ok(Lit::Str(string)) => string.value(),
            _ => literal.to_owned(),
        };
        text.match_indices(self.name).any(|(at, _)| {
            let (before, after) = (text[..at].trim_end(), &text[at + self.name.len()..]);
            let ends = !after.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            ends && (before.ends_with('{') || after.starts_with('$'))
        })
    }
}

/// Whether the `params` at `at` is a field, a path segment or a label rather than the parameter.
fn names_something_else(tokens: &[TokenTree], at: usize) -> bool {
    let is_at = |position: Option<usize>, punct| {
        position.and_then(|position| tokens.get(position)).is_some_and(|token| is(token, punct))
    };
    let (before, further) = (at.checked_sub(1), at.checked_sub(2));
    let is_field = is_at(before, '.') && !is_at(further, '.');
    let is_segment = is_at(before, ':') && is_at(further, ':');
    let is_module = is_at(Some(at + 1), ':') && is_at(Some(at + 2), ':');
    is_field || is_segment || is_module || is_at(before, '\'')
}

/// Reads `.a.b.0` from `at` on, up to a method call; returns the position behind it.
fn field_path(tokens: &[TokenTree], mut at: usize) -> (FieldPath, usize) {
    let mut path = Vec::new();
    while let Some(members) = members(tokens, at) {
        path.extend(members);
        at += 2;
    }
    (FieldPath(path), at)
}

/// Returns the field or fields of `.a`, `.0` or `.0.1` at `at`; nothing for a method call.
fn members(tokens: &[TokenTree], at: usize) -> Option<Vec<Member>> {
    if !is(tokens.get(at)?, '.') {
        return None;
    }
    match tokens.get(at + 1)? {
        TokenTree::Ident(name) if name == "await" || is_called(tokens, at + 2) => None,
        TokenTree::Ident(name) => Some(vec![Member::Named(name.clone())]),
        // The lexer takes the `0.1` of `params.0.1` for a float.
        TokenTree::Literal(indices) => tuple_fields(indices),
        _ => None,
    }
}

/// Splits `0` or `0.1` into the fields it names.
pub fn tuple_fields(indices: &Literal) -> Option<Vec<Member>> {
    let field = |index: &str| {
        let index = index.parse().ok()?;
        Some(Member::Unnamed(Index { index, span: indices.span() }))
    };
    indices.to_string().split('.').map(field).collect()
}

/// Whether the name before `at` is that of a method: `(..)` or `::<..>(..)` follows.
fn is_called(tokens: &[TokenTree], at: usize) -> bool {
    match tokens.get(at) {
        Some(TokenTree::Group(group)) => group.delimiter() == proc_macro2::Delimiter::Parenthesis,
        Some(token) => is(token, ':') && tokens.get(at + 1).is_some_and(|next| is(next, ':')),
        None => false,
    }
}

/// Returns the group of `name!(..)` or `macro_rules! name {..}` at `at`, and the position behind
/// it.
fn macro_arguments(tokens: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    if !is(tokens.get(at + 1)?, '!') {
        return None;
    }
    match (tokens.get(at + 2)?, tokens.get(at + 3)) {
        (TokenTree::Group(arguments), _) => Some((arguments, at + 3)),
        (TokenTree::Ident(_), Some(TokenTree::Group(rules))) => Some((rules, at + 4)),
        _ => None,
    }
}

/// Whether the macro is one of std's that only evaluate their arguments; `before` may hold its
/// path.
fn is_transparent(name: &Ident, before: &[TokenTree]) -> bool {
    let is_std = match before {
        [.., TokenTree::Ident(home), first, second] if is(first, ':') && is(second, ':') => {
            ["std", "core", "alloc"].iter().any(|crate_name| home == crate_name)
        }
        _ => true,
    };
    is_std && TRANSPARENT.iter().any(|known| name == known)
}

fn is(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == punct)
}

#[cfg(test)]
mod tests;
