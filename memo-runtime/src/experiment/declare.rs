//! Declaring: the pipeline function runs once per record, and its calls become a plan.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::de::DeserializeOwned;

use super::{Experiment, NamedParams, RunOptions};
use crate::aggregate::Records;
use crate::error::{BoxError, Error, ErrorKind};
use crate::plan::RecordCalls;
use crate::plan::lists::Lists;
use crate::policy::{Policy, Selection, find_stage};
use crate::record::{Frame, Params, Record, State, Tells};
use crate::session::{Mode, Session};
use crate::stage::ahead::Ahead;
use crate::stage::explain::Neighbours;
use crate::stage::former::AcceptedCode;
use crate::stage::node::Node;
use crate::store::Store;

mod choose;
mod places;

use choose::Chosen;
use places::check_places;

/// Everything that was declared, before anything runs.
pub(crate) struct Declaration {
    pub(crate) session: Arc<Session>,
    /// Each follows those that it depends on.
    pub(crate) nodes: Vec<Arc<Node>>,
    /// For each node, the positions of the records that call it; none for an aggregate.
    pub(crate) callers: Lists,
    pub(crate) records: Vec<Arc<str>>,
    /// Whether the run is about each record, or only needs what it shares with another.
    chosen: Vec<bool>,
    /// Records whose declaration ended early, and the stage whose value they asked for.
    pub(crate) unknown_beyond: Vec<(String, String)>,
    /// Whether a call publishes a result.
    pub(crate) publishes: bool,
    /// Reads entries ahead until the run begins.
    pub(crate) ahead: Option<Ahead>,
    /// The frames of the records, to publish what their calls keep; last that of the aggregates.
    pub(crate) frames: Vec<Frame>,
}

impl Declaration {
    /// Lists the names of the records that the run is about.
    pub(crate) fn chosen_records(&self) -> impl Iterator<Item = &str> {
        let records = self.records.iter().zip(&self.chosen);
        records.filter(|(_, chosen)| **chosen).map(|(name, _)| &**name)
    }

    /// Returns what each record's state holds in the end, and what that of the aggregates does.
    pub(crate) fn states(self) -> (BTreeMap<Arc<str>, State>, State) {
        let mut records = BTreeMap::new();
        let mut aggregates = State::default();
        for (index, mut frame) in self.frames.into_iter().enumerate() {
            let state = std::mem::take(&mut frame.state);
            match frame.name.take() {
                Some(name) if self.chosen[index] => drop(records.insert(name, state)),
                Some(_) => {}
                None => aggregates = state,
            }
        }
        (records, aggregates)
    }
}

/// Declares all records that `options` ask for, and the aggregates over them.
///
/// The policies name stages, which are known only when they were declared; yet what is not cached must
/// be known while declaring. So names are looked up in a first, dry declaration where there are any.
pub(crate) fn declare<P: Params + Clone + DeserializeOwned>(
    experiment: &Experiment<P>,
    options: &RunOptions,
    dry: bool,
) -> Result<Declaration, Error> {
    if let Some(mistakes) = Error::together(experiment.mistakes.clone()) {
        return Err(mistakes);
    }
    let chosen = choose::chosen(experiment, options)?;
    let store = if dry {
        options.clone().read_only(true).open_store(&experiment.store)?
    } else {
        options.open_store(&experiment.store)?
    };
    let policy = policy(experiment, options);
    let declaration = Declaring { experiment, options, store, policy, dry }.declare(chosen)?;
    check_names(&declaration.session.policy, &declaration.nodes)?;
    match &options.until {
        Some(stage) => until(declaration, stage),
        None => Ok(declaration),
    }
}

/// What the run asks for beyond what the stages say.
fn policy<P>(experiment: &Experiment<P>, options: &RunOptions) -> Policy {
    let select = |wanted: &Option<Vec<String>>| match wanted.as_deref() {
        None => Selection::None,
        Some([]) => Selection::All,
        Some(names) => Selection::Named(names.to_vec()),
    };
    Policy {
        force: select(&options.force),
        no_cache: select(&options.no_cache),
        cache: experiment.cache,
    }
}

