//! Functions and types as syntax: nothing but what is handed params is parsed.

use std::cell::RefCell;
use std::rc::Rc;

use syn::{Attribute, ImplItem, ImplItemFn, ItemFn, ItemImpl, ItemStruct};

use crate::fingerprint::IGNORED;
use crate::reach::own_lexer::OwnLexer;
use crate::reach::quick::Map;
use crate::reach::tree::{ItemId, World};

/// Items that were parsed.
#[derive(Default)]
pub struct Sources(RefCell<Map<ItemId, Option<Rc<syn::Item>>>>);

impl Sources {
    /// Returns a free function.
    pub fn function(&self, world: &World, id: ItemId) -> Option<ItemFn> {
        match &*self.item(world, id)? {
            syn::Item::Fn(function) => Some(function.clone()),
            _ => None,
        }
    }

    /// Returns a struct.
    pub fn structure(&self, world: &World, id: ItemId) -> Option<ItemStruct> {
        match &*self.item(world, id)? {
            syn::Item::Struct(structure) => Some(structure.clone()),
            _ => None,
        }
    }

    /// Returns a function of an inherent `impl`, and the `impl`.
    pub fn method(&self, world: &World, id: ItemId) -> Option<(ItemImpl, ImplItemFn)> {
        match &*self.item(world, id)? {
            syn::Item::Impl(around) => match around.items.as_slice() {
                [ImplItem::Fn(function)] => Some((around.clone(), function.clone())),
                _ => None,
            },
            _ => None,
        }
    }

    fn item(&self, world: &World, id: ItemId) -> Option<Rc<syn::Item>> {
        let mut items = self.0.borrow_mut();
        let parse = || {
            let _own_lexer = OwnLexer::new();
            syn::parse_str(&world.items[id].text()).ok().map(Rc::new)
        };
        items.entry(id).or_insert_with(parse).clone()
    }
}

/// Whether no attribute can change what a function does, or whether it is there.
pub fn are_inert(attrs: &[Attribute]) -> bool {
    let is_inert = |attr: &Attribute| {
        attr.path().segments.first().is_some_and(|first| IGNORED.iter().any(|i| first.ident == i))
    };
    attrs.iter().all(is_inert)
}
