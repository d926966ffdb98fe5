//! A function that is handed params, and reads single fields of them, does not depend on their type.
//!
//! Its signature names the type, which would reach all fields, and what is implemented for it. That
//! name is left out where nothing but the fields that are read can come of it: if each place that
//! names the function is a call that was followed. Any other one, like `helper(&Default::default())`,
//! could make a value of that type without naming it. Whoever names the type elsewhere reaches it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::through::Step;
use crate::reach::closure::{Closure, Opaque};
use crate::reach::edges::Edges;
use crate::reach::link::{Linked, Node, Targets};
use crate::reach::tree::ItemId;
use crate::tokens::Tokens;

/// Follows a stage with these tokens and edges, and leaves out types of params that do not count.
pub fn narrowed(
    linked: &Linked,
    code: Tokens,
    edges: &mut Edges,
    steps: &[Step],
    opaque: &Opaque,
) -> Closure {
    for step in steps {
        // The type is not reached, so the method would not be found as one of its.
        if let Some(method) = &step.method {
            let node = own_node(linked, step.callee);
            edges.targets.entry(format!("params.{method}()")).or_default().insert(node);
        }
    }
    let mut narrow: BTreeMap<ItemId, BTreeSet<usize>> = BTreeMap::new();
    for step in steps {
        narrow.entry(step.callee).or_default().insert(step.argument);
    }
    loop {
        let edges_of = |(id, parameters): (&ItemId, &BTreeSet<usize>)| {
            let node = own_node(linked, *id);
            let names = linked.world.items[*id].names_without(parameters);
            (node, Rc::new(Edges::of_names(linked, node, &names)))
        };
        let others = narrow.iter().map(edges_of).collect();
        let closure = Closure::of_narrowed(linked, edges, opaque, &others);
        let is_other = |(id, parameters): (&ItemId, &BTreeSet<usize>)| {
            let uses = Uses { linked, steps, callee: *id, parameters };
            let is_other = uses.are_others(None, &edges.targets, |names| code.count(names))
                || closure.nodes.iter().any(|((caller, _), reached)| {
                    let count = |names: &BTreeSet<&str>| linked.world.items[*caller].count(names);
                    uses.are_others(Some(*caller), &reached.edges.targets, count)
                });
            is_other.then_some(*id)
        };
        let wide: Vec<ItemId> = narrow.iter().filter_map(is_other).collect();
        if wide.is_empty() {
            return closure;
        }
        narrow.retain(|id, _| !wide.contains(id));
    }
}

fn own_node(linked: &Linked, id: ItemId) -> Node {
    (id, linked.world.items[id].module)
}

/// The uses of a function.
struct Uses<'a> {
    linked: &'a Linked,
    steps: &'a [Step],
    callee: ItemId,
    /// The parameters of which the types are left out.
    parameters: &'a BTreeSet<usize>,
}

impl Uses<'_> {
    /// Whether any code names the function other than to hand params to it. `count` tells how often
    /// names stand in that code.
    fn are_others(
        &self,
        caller: Option<ItemId>,
        targets: &Targets,
        count: impl Fn(&BTreeSet<&str>) -> usize,
    ) -> bool {
        let node = own_node(self.linked, self.callee);
        // A method by its name is one of a value, whose type somebody has named.
        let leads = targets.iter().filter(|(name, to)| !name.ends_with("()") && to.contains(&node));
        let last = |name: &str| name.rsplit([':', ' ']).next().unwrap_or_default().to_owned();
        let names: BTreeSet<String> = leads.map(|(name, _)| last(name)).collect();
        if names.is_empty() {
            return false;
        }
        let found = count(&names.iter().map(String::as_str).collect());
        let is_followed = |parameter: &usize| {
            let calls = self.steps.iter().filter(|step| {
                step.caller == caller && step.callee == self.callee && step.argument == *parameter
            });
            calls.map(|step| step.call).collect::<BTreeSet<_>>().len() == found
        };
        found == 0 || !self.parameters.iter().all(is_followed)
    }
}
