//! Items as syn reads them become items as the closure wants them.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Fields, ImplItem, ItemImpl, TraitItem, Type, Visibility};

use super::{Field, Item, Kind};
use crate::reach::scan::{Path, scan};

/// An item and the name it is found by in its module; nothing for an `impl` and the like.
pub struct Parsed {
    pub key: Option<String>,
    pub item: Item,
}

/// Takes an item apart. Modules, imports and `extern crate` are none.
pub fn parse(item: syn::Item) -> Vec<Parsed> {
    use syn::Item as I;
    match item {
        I::Const(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            plain(&item.ident, &item)
        }
        I::Static(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            plain(&item.ident, &item)
        }
        I::Fn(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            plain(&item.sig.ident, &item)
        }
        I::Type(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            plain(&item.ident, &item)
        }
        I::TraitAlias(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            plain(&item.ident, &item)
        }
        I::Struct(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            hide_fields(&mut item.fields);
            let fields = fields(&item.fields);
            named(&item.ident, Kind::Struct { fields }, &item)
        }
        I::Union(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(&item.ident, Kind::Struct { fields: Vec::new() }, &item)
        }
        I::Enum(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            let variants = item.variants.iter().map(|v| v.ident.unraw().to_string()).collect();
            named(&item.ident, Kind::Enum { variants }, &item)
        }
        I::Trait(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            let methods = item.items.iter().filter_map(trait_member).collect();
            named(&item.ident, Kind::Trait { methods }, &item)
        }
        I::Impl(item) => implementation(item),
        I::Macro(item) => vec![macro_item(&item)],
        I::ForeignMod(item) => foreign(&item),
        I::Verbatim(tokens) => vec![nameless("an item", Kind::ItemMacro, tokens)],
        _ => Vec::new(),
    }
}

/// Drops what cannot change a result: the visibility, and the attributes of stages.
fn hide(vis: &mut Visibility, attrs: &mut Vec<Attribute>) {
    *vis = Visibility::Inherited;
    attrs.retain(|attr| {
        let last = attr.path().segments.last();
        !last.is_some_and(|last| last.ident == "stage" || last.ident == "aggregate")
    });
}

fn hide_fields(fields: &mut Fields) {
    fields.iter_mut().for_each(|field| field.vis = Visibility::Inherited);
}

fn plain(ident: &syn::Ident, item: &impl ToTokens) -> Vec<Parsed> {
    named(ident, Kind::Plain, item)
}

fn named(ident: &syn::Ident, kind: Kind, item: &impl ToTokens) -> Vec<Parsed> {
    let name = ident.unraw().to_string();
    let parsed = nameless(&name, kind, item.to_token_stream());
    vec![Parsed { key: Some(name), ..parsed }]
}

fn nameless(name: &str, kind: Kind, tokens: TokenStream) -> Parsed {
    let lines = lines(&tokens);
    let item = Item { kind, name: name.to_owned(), lines, tokens, ..Item::default() };
    Parsed { key: None, item }
}

/// The first and last line of tokens.
pub fn lines(tokens: &TokenStream) -> (usize, usize) {
    let mut tokens = tokens.clone().into_iter();
    let first = tokens.next();
    let last = tokens.last().or_else(|| first.clone());
    match (first, last) {
        (Some(first), Some(last)) => (first.span().start().line, last.span().end().line),
        _ => (0, 0),
    }
}

fn fields(fields: &Fields) -> Vec<Field> {
    let field = |(at, field): (usize, &syn::Field)| Field {
        name: field.ident.as_ref().map_or_else(|| at.to_string(), |i| i.unraw().to_string()),
        path: match &field.ty {
            Type::Path(ty) if ty.qself.is_none() => Some(path(&ty.path)),
            _ => None,
        },
        names: scan(field.ty.to_token_stream()),
    };
    fields.iter().enumerate().map(field).collect()
}

fn path(path: &syn::Path) -> Path {
    path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect()
}

fn trait_member(item: &TraitItem) -> Option<String> {
    match item {
        TraitItem::Fn(function) => Some(function.sig.ident.unraw().to_string()),
        TraitItem::Const(constant) => Some(constant.ident.unraw().to_string()),
        _ => None,
    }
}

/// An `impl` of a trait is one item; each function of an inherent one is an item of its own.
fn implementation(mut item: ItemImpl) -> Vec<Parsed> {
    let of = scan(item.self_ty.to_token_stream()).paths;
    let own = &item.self_ty;
    let shown = shown(own);
    if let Some((of_trait, _)) = &item.trait_ {
        let around = scan(of_trait.to_token_stream()).paths;
        let kind = Kind::Impl { of_trait: path(of_trait), of: &of | &around };
        let name = format!("impl {} for {shown}", self::shown(of_trait));
        let mut parsed = nameless(&name, kind, item.to_token_stream());
        parsed.item.of_self = of;
        return vec![parsed];
    }
    let items = std::mem::take(&mut item.items);
    let header = item.into_token_stream();
    let member = |mut member: ImplItem| {
        let name = member_name(&mut member);
        let kind = Kind::Member { name: name.clone(), of: of.clone() };
        let name = format!("{shown}::{}", name.as_deref().unwrap_or("macro"));
        let mut tokens = header.clone();
        let lines = lines(&member.to_token_stream());
        member.to_tokens(&mut tokens);
        let mut parsed = nameless(&name, kind, tokens);
        parsed.item.of_self.clone_from(&of);
        parsed.item.lines = lines;
        parsed
    };
    items.into_iter().map(member).collect()
}

fn member_name(member: &mut ImplItem) -> Option<String> {
    match member {
        ImplItem::Fn(function) => {
            hide(&mut function.vis, &mut function.attrs);
            Some(function.sig.ident.unraw().to_string())
        }
        ImplItem::Const(constant) => {
            hide(&mut constant.vis, &mut constant.attrs);
            Some(constant.ident.unraw().to_string())
        }
        _ => None,
    }
}

/// A type without the spaces of token streams.
fn shown(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    [" <", "< ", " >", " ::", ":: ", " ,", "& "]
        .iter()
        .fold(text, |text, spaced| text.replace(spaced, spaced.trim()))
}

fn macro_item(item: &syn::ItemMacro) -> Parsed {
    let Some(name) = &item.ident else {
        let name = format!("{}!", shown(&item.mac.path));
        return nameless(&name, Kind::ItemMacro, item.to_token_stream());
    };
    let name = name.unraw().to_string();
    let parsed = nameless(&format!("{name}!"), Kind::MacroRules, item.to_token_stream());
    Parsed { key: Some(name), ..parsed }
}

fn foreign(item: &syn::ItemForeignMod) -> Vec<Parsed> {
    let of = |item: &syn::ForeignItem| {
        let ident = match item {
            syn::ForeignItem::Fn(function) => &function.sig.ident,
            syn::ForeignItem::Static(item) => &item.ident,
            _ => return None,
        };
        named(ident, Kind::Foreign, item).pop()
    };
    item.items.iter().filter_map(of).collect()
}
