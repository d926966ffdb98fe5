//! The fingerprint of a closure.
//!
//! The digests of the items alone do not tell which name leads to which item: `use a as b, b as a`
//! swaps two functions and changes neither. So the digest of an item takes in, round after round,
//! those of the items that its names lead to, until rounds tell no more items apart. Paths and the
//! order of items never enter.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_128;

use super::closure::Closure;
use super::link::{Linked, Node, Targets};

/// The version of this scheme.
const SCHEME: &str = "memo reach 1";

/// Returns the digest of a stage: its own one, what its names lead to, and all that it reaches.
pub fn total(
    own: u128,
    stage: &Targets,
    closure: &Closure,
    linked: &Linked,
    crates: &[u128],
) -> u128 {
    let (colours, rounds) = colours(closure, linked);
    let mut all: Vec<u128> = colours.values().copied().collect();
    all.sort_unstable();
    let mut digest = Digest::new();
    digest.text(SCHEME);
    digest.number(own);
    digest.number(rounds);
    digest.number(names(stage, &colours));
    for colour in all {
        digest.number(colour);
    }
    digest.text("crates");
    for digest_of in crates {
        digest.number(*digest_of);
    }
    for (name, value) in &closure.facts {
        digest.text(name);
        digest.number(*value);
    }
    xxh3_128(&digest.0)
}

fn colours(closure: &Closure, linked: &Linked) -> (BTreeMap<Node, u128>, u128) {
    let first = |node: &Node| (*node, linked.world.items[node.0].digest());
    let mut colours: BTreeMap<Node, u128> = closure.nodes.keys().map(first).collect();
    let mut rounds = 0;
    loop {
        let next: BTreeMap<Node, u128> = closure
            .nodes
            .iter()
            .map(|(node, reached)| {
                let mut digest = Digest::new();
                digest.number(colours[node]);
                digest.number(names(&reached.edges.targets, &colours));
                digest.number(names(&reached.belonging, &colours));
                (*node, xxh3_128(&digest.0))
            })
            .collect();
        rounds += 1;
        let is_stable = count(&next) == count(&colours);
        colours = next;
        if is_stable {
            return (colours, rounds);
        }
    }
}

fn count(colours: &BTreeMap<Node, u128>) -> usize {
    colours.values().collect::<BTreeSet<_>>().len()
}

/// The digest of names and of what each of them leads to.
fn names(targets: &Targets, colours: &BTreeMap<Node, u128>) -> u128 {
    let mut digest = Digest::new();
    for (name, nodes) in targets {
        let found: BTreeSet<u128> =
            nodes.iter().filter_map(|node| colours.get(node)).copied().collect();
        if !found.is_empty() {
            digest.text(name);
            for colour in found {
                digest.number(colour);
            }
        }
    }
    xxh3_128(&digest.0)
}

/// A digest of texts and numbers, each of which is told apart from the next.
struct Digest(Vec<u8>);

impl Digest {
    fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: u128) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
}
