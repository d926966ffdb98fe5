//! The serializer itself: each method checks, then passes on.

use std::fmt::Display;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Checked, Notes, Place, Rules, What};

pub(super) struct Faithful<'a, S, R> {
    pub(super) inner: S,
    pub(super) notes: &'a Notes<R>,
    pub(super) place: Place,
}

impl<S: Serializer, R: Rules> Faithful<'_, S, R> {
    fn enter(&self, levels: u16, what: What) -> Result<Place, S::Error> {
        self.notes.enter(self.place, levels, what)
    }
}

/// Passes on a value that no rule is about.
macro_rules! pass {
    ($($method:ident($type:ty)),* $(,)?) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<'a, S: Serializer, R: Rules> Serializer for Faithful<'a, S, R> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'a, S::SerializeSeq, R>;
    type SerializeTuple = Compound<'a, S::SerializeTuple, R>;
    type SerializeTupleStruct = Compound<'a, S::SerializeTupleStruct, R>;
    type SerializeTupleVariant = Compound<'a, S::SerializeTupleVariant, R>;
    type SerializeMap = Compound<'a, S::SerializeMap, R>;
    type SerializeStruct = Compound<'a, S::SerializeStruct, R>;
    type SerializeStructVariant = Compound<'a, S::SerializeStructVariant, R>;

    pass! {
        serialize_bool(bool), serialize_char(char),
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
        serialize_u128(u128),
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.notes.float(value.is_finite(), value.is_nan())?;
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.notes.float(value.is_finite(), value.is_nan())?;
        self.inner.serialize_f64(value)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        self.notes.empty(self.place, value.is_empty())?;
        self.inner.serialize_str(value)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        if R::EMPTY_IN_SOME {
            self.inner.collect_str(value)
        } else {
            self.serialize_str(&value.to_string())
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        self.notes.empty(self.place, value.is_empty())?;
        self.inner.serialize_bytes(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.notes.null(self.place, "None")?;
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let place = self.notes.wrap(self.place, true)?;
        self.inner.serialize_some(&Checked { value, notes: self.notes, place })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.notes.null(self.place, "()")?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.notes.null(self.place, name)?;
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.notes.wrap(self.place, false)?;
        self.inner.serialize_newtype_struct(name, &Checked { value, notes: self.notes, place })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.enter(1, What::Variant)?;
        let checked = Checked { value, notes: self.notes, place };
        let passed = self.inner.serialize_newtype_variant(name, index, variant, &checked);
        passed.inspect_err(|_| self.notes.at_field(variant))
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.notes.length(length, What::Sequence)?;
        let place = self.enter(1, What::Sequence)?;
        Ok(Compound::new(self.inner.serialize_seq(length)?, self.notes, place))
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        let place = self.enter(1, What::Tuple)?;
        Ok(Compound::new(self.inner.serialize_tuple(length)?, self.notes, place))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        let place = self.enter(1, What::Tuple)?;
        Ok(Compound::new(self.inner.serialize_tuple_struct(name, length)?, self.notes, place))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let place = self.enter(2, What::Variant)?;
        let inner = self.inner.serialize_tuple_variant(name, index, variant, length)?;
        Ok(Compound::new(inner, self.notes, place))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.notes.length(length, What::Map)?;
        let place = self.enter(1, What::Map)?;
        Ok(Compound::new(self.inner.serialize_map(length)?, self.notes, place))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let place = self.enter(1, What::Struct)?;
        Ok(Compound::new(self.inner.serialize_struct(name, length)?, self.notes, place))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let place = self.enter(2, What::Variant)?;
        let inner = self.inner.serialize_struct_variant(name, index, variant, length)?;
        Ok(Compound::new(inner, self.notes, place))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// What is inside a container.
pub(super) struct Compound<'a, C, R> {
    inner: C,
    notes: &'a Notes<R>,
    place: Place,
    index: usize,
}

impl<'a, C, R: Rules> Compound<'a, C, R> {
    fn new(inner: C, notes: &'a Notes<R>, place: Place) -> Self {
        Self { inner, notes, place, index: 0 }
    }

    /// Counts an element, and passes it on.
    #[inline]
    fn element<T: ?Sized, E>(
        &mut self,
        value: &T,
        pass: impl FnOnce(&mut C, &Checked<'_, T, R>) -> Result<(), E>,
    ) -> Result<(), E> {
        let checked = Checked { value, notes: self.notes, place: self.place };
        let passed = pass(&mut self.inner, &checked);
        passed.inspect_err(|_| self.notes.at_index(self.index))?;
        self.index += 1;
        Ok(())
    }

    /// Passes on what has a name.
    #[inline]
    fn field<T: ?Sized, E>(
        &mut self,
        field: &str,
        value: &T,
        pass: impl FnOnce(&mut C, &Checked<'_, T, R>) -> Result<(), E>,
    ) -> Result<(), E> {
        let checked = Checked { value, notes: self.notes, place: self.place };
        let passed = pass(&mut self.inner, &checked);
        passed.inspect_err(|_| self.notes.at_field(field))
    }
}

/// Implements the traits of containers whose elements have no names.
macro_rules! elements {
    ($($trait:ident::$method:ident),* $(,)?) => {
        $(impl<C: $trait, R: Rules> $trait for Compound<'_, C, R> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.element(value, |inner, value| inner.$method(value))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// Implements the traits of containers whose fields have names.
macro_rules! fields {
    ($($trait:ident),* $(,)?) => {
        $(impl<C: $trait, R: Rules> $trait for Compound<'_, C, R> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.field(name, value, |inner, value| inner.serialize_field(name, value))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.notes.hole(name)?;
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl<C: SerializeMap, R: Rules> SerializeMap for Compound<'_, C, R> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let place = Place { in_key: true, ..self.place };
        let passed = self.inner.serialize_key(&Checked { value: key, notes: self.notes, place });
        passed.inspect_err(|_| self.notes.at_field("key"))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        // An entry's place is its number: keys have no common form.
        self.element(value, |inner, value| inner.serialize_value(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
