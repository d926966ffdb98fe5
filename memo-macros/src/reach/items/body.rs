//! What lies in the body of a type or a trait.

use std::collections::BTreeSet;
use std::ops::Range;

use super::split::{Entry, What, attributes, entries, visibility};
use super::{Item, Kind};
use crate::fingerprint::fingerprint_of;
use crate::reach::scan::{Names, Path, scan};
use crate::tokens::{Kind as Token, Tokens, Word};

/// A field of a struct.
pub struct Field {
    pub name: String,
    /// The type, if that is a plain path.
    pub path: Option<Path>,
    pub names: Names,
    /// The digest of the type.
    pub digest: u128,
}

impl Item {
    /// Returns the fields of a struct.
    pub fn fields(&self) -> Vec<Field> {
        let tokens = self.source.tokens();
        let entries = entries(tokens, self.whole.clone()).unwrap_or_default();
        let body = entries.first().and_then(|entry| fields_of(tokens, entry));
        let Some(body) = body.filter(|_| self.kind == Kind::Struct) else {
            return Vec::new();
        };
        let is_tuple = tokens.opens(body.start - 1, b'(');
        let parts = parts(tokens, &body).into_iter().enumerate();
        parts.filter_map(|(at, part)| field(tokens.part(part), at, is_tuple)).collect()
    }
}

fn field(tokens: Tokens, at: usize, is_tuple: bool) -> Option<Field> {
    let (_, from) = attributes(tokens, 0);
    let from = visibility(tokens, from);
    let (name, from) =
        if is_tuple { (at.to_string(), from) } else { (tokens.name(from)?.to_owned(), from + 2) };
    let ty = tokens.part(from..tokens.len());
    Some(Field { name, path: path_of(ty), names: scan(ty), digest: fingerprint_of(ty) })
}

/// The places between the braces or parentheses of a struct's fields.
pub fn fields_of(tokens: Tokens, entry: &Entry) -> Option<Range<usize>> {
    let open = match entry.body {
        Some(body) => body,
        None => behind_generics(tokens, entry.name? + 1),
    };
    let is_list = tokens.opens(open, b'{') || tokens.opens(open, b'(');
    is_list.then(|| open + 1..tokens.close(open))
}

/// The places of the visibilities of fields.
pub fn visibilities(tokens: Tokens, fields: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = fields.start;
    let mut is_begin = true;
    while at < fields.end {
        if is_begin {
            at = attributes(tokens, at).1;
            let end = visibility(tokens, at);
            if at < end {
                found.push(at..end);
            }
            at = end.min(fields.end - 1).max(at);
        }
        is_begin = tokens.is(at, b',');
        at = tokens.behind(at);
    }
    found
}

/// The places of the types of some parameters of a function.
pub fn parameter_types(
    tokens: Tokens,
    function: &Entry,
    parameters: &BTreeSet<usize>,
) -> Vec<Range<usize>> {
    let Some(name) = function.name else { return Vec::new() };
    let open = behind_generics(tokens, name + 1);
    if !tokens.opens(open, b'(') {
        return Vec::new();
    }
    let all = parts(tokens, &(open + 1..tokens.close(open)));
    let chosen = all.into_iter().enumerate().filter(|(at, _)| parameters.contains(at));
    let colon = |part: &Range<usize>| part.clone().find(|at| tokens.is(*at, b':'));
    chosen.filter_map(|(_, part)| Some(colon(&part)? + 1..part.end)).collect()
}

/// The names of the variants of an enum, and at times a name more.
pub fn variants(tokens: Tokens, body: usize) -> BTreeSet<String> {
    let name = |part: &Tokens| {
        let at = visibility(*part, attributes(*part, 0).1);
        part.name(at).map(str::to_owned)
    };
    tokens.inside(body).split(b',').iter().filter_map(name).collect()
}

/// The names of the functions and constants of a trait; nothing if it is none.
pub fn methods(tokens: Tokens, body: usize) -> Option<BTreeSet<String>> {
    let all = entries(tokens, body + 1..tokens.close(body))?;
    let is_called = |entry: &&Entry| matches!(entry.what, What::Fn | What::Const);
    let names = all.iter().filter(is_called).filter_map(|entry| entry.name);
    Some(names.map(|name| tokens.text(name).to_owned()).collect())
}

/// The place behind `<..>` at `at`, or `at`.
pub fn behind_generics(tokens: Tokens, at: usize) -> usize {
    if !tokens.is(at, b'<') {
        return at;
    }
    let mut depth = 0_usize;
    let mut at = at;
    while at < tokens.len() {
        if tokens.is(at, b'<') {
            depth += 1;
        } else if closes_angle(tokens, at) {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
        at = tokens.behind(at);
    }
    at
}

/// Whether a `>` that is no arrow stands at `at`.
pub fn closes_angle(tokens: Tokens, at: usize) -> bool {
    let is_arrow = at > 0 && (tokens.is(at - 1, b'-') || tokens.is(at - 1, b'='));
    tokens.is(at, b'>') && !is_arrow
}

/// The parts of a list of types between commas, those in `A<B, C>` left alone.
fn parts(tokens: Tokens, list: &Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let (mut from, mut at) = (list.start, list.start);
    while at < list.end {
        if tokens.is(at, b'<') {
            depth += 1;
        } else if closes_angle(tokens, at) {
            depth = depth.saturating_sub(1);
        } else if tokens.is(at, b',') && depth == 0 {
            parts.push(from..at);
            from = at + 1;
        }
        at = tokens.behind(at);
    }
    if from < list.end {
        parts.push(from..list.end);
    }
    parts
}

/// The names of a type that is a plain path, without generics.
pub fn path_of(tokens: Tokens) -> Option<Path> {
    let mut path = Path::new();
    let mut at = if tokens.is_path_separator(0) { 2 } else { 0 };
    loop {
        let name = tokens.name(at)?;
        let is_root = matches!(tokens.word(at), Word::Crate | Word::LowerSelf | Word::Super);
        if tokens.word(at).is_keyword() && !is_root {
            return None;
        }
        path.push(name.to_owned());
        at += 1;
        let generics =
            if tokens.is_path_separator(at) && tokens.is(at + 2, b'<') { at + 2 } else { at };
        at = if tokens.is(generics, b'<') { behind_generics(tokens, generics) } else { at };
        if at >= tokens.len() {
            return Some(path);
        }
        if !tokens.is_path_separator(at) || matches!(tokens.all[at].kind, Token::Open(_)) {
            return None;
        }
        at += 2;
    }
}
