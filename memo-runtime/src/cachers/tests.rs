//! What holds for all cachers: values come back, or are refused; hostile bytes are errors.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such")]

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::checked::Codec;
use crate::error::Result;

mod hostile;
mod paths;
mod refusals;
mod round_trips;

/// A flat row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    name: String,
    loss: f64,
    rank: Option<u32>,
    best: bool,
    kind: Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Plain {
    First,
    Second,
}

/// A type with a bit of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Model {
    layers: Vec<Layer>,
    by_name: HashMap<String, Vec<f32>>,
    by_number: BTreeMap<u16, (i64, char)>,
    seen: HashSet<String>,
    parent: Option<Box<Model>>,
    raw: [u8; 4],
    wide: i128,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Layer {
    Input,
    Dense(usize, f64),
    Named { name: String, bias: Option<f32> },
    Nested(Box<Layer>),
}

/// Encodes in memory, without reading back.
fn encode<T, C: Codec<T>>(codec: &C, value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    codec.encode(value, &mut bytes)?;
    Ok(bytes)
}
