//! The plan: every call of a run, declared before anything runs.
//!
//! While a pipeline function declares, its calls gather in [`Declared`]; equal ones are one node.
//! [`verdicts`] then says of each what would happen, and [`crate::run`] makes it happen.

use std::any::Any;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use crate::digest::{Digest, Hashed};
use crate::error::{Error, ErrorKind};
use crate::record::{Bound, Fields, Params, Record, State, fields_of};
use crate::session::Session;
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
    by_identity: HashMap<Digest, usize, BuildHasherDefault<Hashed>>,
    pub(crate) records: Vec<RecordCalls>,
    names: HashSet<Arc<str>>,
    pub(crate) errors: Vec<Error>,
    /// Where calls are told as they are declared.
    told: Option<mpsc::Sender<Arc<Node>>>,
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
    pub(crate) params: Arc<dyn Any + Send + Sync>,
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
            if let Some(told) = &calls.told {
                // Whoever listens may have heard enough.
                let _ = told.send(Arc::clone(&node));
            }
            calls.nodes.push(node);
        }
        if let Some(record) = calls.records.get_mut(record) {
            record.nodes.push(position);
        }
        Arc::clone(&calls.nodes[position])
    }

    /// Tells `to` each call that is declared from now on.
    pub(crate) fn tell(&self, to: Option<mpsc::Sender<Arc<Node>>>) {
        self.calls().told = to;
    }

    /// Adds a record and returns its position.
    pub(crate) fn add_record<P: Params>(&self, name: &Arc<str>, params: &Arc<P>) -> usize {
        let mut calls = self.calls();
        if !calls.names.insert(Arc::clone(name)) {
            let message = format!("two records are named `{name}`");
            calls.errors.push(Error::new(ErrorKind::Wiring, message));
        }
        calls.records.push(RecordCalls {
            name: Arc::clone(name),
            nodes: Vec::new(),
            ended: None,
            state: State::new(),
            fields: fields_of(params),
            params: Arc::clone(params) as Arc<dyn Any + Send + Sync>,
        });
        calls.records.len() - 1
    }

    /// Returns all records in their order, those that branched off among them.
    pub(crate) fn records<P: Params>(&self, session: &Arc<Session>) -> Vec<Record<P>> {
        let calls = self.calls();
        let records = calls.records.iter().enumerate().filter_map(|(index, record)| {
            let params = Arc::clone(&record.params).downcast::<P>().ok()?;
            let (session, name) = (Arc::clone(session), Arc::clone(&record.name));
            let mut made = Record::in_session(session, name, params, index);
            made.frame.state.clone_from(&record.state);
            Some(made)
        });
        records.collect()
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
