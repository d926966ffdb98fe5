//! How a value is taken apart.

use std::borrow::Cow;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;

use super::Tree;

/// The serializer that makes a [`Tree`]. Newtypes leave no trace, as in JSON.
#[derive(Clone, Copy)]
pub(super) struct Writer;

macro_rules! leaves {
    ($($method:ident($type:ty) $value:ident => $tree:expr),* $(,)?) => {
        $(fn $method(self, $value: $type) -> Result<Tree, Error> {
            Ok($tree)
        })*
    };
}

impl Serializer for Writer {
    type Ok = Tree;
    type Error = Error;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    leaves! {
        serialize_bool(bool) v => Tree::Bool(v),
        serialize_i8(i8) v => Tree::Int(v.into()),
        serialize_i16(i16) v => Tree::Int(v.into()),
        serialize_i32(i32) v => Tree::Int(v.into()),
        serialize_i64(i64) v => Tree::Int(v.into()),
        serialize_i128(i128) v => Tree::Int(v),
        serialize_u8(u8) v => Tree::Int(v.into()),
        serialize_u16(u16) v => Tree::Int(v.into()),
        serialize_u32(u32) v => Tree::Int(v.into()),
        serialize_u64(u64) v => Tree::Int(v.into()),
        serialize_u128(u128) v => i128::try_from(v).map_or(Tree::Large(v), Tree::Int),
        serialize_f32(f32) v => Tree::F32(v.to_bits()),
        serialize_f64(f64) v => Tree::F64(v.to_bits()),
        serialize_char(char) v => Tree::Char(v),
        serialize_str(&str) v => Tree::Text(v.to_owned()),
        serialize_bytes(&[u8]) v => Tree::Bytes(v.to_vec()),
        serialize_unit_struct(&'static str) _name => Tree::Unit,
    }

    fn serialize_none(self) -> Result<Tree, Error> {
        Ok(Tree::None)
    }

    fn serialize_unit(self) -> Result<Tree, Error> {
        Ok(Tree::Unit)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Error> {
        Ok(Tree::Some(Box::new(Tree::of(value)?)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Tree, Error> {
        Tree::of(value)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Tree, Error> {
        Ok(Tree::Variant(variant, None))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, Error> {
        Ok(Tree::Variant(variant, Some(Box::new(Tree::of(value)?))))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Elements, Error> {
        Ok(Elements::default())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Elements, Error> {
        Ok(Elements::default())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Elements, Error> {
        Ok(Elements::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Elements, Error> {
        Ok(Elements { variant: Some(variant), elements: Vec::new() })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Entries, Error> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Fields, Error> {
        Ok(Fields { variant: Some(variant), fields: Vec::new() })
    }
}

/// What was met so far of a sequence or a tuple.
#[derive(Default)]
pub(super) struct Elements {
    variant: Option<&'static str>,
    elements: Vec<Tree>,
}

impl Elements {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.elements.push(Tree::of(value)?);
        Ok(())
    }

    fn finish(self) -> Tree {
        in_variant(self.variant, Tree::Sequence(self.elements))
    }
}

/// What was met so far of a struct.
#[derive(Default)]
pub(super) struct Fields {
    variant: Option<&'static str>,
    fields: Vec<(Cow<'static, str>, Tree)>,
}

impl Fields {
    fn push<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.fields.push((name.into(), Tree::of(value)?));
        Ok(())
    }

    fn finish(self) -> Tree {
        in_variant(self.variant, Tree::Struct(self.fields))
    }
}

/// What was met so far of a map.
#[derive(Default)]
pub(super) struct Entries {
    key: Option<Tree>,
    entries: Vec<(Tree, Tree)>,
}

fn in_variant(variant: Option<&'static str>, content: Tree) -> Tree {
    match variant {
        Some(name) => Tree::Variant(name, Some(Box::new(content))),
        None => content,
    }
}

macro_rules! compound {
    ($($trait:ident for $type:ident: $method:ident($($name:ident: $name_type:ty)?)),* $(,)?) => {
        $(impl $trait for $type {
            type Ok = Tree;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: $name_type,)?
                value: &T,
            ) -> Result<(), Error> {
                self.push($($name,)? value)
            }

            fn end(self) -> Result<Tree, Error> {
                Ok(self.finish())
            }
        })*
    };
}

compound! {
    SerializeSeq for Elements: serialize_element(),
    SerializeTuple for Elements: serialize_element(),
    SerializeTupleStruct for Elements: serialize_field(),
    SerializeTupleVariant for Elements: serialize_field(),
    SerializeStruct for Fields: serialize_field(name: &'static str),
    SerializeStructVariant for Fields: serialize_field(name: &'static str),
}

impl SerializeMap for Entries {
    type Ok = Tree;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(Tree::of(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().unwrap_or(Tree::Unit);
        self.entries.push((key, Tree::of(value)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Map(self.entries))
    }
}
