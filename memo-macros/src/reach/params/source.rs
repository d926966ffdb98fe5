//! Functions and types as syntax: nothing but what is handed params is parsed.

use std::cell::RefCell;
use std::rc::Rc;

use syn::{Attribute, ImplItem, ImplItemFn, ItemFn, ItemImpl, ItemStruct};

use super::shape::Shape;
use crate::fingerprint::IGNORED;
use crate::reach::link::Linked;
use crate::reach::own_lexer::OwnLexer;
use crate::reach::quick::Map;
use crate::reach::tree::{ItemId, ModuleId, World};
use crate::tokens::DEEPEST;

/// A struct as a module sees it, if its fields can be told.
type Seen = Option<Rc<Shape>>;

/// Items that were parsed.
#[derive(Default)]
pub struct Sources {
    items: RefCell<Map<ItemId, Option<Rc<syn::Item>>>>,
    /// Structs as modules see them.
    shapes: RefCell<Map<(ItemId, ModuleId), Seen>>,
}

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

    /// Returns a struct as a module sees it.
    pub fn shape(&self, linked: &Linked, id: ItemId, from: ModuleId) -> Option<Rc<Shape>> {
        if let Some(shape) = self.shapes.borrow().get(&(id, from)) {
            return shape.clone();
        }
        let shape = Shape::of(linked, self, id, from).map(Rc::new);
        self.shapes.borrow_mut().insert((id, from), shape.clone());
        shape
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
        let mut items = self.items.borrow_mut();
        let item = &world.items[id];
        let parse = || {
            let _own_lexer = OwnLexer::new();
            let is_flat = item.depth() <= DEEPEST;
            is_flat.then(|| syn::parse_str(&item.text()).ok().map(Rc::new)).flatten()
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
