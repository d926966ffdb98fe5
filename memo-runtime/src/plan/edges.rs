//! What a planned call reads and gives: the edges of the plan.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::digest::Digest;
use crate::lazy::{Handle, Origin};
use crate::stage::inputs::Input;
use crate::stage::node::Node;

/// One input of a planned call. An aggregate has one for each record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedInput {
    /// The name by which the stage asks for it.
    pub name: &'static str,
    /// The record whose value it is, for an input of an aggregate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Where the value comes from.
    #[serde(flatten)]
    pub source: Source,
}

/// Where the value of an input comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "source", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// From a call of the plan.
    Call {
        /// Its [`id`](super::PlannedCall::id).
        call: usize,
        /// The output's name, as declared.
        output: &'static str,
    },
    /// From outside: it was inserted into the record.
    Inserted {
        /// The digest by which it enters keys.
        digest: Digest,
    },
    /// There is none, and the stage can do without.
    Absent,
    /// From a record that ended early, so nobody knows yet.
    Unknown,
}

/// One output of a planned call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedOutput {
    /// The output's name, as declared.
    pub name: &'static str,
    /// Whether it is kept in the store; else it lives in memory only.
    pub kept: bool,
}

/// Where in a plan each of its nodes is.
pub(crate) struct Positions(HashMap<*const Node, usize>);

impl Positions {
    pub(crate) fn of(nodes: &[Arc<Node>]) -> Self {
        Self(nodes.iter().enumerate().map(|(index, node)| (Arc::as_ptr(node), index)).collect())
    }

    pub(crate) fn get(&self, node: &Arc<Node>) -> Option<usize> {
        self.0.get(&Arc::as_ptr(node)).copied()
    }

    fn source(&self, handle: Option<&Handle>) -> Source {
        match handle.map(|handle| &handle.origin) {
            None => Source::Absent,
            Some(Origin::Inserted(digest)) => Source::Inserted { digest: *digest },
            Some(Origin::Broken) => Source::Unknown,
            Some(Origin::Node(node, output) | Origin::Shard(node, output, _)) => {
                match self.get(node) {
                    Some(call) => Source::Call { call, output: node.spec.outputs[*output].name },
                    None => Source::Unknown,
                }
            }
        }
    }
}

/// Returns the inputs of a call, in order.
pub(crate) fn inputs_of(node: &Node, positions: &Positions) -> Vec<PlannedInput> {
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for (spec, input) in node.spec.inputs.iter().zip(&node.inputs) {
        let name = spec.name;
        match input {
            Input::One(handle) => {
                let source = positions.source(handle.as_ref());
                inputs.push(PlannedInput { name, record: None, source });
            }
            Input::Each(each) => {
                let source = positions.source(Some(&each.handle));
                inputs.push(PlannedInput { name, record: None, source });
            }
            Input::Across(across) => inputs.extend(across.rows().iter().map(|row| PlannedInput {
                name,
                record: Some(row.name.to_string()),
                source: if row.unknown {
                    Source::Unknown
                } else {
                    positions.source(row.handle.as_ref())
                },
            })),
        }
    }
    inputs
}

/// Returns the outputs of a call, in order.
pub(crate) fn outputs_of(node: &Node) -> Vec<PlannedOutput> {
    let outputs = node.spec.outputs.iter().zip(&node.outputs);
    let is_kept = node.is_kept();
    let output = |(spec, slot): (&crate::stage::OutputSpec, &Arc<dyn crate::slot::AnySlot>)| {
        PlannedOutput { name: spec.name, kept: is_kept && slot.format().is_some() }
    };
    outputs.map(output).collect()
}
