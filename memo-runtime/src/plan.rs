//! The plan: every call of a run, declared before anything runs.
//!
//! While a pipeline function declares, its calls gather in [`Declared`]; equal ones are one node.
//! [`verdicts`] then says of each what would happen, and [`crate::run`] makes it happen.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::record::{Bound, Fields, Params, State, fields_of};
use crate::stage::node::Node;

pub(crate) mod edges;
pub(crate) mod verdicts;

pub use edges::{PlannedInput, PlannedOutput, Source};
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
    /// Why the record's declaration ended early.
    pub(crate) ended: Option<Error>,
    /// What its names are bound to.
    pub(crate) state: State,
    pub(crate) fields: Fields,
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
    pub(crate) fn add_record<P: Params>(&self, name: &Arc<str>, params: &Arc<P>) -> usize {
        let mut calls = self.calls();
        if calls.records.iter().any(|record| record.name == *name) {
            let message = format!("two records are named `{name}`");
            calls.errors.push(Error::new(ErrorKind::Wiring, message));
        }
        let (name, nodes, state) = (Arc::clone(name), Vec::new(), State::new());
        calls.records.push(RecordCalls {
            name,
            nodes,
            ended: None,
            state,
            fields: fields_of(params),
        });
        calls.records.len() - 1
    }

    /// Notes what a name of a record is bound to.
    pub(crate) fn bound(&self, record: usize, name: Cow<'static, str>, bound: Bound) {
        if let Some(record) = self.calls().records.get_mut(record) {
            record.state.insert(name, bound);
        }
    }

    /// Reports a mistake in the wiring; all are told together before anything runs.
    pub(crate) fn report(&self, error: Error) {
        self.calls().errors.push(error);
    }
}
