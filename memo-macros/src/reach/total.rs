//! The fingerprint of a closure.
//!
//! The digests of the items alone do not tell which name leads to which item: `use a as b, b as a`
//! swaps two functions and changes neither. So the digest of an item takes in, round after round,
//! those of the items that its names lead to, until rounds tell no more items apart. Paths and the
//! order of items never enter.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_128;

use super::closure::Closure;
use super::link::{Linked, Node, Targets};

/// The version of this scheme.
const SCHEME: &str = "memo reach 2";

/// Returns the digest of a stage: its own one, what its names lead to, and all that it reaches.
pub fn total(
    own: u128,
    stage: &Targets,
    closure: &Closure,
    linked: &Linked,
    crates: &[u128],
) -> u128 {
    let graph = Graph::of(closure);
    let first = closure.nodes.keys().map(|node| linked.world.items[node.0].digest()).collect();
    let (mut colours, rounds) = graph.colours(first);
    let mut digest = Digest::new();
    digest.text(SCHEME);
    digest.number(own);
    digest.number(rounds);
    digest.names(&graph.named(stage), &colours);
    colours.sort_unstable();
    for colour in colours {
        digest.number(colour);
    }
    digest.text("crates");
    for digest_of in crates {
        digest.number(*digest_of);
    }
    for ((name, of), value) in &closure.facts {
        digest.text(name);
        digest.text(of);
        digest.number(*value);
    }
    xxh3_128(&digest.0)
}

/// Names, each with the places of what it leads to.
type Named<'c> = Vec<(&'c str, Vec<usize>)>;

/// The items of a closure by their places in it, and what their names lead to.
struct Graph<'c> {
    places: BTreeMap<&'c Node, usize>,
    /// For each item what its names lead to, and what belongs to it.
    edges: Vec<(Named<'c>, Named<'c>)>,
}

impl<'c> Graph<'c> {
    fn of(closure: &'c Closure) -> Self {
        let places = closure.nodes.keys().enumerate().map(|(place, node)| (node, place)).collect();
        let mut graph = Self { places, edges: Vec::with_capacity(closure.nodes.len()) };
        for reached in closure.nodes.values() {
            let edges = (graph.named(&reached.edges.targets), graph.named(&reached.belonging));
            graph.edges.push(edges);
        }
        graph
    }

    /// The places of targets; a name that leads to nothing that was reached is left out.
    fn named(&self, targets: &'c Targets) -> Named<'c> {
        let mut named = Vec::with_capacity(targets.len());
        for (name, nodes) in targets {
            let places: Vec<usize> =
                nodes.iter().filter_map(|node| self.places.get(node).copied()).collect();
            if !places.is_empty() {
                named.push((name.as_str(), places));
            }
        }
        named
    }

    /// Refines the digests of the items; returns how often that was done as well.
    fn colours(&self, first: Vec<u128>) -> (Vec<u128>, u128) {
        let mut colours = first;
        let mut different = count(&colours);
        let mut rounds = 0;
        let mut digest = Digest::new();
        loop {
            let mut next = Vec::with_capacity(colours.len());
            for (colour, (targets, belonging)) in colours.iter().zip(&self.edges) {
                digest.0.clear();
                digest.number(*colour);
                digest.names(targets, &colours);
                digest.names(belonging, &colours);
                next.push(xxh3_128(&digest.0));
            }
            rounds += 1;
            let more = count(&next);
            colours = next;
            if more == different {
                return (colours, rounds);
            }
            different = more;
        }
    }
}

fn count(colours: &[u128]) -> usize {
    let mut colours = colours.to_vec();
    colours.sort_unstable();
    colours.dedup();
    colours.len()
}

/// A digest of texts and numbers, each of which is told apart from the next.
struct Digest(Vec<u8>);

impl Digest {
    fn new() -> Self {
        Self(Vec::with_capacity(1024))
    }

    /// Names and what each of them leads to, in no order of their own.
    fn names(&mut self, named: &Named, colours: &[u128]) {
        self.number(named.len() as u128);
        for (name, places) in named {
            let mut found: Vec<u128> = places.iter().map(|place| colours[*place]).collect();
            found.sort_unstable();
            found.dedup();
            self.text(name);
            self.number(found.len() as u128);
            for colour in found {
                self.number(colour);
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: u128) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
}
