//! The deserializer that hands out made-up values, and writes down what it is asked for.

use std::any::TypeId;
use std::fmt::Display;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Visitor};

use super::access::{Elements, Fields, Variant};
use super::identity;
use super::tree::{Id, MOST_PARTS, Shape, Tree};

/// How many steps are taken for one type. A type of a hundred fields takes some thousand.
const MOST_STEPS: usize = 1 << 18;

/// Traces a type.
pub(super) fn trace<T: DeserializeOwned>() -> Tree {
    let tree = Tree::new(MOST_STEPS);
    loop {
        let before = tree.state();
        tree.blocked.set(false);
        // A pass is made for what it writes down.
        let _: Result<T, _> = visit(&tree, Tree::ROOT, false, T::deserialize);
        if tree.is_closed(Tree::ROOT) || tree.state() == before {
            return tree;
        }
    }
}

/// Visits a node, and writes down how that ended.
pub(super) fn visit<'t, T>(
    tree: &'t Tree,
    id: Id,
    making: bool,
    visit: impl FnOnce(Tracer<'t>) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let (before, _) = tree.state();
    // One that panics refuses its value; with what is kept it may well be content.
    let visit = AssertUnwindSafe(|| visit(Tracer { tree, id, making }));
    let result = catch_unwind(visit).unwrap_or_else(|_| Err(Stop::default()));
    if !making {
        tree.left(id, before, result.is_ok());
    }
    result
}

/// The end of a pass.
#[derive(Debug, Default, thiserror::Error)]
#[error("a made-up value was refused")]
pub(super) struct Stop {
    /// The field that is missing, as structs say that are read as maps.
    pub(super) missing: Option<&'static str>,
    /// The field that was given twice, as structs say of which a field has several names.
    pub(super) duplicate: Option<&'static str>,
}

impl serde::de::Error for Stop {
    fn custom<T: Display>(_: T) -> Self {
        Self::default()
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), duplicate: None }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { missing: None, duplicate: Some(field) }
    }
}

/// A step of a pass: the deserializer of one node.
#[derive(Clone, Copy)]
pub(super) struct Tracer<'t> {
    pub(super) tree: &'t Tree,
    pub(super) id: Id,
    /// Whether a value is needed, and nothing to be learnt: it is made as it was made before.
    pub(super) making: bool,
}

impl<'t> Tracer<'t> {
    fn block(&self) -> Stop {
        self.tree.blocked.set(true);
        Stop::default()
    }

    /// Writes down what is asked for, and returns where to go on: at the node, or where the same type
    /// was met before.
    pub(super) fn enter<V>(
        self,
        shape: Shape,
        name: &'static str,
        parts: &[&'static str],
    ) -> Result<Self, Stop> {
        self.enter_as(shape, name, parts, identity::of::<V>())
    }

    fn enter_as(
        self,
        shape: Shape,
        name: &'static str,
        parts: &[&'static str],
        identity: TypeId,
    ) -> Result<Self, Stop> {
        if !self.tree.step() {
            return Err(self.block());
        }
        if !self.making && !self.tree.enter(self.id, shape, name, identity, parts) {
            return Err(Stop::default());
        }
        match self.tree.shape(self.id) {
            Shape::Same(target) if self.tree.is_made(target) => {
                Ok(Self { id: target, making: true, ..self })
            }
            Shape::Same(target) if self.tree.is_refused(target) => Err(Stop::default()),
            Shape::Same(_) => Err(self.block()),
            known if known == shape => Ok(self),
            _ => Err(Stop::default()),
        }
    }

    /// Writes down a primitive type, and returns which of its `values` to hand out.
    fn leaf<V>(self, text: &'static str, values: usize) -> Result<usize, Stop> {
        let entered = self.enter::<V>(Shape::Leaf(text, values), "", &[])?;
        Ok(entered.tree.attempt(entered.id))
    }

    /// Visits the one part of a newtype.
    pub(super) fn newtype<V, T>(
        self,
        name: &'static str,
        go: impl FnOnce(Tracer<'t>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let Self { tree, id, making } = self.enter::<V>(Shape::Newtype, name, &[""])?;
        visit(tree, tree.part(id), making, go)
    }

    /// Visits the parts of a tuple, one after the other.
    pub(super) fn tuple<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let parts = vec![""; length.min(MOST_PARTS)];
        let Self { tree, id, making } = self.enter::<V>(Shape::Tuple(length), name, &parts)?;
        let mut parts = tree.parts(id);
        if let Some(last) = parts.last().copied() {
            parts.resize(length, last);
        }
        visitor.visit_seq(Elements::new(tree, making, parts)).map_err(|_| Stop::default())
    }

    /// Visits the fields of a struct.
    pub(super) fn fields<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let Self { tree, id, making } = self.enter::<V>(Shape::Struct, name, fields)?;
        let fields = Fields::new(tree, making, id);
        let pending = fields.pending();
        visitor.visit_map(fields).map_err(|stop| {
            // The name was refused before its value was asked for.
            if let Some(field) = pending.get().filter(|_| !making) {
                tree.refuse_field(id, field, stop.duplicate);
            }
            Stop::default()
        })
    }
}

/// Hands out made-up numbers. One first: zero is what the standard library's `NonZero` refuses.
macro_rules! numbers {
    ($values:expr; $($method:ident: $type:ident => $visit:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            let values: [$type; 2] = $values;
            let value = self.leaf::<V>(stringify!($type), values.len())?;
            visitor.$visit(values[value])
        })*
    };
}

