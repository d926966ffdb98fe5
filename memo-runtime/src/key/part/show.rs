//! The text of a value for people: like compact JSON, cut short, and no more serialized than is shown.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde::ser::{self, Serializer};

use crate::file::{Input, InputKind};
use crate::key::canonical::{Mask, is_unordered};

/// The length of a text, in characters.
const LIMIT: usize = 120;

/// Returns the text of `value` without the fields at these paths.
pub(super) fn text_of<T>(value: &T, without: &'static [&'static str]) -> String
where
    T: Serialize + ?Sized,
{
    let mut writer = Writer { text: String::new(), left: LIMIT, mask: Mask::new(without) };
    if value.serialize(&mut writer).is_err() {
        writer.text.push('…');
    }
    writer.text
}

/// The text is as long as it may be, or the value's `Serialize` failed.
#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text ends here")
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Self {
        Self
    }
}

struct Writer {
    text: String,
    /// How many characters still fit.
    left: usize,
    mask: Option<Mask>,
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| self.write_char(char))
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
        self.text.push(char);
        Ok(())
    }
}

impl Writer {
    /// Writes a text in quotes.
    fn quote(&mut self, text: &str) -> Result<(), Stop> {
        self.write_char('"')?;
        for char in text.chars() {
            match char {
                '"' | '\\' => write!(self, "\\{char}")?,
                char if char.is_control() => write!(self, "{}", char.escape_default())?,
                char => self.write_char(char)?,
            }
        }
        Ok(self.write_char('"')?)
    }

    fn open(&mut self, list: Kind) -> Result<List<'_>, Stop> {
        match (&mut self.mask, list) {
            (Some(mask), Kind::Fields | Kind::Tuple) => mask.visit(),
            (Some(mask), _) => mask.hide(),
            (None, _) => {}
        }
        let (open, _) = list.brackets();
        self.write_str(open)?;
        let begin = self.text.len();
        Ok(List { writer: self, kind: list, begin, starts: Vec::new(), entry: None })
    }

    /// Begins a variant: its content is in braces behind its name.
    fn variant(&mut self, name: &'static str) -> Result<(), Stop> {
        self.write_char('{')?;
        self.quote(name)?;
        Ok(self.write_char(':')?)
    }

    fn enter(&mut self, field: &str) -> bool {
        self.mask.as_mut().is_none_or(|mask| mask.enter(field))
    }

    fn leave(&mut self) {
        if let Some(mask) = &mut self.mask {
            mask.leave();
        }
    }
}

/// The kinds of lists. Paths lead into the first two.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Fields,
    Tuple,
    Sequence,
    Set,
    VariantTuple,
    VariantFields,
}

impl Kind {
    const fn brackets(self) -> (&'static str, &'static str) {
        match self {
            Self::Fields => ("{", "}"),
            Self::VariantFields => ("{", "}}"),
            Self::VariantTuple => ("[", "]}"),
            Self::Tuple | Self::Sequence | Self::Set => ("[", "]"),
        }
    }
}

