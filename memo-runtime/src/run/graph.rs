//! Who reads whom, by positions in the plan.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::lazy::Handle;
use crate::plan::lists::Lists;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};

pub(super) struct Graph<'a> {
    /// Each follows those that it reads.
    pub(super) nodes: &'a [Arc<Node>],
    /// For each node, those that read its outputs, each once.
    pub(super) readers: Lists,
    /// For each node, those whose outputs it reads, each once.
    pub(super) sources: Lists,
}

impl<'a> Graph<'a> {
    pub(super) fn new(nodes: &'a [Arc<Node>]) -> Self {
        for (index, node) in nodes.iter().enumerate() {
            node.position.store(index, Ordering::Relaxed);
        }
        let above =
            |node: &'a Arc<Node>| node.upstream().filter_map(|above| position(nodes, above));
        let sources = Lists::new(nodes.iter().map(above));
        Self { nodes, readers: sources.reversed(nodes.len()), sources }
    }

    pub(super) fn position(&self, node: &Arc<Node>) -> Option<usize> {
        position(self.nodes, node)
    }

    /// Whether a call runs though nobody has asked for its values yet.
    pub(super) fn is_wanted(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        let is_last = self.readers[index].is_empty();
        node.is_kept() || node.uncached.is_some() || node.outputs.is_empty() || is_last
    }

    /// Whether a call takes the shards of a source one by one, and nothing else of it.
    pub(super) fn takes_shards(&self, reader: usize, source: usize) -> bool {
        let is_source = |node: &Arc<Node>| self.position(node) == Some(source);
        self.nodes[source].array.is_some()
            && self.nodes[reader].inputs.iter().all(|input| match input {
                Input::Each(each) if each.array().is_some() => true,
                input => !input.handles().filter_map(Handle::node).any(is_source),
            })
    }

    /// Whether a source is read only where it may be absent.
    pub(super) fn does_without(&self, reader: usize, source: usize) -> bool {
        let mut inputs = self.nodes[reader].inputs.iter().filter(|input| !input.may_be_absent());
        !inputs.any(|input| {
            let mut above = input.handles().filter_map(Handle::node);
            above.any(|above| self.position(above) == Some(source))
        })
    }
}

/// Returns where in a plan a node is. One that is not in it may have any position noted.
fn position(nodes: &[Arc<Node>], node: &Arc<Node>) -> Option<usize> {
    let position = node.position.load(Ordering::Relaxed);
    nodes.get(position).is_some_and(|there| Arc::ptr_eq(there, node)).then_some(position)
}

impl Node {
    pub(crate) fn is_miss(&self) -> bool {
        matches!(self.status(), Status::Miss(_))
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.status(), Status::Failed(_))
    }

    /// Whether it reads the values of many records, one at a time.
    pub(super) fn reads_across(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input, Input::Across(_)))
    }

    /// Drops the values that can be read again.
    pub(super) fn evict_all(&self) {
        (0..self.outputs.len()).for_each(|index| self.evict(index));
    }

    /// Drops the values of all outputs: nobody in this run reads them any more.
    pub(crate) fn drop_values(&self) {
        for index in 0..self.outputs.len() {
            if self.is_kept_at(index) {
                self.evict(index);
            } else {
                self.outputs[index].evict();
            }
        }
    }
}
