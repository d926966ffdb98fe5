//! The plan: every call of a run, declared before anything runs.
//!
//! While a pipeline function declares, its calls gather in [`Declared`]; equal ones are one node.
//! [`verdicts`] then says of each what would happen, and [`crate::run`] makes it happen.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use crate::error::{Error, ErrorKind, did_you_mean};
use crate::record::{Bound, Fields, Params, Record, State};
use crate::session::Session;
use crate::stage::node::Node;

pub(crate) mod edges;
mod equal;
pub(crate) mod lists;
pub(crate) mod told;
pub(crate) mod verdicts;

use edges::Positions;
pub use edges::{PlannedInput, PlannedOutput, Source};
use equal::Equal;
pub use verdicts::{Plan, PlannedCall, PlannedShards, Verdict};

/// The calls that were declared so far.
#[derive(Default)]
pub(crate) struct Declared(Mutex<Calls>);

#[derive(Default)]
pub(crate) struct Calls {
    /// In the order of declaration, in which every call follows those that it depends on.
    pub(crate) nodes: Vec<Arc<Node>>,
    equal: Equal,
    pub(crate) records: Vec<RecordCalls>,
    names: HashSet<Arc<str>>,
    pub(crate) errors: Vec<Error>,
    /// Whether a call publishes a result.
    pub(crate) publishes: bool,
    /// Where calls are told as they are declared, several at a time.
    told: Option<Box<Told>>,
}

/// Who is told of calls, and of which next.
struct Told {
    to: mpsc::Sender<Vec<Arc<Node>>>,
    next: Vec<Arc<Node>>,
}

