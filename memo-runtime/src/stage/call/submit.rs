//! Ending the gathering: a node is made of it, or one that is there is found.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Gathering, Outputs};
use crate::error::{Error, ErrorKind};
use crate::key::part::{DigestedParts, PartDigest};
use crate::lazy::{Handle, Origin};
use crate::session::Mode;
use crate::stage::array::Array;
use crate::stage::array::elements::common_length;
use crate::stage::fixed::Instance;
use crate::stage::inputs::{Input, Work};
use crate::stage::node::{Node, Uncached, Variable};
use crate::started::{Begun, Start};
use crate::store::results;

impl Gathering<'_> {
    /// Ends the gathering. On a record of one's own, the call runs or finds its result now; in an
    /// experiment it becomes a node of the plan.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wiring`] and [`ErrorKind::Key`] if the call does not fit, else those of running it.
    /// In an experiment a call that does not fit is reported with all others, so this succeeds.
    pub fn submit<N: Into<Cow<'static, str>>, const C: usize>(
        mut self,
        names: [N; C],
        work: impl FnOnce() -> Box<dyn Work>,
    ) -> Result<Outputs, Error> {
        let names: [Cow<'static, str>; C] = names.map(Into::into);
        let parts = match self.parts.take().finish() {
            Ok(parts) => parts,
            Err(error) => {
                self.errors.push(error);
                return self.broken(names);
            }
        };
        self.errors.extend(self.check_inserted(&names).err());
        self.errors.extend(self.check_published().err());
        self.errors.extend(common_length(&self.known_lengths()).err());
        let refers_to_broken =
            self.inputs.iter().flat_map(Input::handles).any(|h| matches!(h.origin, Origin::Broken));
        let fixed = match self.fixed {
            Some(fixed) if self.errors.is_empty() && !refers_to_broken => fixed,
            _ => return self.broken(names),
        };
        if self.all_inserted(&names) {
            return Ok(self.inserted(&names));
        }
        let instance = fixed.instance(self.spec, &self.types, &self.outputs);
        let environment: Box<[Variable]> =
            self.spec.env.iter().map(|name| (*name, std::env::var_os(name))).collect();
        if let Some(node) = self.held(&names, &instance, &parts.digests, &environment) {
            return self.again(&node);
        }
        let node = self.node(instance, parts, environment, work());
        self.bind(names, node)
    }

    fn node(
        &mut self,
        instance: Arc<Instance>,
        parts: DigestedParts,
        environment: Box<[Variable]>,
        work: Box<dyn Work>,
    ) -> Arc<Node> {
        let DigestedParts { digests: parts, files, secrets } = parts;
        let session = Arc::clone(&self.frame.session);
        let record = self.frame.name.clone();
        let known_length = self.known_lengths().first().map(|(_, length)| *length);
        let mut node = Node::new(self.spec, session, record, work, instance);
        node.parts = parts;
        node.files = files.into();
        node.secrets = secrets.into();
        node.environment = environment;
        node.inputs = std::mem::take(&mut self.inputs);
        node.outputs = std::mem::take(&mut self.outputs);
        node.validator = self.validator.take().map(Box::new);
        node.retry_if = self.retry_if.take();
        if self.spec.each {
            node.array = Some(Box::new(Array::new(self.takes_index, known_length)));
        }
        node.uncached = uncached(&node);
        node.forced = is_forced(&node);
        Arc::new(node)
    }

    /// Finds the call in the record's state: the outputs there are those of a call that is equal in all
    /// that decides what it gives. So a record that calls a stage again costs no digest.
    fn held(
        &self,
        names: &[Cow<'static, str>],
        instance: &Arc<Instance>,
        parts: &[PartDigest],
        environment: &[Variable],
    ) -> Option<Arc<Node>> {
        let Mode::AtOnce = self.frame.session.mode else { return None };
        let made_by = |name: &Cow<'static, str>| match &self.frame.state.get(name)?.handle.origin {
            Origin::Node(node, output) => Some((node, *output)),
            Origin::Shard(..) | Origin::Inserted(_) | Origin::Broken => None,
        };
        let (node, _) = made_by(names.first()?)?;
        let all_are_its = || {
            names.iter().enumerate().all(|(index, name)| {
                made_by(name)
                    .is_some_and(|(other, output)| Arc::ptr_eq(node, other) && output == index)
            })
        };
        let equal = std::ptr::eq(node.spec, self.spec)
            && Arc::ptr_eq(&node.instance, instance)
            && *node.parts == *parts
            && *node.environment == *environment
            && node.outputs.len() == names.len()
            && all_are_its()
            && node.inputs.len() == self.inputs.len()
            && node.inputs.iter().zip(&self.inputs).all(|(one, other)| one.is_same(other))
            && node
                .outputs
                .iter()
                .zip(&self.outputs)
                .all(|(one, other)| one.published() == other.published());
        (equal && node.is_still_a_hit()).then(|| Arc::clone(node))
    }

    /// Answers with a call that the record's state holds already.
    fn again(self, node: &Arc<Node>) -> Result<Outputs, Error> {
        node.told_hit();
        self.frame.publish(node)?;
        self.frame.has_begun(|| Begun::of(node));
        Ok(Outputs(handles_of(node).collect()))
    }

    /// Puts the node's outputs into the record's state, and resolves it where calls do not wait.
    fn bind<const C: usize>(
        self,
        names: [Cow<'static, str>; C],
        node: Arc<Node>,
    ) -> Result<Outputs, Error> {
        let node = match &self.frame.session.mode {
            Mode::AtOnce => {
                results::check(&node, self.frame)?;
                let pool = Arc::clone(self.frame.session.store.pool());
                if let Start::Asked = self.frame.start {
                    pool.start(node, self.frame)
                } else {
                    let node = pool.join(&node, self.frame).unwrap_or(node);
                    node.make()?;
                    node
                }
            }
            Mode::Planned { declared, .. } => declared.add(node, self.frame.index),
        };
        self.frame.has_begun(|| Begun::of(&node));
        // Not collected: a collected `Result` has room for four from the start.
        let mut outputs = Vec::with_capacity(C);
        for (name, handle) in names.into_iter().zip(handles_of(&node)) {
            match (self.frame.bind(name, handle), self.frame.session.declared()) {
                (Ok(handle), _) => outputs.push(handle),
                (Err(error), Some(declared)) => {
                    declared.report(node.blame(error));
                    let broken = |slot| Handle { slot: Arc::clone(slot), origin: Origin::Broken };
                    outputs = node.outputs.iter().map(broken).collect();
                    break;
                }
                (Err(error), None) => return Err(node.blame(error)),
            }
        }
        if let (Mode::AtOnce, Start::Waits) = (&self.frame.session.mode, &self.frame.start) {
            self.frame.publish(&node)?;
        }
        Ok(Outputs(outputs))
    }

    /// A call that does not fit: an error here, or, in an experiment, one among all that are reported
    /// before anything runs.
    fn broken<const C: usize>(self, names: [Cow<'static, str>; C]) -> Result<Outputs, Error> {
        let Self { frame, spec, errors, outputs, .. } = self;
        let blame = |error: Error| match &frame.name {
            Some(record) => error.in_stage(spec.name).in_record(record),
            None => error.in_stage(spec.name),
        };
        let Some(declared) = frame.session.declared() else {
            let mut errors = errors.into_iter().map(blame);
            let first = errors.next().unwrap_or_else(|| {
                blame(Error::new(ErrorKind::Wiring, "an input comes from a call that does not fit"))
            });
            let all: Vec<String> = errors.map(|error| error.chain()).collect();
            return Err(if all.is_empty() { first } else { first.and_also(&all) });
        };
        errors.into_iter().map(blame).for_each(|error| declared.report(error));
        let mut handles = Vec::new();
        for (name, slot) in names.into_iter().zip(outputs) {
            let handle = Handle { slot, origin: Origin::Broken };
            frame.bind_broken(name, handle.clone());
            handles.push(handle);
        }
        Ok(Outputs(handles))
    }
}

/// Returns the handles of a call's outputs.
fn handles_of(node: &Arc<Node>) -> impl Iterator<Item = Handle> {
    node.outputs.iter().enumerate().map(|(index, slot)| Handle {
        slot: Arc::clone(slot),
        origin: Origin::Node(Arc::clone(node), index),
    })
}

/// Says whether a call is computed again on the run's word.
fn is_forced(node: &Node) -> bool {
    let reads_forced = |handle: &Handle| match &handle.origin {
        Origin::Node(above, output) => above.forced && above.outputs[*output].format().is_none(),
        Origin::Shard(..) | Origin::Inserted(_) | Origin::Broken => false,
    };
    node.session.policy.force.covers(node.spec.name)
        || node.inputs.iter().flat_map(Input::handles).any(reads_forced)
}

/// Says whether caching is off for a call, and why.
fn uncached(node: &Node) -> Option<Uncached> {
    if let Some(by) = node.session.policy.uncached_by(node.spec) {
        return Some(Uncached::Itself { by });
    }
    node.upstream().find_map(|above| match above.uncached? {
        Uncached::Itself { .. } => Some(Uncached::Upstream { stage: above.spec.name }),
        upstream @ Uncached::Upstream { .. } => Some(upstream),
    })
}
