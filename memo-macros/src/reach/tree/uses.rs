//! The imports of a `use` tree, one by one.

use crate::reach::scan::Path;
use crate::tokens::{Kind, Tokens, Word};

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import {
    /// `use a::b as c;`: the name and what it stands for. A name `_` brings in methods only.
    Name(String, Path),
    /// `use a::*;`
    Glob(Path),
}

/// Takes a tree apart; nothing if it is none.
pub fn imports(tokens: Tokens) -> Option<Vec<Import>> {
    let mut found = Vec::new();
    let mut before = Path::new();
    // The length of the path around each open brace.
    let mut around: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut is_begun = false;
    while at < tokens.len() {
        match tokens.all[at].kind {
            Kind::Punct(b':', _) if tokens.is(at + 1, b':') => {
                if before.is_empty() {
                    // `::name` is a crate.
                    before.push(String::new());
                }
                at += 1;
            }
            Kind::Name(_) if tokens.is_path_separator(at + 1) => {
                is_begun = true;
                before.push(tokens.text(at).to_owned());
                at += 2;
            }
            Kind::Name(word) => {
                is_begun = true;
                let to = (tokens.word(at + 1) == Word::As).then(|| tokens.name(at + 2)).flatten();
                found.extend(import(to, word, tokens.text(at), &before));
                at += if to.is_some() { 2 } else { 0 };
            }
            Kind::Punct(b'*', _) => {
                is_begun = true;
                found.push(Import::Glob(before.clone()));
            }
            Kind::Open(b'{') => {
                is_begun = true;
                around.push(before.len());
            }
            Kind::Close(b'{') => {
                around.pop()?;
                before.truncate(around.last().copied().unwrap_or_default());
            }
            Kind::Punct(b',', _) => before.truncate(*around.last()?),
            _ => return None,
        }
        at += 1;
    }
    is_begun.then_some(found)
}

/// `use a::b::{self}` is `use a::b`.
fn import(to: Option<&str>, word: Word, name: &str, before: &Path) -> Option<Import> {
    let mut target = before.clone();
    if word != Word::LowerSelf || before.is_empty() {
        target.push(name.to_owned());
    }
    let to = to.map(str::to_owned).or_else(|| target.last().cloned())?;
    Some(Import::Name(to, target))
}
