//! Declaring: the pipeline function runs once per record, and its calls become a plan.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::de::DeserializeOwned;

use super::{Experiment, NamedParams, RunOptions, overrides};
use crate::aggregate::Records;
use crate::error::{BoxError, Error, ErrorKind, did_you_mean};
use crate::event::MissReason;
use crate::key::ComponentKind;
use crate::key::part::{PartKind, Parts};
use crate::plan::edges::{Positions, inputs_of, outputs_of};
use crate::plan::verdicts::{PlannedCall, verdicts};
use crate::plan::{Calls, Declared, Plan};
use crate::policy::{Policy, Selection, find_stage};
use crate::record::{Frame, Params, Record, State};
use crate::session::{Mode, Session};
use crate::stage::ahead;
use crate::stage::explain::Neighbours;
use crate::stage::former::AcceptedCode;
use crate::stage::node::Node;
use crate::store::{Store, results};

/// Everything that was declared, before anything runs.
pub(crate) struct Declaration {
    pub(crate) session: Arc<Session>,
    /// Each follows those that it depends on.
    pub(crate) nodes: Vec<Arc<Node>>,
    /// For each node, the positions of the records that call it; none for an aggregate.
    pub(crate) callers: Vec<Vec<usize>>,
    pub(crate) records: Vec<Arc<str>>,
    /// Records whose declaration ended early, and the stage whose value they asked for.
    pub(crate) unknown_beyond: Vec<(String, String)>,
    /// The frames of the records, to publish what their calls keep; last that of the aggregates.
    pub(crate) frames: Vec<Frame>,
}