/// The calls of one record.
pub(crate) struct RecordCalls {
    pub(crate) name: Arc<str>,
    /// The record that added this one while it declared.
    pub(crate) parent: Option<usize>,
    /// Whether the run is about it.
    pub(crate) is_chosen: bool,
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
        let Calls { nodes, equal, .. } = &mut *calls;
        let position = equal.position(nodes, &node);
        if position == calls.nodes.len() {
            if let Some(told) = &mut calls.told {
                told.add(&node);
            }
            calls.publishes |= node.outputs.iter().any(|slot| slot.published().is_some());
            calls.nodes.push(node);
        }
        if let Some(record) = calls.records.get_mut(record) {
            record.nodes.push(position);
        }
        Arc::clone(&calls.nodes[position])
    }

    /// Tells `to` each call that is declared from now on; whom calls were told before is told the rest.
    pub(crate) fn tell(&self, to: Option<mpsc::Sender<Vec<Arc<Node>>>>) {
        let mut calls = self.calls();
        if let Some(mut before) = calls.told.take() {
            before.send();
        }
        calls.told = to.map(|to| Box::new(Told { to, next: Vec::with_capacity(Told::AT_ONCE) }));
    }

    /// Adds a record, which may branch off another, and returns its position.
    pub(crate) fn add_record<P: Params>(
        &self,
        name: &Arc<str>,
        params: &Arc<P>,
        parent: Option<usize>,
    ) -> usize {
        let mut calls = self.calls();
        if !calls.names.insert(Arc::clone(name)) {
            let message = format!("two records are named `{name}`");
            calls.errors.push(Error::new(ErrorKind::Wiring, message));
        }
        calls.records.push(RecordCalls {
            name: Arc::clone(name),
            parent,
            is_chosen: true,
            nodes: Vec::new(),
            ended: None,
            state: State::default(),
            fields: Arc::clone(params) as Fields,
            params: Arc::clone(params) as Arc<dyn Any + Send + Sync>,
        });
        calls.records.len() - 1
    }

    /// Makes the run one about the records of these names, and those that they have added. A name may be
    /// nobody's only where a record ended early.
    pub(crate) fn choose(&self, names: &[String]) -> Result<(), Error> {
        let mut calls = self.calls();
        let has_ended = calls.records.iter().any(|record| record.ended.is_some());
        let nobodys = names.iter().find(|name| !calls.names.contains(name.as_str()));
        if let Some(wanted) = nobodys.filter(|_| !has_ended) {
            return Err(unknown(wanted, calls.records.iter().map(|record| &*record.name)));
        }
        for index in 0..calls.records.len() {
            let record = &calls.records[index];
            let is_added = record.parent.is_some_and(|parent| calls.records[parent].is_chosen);
            let is_chosen = is_added || names.iter().any(|name| **name == *record.name);
            calls.records[index].is_chosen = is_chosen;
        }
        Ok(())
    }

    /// Lists the stages whose values ended the declaration of a record.
    pub(crate) fn awaited_stages(&self) -> Vec<String> {
        let calls = self.calls();
        let mut stages: Vec<String> = calls
            .records
            .iter()
            .filter_map(|record| Some(record.ended.as_ref()?.stage()?.to_owned()))
            .collect();
        stages.sort_unstable();
        stages.dedup();
        stages
    }

    /// Whether a record ended early, so that nobody knows which others it adds.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.calls().records.iter().any(|record| record.ended.is_some())
    }

    /// Returns the chosen records in their order, those that branched off among them.
    pub(crate) fn records<P: Params>(&self, session: &Arc<Session>) -> Vec<Record<P>> {
        let calls = self.calls();
        let chosen = calls.records.iter().enumerate().filter(|(_, record)| record.is_chosen);
        let records = chosen.filter_map(|(index, record)| {
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

    /// Notes what all names of a record are bound to.
    pub(crate) fn all_bound(&self, record: usize, state: State) {
        if let Some(record) = self.calls().records.get_mut(record) {
            record.state = state;
        }
    }

    /// Reports a mistake in the wiring; all are told together before anything runs.
    pub(crate) fn report(&self, error: Error) {
        self.calls().errors.push(error);
    }
}

impl Told {
    /// Waking a thread for each call would take longer than most of what it does.
    const AT_ONCE: usize = 32;

    fn add(&mut self, node: &Arc<Node>) {
        self.next.push(Arc::clone(node));
        if self.next.len() >= Self::AT_ONCE {
            self.send();
        }
    }

    fn send(&mut self) {
        // Whoever listens may have heard enough.
        let next = std::mem::replace(&mut self.next, Vec::with_capacity(Self::AT_ONCE));
        let _ = self.to.send(next);
    }
}

impl Calls {
    /// Drops the calls that the run does not need: of records that it is not about, where those do not share
    /// them with others. What a pipeline function has asked for is settled by now, and stays.
    pub(crate) fn keep_chosen(&mut self) {
        if self.records.iter().all(|record| record.is_chosen) {
            return;
        }
        let mut is_called = vec![false; self.nodes.len()];
        let mut is_needed: Vec<bool> = self.nodes.iter().map(|node| !node.is_open()).collect();
        for record in &self.records {
            for node in &record.nodes {
                is_called[*node] = true;
                is_needed[*node] |= record.is_chosen;
            }
        }
        let positions = Positions::of(&self.nodes);
        for (index, node) in self.nodes.iter().enumerate().rev() {
            // What no record calls is called across them.
            is_needed[index] |= !is_called[index];
            if is_needed[index] {
                let above = node.upstream().filter_map(|above| positions.get(above));
                above.for_each(|above| is_needed[above] = true);
            }
        }
        let mut places = vec![None; is_needed.len()];
        let needed = is_needed.iter().enumerate().filter(|(_, needed)| **needed);
        for (place, (index, _)) in needed.enumerate() {
            places[index] = Some(place);
        }
        let mut needed = is_needed.into_iter();
        self.nodes.retain(|_| needed.next().unwrap_or(true));
        for record in &mut self.records {
            record.nodes = record.nodes.iter().filter_map(|node| places[*node]).collect();
        }
        self.equal.clear();
    }
}

/// Says that nobody has a name that was asked for.
pub(crate) fn unknown<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let message = format!("no record is named `{wanted}`{}", did_you_mean(wanted, names));
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_records_are_told_apart_by_their_names() {
        let declared = Declared::default();
        let params = Arc::new(());
        for number in 0..100_000_usize {
            let name: Arc<str> = format!("record-{number}").into();
            assert_eq!(declared.add_record(&name, &params, None), number);
        }
        assert!(declared.calls().errors.is_empty());
        declared.add_record(&"record-7".into(), &params, None);
        let told: Vec<_> = declared.calls().errors.iter().map(Error::chain).collect();
        assert_eq!(told, ["two records are named `record-7`"]);
    }
}
