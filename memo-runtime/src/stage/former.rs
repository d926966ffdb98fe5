//! Under what else the entry of a call may lie: the names that its stage had before, and the code whose
//! entries the user has accepted for the code of today.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::array::FormerShards;
use super::fixed::Instance;
use super::node::Node;
use crate::digest::Digest;
use crate::store::manifest::{Accepted, Head};
use crate::store::{Found, Store};

/// The former fingerprints of stages, the latest first, whose entries the user has accepted: read once
/// per stage and session, and only where a call has missed or an output has no artifact.
#[derive(Default)]
pub(crate) struct AcceptedCode(Mutex<HashMap<&'static str, Arc<[u128]>>>);

impl AcceptedCode {
    fn of(&self, spec: &super::StageSpec, store: &Store) -> Arc<[u128]> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || spec.code.map(|code| store.accepted(spec.name, code)).unwrap_or_default();
        Arc::clone(known.entry(spec.name).or_insert_with(|| read().into()))
    }
}

/// A former name of a stage with a former fingerprint; one of the two may be today's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Former {
    stage: &'static str,
    code: Option<u128>,
}

impl Node {
    /// Lists under what the entry may lie beside its own key, the latest first.
    fn formers(&self) -> Vec<Former> {
        let spec = self.spec;
        let names = spec.was.iter().flat_map(|(inside, written)| [*inside, *written]);
        let accepted = self.session.accepted.of(spec, &self.session.store);
        let mut formers = Vec::new();
        for stage in std::iter::once(spec.name).chain(names) {
            let codes = accepted.iter().map(|code| Some(*code));
            for code in std::iter::once(spec.code).chain(codes) {
                let former = Former { stage, code };
                let is_today = stage == spec.name && code == spec.code;
                if !is_today && !formers.contains(&former) {
                    formers.push(former);
                }
            }
        }
        formers
    }

    fn key_as(&self, former: Former) -> Option<Digest> {
        let digest = self.instance.digest_as(self.spec, former.stage, former.code);
        self.key_of(&digest)
    }

    /// Lists where shards of an array may lie beside their own packs, the latest first.
    pub(super) fn former_shards(&self) -> Vec<FormerShards> {
        let store = &self.session.store;
        let former = |former: Former| {
            let shared = self.key_as(former)?;
            // Most former names and codes have no shards of this very array.
            store.has_packs(former.stage, &shared).then(|| {
                let packs = store.packs(former.stage, &shared, self.outputs.len());
                packs.refresh();
                FormerShards { shared, packs, is_renamed: former.code == self.spec.code }
            })
        };
        self.formers().into_iter().filter_map(former).collect()
    }

    /// Returns the key by which outputs without artifact enter other keys: that of the oldest name and
    /// code, so that a renamed stage leaves what follows a hit. `None` where it is the key of today.
    pub(super) fn oldest_key(&self) -> Option<Digest> {
        let is_asked = self.uncached.is_none() && self.outputs.iter().any(|o| o.format().is_none());
        if !is_asked {
            return None;
        }
        let names = self.spec.was.last().map_or(self.spec.name, |(inside, _)| *inside);
        let accepted = self.session.accepted.of(self.spec, &self.session.store);
        let oldest = Former { stage: names, code: accepted.last().copied().or(self.spec.code) };
        let is_today = oldest == Former { stage: self.spec.name, code: self.spec.code };
        if is_today { None } else { self.key_as(oldest) }
    }

    /// Looks for the entry under former names and code. What is found is given today's key; it is not
    /// yet [kept](Self::carry_over) under it.
    pub(super) fn find_former(&self, key: &Digest) -> Option<(Former, Found)> {
        let store = &self.session.store;
        self.formers().into_iter().find_map(|former| {
            let found = match store.look_up(former.stage, &self.key_as(former)?, Some(self.spec)) {
                Found::Entry(head) => Found::Entry(self.as_of_today(key, &head)),
                Found::Gone { what, outlived } => {
                    let outlived = outlived.map(|head| self.as_of_today(key, &head));
                    Found::Gone { what, outlived }
                }
                // What is damaged there is nothing here: it is set aside by whoever has that name.
                Found::Nothing | Found::Damaged(_) | Found::Unreadable(_) => return None,
            };
            Some((former, found))
        })
    }

    fn as_of_today(&self, key: &Digest, head: &Head) -> Arc<Head> {
        Arc::new(Head { key: *key, stage: self.spec.name.into(), ..head.clone() })
    }

    /// Keeps an entry that was found under a former name or code under today's key. A plan and a
    /// read-only store write nothing, and find it there again.
    pub(super) fn carry_over(&self, former: Former, head: &Arc<Head>) {
        let store = &self.session.store;
        store.remember(head);
        if store.is_read_only() || self.session.is_dry() {
            return;
        }
        let Some(key) = self.key_as(former) else { return };
        let Some(mut detail) = store.detail(former.stage, &key) else { return };
        detail.components = self.components();
        detail.was = Some(former.stage.to_owned()).filter(|stage| stage != self.spec.name);
        detail.accepted = former
            .code
            .filter(|_| former.code != self.spec.code)
            .map(|code| Accepted { from: key, code: format!("{code:032x}") });
        self.keep_code();
        // An entry that cannot be written is carried over by the next run.
        if let Ok(current) = store.commit(Head::clone(head), &detail, false) {
            self.set_head(Some(current));
        }
    }
}

impl Instance {
    /// Returns the digest of what calls have in common, as it was under another name or code.
    fn digest_as(&self, spec: &super::StageSpec, name: &str, code: Option<u128>) -> Digest {
        let formats = self.format_digests();
        super::fixed::digest_of(name, code, spec.version, &self.types, formats)
    }
}
