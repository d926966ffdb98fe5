//! How people read a tree, and write one.

use std::fmt::Display;

use serde_json::Value;

use super::Tree;

impl Tree {
    /// Writes the value as it stands in a record's name: `0.1`, `relu`, `[32,64]`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Some(value) | Self::Watched(_, value) => value.text(),
            Self::Text(text) | Self::Json(Value::String(text)) => text.clone(),
            Self::Char(character) => character.to_string(),
            Self::Variant(name, None) => (*name).to_owned(),
            tree => tree.quoted(),
        }
    }

    /// Writes the value like JSON: texts in quotation marks.
    pub(crate) fn quoted(&self) -> String {
        match self {
            Self::None | Self::Unit => "null".to_owned(),
            Self::Some(value) | Self::Watched(_, value) => value.quoted(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Large(value) => value.to_string(),
            Self::F32(bits) => format!("{:?}", f32::from_bits(*bits)),
            Self::F64(bits) => format!("{:?}", f64::from_bits(*bits)),
            Self::Char(value) => Value::String(value.to_string()).to_string(),
            Self::Text(value) => Value::String(value.clone()).to_string(),
            Self::Bytes(bytes) => list("[", bytes, "]"),
            Self::Sequence(elements) => list("[", elements.iter().map(Self::quoted), "]"),
            Self::Map(entries) => {
                list("{", entries.iter().map(|(key, value)| entry(&key.text(), value)), "}")
            }
            Self::Struct(fields) => {
                list("{", fields.iter().map(|(name, value)| entry(name, value)), "}")
            }
            Self::Variant(name, None) => format!("{name:?}"),
            Self::Variant(name, Some(content)) => list("{", [entry(name, content)], "}"),
            Self::Json(value) => value.to_string(),
        }
    }

    /// Reads a text as what this value is: the ways to understand it, the likeliest first.
    ///
    /// The error says what is taken instead.
    pub(in super::super) fn readings(&self, text: &str) -> Result<Vec<Self>, String> {
        match self {
            Self::None | Self::Unit | Self::Json(_) => {
                let json = serde_json::from_str(text).ok().map(Self::Json);
                Ok(json.into_iter().chain([Self::Text(text.to_owned())]).collect())
            }
            Self::Some(_) if text == "null" => Ok(vec![Self::None]),
            Self::Some(value) | Self::Watched(_, value) => value.readings(text),
            Self::Char(_) | Self::Text(_) => Ok(vec![Self::Text(text.to_owned())]),
            Self::Variant(..) => match serde_json::from_str(text) {
                Ok(json @ (Value::Object(_) | Value::String(_))) => Ok(vec![Self::Json(json)]),
                _ => Ok(vec![Self::Text(text.to_owned())]),
            },
            tree => match tree.reading(text) {
                Some(reading) => Ok(vec![reading]),
                None => Err(tree.expected()),
            },
        }
    }

    /// Reads a text where there is only one way to understand it.
    fn reading(&self, text: &str) -> Option<Self> {
        match self {
            Self::Bool(_) => text.parse().ok().map(Self::Bool),
            Self::Int(_) | Self::Large(_) => {
                let large = || text.parse().ok().map(Self::Large);
                text.parse().ok().map(Self::Int).or_else(large)
            }
            Self::F32(_) => text.parse::<f32>().ok().map(|value| Self::F32(value.to_bits())),
            Self::F64(_) => text.parse::<f64>().ok().map(|value| Self::F64(value.to_bits())),
            _ => serde_json::from_str(text).ok().map(Self::Json),
        }
    }

    /// Reads a text that stands for what JSON has no number for, if this is a float.
    pub(in super::super) fn not_finite(&self, text: &str) -> Option<Self> {
        let is_float = matches!(self, Self::F32(_) | Self::F64(_));
        let is_other = text.parse().is_ok_and(|value: f64| !value.is_finite());
        (is_float && is_other).then(|| self.reading(text)).flatten()
    }

    /// Says what a text must be to be read as what this value is.
    fn expected(&self) -> String {
        match self {
            Self::Bool(_) => "`true` or `false`".to_owned(),
            Self::Int(_) | Self::Large(_) => format!("a whole number such as {}", self.quoted()),
            Self::F32(_) | Self::F64(_) => format!("a number such as {}", self.quoted()),
            _ => format!("JSON such as `{}`", self.quoted()),
        }
    }
}

fn entry(name: &str, value: &Tree) -> String {
    format!("{}:{}", Value::from(name), value.quoted())
}

fn list(open: &str, items: impl IntoIterator<Item = impl Display>, close: &str) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    format!("{open}{}{close}", items.join(","))
}