/// Methods that write a value as `Display` does.
macro_rules! plain {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<(), Stop> {
            Ok(write!(self, "{value}")?)
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = List<'w>;
    type SerializeTuple = List<'w>;
    type SerializeTupleStruct = List<'w>;
    type SerializeTupleVariant = List<'w>;
    type SerializeMap = List<'w>;
    type SerializeStruct = List<'w>;
    type SerializeStructVariant = List<'w>;

    plain! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
    }

    fn serialize_f32(self, value: f32) -> Result<(), Stop> {
        Ok(write!(self, "{value:?}")?)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Stop> {
        Ok(write!(self, "{value:?}")?)
    }

    fn serialize_char(self, value: char) -> Result<(), Stop> {
        self.quote(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.quote(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        Ok(write!(self, "<{} bytes>", value.len())?)
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        Ok(self.write_str("null")?)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.quote(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        if InputKind::of(name).is_some() {
            // The text of an input holds its path, which need not be in the key.
            let text = serde_json::to_value(value).ok();
            let text = text.as_ref().and_then(serde_json::Value::as_str).ok_or(Stop)?;
            return self.quote(&Input::parse(text).shown());
        }
        if let Some(mask) = &mut self.mask {
            mask.visit();
        }
        if self.enter("0") {
            value.serialize(&mut *self)?;
            self.leave();
        }
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.variant(variant)?;
        if let Some(mask) = &mut self.mask {
            mask.hide();
        }
        value.serialize(&mut *self)?;
        self.leave();
        Ok(self.write_char('}')?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'w>, Stop> {
        self.open(Kind::Sequence)
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'w>, Stop> {
        self.open(Kind::Tuple)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'w>, Stop> {
        self.open(Kind::Tuple)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'w>, Stop> {
        self.variant(variant)?;
        self.open(Kind::VariantTuple)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<List<'w>, Stop> {
        self.open(Kind::Fields)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<List<'w>, Stop> {
        self.open(Kind::Fields)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'w>, Stop> {
        self.variant(variant)?;
        self.open(Kind::VariantFields)
    }

    fn collect_seq<I>(self, items: I) -> Result<(), Stop>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let kind = if is_unordered::<I>() { Kind::Set } else { Kind::Sequence };
        let mut list = self.open(kind)?;
        items.into_iter().try_for_each(|item| list.item(&item))?;
        list.finish(kind == Kind::Set)
    }

    fn collect_map<K, V, I>(self, entries: I) -> Result<(), Stop>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        let mut list = self.open(Kind::Fields)?;
        for (key, value) in entries {
            list.key(&key)?;
            list.value(&value)?;
        }
        list.finish(is_unordered::<I>())
    }
}

/// An open list of items or fields.
struct List<'w> {
    writer: &'w mut Writer,
    kind: Kind,
    /// Where the text of the items begins.
    begin: usize,
    /// Where the text of each item begins.
    starts: Vec<usize>,
    /// Whether the entry whose key was written is shown.
    entry: Option<bool>,
}

impl List<'_> {
    /// Begins an item.
    fn begin(&mut self) -> Result<(), Stop> {
        if !self.starts.is_empty() {
            self.writer.write_char(',')?;
        }
        self.starts.push(self.writer.text.len());
        Ok(())
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.begin()?;
        let hides_items = self.kind == Kind::Tuple && self.writer.mask.is_some();
        if hides_items && !self.writer.enter(&(self.starts.len() - 1).to_string()) {
            return Ok(self.writer.write_char('_')?);
        }
        value.serialize(&mut *self.writer)?;
        if hides_items {
            self.writer.leave();
        }
        Ok(())
    }

    fn field<T>(&mut self, name: &'static str, value: &T) -> Result<(), Stop>
    where
        T: Serialize + ?Sized,
    {
        if self.writer.enter(name) {
            self.begin()?;
            self.writer.quote(name)?;
            self.writer.write_char(':')?;
            value.serialize(&mut *self.writer)?;
            self.writer.leave();
        }
        Ok(())
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        let (length, left) = (self.writer.text.len(), self.writer.left);
        self.begin()?;
        if let Some(mask) = &mut self.writer.mask {
            mask.hide();
        }
        let start = self.writer.text.len();
        key.serialize(&mut *self.writer)?;
        self.writer.leave();
        let name = self.writer.text[start..].trim_matches('"').to_owned();
        let enters = self.writer.enter(&name);
        if !enters {
            self.starts.pop();
            self.writer.text.truncate(length);
            self.writer.left = left;
        }
        self.entry = Some(enters);
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.entry.take() == Some(true) {
            self.writer.write_char(':')?;
            value.serialize(&mut *self.writer)?;
            self.writer.leave();
        }
        Ok(())
    }

    /// Closes the list; one without order is sorted, so that equal values show equally.
    fn finish(self, sorts: bool) -> Result<(), Stop> {
        if !matches!(self.kind, Kind::Fields | Kind::Tuple) {
            self.writer.leave();
        }
        if sorts && !self.starts.is_empty() {
            let ends = self.starts[1..].iter().map(|start| start - 1);
            let ends = ends.chain([self.writer.text.len()]);
            let mut items: Vec<_> = self.starts.iter().zip(ends).collect();
            items.sort_by_key(|(start, end)| &self.writer.text[**start..*end]);
            let items: Vec<_> =
                items.iter().map(|(start, end)| &self.writer.text[**start..*end]).collect();
            let sorted = items.join(",");
            self.writer.text.replace_range(self.begin.., &sorted);
        }
        let (_, close) = self.kind.brackets();
        Ok(self.writer.write_str(close)?)
    }
}

/// The traits of serde that add items one by one.
macro_rules! items {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.item(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish(false)
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// The traits of serde that add fields one by one.
macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Stop> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish(false)
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for List<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.finish(false)
    }
}

/// Collects the texts and long numbers in a secret. What is as short as this would be found everywhere.
pub(super) fn collect_texts<T: Serialize + ?Sized>(value: &T, texts: &mut Vec<String>) {
    const SHORTEST: usize = 4;
    let mut open: Vec<serde_json::Value> = serde_json::to_value(value).into_iter().collect();
    while let Some(value) = open.pop() {
        let text = match value {
            serde_json::Value::Array(items) => {
                open.extend(items);
                continue;
            }
            serde_json::Value::Object(fields) => {
                open.extend(fields.into_iter().map(|(_, field)| field));
                continue;
            }
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Null | serde_json::Value::Bool(_) => continue,
        };
        if text.len() >= SHORTEST {
            texts.push(text);
        }
    }
}