/// Each name on the command line must be that of one stage, now that all are known.
fn check_names(policy: &Policy, nodes: &[Arc<Node>]) -> Result<(), Error> {
    let mut names = policy.force.names().iter().chain(policy.no_cache.names()).peekable();
    if names.peek().is_none() {
        return Ok(());
    }
    let mut known: Vec<_> = nodes.iter().map(|node| node.spec.name).collect();
    known.sort_unstable();
    known.dedup();
    names.try_for_each(|name| find_stage(name, &known).map(drop)).map_err(usage)
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}

struct Declaring<'a, P> {
    experiment: &'a Experiment<P>,
    options: &'a RunOptions,
    store: Store,
    policy: Policy,
    dry: bool,
}

impl<P: Params + Clone + DeserializeOwned> Declaring<'_, P> {
    fn declare(self, chosen: Chosen<P>) -> Result<Declaration, Error> {
        let experiment = self.experiment;
        let (session, ahead) = self.pipelines(chosen.records);
        if let (Some(names), Some(declared)) = (&chosen.names, session.declared()) {
            declared.choose(names)?;
        }
        let aggregates = experiment.declare_aggregates(&session);
        finish(session, aggregates, ahead)
    }

    /// Runs the pipeline function of each record.
    fn pipelines(self, records: Vec<NamedParams<P>>) -> (Arc<Session>, Option<Ahead>) {
        let session = Arc::new(Session {
            store: self.store.clone(),
            policy: self.policy.clone(),
            mode: Mode::Planned { declared: Box::default(), dry: AtomicBool::new(self.dry) },
            interrupted: Arc::clone(&self.options.interrupted),
            neighbours: Neighbours::default(),
            experiment: Some(self.experiment.name.clone()),
            accepted: AcceptedCode::default(),
            told_unkept: AtomicBool::new(false),
            is_worker: self.options.is_worker,
        });
        let has_two = self.options.jobs_or_cores() > 1;
        let ahead = if has_two { Ahead::begin(&session, records.len()) } else { None };
        records.into_iter().for_each(|record| self.declare_record(&session, record));
        ahead.iter().for_each(Ahead::all_declared);
        (session, ahead)
    }

    fn declare_record(&self, session: &Arc<Session>, record: NamedParams<P>) {
        let name: Arc<str> = record.name.into();
        let params = Arc::new(record.params);
        let index =
            session.declared().map_or(0, |declared| declared.add_record(&name, &params, None));
        let mut record = Record::in_session(Arc::clone(session), name, params, index);
        record.frame.tells = Tells::AtEnd;
        if let Err(error) = (self.experiment.pipeline)(&mut record) {
            ended(session, &record, error);
        }
    }
}

impl<P: Params> Experiment<P> {
    fn declare_aggregates(&self, session: &Arc<Session>) -> Frame {
        let mut frame = Frame::new(Arc::clone(session), None, usize::MAX);
        let declared = session.declared().filter(|_| !self.aggregates.is_empty());
        let records: Vec<Record<P>> =
            declared.map_or_else(Vec::new, |declared| declared.records(session));
        for (aggregate, filter) in &self.aggregates {
            let kept = |record: &&Record<P>| filter.as_ref().is_none_or(|filter| filter(record));
            let mut view = Records::new(frame, records.iter().filter(kept));
            // Mistakes of an aggregate's wiring are reported like those of a stage; what is returned
            // here is an error of the closure around it.
            if let Err(error) = aggregate(&mut view)
                && let Some(declared) = session.declared()
            {
                declared.report(error);
            }
            frame = view.into_frame();
        }
        frame
    }
}

