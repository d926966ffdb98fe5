//! Functions and types as they are written: the items of the world keep no tokens, and only what is
//! handed params is read a second time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use syn::ext::IdentExt;
use syn::{Attribute, ImplItem, ImplItemFn, ItemFn, ItemImpl, ItemStruct};

use crate::fingerprint::IGNORED;
use crate::reach::items::{self, Kind};
use crate::reach::tree::{ItemId, World, hollow};

/// Files that were read once more.
#[derive(Default)]
pub struct Sources(RefCell<HashMap<PathBuf, Option<Rc<syn::File>>>>);

impl Sources {
    /// Returns a free function.
    pub fn function(&self, world: &World, id: ItemId) -> Option<ItemFn> {
        let mut function = self.find(world, id, &|item| match item {
            syn::Item::Fn(function) => Some((function.clone(), &function.sig.ident)),
            _ => None,
        })?;
        hollow::parse_body(&mut function.block)?;
        Some(function)
    }

    /// Returns a struct.
    pub fn structure(&self, world: &World, id: ItemId) -> Option<ItemStruct> {
        self.find(world, id, &|item| match item {
            syn::Item::Struct(structure) => Some((structure.clone(), &structure.ident)),
            _ => None,
        })
    }

    /// Returns a function of an inherent `impl`, and the `impl`.
    pub fn method(&self, world: &World, id: ItemId) -> Option<(ItemImpl, ImplItemFn)> {
        let Kind::Member { name: Some(name), .. } = &world.items[id].kind else { return None };
        let (around, mut function) = self.find(world, id, &|item| {
            let syn::Item::Impl(item) = item else { return None };
            let inside = |function: &ImplItemFn| {
                let line = function.sig.ident.span().start().line;
                function.sig.ident.unraw() == name.as_str() && contains(world, id, line)
            };
            let mut functions = item.items.iter().filter_map(|member| match member {
                ImplItem::Fn(function) => Some(function),
                _ => None,
            });
            let function = functions.find(|function| inside(function))?;
            Some(((item.clone(), function.clone()), &function.sig.ident))
        })?;
        hollow::parse_body(&mut function.block)?;
        Some((around, function))
    }

    /// Finds the one item with the digest of `id`.
    fn find<T>(
        &self,
        world: &World,
        id: ItemId,
        take: &dyn Fn(&syn::Item) -> Option<(T, &syn::Ident)>,
    ) -> Option<T> {
        let item = &world.items[id];
        let file = self.file(&world.modules[item.module].file)?;
        let mut open: Vec<&syn::Item> = file.items.iter().collect();
        let mut found = Vec::new();
        while let Some(next) = open.pop() {
            if let syn::Item::Mod(module) = next {
                open.extend(module.content.iter().flat_map(|(_, items)| items));
            }
            let Some((taken, name)) = take(next) else { continue };
            let line = name.span().start().line;
            let is_named = item.name.ends_with(&name.unraw().to_string());
            if is_named && contains(world, id, line) && is_same(next, item.digest(), &item.name) {
                found.push(taken);
            }
        }
        if found.len() == 1 { found.pop() } else { None }
    }

    fn file(&self, path: &PathBuf) -> Option<Rc<syn::File>> {
        let mut files = self.0.borrow_mut();
        let read = || hollow::parse(&std::fs::read_to_string(path).ok()?).ok().map(Rc::new);
        files.entry(path.clone()).or_insert_with(read).clone()
    }
}

fn contains(world: &World, id: ItemId, line: usize) -> bool {
    let (first, last) = world.items[id].lines;
    first <= line && line <= last
}

/// An included file has lines of its own, so lines and names alone could mean another item.
fn is_same(item: &syn::Item, digest: u128, name: &str) -> bool {
    let parsed = items::parse(item.clone());
    parsed.iter().any(|parsed| parsed.item.digest() == digest && parsed.item.name == name)
}

/// Whether no attribute can change what a function does, or whether it is there.
pub fn are_inert(attrs: &[Attribute]) -> bool {
    let is_inert = |attr: &Attribute| {
        attr.path().segments.first().is_some_and(|first| IGNORED.iter().any(|i| first.ident == i))
    };
    attrs.iter().all(is_inert)
}
