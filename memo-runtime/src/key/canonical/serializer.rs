//! The [`Serializer`] over an [`Encoder`]: which bytes each kind of value becomes.

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::encoder::{Encoder, Fault, is_unordered, tag, text_of};
use crate::file::InputKind;

/// A method that writes a tag and the little-endian bytes of a number.
macro_rules! numbers {
    ($($method:ident($type:ty) = $tag:ident;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Fault> {
            let mut bytes = [tag::$tag; 1 + size_of::<$type>()];
            bytes[1..].copy_from_slice(&value.to_le_bytes());
            self.put(&bytes);
            Ok(())
        }
    )*};
}

impl<'e> Serializer for &'e mut Encoder {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Elements<'e>;
    type SerializeTuple = Elements<'e>;
    type SerializeTupleStruct = Elements<'e>;
    type SerializeTupleVariant = Elements<'e>;
    type SerializeMap = Entries<'e>;
    type SerializeStruct = Entries<'e>;
    type SerializeStructVariant = Entries<'e>;

    numbers! {
        serialize_i8(i8) = I8;
        serialize_i16(i16) = I16;
        serialize_i32(i32) = I32;
        serialize_i64(i64) = I64;
        serialize_i128(i128) = I128;
        serialize_u8(u8) = U8;
        serialize_u16(u16) = U16;
        serialize_u32(u32) = U32;
        serialize_u64(u64) = U64;
        serialize_u128(u128) = U128;
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.put(&[if value { tag::TRUE } else { tag::FALSE }]);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Fault> {
        let value = if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { value };
        let [a, b, c, d] = value.to_bits().to_le_bytes();
        self.put(&[tag::F32, a, b, c, d]);
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Fault> {
        const NAN: u64 = 0x7ff8_0000_0000_0000;
        let bits = if value.is_nan() { NAN } else { value.to_bits() };
        let mut bytes = [tag::F64; 9];
        bytes[1..].copy_from_slice(&bits.to_le_bytes());
        self.put(&bytes);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        let [a, b, c, d] = u32::from(value).to_le_bytes();
        self.put(&[tag::CHAR, a, b, c, d]);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.text(tag::STR, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        self.text(tag::BYTES, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.put(&[tag::NONE]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.put(&[tag::SOME]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.put(&[tag::UNIT]);
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Fault> {
        self.text(tag::UNIT_STRUCT, name.as_bytes());
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Fault> {
        self.text(tag::UNIT_VARIANT, name.as_bytes());
        self.name(variant.as_bytes());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        if let Some(kind) = InputKind::of(name)
            && self.files.is_some()
        {
            return self.input(kind, value);
        }
        self.text(tag::NEWTYPE_STRUCT, name.as_bytes());
        let mut fields = self.tuple();
        fields.push(value)?;
        fields.finish();
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.text(tag::NEWTYPE_VARIANT, name.as_bytes());
        self.name(variant.as_bytes());
        let mut fields = self.elements();
        fields.push(value)?;
        fields.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'e>, Fault> {
        self.put(&[tag::SEQ]);
        Ok(self.elements())
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'e>, Fault> {
        self.put(&[tag::TUPLE]);
        Ok(self.tuple())
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Elements<'e>, Fault> {
        self.text(tag::TUPLE_STRUCT, name.as_bytes());
        Ok(self.tuple())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements<'e>, Fault> {
        self.text(tag::TUPLE_VARIANT, name.as_bytes());
        self.name(variant.as_bytes());
        Ok(self.elements())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'e>, Fault> {
        self.put(&[tag::MAP]);
        Ok(self.fields())
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries<'e>, Fault> {
        self.text(tag::STRUCT, name.as_bytes());
        Ok(self.fields())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries<'e>, Fault> {
        self.text(tag::STRUCT_VARIANT, name.as_bytes());
        self.name(variant.as_bytes());
        self.hide();
        Ok(Entries { hidden: true, ..self.entries() })
    }

    fn collect_seq<I>(self, items: I) -> Result<(), Fault>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if is_unordered::<I>() {
            self.put(&[tag::SET]);
            self.hide();
            let mut entries = Entries { hidden: true, ..self.entries() };
            items.into_iter().try_for_each(|item| entries.element(&item))?;
            return entries.finish();
        }
        self.put(&[tag::SEQ]);
        let mut elements = self.elements();
        items.into_iter().try_for_each(|item| elements.push(&item))?;
        elements.finish();
        Ok(())
    }
}

impl Encoder {
    /// Opens what has no fields that a path could name.
    fn elements(&mut self) -> Elements<'_> {
        self.hide();
        Elements { encoder: self, field: None }
    }

    /// Opens a tuple, whose fields are called by their index.
    fn tuple(&mut self) -> Elements<'_> {
        if let Some(mask) = &mut self.mask {
            mask.visit();
        }
        Elements { encoder: self, field: Some(0) }
    }

    fn entries(&mut self) -> Entries<'_> {
        let (first, begin) = (self.entries.len(), self.buffer.len());
        let limit = std::mem::replace(&mut self.limit, usize::MAX);
        Entries { encoder: self, first, begin, limit, hidden: false, entry: None }
    }

    /// Opens the fields of a struct or the entries of a map, which paths name.
    fn fields(&mut self) -> Entries<'_> {
        if let Some(mask) = &mut self.mask {
            mask.visit();
        }
        self.entries()
    }
}

/// What keeps its order: a sequence, a tuple, the content of a tuple struct or variant.
pub(super) struct Elements<'e> {
    encoder: &'e mut Encoder,
    /// The index of the next element, where that is what a path calls it.
    field: Option<usize>,
}

impl Elements<'_> {
    #[inline]
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        if let (Some(index), Some(mask)) = (&mut self.field, &mut self.encoder.mask) {
            let name = index.to_string();
            *index += 1;
            if mask.enter(&name) {
                value.serialize(&mut *self.encoder)?;
                self.encoder.leave();
            }
            return Ok(());
        }
        value.serialize(&mut *self.encoder)
    }

