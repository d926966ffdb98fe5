//! Items as they are written become items as the closure wants them.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use super::body::{fields_of, methods, path_of, variants, visibilities};
use super::header::Header;
use super::split::{Entry, What, entries, inner_attributes};
use super::{Item, Kind};
use crate::reach::scan::scan;
use crate::tokens::{Source, Tokens, Word};

/// An item and the name it is found by in its module; nothing for an `impl` and the like.
pub struct Parsed {
    pub key: Option<String>,
    pub item: Item,
}

/// Takes an item apart; nothing if it is none. Modules, imports and `extern crate` have no items.
pub fn parse(source: &Rc<Source>, entry: &Entry) -> Option<Vec<Parsed>> {
    let tokens = source.tokens();
    let pieces = pieces(tokens, entry);
    let item = |kind, name: String, pieces| Item {
        kind,
        name,
        module: 0,
        source: Rc::clone(source),
        pieces,
        whole: entry.whole.clone(),
        of_self: BTreeSet::new(),
        code: OnceCell::new(),
    };
    let named = |kind, pieces| {
        let name = tokens.text(entry.name?).to_owned();
        Some(vec![Parsed { key: Some(name.clone()), item: item(kind, name, pieces) }])
    };
    let nameless = |kind, name: String| {
        Some(vec![Parsed { key: None, item: item(kind, name, pieces.clone()) }])
    };
    match entry.what {
        What::Fn | What::Const | What::Static => named(Kind::Plain, pieces),
        What::Type => named(Kind::Alias, pieces),
        What::Trait if entry.body.is_none() => named(Kind::Plain, pieces),
        What::Struct => {
            let hidden = fields_of(tokens, entry).map(|fields| visibilities(tokens, &fields));
            named(Kind::Struct, without(pieces, &hidden.unwrap_or_default()))
        }
        What::Union => named(Kind::Struct, pieces),
        What::Enum => named(Kind::Enum { variants: variants(tokens, entry.body?) }, pieces),
        What::Trait => named(Kind::Trait { methods: methods(tokens, entry.body?)? }, pieces),
        What::MacroRules => {
            let name = tokens.text(entry.name?).to_owned();
            let shown = format!("{name}!");
            Some(vec![Parsed { key: Some(name), item: item(Kind::MacroRules, shown, pieces) }])
        }
        What::MacroCall => {
            let end = entry.name.unwrap_or(entry.body?) - 1;
            let name = format!("{}!", tokens.part(entry.head..end).shown());
            nameless(Kind::ItemMacro, name)
        }
        What::Unknown => nameless(Kind::ItemMacro, "an item".to_owned()),
        What::Foreign => foreign(source, entry),
        What::Impl => implementation(source, entry),
        What::Mod | What::Use | What::ExternCrate => Some(Vec::new()),
    }
}

/// The tokens of an item that can change a result: not its visibility, nor the attributes of stages.
fn pieces(tokens: Tokens, entry: &Entry) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let counts = |attribute: &&Range<usize>| !is_of_stage(tokens, attribute);
    let whole = entry.head..entry.whole.end;
    for piece in entry.attributes.iter().filter(counts).chain([&whole]) {
        match pieces.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => pieces.push(piece.clone()),
        }
    }
    pieces
}

/// Whether an attribute is `#[stage]` or `#[aggregate]`, also with a path before that.
fn is_of_stage(tokens: Tokens, attribute: &Range<usize>) -> bool {
    let mut at = attribute.start + 2;
    while tokens.name(at).is_some() && tokens.is_path_separator(at + 1) {
        at += 3;
    }
    matches!(tokens.word(at), Word::Stage | Word::Aggregate)
}

/// Cuts out what is hidden.
pub fn without(pieces: Vec<Range<usize>>, hidden: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut kept = Vec::new();
    for mut piece in pieces {
        for cut in hidden {
            if piece.start <= cut.start && cut.end <= piece.end {
                kept.push(piece.start..cut.start);
                piece.start = cut.end;
            }
        }
        kept.push(piece);
    }
    kept
}

/// An `impl` of a trait is one item; each function of an inherent one is an item of its own.
fn implementation(source: &Rc<Source>, entry: &Entry) -> Option<Vec<Parsed>> {
    let tokens = source.tokens();
    let body = entry.body?;
    let header = Header::read(tokens, entry.word, body);
    let own = tokens.part(header.own);
    let of = scan(own).paths;
    let item = |kind, name, pieces, whole| Item {
        kind,
        name,
        module: 0,
        source: Rc::clone(source),
        pieces,
        whole,
        of_self: of.clone(),
        code: OnceCell::new(),
    };
    if let Some(of_trait) = header.of_trait {
        let of_trait = tokens.part(of_trait);
        let around = scan(of_trait).paths;
        let name = format!("impl {} for {}", of_trait.shown(), own.shown());
        let path = path_of(of_trait).or_else(|| around.first().cloned()).unwrap_or_default();
        let kind = Kind::Impl { of_trait: path, of: &of | &around };
        let pieces = pieces(tokens, entry);
        return Some(vec![Parsed {
            key: None,
            item: item(kind, name, pieces, entry.whole.clone()),
        }]);
    }
    let close = tokens.close(body);
    let (_, inside) = inner_attributes(tokens, body + 1);
    let mut around = pieces(tokens, entry);
    around.last_mut()?.end = inside;
    around.push(close..close + 1);
    let around = around;
    let shown = own.shown();
    let member = |member: &Entry| {
        let is_called = matches!(member.what, What::Fn | What::Const);
        let name = member.name.filter(|_| is_called).map(|name| tokens.text(name).to_owned());
        let shown = format!("{shown}::{}", name.as_deref().unwrap_or("macro"));
        let kind = Kind::Member { name, of: of.clone(), header: entry.whole.start..inside };
        let pieces = [around.clone(), pieces(tokens, member)].concat();
        Parsed { key: None, item: item(kind, shown, pieces, member.whole.clone()) }
    };
    Some(entries(tokens, inside..close)?.iter().map(member).collect())
}

fn foreign(source: &Rc<Source>, entry: &Entry) -> Option<Vec<Parsed>> {
    let tokens = source.tokens();
    let body = entry.body?;
    let mut found = Vec::new();
    for inner in entries(tokens, body + 1..tokens.close(body))? {
        if matches!(inner.what, What::Fn | What::Static) {
            let mut parsed = parse(source, &inner)?;
            parsed.iter_mut().for_each(|parsed| parsed.item.kind = Kind::Foreign);
            found.extend(parsed);
        }
    }
    Some(found)
}
