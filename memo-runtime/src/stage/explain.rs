//! Why a call is a miss: its components beside those of the nearest entry of the same stage.

pub(crate) mod code;
mod producer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::call::without_paths;
use super::inputs::Input;
use super::node::Node;
use crate::digest::Digest;
use crate::event::{Change, MissReason};
use crate::key::part::{PartKind, Parts};
use crate::key::{Component, ComponentKind};
use crate::lazy::{Handle, Origin};
use crate::plain::plain;
use crate::store::Store;
use crate::store::code::KeptItem;

/// The components of kept entries, read once per stage and process, and only when a call has missed.
#[derive(Default)]
pub(crate) struct Neighbours(Mutex<HashMap<&'static str, Arc<Vec<Vec<Component>>>>>);

impl Neighbours {
    /// Reads the entries of a stage, at most this many: an explanation need not be dear.
    const MOST: usize = 1000;

    fn of(&self, stage: &'static str, store: &Store) -> Arc<Vec<Vec<Component>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let details = store.details_of(stage, Self::MOST);
            Arc::new(details.into_iter().map(|detail| detail.components).collect())
        };
        Arc::clone(known.entry(stage).or_insert_with(read))
    }
}

impl Node {
    /// Says why the store holds no entry of this call.
    pub(crate) fn explain(&self) -> MissReason {
        if !self.is_explained() {
            return MissReason::NeverRan;
        }
        let entries = self.session.neighbours.of(self.spec.name, &self.session.store);
        let ours = self.components();
        let nearest = entries.iter().map(|theirs| changes(theirs, &ours)).min_by_key(Vec::len);
        match nearest {
            None => MissReason::NeverRan,
            Some(mut changes) => {
                self.name_producers(&mut changes);
                if changes.iter().any(|change| change.kind == ComponentKind::Code) {
                    self.note_seen(&self.session.store);
                }
                MissReason::Changed { changes: self.with_code_named(changes) }
            }
        }
    }

    /// Whether somebody is told why calls are misses; otherwise it is not found out.
    fn is_explained(&self) -> bool {
        self.session.store.is_observed() || self.session.is_dry()
    }

    /// Returns why the call was a miss, where that was found out.
    pub(crate) fn known_reason(&self) -> Option<MissReason> {
        self.missed().filter(|reason| self.is_explained() || *reason != MissReason::NeverRan)
    }

    /// Notes in the store which fingerprint was asked for and not found, for `memo accept`.
    pub(crate) fn note_seen(&self, store: &Store) {
        if let Some(code) = self.spec.code {
            store.note_seen(self.spec.name, code, || self.spec.code_items());
        }
    }

    /// Names the code that has changed in place of two fingerprints, as far as it is known.
    fn with_code_named(&self, changes: Vec<Change>) -> Vec<Change> {
        let named = |mut change: Change| {
            if change.kind != ComponentKind::Code {
                return vec![change];
            }
            let old = change.old.as_deref().and_then(|old| self.session.store.code(old));
            let new: Vec<KeptItem> = self.spec.code_items().iter().map(KeptItem::from).collect();
            let named = old.map(|old| code::changes(&old, &new)).unwrap_or_default();
            for fingerprint in [&mut change.old, &mut change.new].into_iter().flatten() {
                fingerprint.truncate(8);
            }
            if named.is_empty() { vec![change] } else { named }
        };
        changes.into_iter().flat_map(named).collect()
    }