impl Declaration {
    /// Returns what each record's state holds in the end, and what that of the aggregates does.
    pub(crate) fn states(self) -> (BTreeMap<Arc<str>, State>, State) {
        let mut records = BTreeMap::new();
        let mut aggregates = State::new();
        for frame in self.frames {
            match frame.name {
                Some(name) => drop(records.insert(name, frame.state)),
                None => aggregates = frame.state,
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
    if let [first, rest @ ..] = &experiment.mistakes[..] {
        let rest: Vec<String> = rest.iter().map(Error::chain).collect();
        return Err(if rest.is_empty() { first.clone() } else { first.clone().and_also(&rest) });
    }
    let records = chosen_records(experiment, options)?;
    let store = if dry {
        options.clone().read_only(true).open_store(&experiment.store)?
    } else {
        options.open_store(&experiment.store)?
    };
    let policy = policy(experiment, options);
    let declaration = Declaring { experiment, options, store, policy, dry }.declare(records)?;
    check_names(&declaration.session.policy, &declaration.nodes)?;
    match &options.until {
        Some(stage) => until(declaration, stage),
        None => Ok(declaration),
    }
}

/// Applies `--record`, `--params` and `--set`.
fn chosen_records<P: Params + Clone + DeserializeOwned>(
    experiment: &Experiment<P>,
    options: &RunOptions,
) -> Result<Vec<NamedParams<P>>, Error> {
    let names = || experiment.records.iter().map(|record| record.name.as_str());
    for wanted in &options.records {
        if !names().any(|name| name == wanted) {
            let message = format!("no record is named `{wanted}`{}", did_you_mean(wanted, names()));
            return Err(Error::new(ErrorKind::Usage, message));
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = names().find(|name| !seen.insert(*name)) {
        let message = format!("two records are named `{twice}`");
        return Err(Error::new(ErrorKind::Usage, message));
    }
    if experiment.records.is_empty() {
        let message = "the experiment has no records; add one with `.record(\"base\", params)`";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let wanted = |record: &&NamedParams<P>| {
        options.records.is_empty() || options.records.contains(&record.name)
    };
    let overlaid = experiment.records.iter().filter(wanted).map(|record| {
        let overlay = options.params.as_ref();
        let params = overrides::apply(&record.params, overlay, &options.set, &record.varied)
            .map_err(|error| error.in_record(&record.name))?;
        Ok(NamedParams { name: record.name.clone(), params, varied: record.varied.clone() })
    });
    overlaid.collect()
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
    let mut known: Vec<_> = nodes.iter().map(|node| node.spec.name).collect();
    known.sort_unstable();
    known.dedup();
    let mut names = policy.force.names().iter().chain(policy.no_cache.names());
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
    fn declare(self, records: Vec<NamedParams<P>>) -> Result<Declaration, Error> {
        let session = Arc::new(Session {
            store: self.store.clone(),
            policy: self.policy.clone(),
            mode: Mode::Planned { declared: Declared::default(), dry: AtomicBool::new(self.dry) },
            interrupted: Arc::clone(&self.options.interrupted),
            neighbours: Neighbours::default(),
            experiment: Some(self.experiment.name.clone()),
            accepted: AcceptedCode::default(),
            told_unkept: AtomicBool::new(false),
        });
        let wanted = self.options.jobs_or_cores() > 1;
        ahead::while_declaring(session.declared(), records.len(), wanted, || {
            records.into_iter().for_each(|record| self.declare_record(&session, record));
        });
        let aggregates = self.experiment.declare_aggregates(&session);
        finish(session, aggregates)
    }

    fn declare_record(&self, session: &Arc<Session>, record: NamedParams<P>) {
        let name: Arc<str> = record.name.into();
        let params = Arc::new(record.params);
        let index = session.declared().map_or(0, |declared| declared.add_record(&name, &params));
        let mut record = Record::in_session(Arc::clone(session), name, params, index);
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
        Ok(error) if ends_record(error.kind()) => {
            // Nobody knows either what it would have called on those that branched off.
            for calls in declared.calls().records.iter_mut().skip(record.frame.index) {
                calls.ended = Some((*error).clone());
            }
            return;
        }
        Ok(error) => *error,
        Err(error) => Error::new(ErrorKind::Wiring, "the pipeline function failed while declaring")
            .because(error),
    };
    declared.report(error.in_record(record.name()));
}

fn finish(session: Arc<Session>, aggregates: Frame) -> Result<Declaration, Error> {
    let Some(declared) = session.declared() else {
        return Err(Error::new(ErrorKind::Wiring, "the experiment was not declared"));
    };
    let mut calls = declared.calls();
    let mut frames: Vec<Frame> = Vec::with_capacity(calls.records.len() + 1);
    for (index, record) in calls.records.iter_mut().enumerate() {
        let name = Some(Arc::clone(&record.name));
        let mut frame = Frame::new(Arc::clone(&session), name, index);
        frame.state = std::mem::take(&mut record.state);
        frame.fields = Some(Arc::clone(&record.fields));
        frames.push(frame);
    }
    frames.push(aggregates);
    let misplaced = check_places(&calls, &frames);
    calls.errors.extend(misplaced);
    let errors = std::mem::take(&mut calls.errors);
    if let [first, rest @ ..] = &errors[..] {
        let rest: Vec<String> = rest.iter().map(Error::chain).collect();
        return Err(if rest.is_empty() { first.clone() } else { first.clone().and_also(&rest) });
    }
    let nodes = std::mem::take(&mut calls.nodes);
    let mut callers = vec![Vec::new(); nodes.len()];
    let mut unknown_beyond = Vec::new();
    for (index, record) in calls.records.iter().enumerate() {
        for node in &record.nodes {
            if callers[*node].last() != Some(&index) {
                callers[*node].push(index);
            }
        }
        if let Some(error) = &record.ended {
            unknown_beyond.push((record.name.to_string(), error.stage().unwrap_or("").to_owned()));
        }
    }
    let names = calls.records.iter().map(|record| Arc::clone(&record.name)).collect();
    drop(calls);
    Ok(Declaration { session, nodes, callers, records: names, unknown_beyond, frames })
}

/// Finds out where everything would be published: unknown fields in a template, and two results that
/// would be published at one place, are mistakes that need not wait for a run.
fn check_places(calls: &Calls, frames: &[Frame]) -> Vec<Error> {
    let mut errors = Vec::new();
    let publishes = |node: &Arc<Node>| node.outputs.iter().any(|slot| slot.published().is_some());
    if !calls.nodes.iter().any(publishes) {
        return errors;
    }
    let mut taken: HashMap<PathBuf, (*const Node, usize)> = HashMap::new();
    let of_records = calls.records.iter().zip(frames).flat_map(|(record, frame)| {
        record.nodes.iter().map(move |node| (&calls.nodes[*node], frame))
    });
    let called: HashSet<usize> =
        calls.records.iter().flat_map(|record| record.nodes.iter().copied()).collect();
    let of_all = calls.nodes.iter().enumerate().filter(|(index, _)| !called.contains(index));
    let of_all = of_all.filter_map(|(_, node)| Some((node, frames.last()?)));
    for (node, frame) in of_records.chain(of_all) {
        for (output, slot) in node.outputs.iter().enumerate() {
            let Some(template) = slot.published() else { continue };
            match results::place(template, node, output, frame) {
                Err(error) => errors.push(error),
                Ok(place) => {
                    let us = (Arc::as_ptr(node), output);
                    if *taken.entry(place.clone()).or_insert(us) != us {
                        let message = format!(
                            "two results would be published at `{}`; name what differs in `{template}`, such as `{{record}}`",
                            place.display()
                        );
                        errors.push(node.blame(Error::new(ErrorKind::Wiring, message)));
                    }
                }
            }
        }
    }
    errors
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
    let mut keep = kept.iter();
    declaration.callers.retain(|_| keep.next().copied().unwrap_or(false));
    Ok(declaration)
}

/// Says what would happen to everything that was declared.
pub(crate) fn plan_of(experiment: &str, declaration: &Declaration) -> Plan {
    let verdicts = verdicts(&declaration.nodes);
    let positions = Positions::of(&declaration.nodes);
    let calls = declaration.nodes.iter().zip(&declaration.callers).zip(verdicts).enumerate().map(
        |(id, ((node, callers), verdict))| PlannedCall {
            id,
            stage: node.spec.name,
            records: callers.iter().map(|index| declaration.records[*index].to_string()).collect(),
            key: node.key(),
            parts: parts_of(node),
            inputs: inputs_of(node, &positions),
            outputs: outputs_of(node),
            verdict,
            notes: notes_of(node),
            seconds: node.head().map(|head| head.seconds),
        },
    );
    Plan {
        experiment: experiment.to_owned(),
        calls: calls.collect(),
        unknown_beyond: declaration.unknown_beyond.clone(),
    }
}

/// Notes which fingerprints were asked for and not found. Only `memo accept` needs them, so trouble
/// with it is no trouble of the plan.
pub(crate) fn note_changed_code(declaration: &Declaration, options: &RunOptions) {
    let changed_code = |node: &&Arc<Node>| match node.missed() {
        Some(MissReason::Changed { changes }) => {
            changes.iter().any(|change| change.kind == ComponentKind::Code)
        }
        _ => false,
    };
    let path = declaration.session.store.path();
    let mut changed = declaration.nodes.iter().filter(changed_code).peekable();
    if options.read_only || changed.peek().is_none() {
        return;
    }
    // The plan's own store is opened read-only.
    let Ok(store) = Store::open(path) else { return };
    changed.for_each(|node| node.note_seen(&store));
}

/// What the fingerprint of a call does not see, and what it reads behind its key's back.
fn notes_of(node: &Node) -> Vec<String> {
    let name = node.spec.short_name();
    let note = |what: &&str| {
        format!("the fingerprint of `{name}` does not see {what}: add `depends = [..]`")
    };
    let behind = node.spec.behind.iter().map(|what| format!("`{name}` reads {what}"));
    node.spec.unseen.iter().map(note).chain(behind).collect()
}

/// Tells the params fields and arguments in a call's key. Of a secret it tells that it is one.
fn parts_of(node: &Node) -> Vec<String> {
    let mut shown = Parts::showing();
    node.work.show(&mut shown);
    let text = |(kind, name, value): (PartKind, &str, String)| match kind {
        PartKind::Param if name.is_empty() => format!("params = {value}"),
        PartKind::Param => format!("params.{name} = {value}"),
        _ => format!("{name} = {value}"),
    };
    let secrets = node.parts.iter().filter(|part| part.kind == PartKind::Secret);
    let secrets = secrets.map(|part| format!("{} = (secret)", part.name));
    shown.texts().into_iter().map(text).chain(secrets).collect()
}