/// Texts that common types accept: numbers, dates, times, addresses, UUIDs, URLs, digests.
const TEXTS: [&str; 10] = [
    "",
    "1",
    "a",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00",
    "00:00:00",
    "00000000-0000-0000-0000-000000000000",
    "http://a.b/",
    "0000000000000000000000000000000000000000000000000000000000000000",
];

/// Lengths of bytes that common types accept: UUIDs, addresses, digests.
const BYTES: [&[u8]; 4] = [&[], &[0; 16], &[0; 4], &[0; 32]];

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Stop;

    numbers! {
        [1, 0];
        deserialize_i8: i8 => visit_i8, deserialize_i16: i16 => visit_i16,
        deserialize_i32: i32 => visit_i32, deserialize_i64: i64 => visit_i64,
        deserialize_i128: i128 => visit_i128,
        deserialize_u8: u8 => visit_u8, deserialize_u16: u16 => visit_u16,
        deserialize_u32: u32 => visit_u32, deserialize_u64: u64 => visit_u64,
        deserialize_u128: u128 => visit_u128,
    }

    numbers! {
        [1.0, 0.0];
        deserialize_f32: f32 => visit_f32, deserialize_f64: f64 => visit_f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.leaf::<V>("any", 6)? {
            0 => visitor.visit_unit(),
            1 => visitor.visit_u64(1),
            2 => visitor.visit_str("a"),
            3 => visitor.visit_bool(true),
            4 => visitor.visit_map(MapDeserializer::new(iter::empty::<((), ())>())),
            _ => visitor.visit_seq(SeqDeserializer::new(iter::empty::<()>())),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let value = self.leaf::<V>("bool", 2)?;
        visitor.visit_bool(value == 0)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let value = self.leaf::<V>("char", 2)?;
        visitor.visit_char(if value == 0 { 'a' } else { '1' })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let value = self.leaf::<V>("string", TEXTS.len())?;
        visitor.visit_str(TEXTS[value])
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let value = self.leaf::<V>("bytes", BYTES.len())?;
        visitor.visit_bytes(BYTES[value])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.leaf::<V>("identifier", 1)?;
        visitor.visit_str("")
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.leaf::<V>("any", 1)?;
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.leaf::<V>("()", 1)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.enter::<V>(Shape::Unit, name, &[])?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Self { tree, id, making } = self.enter::<V>(Shape::Option, "", &[""])?;
        let part = tree.part(id);
        if making || !tree.is_open(part) {
            return visitor.visit_none();
        }
        visit(tree, part, making, |part| visitor.visit_some(part))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.newtype::<V, _>(name, |part| visitor.visit_newtype_struct(part))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Self { tree, id, making } = self.enter::<V>(Shape::Sequence, "", &[""])?;
        let mut elements = tree.parts(id);
        elements.retain(|(_, part)| !making && tree.is_open(*part));
        visitor.visit_seq(Elements::new(tree, making, elements)).map_err(|_| Stop::default())
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.tuple("", length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.tuple(name, length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let Self { tree, id, making } = self.enter::<V>(Shape::Map, "", &["", ""])?;
        visitor.visit_map(Fields::new(tree, making, id)).map_err(|stop| {
            if let Some(missing) = stop.missing.filter(|_| !making) {
                tree.add_part(id, missing);
            }
            Stop::default()
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.fields(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let Self { tree, id, making } = self.enter::<V>(Shape::Enum, name, variants)?;
        let (variant, content) = tree.variant_to_visit(id, making).ok_or_else(Stop::default)?;
        visit(tree, content, making, |content| {
            visitor.visit_enum(Variant::new(variant, content)).map_err(|_| Stop::default())
        })
    }

    /// Compact forms show more: an address is four numbers rather than a text.
    fn is_human_readable(&self) -> bool {
        false
    }
}
