//! The fields of a type that a key can name one by one, as seen from a stage.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, PathArguments, Type, Visibility};

use super::source::{Sources, are_inert};
use crate::reach::items::Kind;
use crate::reach::link::Linked;
use crate::reach::resolve::In;
use crate::reach::scan::Path;
use crate::reach::tree::{ItemId, ModuleId};

/// A struct whose fields enter one by one just as they do as parts of it.
pub struct Shape {
    pub fields: Vec<ShapeField>,
}

/// A field that the stage can name.
pub struct ShapeField {
    pub name: String,
    /// The type, if that is a struct of the workspace.
    pub ty: Option<ItemId>,
}

impl Shape {
    /// Returns the shape of a struct as a module sees it.
    pub fn of(linked: &Linked, sources: &Sources, id: ItemId, from: ModuleId) -> Option<Self> {
        let world = &linked.world;
        let home = world.items[id].module;
        let structure = sources.structure(world, id)?;
        let is_plain = structure.generics.params.is_empty()
            && world.modules[home].cfgs.is_empty()
            && !linked.told().own_keys.contains(&world.items[id].name);
        if !is_plain || !derives_serialize(&structure.attrs) {
            return None;
        }
        let mut fields = Vec::new();
        for (at, field) in structure.fields.iter().enumerate() {
            if !is_serialized(&field.attrs) || !is_visible(linked, &field.vis, home, from) {
                continue;
            }
            let name =
                field.ident.as_ref().map_or_else(|| at.to_string(), |i| i.unraw().to_string());
            fields.push(ShapeField { name, ty: struct_of(linked, home, &field.ty) });
        }
        Some(Self { fields })
    }

    /// Finds a field by its name.
    pub fn field(&self, name: &str) -> Option<&ShapeField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Returns the struct of the workspace that a type is without doubt.
pub fn struct_of(linked: &Linked, from: ModuleId, ty: &Type) -> Option<ItemId> {
    let Type::Path(ty) = ty else { return None };
    let is_bare = |segment: &syn::PathSegment| matches!(segment.arguments, PathArguments::None);
    if ty.qself.is_some() || ty.path.leading_colon.is_some() {
        return None;
    }
    if !ty.path.segments.iter().all(is_bare) {
        return None;
    }
    let path: Path = ty.path.segments.iter().map(|s| s.ident.unraw().to_string()).collect();
    struct_named(linked, from, &path)
}

/// Returns the struct that a path means without doubt.
pub fn struct_named(linked: &Linked, from: ModuleId, path: &Path) -> Option<ItemId> {
    let id = only(linked, from, path)?;
    (linked.world.items[id].kind == Kind::Struct).then_some(id)
}

/// Returns the one item that a path leads to; nothing if a macro or a `cfg` has a say in it.
fn only(linked: &Linked, from: ModuleId, path: &Path) -> Option<ItemId> {
    let found = linked.resolver().path(from, path, In::Code);
    let clear = found.crates.is_empty() && !found.is_std && found.cfgs.is_empty();
    let mut items = found.items.iter();
    let id = *items.next()?;
    let is_only = clear && items.next().is_none() && found.called.is_empty();
    (is_only && !written_by_macro(linked, path)).then_some(id)
}

/// Whether a macro between items may have written something of one of these names.
pub fn written_by_macro(linked: &Linked, path: &Path) -> bool {
    let is_own = |name: &&String| !matches!(name.as_str(), "crate" | "self" | "super");
    path.iter().filter(is_own).any(|name| linked.told().written.contains(name))
}

/// Whether `Serialize` is derived, so that each field has it, and nothing rewrites the type.
fn derives_serialize(attrs: &[Attribute]) -> bool {
    let is_derive = |attr: &&Attribute| attr.path().is_ident("derive");
    let derived = attrs.iter().filter(is_derive).any(|attr| {
        let tokens = attr.to_token_stream().to_string();
        tokens.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "Serialize")
    });
    let known = attrs.iter().filter(|attr| !attr.path().is_ident("derive")).all(|attr| {
        let is_serde = attr.path().is_ident("serde");
        (is_serde && serde_words(attr, &["default", "rename_all", "deny_unknown_fields"]))
            || are_inert(std::slice::from_ref(attr))
    });
    derived && known
}

/// Whether a field is there always, and is serialized as what it is.
fn is_serialized(attrs: &[Attribute]) -> bool {
    attrs.iter().all(|attr| {
        let path = attr.path();
        if path.is_ident("serde") {
            return serde_words(attr, &["default", "rename", "alias"]);
        }
        !path.is_ident("cfg") && !path.is_ident("cfg_attr")
    })
}

/// Whether `#[serde(..)]` says nothing but these.
fn serde_words(attr: &Attribute, allowed: &[&str]) -> bool {
    let syn::Meta::List(list) = &attr.meta else { return false };
    words(list.tokens.clone()).is_some_and(|words| words.iter().all(|w| allowed.contains(&&**w)))
}

fn words(tokens: TokenStream) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => words.push(word.to_string()),
            TokenTree::Group(_) => return None,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    Some(words)
}

/// Whether what is defined in `home` with this visibility can be named in `from`.
pub fn is_visible(linked: &Linked, vis: &Visibility, home: ModuleId, from: ModuleId) -> bool {
    let modules = &linked.world.modules;
    let is_within = |around: ModuleId| {
        let mut at = Some(from);
        while let Some(module) = at {
            if module == around {
                return true;
            }
            at = modules[module].parent;
        }
        false
    };
    match vis {
        Visibility::Public(_) => true,
        Visibility::Restricted(to) if to.path.is_ident("crate") => {
            modules[home].of == modules[from].of
        }
        Visibility::Restricted(to) if to.path.is_ident("super") => {
            modules[home].parent.is_some_and(is_within)
        }
        _ => is_within(home),
    }
}