    fn finish(self) {
        if self.field.is_none() {
            self.encoder.leave();
        }
        self.encoder.put(&[tag::END]);
    }
}

/// The traits of serde that add elements one by one.
macro_rules! elements {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Elements<'_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.push(value)
            }

            fn end(self) -> Result<(), Fault> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// What is sorted: the entries of a map, the elements of a set, the fields of a struct.
pub(super) struct Entries<'e> {
    encoder: &'e mut Encoder,
    /// The index of the first entry among those of the encoder.
    first: usize,
    /// Where the bytes of the entries begin.
    begin: usize,
    /// The encoder's limit before the entries, and after them.
    limit: usize,
    /// Whether no path leads here.
    hidden: bool,
    /// Where the entry whose key was written begins, and whether it is part of the value.
    entry: Option<(usize, bool)>,
}

impl Entries<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let start = self.encoder.buffer.len();
        self.encoder.item(value)?;
        self.encoder.entries.push(start..self.encoder.buffer.len());
        Ok(())
    }

    fn field<T>(&mut self, name: &'static str, value: &T) -> Result<(), Fault>
    where
        T: Serialize + ?Sized,
    {
        if !self.encoder.enter(name) {
            return Ok(());
        }
        let start = self.encoder.buffer.len();
        self.encoder.text(tag::STR, name.as_bytes());
        self.encoder.item(value)?;
        self.encoder.leave();
        self.encoder.entries.push(start..self.encoder.buffer.len());
        Ok(())
    }

    /// Writes a key, and looks whether it is the name of a field to be left out: a struct with
    /// flattened fields is a map to serde.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let start = self.encoder.buffer.len();
        self.encoder.hide();
        self.encoder.item(key)?;
        self.encoder.leave();
        let enters = match &mut self.encoder.mask {
            Some(mask) => mask.enter(text_of(&self.encoder.buffer[start..]).unwrap_or_default()),
            None => true,
        };
        match self.entry.replace((start, enters)) {
            None => Ok(()),
            Some(_) => Err(ser::Error::custom("a map has a key without a value")),
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let Some((start, enters)) = self.entry.take() else {
            return Err(ser::Error::custom("a map has a value without a key"));
        };
        if !enters {
            self.encoder.buffer.truncate(start);
            return Ok(());
        }
        self.encoder.item(value)?;
        self.encoder.leave();
        self.encoder.entries.push(start..self.encoder.buffer.len());
        Ok(())
    }

    fn finish(self) -> Result<(), Fault> {
        if self.entry.is_some() {
            return Err(ser::Error::custom("a map has a key without a value"));
        }
        if self.hidden {
            self.encoder.leave();
        }
        let Encoder { buffer, entries, sorted, .. } = &mut *self.encoder;
        let order = &mut entries[self.first..];
        if !order.is_sorted_by(|one, other| buffer[one.clone()] <= buffer[other.clone()]) {
            // No entry is the beginning of another, so this is the order of their keys.
            order.sort_unstable_by(|one, other| buffer[one.clone()].cmp(&buffer[other.clone()]));
            sorted.clear();
            for entry in &*order {
                sorted.extend_from_slice(&buffer[entry.clone()]);
            }
            buffer.truncate(self.begin);
            buffer.extend_from_slice(sorted);
        }
        entries.truncate(self.first);
        self.encoder.limit = self.limit;
        self.encoder.put(&[tag::END]);
        Ok(())
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.value(value)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

impl ser::SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.field(name, value)
    }

    fn skip_field(&mut self, name: &'static str) -> Result<(), Fault> {
        // Serde leaves it out as well, so it is there.
        if self.encoder.enter(name) {
            self.encoder.leave();
        }
        Ok(())
    }

    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Entries<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}
