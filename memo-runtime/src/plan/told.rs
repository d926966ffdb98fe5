//! What a plan tells of each call.

use std::sync::Arc;

use crate::event::MissReason;
use crate::experiment::RunOptions;
use crate::experiment::declare::Declaration;
use crate::key::ComponentKind;
use crate::key::part::{PartKind, Parts};
use crate::plan::Plan;
use crate::plan::edges::{Positions, inputs_of, outputs_of};
use crate::plan::verdicts::{PlannedCall, PlannedShards, verdicts};
use crate::stage::node::{Node, Status};
use crate::store::Store;

/// Says what would happen to everything that was declared.
pub(crate) fn plan_of(experiment: &str, declaration: &Declaration) -> Plan {
    let verdicts = verdicts(&declaration.nodes);
    let positions = Positions::of(&declaration.nodes);
    let calls = declaration
        .nodes
        .iter()
        .zip(declaration.callers.iter())
        .zip(verdicts)
        .enumerate()
        .map(|(id, ((node, callers), verdict))| PlannedCall {
            id,
            stage: node.spec.name,
            records: callers.iter().map(|index| declaration.records[*index].to_string()).collect(),
            key: node.key(),
            parts: parts_of(node),
            inputs: inputs_of(node, &positions),
            outputs: outputs_of(node),
            verdict,
            notes: notes_of(node),
            seconds: seconds_of(node),
            shards: PlannedShards::of(node),
        });
    Plan {
        experiment: experiment.to_owned(),
        calls: calls.collect(),
        unknown_beyond: declaration.unknown_beyond.clone(),
    }
}

/// Returns how long the body took, or the bodies of all shards, of a call that is cached.
fn seconds_of(node: &Node) -> Option<f64> {
    match node.table() {
        Some(table) => matches!(node.status(), Status::Hit).then(|| table.counts().saved),
        None => node.head().map(|head| head.seconds),
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
