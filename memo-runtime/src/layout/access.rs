//! Handing out the parts of sequences, structs, maps and enums.

use std::cell::Cell;
use std::rc::Rc;
use std::vec;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::trace::{Stop, Tracer, visit};
use super::tree::{Id, Shape, Tree};

type Named = (&'static str, Id);

/// The elements of a sequence or tuple.
pub(super) struct Elements<'t> {
    tree: &'t Tree,
    making: bool,
    rest: vec::IntoIter<Named>,
}

impl<'t> Elements<'t> {
    pub(super) fn new(tree: &'t Tree, making: bool, elements: Vec<Named>) -> Self {
        Self { tree, making, rest: elements.into_iter() }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        let next = self.rest.next();
        next.map(|(_, id)| visit(self.tree, id, self.making, |part| seed.deserialize(part)))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The fields of a struct, and the one entry of a map.
pub(super) struct Fields<'t> {
    tree: &'t Tree,
    making: bool,
    rest: vec::IntoIter<Named>,
    entry: Option<(Id, Id)>,
    /// The field whose name was told, and whose value was not asked for yet.
    pending: Rc<Cell<Option<Id>>>,
}

impl<'t> Fields<'t> {
    /// Hands out the fields of a struct, or those that a map is known to want and then an entry.
    pub(super) fn new(tree: &'t Tree, making: bool, id: Id) -> Self {
        let rest = tree.fields_to_visit(id).into_iter();
        let entry = tree.entry_to_visit(id).filter(|_| !making);
        Self { tree, making, rest, entry, pending: Rc::default() }
    }

    pub(super) fn pending(&self) -> Rc<Cell<Option<Id>>> {
        Rc::clone(&self.pending)
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if let Some((name, id)) = self.rest.next() {
            self.pending.set(Some(id));
            let name: StrDeserializer<'_, Stop> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        let Some((key, value)) = self.entry.take() else { return Ok(None) };
        let key = visit(self.tree, key, self.making, |part| seed.deserialize(part))?;
        self.pending.set(Some(value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        let id = self.pending.take().ok_or_else(Stop::default)?;
        visit(self.tree, id, self.making, |part| seed.deserialize(part))
    }
}

/// A variant of an enum, and its content.
pub(super) struct Variant<'t> {
    name: &'static str,
    content: Tracer<'t>,
}

impl<'t> Variant<'t> {
    pub(super) fn new(name: &'static str, content: Tracer<'t>) -> Self {
        Self { name, content }
    }
}

impl<'de, 't> EnumAccess<'de> for Variant<'t> {
    type Error = Stop;
    type Variant = Tracer<'t>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Stop> {
        let name: StrDeserializer<'_, Stop> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.content))
    }
}

impl<'de> VariantAccess<'de> for Tracer<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.enter::<()>(Shape::Unit, "", &[]).map(drop)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        self.newtype::<S, _>("", |part| seed.deserialize(part))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Stop> {
        self.tuple("", length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.fields("", fields, visitor)
    }
}