    /// Lists the components of the key, secrets left out.
    pub(crate) fn components(&self) -> Vec<Component> {
        let mut all = Vec::with_capacity(8);
        let mut add = |kind, name: Cow<'static, str>, digest, shown: String| {
            all.push(Component { kind, name, digest, shown });
        };
        let text = |text: &str| Digest::of(text.as_bytes());
        let instance = self.instance.types.join(", ");
        if !instance.is_empty() {
            let shown = without_paths(&instance);
            add(ComponentKind::Stage, "types".into(), text(&instance), shown);
        }
        if let Some(code) = self.spec.code {
            let shown = format!("{code:032x}");
            add(ComponentKind::Code, "".into(), text(&shown), shown);
        }
        if !self.spec.version.is_empty() {
            let version = self.spec.version;
            add(ComponentKind::Version, "".into(), text(version), version.to_owned());
        }
        let mut shown = Parts::showing();
        self.work.show(&mut shown);
        let shown = shown.texts();
        for part in self.parts.iter().filter(|part| part.kind != PartKind::Secret) {
            let text =
                shown.iter().find(|(kind, name, _)| *kind == part.kind && *name == part.name);
            let text = text.map(|(_, _, text)| text.clone()).unwrap_or_default();
            add(part.kind.into(), part.name.into(), part.digest(), text);
        }
        let together = self.spec.inputs.iter().zip(&self.inputs);
        for (spec, input) in together.filter(|(_, input)| !matches!(input, Input::Each(_))) {
            let (digest, shown) = describe(input);
            add(ComponentKind::Input, spec.parameter.into(), digest, shown);
        }
        for (spec, slot) in self.spec.outputs.iter().zip(&self.outputs) {
            if let Some(format) = slot.format() {
                add(ComponentKind::Cacher, spec.name.into(), format.digest(), format.to_string());
            }
        }
        for (name, value) in &*self.environment {
            let shown = value.as_ref().map(|value| value.to_string_lossy().into_owned());
            let shown = shown.unwrap_or_else(|| "(not set)".to_owned());
            add(ComponentKind::Environment, (*name).into(), text(&shown), shown);
        }
        all
    }
}

fn describe(input: &Input) -> (Digest, String) {
    let of = |handle: &Handle| match &handle.origin {
        Origin::Node(node, output) => {
            let digest = node.identity(*output).unwrap_or_else(|| Digest::of(b""));
            (digest, format!("{} (made by `{}`)", digest.short(), node.spec.short_name()))
        }
        Origin::Inserted(digest) => (*digest, format!("{} (inserted)", digest.short())),
        Origin::Shard(..) | Origin::Broken => (Digest::of(b""), String::new()),
    };
    match input {
        Input::One(None) => (Digest::of(b"absent"), "absent".to_owned()),
        Input::One(Some(handle)) => of(handle),
        Input::Each(each) => of(&each.handle),
        Input::Across(across) => {
            let mut hasher = blake3::Hasher::new();
            for row in across.rows() {
                hasher.update(row.name.as_bytes()).update(&[0]);
                let digest = row.handle.as_ref().map(|handle| of(handle).0);
                hasher.update(digest.unwrap_or_else(|| Digest::of(b"absent")).as_bytes());
                if let Some(params) = &row.params_digest {
                    hasher.update(params.as_bytes());
                }
            }
            let digest: Digest = hasher.finalize().into();
            let count = across.rows().len();
            let plural = if count == 1 { "" } else { "s" };
            (digest, format!("{} ({count} record{plural})", digest.short()))
        }
    }
}

/// Lists what differs between two lists of components.
pub(crate) fn changes(old: &[Component], new: &[Component]) -> Vec<Change> {
    let same =
        |one: &Component, other: &Component| one.kind == other.kind && one.name == other.name;
    let change = |component: &Component, old: Option<&Component>, new: Option<&Component>| Change {
        kind: component.kind,
        name: plain(&component.name).into_owned(),
        old: old.map(|component| plain(&component.shown).into_owned()),
        new: new.map(|component| plain(&component.shown).into_owned()),
        made_by: None,
    };
    let mut changes = Vec::new();
    for theirs in old {
        match new.iter().find(|ours| same(ours, theirs)) {
            None => changes.push(change(theirs, Some(theirs), None)),
            Some(ours) if ours.digest != theirs.digest => {
                changes.push(change(ours, Some(theirs), Some(ours)));
            }
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|ours| !old.iter().any(|theirs| same(ours, theirs)));
    changes.extend(added.map(|ours| change(ours, None, Some(ours))));
    changes
}

impl From<PartKind> for ComponentKind {
    fn from(kind: PartKind) -> Self {
        match kind {
            PartKind::Param => Self::Param,
            PartKind::Argument => Self::Argument,
            PartKind::Projection => Self::Projection,
            PartKind::Secret => Self::Secret,
        }
    }
}
