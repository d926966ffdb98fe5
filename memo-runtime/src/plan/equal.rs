//! Which calls of a plan are equal: they do the same with the same inputs, as far as that is known before any
//! of them has run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::digest::Hashed;
use crate::key::spare::SpareBuffer;
use crate::lazy::Origin;
use crate::stage::inputs::{Input, InputRow};
use crate::stage::node::Node;

/// Where the calls of a plan are, by what they do.
#[derive(Default)]
pub(super) struct Equal {
    /// By the hash of a call, the first that has it.
    first: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    /// By the hash of a call, the others that have the same.
    others: HashMap<u64, Vec<usize>, BuildHasherDefault<Hashed>>,
}

impl Equal {
    /// Returns where among `nodes` the call is that equals `node`; where there is none, notes that it comes next.
    pub(super) fn position(&mut self, nodes: &[Arc<Node>], node: &Node) -> usize {
        let (hash, next) = (hash_of(node), nodes.len());
        let is_it = |at: &usize| nodes.get(*at).is_some_and(|there| are_equal(there, node));
        let first = match self.first.entry(hash) {
            Entry::Vacant(place) => return *place.insert(next),
            Entry::Occupied(place) => *place.get(),
        };
        if is_it(&first) {
            return first;
        }
        let others = self.others.entry(hash).or_default();
        others.iter().copied().find(is_it).unwrap_or_else(|| {
            others.push(next);
            next
        })
    }

    pub(super) fn clear(&mut self) {
        self.first.clear();
        self.others.clear();
    }
}

/// Two calls that are not equal may have the same hash, but seldom do. The calls above are in the plan already,
/// where equal ones are one.
fn hash_of(node: &Node) -> u64 {
    let mut bytes = SpareBuffer::new();
    bytes.extend_from_slice(node.instance.digest.as_bytes());
    for part in &*node.parts {
        match part.value.short() {
            Some(short) => bytes.extend_from_slice(short),
            None => bytes.extend_from_slice(part.value.digest().as_bytes()),
        }
    }
    for row in node.inputs.iter().flat_map(Input::rows) {
        match row.origin() {
            Some(Origin::Node(above, output) | Origin::Shard(above, output, _)) => {
                bytes.extend_from_slice(&Arc::as_ptr(above).addr().to_le_bytes());
                bytes.extend_from_slice(&output.to_le_bytes());
            }
            Some(Origin::Inserted(digest)) => bytes.extend_from_slice(digest.as_bytes()),
            Some(Origin::Broken) | None => {}
        }
        bytes.extend_from_slice(row.params.map_or(&[][..], |digest| digest.as_bytes()));
    }
    xxh3_64(&bytes)
}

fn are_equal(one: &Node, other: &Node) -> bool {
    one.instance.digest == other.instance.digest
        && one.parts == other.parts
        && one.environment == other.environment
        && one.uncached.is_some() == other.uncached.is_some()
        && one.inputs.len() == other.inputs.len()
        && one.inputs.iter().zip(&other.inputs).all(|(one, other)| {
            let (mut one, mut other) = (one.rows(), other.rows());
            loop {
                match (one.next(), other.next()) {
                    (Some(one), Some(other)) if reads_the_same(&one, &other) => {}
                    (None, None) => return true,
                    _ => return false,
                }
            }
        })
}

fn reads_the_same(one: &InputRow<'_>, other: &InputRow<'_>) -> bool {
    let is_same_origin = match (one.origin(), other.origin()) {
        (
            Some(Origin::Node(one, a) | Origin::Shard(one, a, _)),
            Some(Origin::Node(other, b) | Origin::Shard(other, b, _)),
        ) => Arc::ptr_eq(one, other) && a == b,
        (Some(Origin::Inserted(one)), Some(Origin::Inserted(other))) => one == other,
        (None, None) => true,
        _ => false,
    };
    is_same_origin && one.name == other.name && one.params == other.params
}