/// Whether an error ends the declaration of its record alone: a value was asked for that a plan does not
/// make, or whose stage has failed, which the run tells.
fn ends_record(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotCached
            | ErrorKind::Stage
            | ErrorKind::Invalid
            | ErrorKind::Cacher
            | ErrorKind::Interrupted
    )
}

/// A pipeline function gave up. Under a plan that is to be expected where it asks for a value.
fn ended<P: Params>(session: &Session, record: &Record<P>, error: BoxError) {
    let Some(declared) = session.declared() else { return };
    let error = match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => Error::new(ErrorKind::Wiring, "the pipeline function failed while declaring")
            .because(error),
    };
    // Nobody knows either what it would have called on those that branched off.
    for calls in declared.calls().records.iter_mut().skip(record.frame.index) {
        calls.ended = Some(error.clone());
    }
    if !ends_record(error.kind()) {
        declared.report(error.in_record(record.name()));
    }
}

fn finish(
    session: Arc<Session>,
    aggregates: Frame,
    ahead: Option<Ahead>,
) -> Result<Declaration, Error> {
    let Some(declared) = session.declared() else {
        return Err(Error::new(ErrorKind::Wiring, "the experiment was not declared"));
    };
    let mut calls = declared.calls();
    let mut frames: Vec<Frame> = Vec::with_capacity(calls.records.len() + 1);
    for (index, record) in calls.records.iter_mut().enumerate() {
        let name = Some(Arc::clone(&record.name));
        let mut frame = Frame::new(Arc::clone(&session), name, index);
        // Of the others nothing is asked for.
        if record.is_chosen {
            frame.state = std::mem::take(&mut record.state);
        }
        frame.fields = Some(Arc::clone(&record.fields));
        frames.push(frame);
    }
    frames.push(aggregates);
    calls.keep_chosen();
    let misplaced = check_places(&calls, &frames);
    calls.errors.extend(misplaced);
    if let Some(mistakes) = Error::together(std::mem::take(&mut calls.errors)) {
        return Err(mistakes);
    }
    let nodes = std::mem::take(&mut calls.nodes);
    let called = Lists::new(calls.records.iter().map(|record| record.nodes.iter().copied()));
    let callers = called.reversed(nodes.len());
    let ended = |record: &RecordCalls| {
        let stage = record.ended.as_ref()?.stage().unwrap_or("").to_owned();
        Some((record.name.to_string(), stage))
    };
    let unknown_beyond = calls.records.iter().filter_map(ended).collect();
    let records = calls.records.iter().map(|record| Arc::clone(&record.name)).collect();
    let publishes = calls.publishes;
    let chosen = calls.records.iter().map(|record| record.is_chosen).collect();
    drop(calls);
    Ok(Declaration {
        session,
        nodes,
        callers,
        records,
        chosen,
        unknown_beyond,
        publishes,
        ahead,
        frames,
    })
}

/// Keeps the calls of one stage, and those that they depend on.
fn until(mut declaration: Declaration, stage: &str) -> Result<Declaration, Error> {
    let mut names: Vec<_> = declaration.nodes.iter().map(|node| node.spec.name).collect();
    names.sort_unstable();
    names.dedup();
    let wanted = find_stage(stage, &names).map_err(usage)?;
    let mut needed: HashSet<*const Node> = HashSet::new();
    for node in declaration.nodes.iter().rev() {
        if node.spec.name == wanted || needed.contains(&Arc::as_ptr(node)) {
            needed.insert(Arc::as_ptr(node));
            needed.extend(node.upstream().map(Arc::as_ptr));
        }
    }
    let kept: Vec<bool> =
        declaration.nodes.iter().map(|node| needed.contains(&Arc::as_ptr(node))).collect();
    let mut keep = kept.iter();
    declaration.nodes.retain(|_| keep.next().copied().unwrap_or(false));
    declaration.callers.retain(&kept);
    Ok(declaration)
}
