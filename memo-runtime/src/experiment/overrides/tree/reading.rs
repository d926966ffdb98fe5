//! How a value is put together again.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde_json::Error;

use super::Tree;

impl IntoDeserializer<'_, Error> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Answers with what the tree holds, unless JSON knows better.
macro_rules! as_it_is {
    ($($method:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Error> {
            match self {
                Self::Json(json) => json.$method($($argument,)* visitor),
                tree => tree.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::None => visitor.visit_none(),
            Self::Some(value) => visitor.visit_some(*value),
            Self::Unit => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Int(value) => int(value, visitor),
            Self::Large(value) => visitor.visit_u128(value),
            Self::F32(bits) => visitor.visit_f32(f32::from_bits(bits)),
            Self::F64(bits) => visitor.visit_f64(f64::from_bits(bits)),
            Self::Char(value) => visitor.visit_char(value),
            Self::Text(value) => visitor.visit_string(value),
            Self::Bytes(value) => visitor.visit_byte_buf(value),
            Self::Sequence(elements) => {
                let mut elements = SeqDeserializer::new(elements.into_iter());
                let value = visitor.visit_seq(&mut elements)?;
                elements.end().map(|()| value)
            }
            Self::Map(entries) => visitor.visit_map(MapDeserializer::new(entries.into_iter())),
            Self::Struct(fields) => visitor.visit_map(MapDeserializer::new(fields.into_iter())),
            Self::Variant(name, None) => visitor.visit_str(name),
            Self::Variant(name, Some(content)) => {
                visitor.visit_map(MapDeserializer::new(std::iter::once((name, *content))))
            }
            Self::Json(json) => json.deserialize_any(visitor),
            Self::Watched(_, tree) => tree.deserialize_any(visitor),
        }
    }

    as_it_is! {
        deserialize_bool(), deserialize_char(), deserialize_str(), deserialize_string(),
        deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(), deserialize_i128(),
        deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
        deserialize_f32(), deserialize_f64(), deserialize_bytes(), deserialize_byte_buf(),
        deserialize_unit(), deserialize_unit_struct(name: &'static str), deserialize_seq(),
        deserialize_tuple(length: usize),
        deserialize_tuple_struct(name: &'static str, length: usize), deserialize_map(),
        deserialize_identifier(), deserialize_ignored_any(),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::None => visitor.visit_none(),
            Self::Some(value) => visitor.visit_some(*value),
            Self::Json(json) => json.deserialize_option(visitor),
            tree => visitor.visit_some(tree),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Json(json) => json.deserialize_newtype_struct(name, visitor),
            tree => visitor.visit_newtype_struct(tree),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Watched(asked, tree) => {
                // The first answer is the struct's own.
                let _ = asked.set(fields);
                tree.deserialize_struct(name, fields, visitor)
            }
            Self::Json(json) => json.deserialize_struct(name, fields, visitor),
            tree => tree.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Json(json) => json.deserialize_enum(name, variants, visitor),
            Self::Text(text) => visitor.visit_enum(text.into_deserializer()),
            Self::Variant(variant, content) => visitor.visit_enum(Variant { variant, content }),
            tree => Err(Error::invalid_type(tree.unexpected(), &"the name of a variant")),
        }
    }
}

/// Hands out an integer in the type in which JSON would.
fn int<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, Error> {
    if let Ok(value) = u64::try_from(value) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(value) {
        visitor.visit_i64(value)
    } else {
        visitor.visit_i128(value)
    }
}

impl Tree {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Int(value) => i64::try_from(*value)
                .map_or(Unexpected::Other("a large integer"), Unexpected::Signed),
            Self::Large(_) => Unexpected::Other("a large integer"),
            Self::F32(bits) => Unexpected::Float(f32::from_bits(*bits).into()),
            Self::F64(bits) => Unexpected::Float(f64::from_bits(*bits)),
            Self::Char(value) => Unexpected::Char(*value),
            Self::None | Self::Some(_) => Unexpected::Option,
            Self::Unit => Unexpected::Unit,
            Self::Sequence(_) => Unexpected::Seq,
            _ => Unexpected::Other("something else"),
        }
    }
}

/// A variant of an enum, on the way back.
struct Variant {
    variant: &'static str,
    content: Option<Box<Tree>>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), Error> {
        Ok((seed.deserialize(self.variant.into_deserializer())?, Content(self.content)))
    }
}

/// What a variant holds.
struct Content(Option<Box<Tree>>);

impl Content {
    fn tree(self) -> Tree {
        self.0.map_or(Tree::Unit, |content| *content)
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Error::invalid_type(Unexpected::NewtypeVariant, &"unit variant")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.tree())
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.tree().deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.tree().deserialize_struct("", fields, visitor)
    }
}
