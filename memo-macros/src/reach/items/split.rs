//! Where the items of a list begin and end, and what each of them is.

use std::ops::Range;

use crate::tokens::{Kind, Tokens, Word};

/// An item of a list, by the places of its tokens in the file.
#[derive(Debug)]
pub struct Entry {
    pub what: What,
    pub attributes: Vec<Range<usize>>,
    /// What stands behind the attributes and the visibility.
    pub head: usize,
    /// The word that says what it is.
    pub word: usize,
    /// Its name, if it has one.
    pub name: Option<usize>,
    /// The brace of its body.
    pub body: Option<usize>,
    /// All of it.
    pub whole: Range<usize>,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    Fn,
    Const,
    Static,
    Type,
    Struct,
    Union,
    Enum,
    Trait,
    Impl,
    Mod,
    Use,
    ExternCrate,
    Foreign,
    MacroRules,
    MacroCall,
    /// What later versions of the language may have.
    Unknown,
}

/// Takes a list of items apart; nothing if it is none.
pub fn entries(tokens: Tokens, list: Range<usize>) -> Option<Vec<Entry>> {
    let tokens = tokens.part(0..list.end);
    let (_, mut at) = inner_attributes(tokens, list.start);
    let mut entries = Vec::new();
    while at < list.end {
        if tokens.is(at, b';') {
            at += 1;
            continue;
        }
        let entry = entry(tokens, at)?;
        at = entry.whole.end;
        entries.push(entry);
    }
    Some(entries)
}

/// Reads the attributes `#![..]` at `at`, and returns the place behind them.
pub fn inner_attributes(tokens: Tokens, at: usize) -> (Vec<Range<usize>>, usize) {
    let mut found = Vec::new();
    let mut at = at;
    while tokens.is(at, b'#') && tokens.is(at + 1, b'!') && tokens.opens(at + 2, b'[') {
        let end = tokens.behind(at + 2);
        found.push(at..end);
        at = end;
    }
    (found, at)
}

/// Reads the attributes `#[..]` at `at`, and returns the place behind them.
pub fn attributes(tokens: Tokens, at: usize) -> (Vec<Range<usize>>, usize) {
    let mut found = Vec::new();
    let mut at = at;
    while tokens.is(at, b'#') && tokens.opens(at + 1, b'[') {
        let end = tokens.behind(at + 1);
        found.push(at..end);
        at = end;
    }
    (found, at)
}

/// The place behind the visibility at `at`.
pub fn visibility(tokens: Tokens, at: usize) -> usize {
    if tokens.word(at) != Word::Pub {
        return at;
    }
    let is_narrow = tokens.opens(at + 1, b'(')
        && matches!(tokens.word(at + 2), Word::Crate | Word::LowerSelf | Word::Super | Word::In);
    if is_narrow { tokens.behind(at + 1) } else { at + 1 }
}

fn entry(tokens: Tokens, start: usize) -> Option<Entry> {
    let (attributes, at) = attributes(tokens, start);
    let head = visibility(tokens, at);
    let (what, word) = what(tokens, head);
    let entry = |name, body, end| {
        let whole = start..end;
        Some(Entry { what, attributes, head, word, name, body, whole })
    };
    match what {
        What::MacroRules | What::MacroCall => {
            let mut at = head;
            while !tokens.is(at, b'!') {
                at += 1;
            }
            let name = tokens.name(at + 1).map(|_| at + 1);
            let open = at + 1 + usize::from(name.is_some());
            if !tokens.opens_any(open) {
                return None;
            }
            let behind = tokens.behind(open);
            let has_end = !tokens.opens(open, b'{') && tokens.is(behind, b';');
            entry(name, Some(open), behind + usize::from(has_end))
        }
        What::Impl | What::Foreign | What::Use | What::Unknown => {
            let (body, end) = end(tokens, word, what)?;
            entry(None, body, end)
        }
        What::ExternCrate => {
            tokens.name(word + 2)?;
            let (body, end) = end(tokens, word, what)?;
            entry(Some(word + 2), body, end)
        }
        _ => {
            let is_mut = what == What::Static && tokens.word(word + 1) == Word::Mut;
            let name = word + 1 + usize::from(is_mut);
            tokens.name(name)?;
            let (body, end) = end(tokens, name, what)?;
            entry(Some(name), body, end)
        }
    }
}

/// Finds the brace that is the body of an item, and its end.
fn end(tokens: Tokens, from: usize, what: What) -> Option<(Option<usize>, usize)> {
    let has_body =
        !matches!(what, What::Const | What::Static | What::Type | What::Use | What::ExternCrate);
    let mut at = from;
    while at < tokens.len() {
        if tokens.is(at, b';') {
            return Some((None, at + 1));
        }
        let behind = tokens.behind(at);
        // A brace in `A<{ N }, u8>` is no body.
        let is_argument = tokens.is(behind, b'>') || tokens.is(behind, b',');
        if has_body && tokens.opens(at, b'{') && !is_argument {
            return Some((Some(at), behind));
        }
        at = behind;
    }
    None
}

/// Finds the word that says what an item is, behind words like `unsafe`.
fn what(tokens: Tokens, head: usize) -> (What, usize) {
    let mut at = head;
    loop {
        let what = match tokens.word(at) {
            Word::Fn => What::Fn,
            Word::Static => What::Static,
            Word::Type => What::Type,
            Word::Struct => What::Struct,
            Word::Enum => What::Enum,
            Word::Trait => What::Trait,
            Word::Impl => What::Impl,
            Word::Mod => What::Mod,
            Word::Use => What::Use,
            Word::Const if is_modifier(tokens, at) => {
                at += 1;
                continue;
            }
            Word::Const => What::Const,
            Word::Async | Word::Unsafe => {
                at += 1;
                continue;
            }
            Word::Auto | Word::Safe | Word::Default | Word::Gen
                if tokens.word(at + 1).is_keyword() =>
            {
                at += 1;
                continue;
            }
            Word::Union if tokens.name(at + 1).is_some() => What::Union,
            Word::Extern if tokens.word(at + 1) == Word::Crate => What::ExternCrate,
            Word::Extern => {
                let is_literal = at + 1 < tokens.len() && tokens.all[at + 1].kind == Kind::Literal;
                at += 1 + usize::from(is_literal);
                if tokens.opens(at, b'{') {
                    return (What::Foreign, at);
                }
                continue;
            }
            _ => return (called(tokens, head), head),
        };
        return (what, at);
    }
}

/// Whether a `const` belongs to a function, a trait or an `impl`.
fn is_modifier(tokens: Tokens, at: usize) -> bool {
    matches!(
        tokens.word(at + 1),
        Word::Fn | Word::Unsafe | Word::Async | Word::Extern | Word::Trait | Word::Impl
    )
}

/// A macro between items, or something that nobody knows.
fn called(tokens: Tokens, head: usize) -> What {
    if tokens.word(head) == Word::MacroRules && tokens.is(head + 1, b'!') {
        return What::MacroRules;
    }
    let mut at = head + if tokens.is_path_separator(head) { 2 } else { 0 };
    while tokens.name(at).is_some() && tokens.is_path_separator(at + 1) {
        at += 3;
    }
    let is_call = tokens.name(at).is_some() && tokens.is(at + 1, b'!');
    let is_crate = tokens.is(head, b'$');
    if is_call && !is_crate { What::MacroCall } else { What::Unknown }
}
