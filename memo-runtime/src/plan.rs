//! The plan: every call of a run, declared before anything runs.
//!
//! While a pipeline function declares, its calls gather in [`Declared`]; equal ones are one node.
//! [`verdicts`] then says of each what would happen, and [`crate::run`] makes it happen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::Digest;
use crate::error::Error;
use crate::stage::node::Node;

pub(crate) mod verdicts;

pub use verdicts::{Plan, PlannedCall, Verdict};

/// The calls that were declared so far.
#[derive(Default)]
pub(crate) struct Declared(Mutex<Calls>);

#[derive(Default)]
pub(crate) struct Calls {
    /// In the order of declaration, in which every call follows those that it depends on.
    pub(crate) nodes: Vec<Arc<Node>>,
    by_identity: HashMap<Digest, usize>,
    pub(crate) records: Vec<RecordCalls>,
    pub(crate) errors: Vec<Error>,
}

/// The calls of one record.
pub(crate) struct RecordCalls {
    pub(crate) name: Arc<str>,
    /// Positions in [`Calls::nodes`].
    pub(crate) nodes: Vec<usize>,
    /// Why the record's declaration ended early, under `--plan`.
    pub(crate) ended: Option<Error>,
}

impl Declared {
    pub(crate) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call, or finds the equal one that is there.
    pub(crate) fn add(&self, node: Arc<Node>, record: usize) -> Arc<Node> {
        let mut calls = self.calls();
        let next = calls.nodes.len();
        let position = *calls.by_identity.entry(node.plan_identity()).or_insert(next);
        if position == next {
            calls.nodes.push(node);
        }
        if let Some(record) = calls.records.get_mut(record) {
            record.nodes.push(position);
        }
        Arc::clone(&calls.nodes[position])
    }

    /// Adds a record and returns its position.
    pub(crate) fn add_record(&self, name: &Arc<str>) -> usize {
        let records = &mut self.calls().records;
        records.push(RecordCalls { name: Arc::clone(name), nodes: Vec::new(), ended: None });
        records.len() - 1
    }

    /// Reports a mistake in the wiring; all are told together before anything runs.
    pub(crate) fn report(&self, error: Error) {
        self.calls().errors.push(error);
    }
}
