//! A deserializer in front of another that bounds what hostile bytes can ask for.
//!
//! The bytes of `bincode` say how long each thing is. A few of them can ask for a text of 2^60 bytes
//! (which `bincode` allocates before it looks), for a list that is nested a million deep (which takes
//! the stack), or for 2^60 values of no size (which takes for ever). So texts and bytes are borrowed
//! from the input, which they cannot outgrow, nesting is counted, and so are elements.
//!
//! JSON and tables say no lengths, and `serde_json` counts brackets; but `Some` and newtypes have none,
//! and a type that is made of these alone (`struct List(Option<Box<List>>)`) takes the stack too.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// How many elements a value may have beyond one for each byte.
const ELEMENTS_WITHOUT_BYTES: usize = 1 << 20;

/// What is left of what the bytes may ask for.
pub(super) struct Limits {
    depth: Cell<u16>,
    elements: Cell<usize>,
    /// Whether there are no sequences: `csv` reads one of `()` from a row for ever.
    in_row: bool,
}

impl Limits {
    /// Allows nesting up to `depth`, and as many elements as can be in `size` bytes.
    pub(super) fn new(depth: u16, size: usize) -> Self {
        let elements = size.saturating_add(ELEMENTS_WITHOUT_BYTES);
        Self { depth: Cell::new(depth), elements: Cell::new(elements), in_row: false }
    }

    fn nested<T, E: Error>(&self, inner: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let depth = self.depth.get();
        self.depth.set(depth.checked_sub(1).ok_or_else(|| E::custom("it is nested too deep"))?);
        let result = inner();
        self.depth.set(depth);
        result
    }

    /// Takes the elements of one sequence or map. An element that is not empty has a byte that
    /// belongs to no element inside it, so that honest bytes have enough of them.
    fn take<E: Error>(&self, elements: Option<usize>) -> Result<(), E> {
        let left = self.elements.get().checked_sub(elements.unwrap_or(0));
        self.elements.set(left.ok_or_else(|| E::custom("a length is beyond the bytes there are"))?);
        Ok(())
    }
}

/// A JSON value, or the row of a table (`IN_ROW`), read within a limit for its depth.
pub(super) struct Shallow<T, const IN_ROW: bool>(pub(super) T);

impl<'de, T: Deserialize<'de>, const IN_ROW: bool> Deserialize<'de> for Shallow<T, IN_ROW> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const DEPTH: u16 = 1024;
        let limits = Limits { in_row: IN_ROW, ..Limits::new(DEPTH, usize::MAX) };
        T::deserialize(Careful { inner: deserializer, limits: &limits }).map(Self)
    }
}

/// Reads what `seed` does, within limits. `PhantomData<T>` is the seed of a `T`.
pub(super) struct Seed<'a, D> {
    seed: D,
    limits: &'a Limits,
}

impl<'a, T> Seed<'a, PhantomData<T>> {
    pub(super) fn new(seed: PhantomData<T>, limits: &'a Limits) -> Self {
        Self { seed, limits }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Careful { inner: deserializer, limits: self.limits })
    }
}

/// The deserializer, visitor, or access of that name, within limits.
struct Careful<'a, I> {
    inner: I,
    limits: &'a Limits,
}

impl<'a, I> Careful<'a, I> {
    fn around<J>(&self, inner: J) -> Careful<'a, J> {
        Careful { inner, limits: self.limits }
    }

    fn seed<D>(&self, seed: D) -> Seed<'a, D> {
        Seed { seed, limits: self.limits }
    }
}

/// Passes on what has no length and holds nothing.
macro_rules! pass {
    ($($method:ident),* $(,)?) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        })*
    };
}

/// Passes on what holds something, one level deeper.
macro_rules! nest {
    ($($method:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            let visitor = self.around(visitor);
            self.limits.nested(|| self.inner.$method($($argument,)* visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Careful<'_, D> {
    type Error = D::Error;

    pass! {
        deserialize_any, deserialize_ignored_any, deserialize_identifier,
        deserialize_bool, deserialize_char, deserialize_f32, deserialize_f64,
        deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_i128,
        deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128,
        deserialize_unit, deserialize_str, deserialize_bytes,
    }

    nest! {
        deserialize_option(),
        deserialize_newtype_struct(name: &'static str),
        deserialize_tuple(length: usize),
        deserialize_tuple_struct(name: &'static str, length: usize),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]),
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_bytes(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if self.limits.in_row {
            return Err(D::Error::custom("a row holds no sequence"));
        }
        let visitor = Counted(self.around(visitor));
        self.limits.nested(|| self.inner.deserialize_seq(visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = Counted(self.around(visitor));
        self.limits.nested(|| self.inner.deserialize_map(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Careful<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(formatter)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.around(deserializer);
        self.inner.visit_some(deserializer)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let deserializer = self.around(inner);
        self.inner.visit_newtype_struct(deserializer)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.around(access);
        self.inner.visit_seq(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.around(access);
        self.inner.visit_map(access)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.around(access);
        self.inner.visit_enum(access)
    }
}

/// A visitor of as many elements as the bytes say.
struct Counted<'a, V>(Careful<'a, V>);

impl<'de, V: Visitor<'de>> Visitor<'de> for Counted<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.limits.take(access.size_hint())?;
        self.0.visit_seq(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.limits.take(access.size_hint())?;
        self.0.visit_map(access)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Careful<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let seed = self.seed(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Careful<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let seed = self.seed(seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let seed = self.seed(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Careful<'a, A> {
    type Error = A::Error;
    type Variant = Careful<'a, A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, Careful { inner: variant, limits: self.limits }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Careful<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        let seed = self.seed(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.limits.nested(|| self.inner.tuple_variant(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.limits.nested(|| self.inner.struct_variant(fields, visitor))
    }
}
