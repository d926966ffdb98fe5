//! Items as syn parses them.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Fields, ImplItem, ItemImpl, TraitItem, Type, Visibility};

use super::Told;
use crate::fingerprint::fingerprint;
use crate::reach::scan::{Names, Path};
use crate::tokens::Lexed;

/// The items of a file, those in its modules as well.
pub fn told(file: &syn::File) -> Vec<Told> {
    let mut open: Vec<&syn::Item> = file.items.iter().collect();
    let mut told = Vec::new();
    while let Some(item) = open.pop() {
        match item {
            syn::Item::Mod(module) => {
                open.extend(module.content.iter().flat_map(|(_, items)| items));
            }
            item => told.extend(parse(item.clone())),
        }
    }
    told.sort();
    told
}

fn scan(tokens: TokenStream) -> Names {
    crate::reach::scan::scan(Lexed::of_stream(tokens).tokens())
}

fn parse(item: syn::Item) -> Vec<Told> {
    use syn::Item as I;
    match item {
        I::Const(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(&item.ident, "plain".to_owned(), &item)
        }
        I::Static(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(&item.ident, "plain".to_owned(), &item)
        }
        I::Fn(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(&item.sig.ident, "plain".to_owned(), &item)
        }
        I::Type(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(&item.ident, "plain".to_owned(), &item)
        }
        I::TraitAlias(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(&item.ident, "plain".to_owned(), &item)
        }
        I::Struct(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            hide_fields(&mut item.fields);
            let fields = fields(&item.fields);
            named(&item.ident, format!("struct {fields:?}"), &item)
        }
        I::Union(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            named(
                &item.ident,
                format!("struct {:?}", fields(&Fields::Named(item.fields.clone()))),
                &item,
            )
        }
        I::Enum(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            let variants: BTreeSet<String> =
                item.variants.iter().map(|v| v.ident.unraw().to_string()).collect();
            named(&item.ident, format!("enum {variants:?}"), &item)
        }
        I::Trait(mut item) => {
            hide(&mut item.vis, &mut item.attrs);
            let methods: BTreeSet<String> = item.items.iter().filter_map(trait_member).collect();
            named(&item.ident, format!("trait {methods:?}"), &item)
        }
        I::Impl(item) => implementation(item),
        I::Macro(item) => vec![macro_item(&item)],
        I::ForeignMod(item) => foreign(&item),
        I::Verbatim(tokens) => vec![nameless("an item", "macro".to_owned(), tokens)],
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

fn named(ident: &syn::Ident, kind: String, item: &impl ToTokens) -> Vec<Told> {
    vec![nameless(&ident.unraw().to_string(), kind, item.to_token_stream())]
}

fn nameless(name: &str, kind: String, tokens: TokenStream) -> Told {
    let name = name.replace(char::is_whitespace, "").replace("r#", "");
    Told { kind, name, digest: fingerprint([tokens]) }
}

fn fields(fields: &Fields) -> Vec<String> {
    let field = |(at, field): (usize, &syn::Field)| {
        let name = field.ident.as_ref().map_or_else(|| at.to_string(), |i| i.unraw().to_string());
        let path = match &field.ty {
            Type::Path(ty) if ty.qself.is_none() => Some(path(&ty.path)),
            _ => None,
        };
        format!("{name}: {path:?} {:?}", scan(field.ty.to_token_stream()).paths)
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

fn implementation(mut item: ItemImpl) -> Vec<Told> {
    let of = scan(item.self_ty.to_token_stream()).paths;
    let shown = item.self_ty.to_token_stream().to_string();
    if let Some((of_trait, _)) = &item.trait_ {
        let around = scan(of_trait.to_token_stream()).paths;
        let kind = format!("impl {:?} for {:?}", path(of_trait), &of | &around);
        let name = format!("impl {} for {shown}", of_trait.to_token_stream());
        return vec![nameless(&name, kind, item.to_token_stream())];
    }
    let items = std::mem::take(&mut item.items);
    let header = item.into_token_stream();
    let member = |mut member: ImplItem| {
        let name = member_name(&mut member);
        let kind = format!("member {name:?} of {of:?}");
        let name = format!("{shown}::{}", name.as_deref().unwrap_or("macro"));
        let mut tokens = header.clone();
        member.to_tokens(&mut tokens);
        nameless(&name, kind, tokens)
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

fn macro_item(item: &syn::ItemMacro) -> Told {
    let path = &item.mac.path;
    let (name, kind) = match &item.ident {
        Some(name) if path.is_ident("macro_rules") => (name.unraw().to_string(), "rules"),
        _ => (path.to_token_stream().to_string(), "macro"),
    };
    nameless(&format!("{name}!"), kind.to_owned(), item.to_token_stream())
}

fn foreign(item: &syn::ItemForeignMod) -> Vec<Told> {
    let mut items = item.items.clone();
    let of = |item: &mut syn::ForeignItem| {
        let kind = "foreign".to_owned();
        match item {
            syn::ForeignItem::Fn(function) => {
                hide(&mut function.vis, &mut function.attrs);
                named(&function.sig.ident, kind, function).pop()
            }
            syn::ForeignItem::Static(item) => {
                hide(&mut item.vis, &mut item.attrs);
                named(&item.ident, kind, item).pop()
            }
            _ => None,
        }
    };
    items.iter_mut().filter_map(of).collect()
}
