//! [`Tree`]: a value taken apart by `serde`, with all that its `Serialize` tells.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

mod reading;
mod text;
mod writing;

/// The names of the fields that a struct's `Deserialize` asks for, once it has asked.
pub(super) type Asked = Arc<OnceLock<&'static [&'static str]>>;

/// A value taken apart. Floats are kept by their bits, so that equal trees are equal values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    None,
    Some(Box<Self>),
    Unit,
    Bool(bool),
    Int(i128),
    /// An integer that is too large for `Int`.
    Large(u128),
    F32(u32),
    F64(u64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Sequence(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Struct(Vec<(Cow<'static, str>, Self)>),
    Variant(&'static str, Option<Box<Self>>),
    /// What came from outside, for the type to make sense of.
    Json(Value),
    /// A struct that notes what is asked for when it is put together.
    Watched(Asked, Box<Self>),
}

impl Tree {
    /// Takes a value apart.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        value.serialize(writing::Writer)
    }

    /// Puts a value together.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        T::deserialize(self)
    }

    /// Returns what is below a name: a field, a key, an index, or the variant that an enum is.
    pub(super) fn child(&mut self, name: &str) -> Option<&mut Self> {
        match self.content() {
            Self::Struct(fields) => {
                fields.iter_mut().find(|(field, _)| field == name).map(|(_, value)| value)
            }
            Self::Map(entries) => {
                entries.iter_mut().find(|(key, _)| key.text() == name).map(|(_, value)| value)
            }
            Self::Sequence(elements) => elements.get_mut(name.parse::<usize>().ok()?),
            Self::Variant(variant, Some(content)) if *variant == name => Some(content),
            _ => None,
        }
    }

    /// Returns what is in a `Some`. A JSON object becomes a map, so that there is something below it.
    pub(super) fn content(&mut self) -> &mut Self {
        if let Self::Json(Value::Object(object)) = self {
            let entry = |(key, value)| (Self::Text(key), Self::Json(value));
            *self = Self::Map(std::mem::take(object).into_iter().map(entry).collect());
        }
        match self {
            Self::Some(value) | Self::Watched(_, value) => value.content(),
            tree => tree,
        }
    }

    /// Adds a field, or a key that is like the others.
    pub(super) fn add(&mut self, name: &str, value: Self) {
        match self {
            Self::Struct(fields) => fields.push((name.to_owned().into(), value)),
            Self::Map(entries) => {
                let others = entries.first().and_then(|(key, _)| key.readings(name).ok());
                let key = others.and_then(|mut keys| keys.pop());
                entries.push((key.unwrap_or_else(|| Self::Text(name.to_owned())), value));
            }
            _ => {}
        }
    }

    /// Whether it is made of named parts that JSON can be laid over.
    pub(super) fn has_fields(&self) -> bool {
        match self {
            Self::Some(value) | Self::Watched(_, value) => value.has_fields(),
            tree => matches!(tree, Self::Struct(_) | Self::Variant(_, Some(_))),
        }
    }

    /// Lists the names of what is below.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Some(value) | Self::Watched(_, value) => value.names(),
            Self::Struct(fields) => fields.iter().map(|(field, _)| field.to_string()).collect(),
            Self::Map(entries) => entries.iter().map(|(key, _)| key.text()).collect(),
            Self::Sequence(elements) => {
                (0..elements.len()).map(|index| index.to_string()).collect()
            }
            Self::Variant(variant, Some(_)) => vec![(*variant).to_owned()],
            _ => Vec::new(),
        }
    }

    /// Lists every path at which something lies that is not made of fields, with what lies there.
    pub(crate) fn leaves(&self) -> Vec<(String, &Self)> {
        let mut leaves = Vec::new();
        self.gather("", &mut leaves);
        leaves
    }

    fn gather<'a>(&'a self, path: &str, leaves: &mut Vec<(String, &'a Self)>) {
        let below = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        match self {
            Self::Some(value) | Self::Watched(_, value) => value.gather(path, leaves),
            Self::Struct(fields) if !fields.is_empty() => {
                for (field, value) in fields {
                    value.gather(&below(field), leaves);
                }
            }
            Self::Variant(name, Some(content)) if matches!(**content, Self::Struct(_)) => {
                content.gather(&below(name), leaves);
            }
            tree => leaves.push((path.to_owned(), tree)),
        }
    }
}
