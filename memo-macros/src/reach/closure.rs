//! All that a stage reaches: a fixed point of four rules.
//!
//! 1. An item that is reached reaches what its names lead to.
//! 2. A type that is reached reaches those of its functions whose name is called anywhere.
//! 3. A trait of the workspace that is reached reaches its implementations.
//! 4. A type that is reached reaches its implementations of traits from elsewhere: operators, `Drop`
//!    and iterators run without being named.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::edges::{Edges, Facts};
use super::items::Kind;
use super::link::{Linked, Node, Targets};
use super::tree::{Dependency, ItemId, ModuleId};

/// What a stage must not reach, on the user's word.
#[derive(Default)]
pub struct Opaque {
    pub items: BTreeSet<ItemId>,
    pub modules: BTreeSet<ModuleId>,
    pub crates: BTreeSet<Dependency>,
}

impl Opaque {
    fn hides(&self, linked: &Linked, item: ItemId) -> bool {
        let mut around = Some(linked.world.items[item].module);
        while let Some(module) = around {
            if self.modules.contains(&module) {
                return true;
            }
            around = linked.world.modules[module].parent;
        }
        self.items.contains(&item) || self.is_member_of_hidden(linked, item)
    }

    fn is_member_of_hidden(&self, linked: &Linked, item: ItemId) -> bool {
        let has = |of: &ItemId| linked.members.get(of).is_some_and(|all| all.contains(&item));
        self.items.iter().any(has)
    }
}

/// An item that was reached.
pub struct Reached {
    pub edges: Rc<Edges>,
    /// What is reached because it belongs to this type or trait.
    pub belonging: Targets,
}

/// All that was reached.
pub struct Closure {
    /// The items, each with where its names lead, be it reached or left out.
    pub nodes: BTreeMap<Node, Reached>,
    pub crates: BTreeSet<Dependency>,
    pub facts: Facts,
    pub unseen: BTreeSet<String>,
}

impl Closure {
    /// Follows the edges of a stage until nothing new is reached.
    pub fn of(linked: &Linked, stage: &Edges, opaque: &Opaque) -> Self {
        Self::of_narrowed(linked, stage, opaque, &BTreeMap::new())
    }

    /// Does the same with other edges of some items.
    pub fn of_narrowed(
        linked: &Linked,
        stage: &Edges,
        opaque: &Opaque,
        others: &BTreeMap<Node, Rc<Edges>>,
    ) -> Self {
        let mut walk = Walk { linked, opaque, closure: Self::empty(), called: BTreeSet::new() };
        let mut open = walk.enter(stage);
        while !open.is_empty() {
            while let Some(node) = open.pop() {
                if !walk.closure.nodes.contains_key(&node) && !opaque.hides(linked, node.0) {
                    let edges = others.get(&node).cloned().unwrap_or_else(|| linked.edges(node));
                    open.extend(walk.enter(&edges));
                    let reached = Reached { edges, belonging: Targets::new() };
                    walk.closure.nodes.insert(node, reached);
                }
            }
            open = walk.belonging();
        }
        walk.closure.crates.retain(|found| !opaque.crates.contains(found));
        walk.closure
    }

    fn empty() -> Self {
        Self {
            nodes: BTreeMap::new(),
            crates: BTreeSet::new(),
            facts: Facts::new(),
            unseen: BTreeSet::new(),
        }
    }
}

/// A closure while it grows.
struct Walk<'a> {
    linked: &'a Linked,
    opaque: &'a Opaque,
    closure: Closure,
    called: BTreeSet<String>,
}

impl Walk<'_> {
    /// Takes in what an item leads to, and returns the items among it.
    fn enter(&mut self, edges: &Edges) -> Vec<Node> {
        self.closure.crates.extend(edges.crates.iter().cloned());
        self.closure.facts.extend(edges.facts.iter().map(|(fact, digest)| (fact.clone(), *digest)));
        self.closure.unseen.extend(edges.unseen.iter().cloned());
        for name in &edges.called {
            if !self.called.contains(name) {
                self.called.insert(name.clone());
            }
        }
        edges.targets.values().flatten().copied().collect()
    }

    /// Finds what belongs to the reached types and traits and is not reached yet.
    fn belonging(&mut self) -> Vec<Node> {
        let mut found: Vec<(Node, String, Node)> = Vec::new();
        for node in self.closure.nodes.keys() {
            for (name, item) in self.of_owner(node.0) {
                found.push((*node, name, self.linked.node(item, node.1)));
            }
        }
        let mut fresh = Vec::new();
        for (owner, name, node) in found {
            let is_new = !self.closure.nodes.contains_key(&node);
            if is_new && !self.opaque.hides(self.linked, node.0) {
                fresh.push(node);
            }
            if let Some(owner) = self.closure.nodes.get_mut(&owner) {
                owner.belonging.entry(name).or_default().insert(node);
            }
        }
        fresh
    }

    fn of_owner(&self, owner: ItemId) -> Vec<(String, ItemId)> {
        let linked = self.linked;
        let members = linked.members.get(&owner).into_iter().flatten();
        let called = members.filter_map(|member| match &linked.world.items[*member].kind {
            Kind::Member { name: Some(name), .. } if !self.called.contains(name) => None,
            Kind::Member { name, .. } => Some((format!(".{}", name.as_deref()?), *member)),
            _ => None,
        });
        let implementations = linked.implementations.get(&owner).into_iter().flatten();
        called.chain(implementations.map(|item| ("impl".to_owned(), *item))).collect()
    }
}
