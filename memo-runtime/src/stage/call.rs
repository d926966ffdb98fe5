//! [`Gathering`]: gathers what a call depends on, and makes a node of it. Generated code drives it.

use std::any::type_name;
use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use super::StageSpec;
use super::array::Array;
use super::array::elements::{EachInput, NoElements, common_length};
use super::fixed::{Fixed, Instance};
use super::inputs::{Input, Work};
use super::node::{Node, RetryIf, Uncached, Variable};
use super::retry::Attempt;
use super::validate::{Validate, Validator};
use crate::aggregate::{AcrossInput, RowParams};
use crate::cacheable::Cacheable;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::key::part::elements::EnterElement;
use crate::key::part::{DigestedParts, PartDigest, Parts};

use crate::lazy::{Handle, Lazy, Origin};
use crate::private::Kept;
use crate::record::{Frame, Provides};
use crate::session::Mode;
use crate::shards::Shards;
use crate::shards::slot::ShardSlot;
use crate::slot::{AnySlot, Slot};
use crate::started::{Begun, Start};
use crate::store::results;

/// A call that is being gathered.
pub struct Gathering<'f> {
    frame: &'f mut Frame,
    spec: &'static StageSpec,
    parts: Parts,
    /// `None` if another stage has the same name.
    fixed: Option<&'static Fixed>,
    types: Vec<String>,
    inputs: Vec<Input>,
    outputs: Vec<Arc<dyn AnySlot>>,
    validator: Option<Validator>,
    retry_if: Option<RetryIf>,
    errors: Vec<Error>,
    /// Whether the body takes the index of its element.
    takes_index: bool,
}

/// The handles of a call's outputs.
pub struct Outputs(Vec<Handle>);

impl Outputs {
    /// Returns the handle of one output.
    ///
    /// # Panics
    ///
    /// Never where the code was generated: the type is the one that the output was declared with.
    pub fn lazy<T: Kept>(&self, index: usize) -> Lazy<T> {
        match self.0[index].typed() {
            Some(handle) => handle,
            None => unreachable!("an output has the type it was declared with"),
        }
    }
}

impl Outputs {
    /// Returns the handle of one output of an array stage.
    ///
    /// # Panics
    ///
    /// Never where the code was generated: the type is the one that the output was declared with.
    pub fn shards<T: Kept>(&self, index: usize) -> Shards<T> {
        match self.0[index].shards() {
            Some(handle) => handle,
            None => unreachable!("an output has the type it was declared with"),
        }
    }
}

impl<'f> Gathering<'f> {
    /// Begins a call on a record.
    pub fn new(frame: &'f mut Frame, spec: &'static StageSpec) -> Self {
        let (fixed, errors) = match Fixed::of(spec) {
            Ok(fixed) => (Some(fixed), Vec::new()),
            Err(error) => (None, vec![error]),
        };
        let parts = Parts::digesting(frame.session.store.files());
        Self {
            frame,
            spec,
            parts,
            fixed,
            types: Vec::new(),
            inputs: Vec::with_capacity(spec.inputs.len()),
            outputs: Vec::with_capacity(spec.outputs.len()),
            validator: None,
            retry_if: None,
            errors,
            takes_index: false,
        }
    }

    /// Adds a type of a generic instance, by its full path: types of one name in two modules are two.
    pub fn instance(&mut self, type_name: &'static str) {
        self.types.push(type_name.to_owned());
    }

    /// Adds a constant of a generic instance.
    pub fn constant<T: Serialize>(&mut self, name: &'static str, value: &T) {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.types.push(format!("{name} = {text}"));
    }

    /// Returns where params fields and arguments are digested.
    pub fn parts(&mut self) -> &mut Parts {
        &mut self.parts
    }

    /// Binds an input to what the record's state holds now.
    pub fn input<T: Kept>(&mut self, index: usize) {
        let found = self.found(index);
        if let Some(handle) = &found
            && handle.typed::<T>().is_none()
        {
            self.other_type(index, handle, type_name::<T>());
        }
        self.inputs.push(Input::One(found));
    }

    /// Returns what the state holds for an input, and reports one that is missing.
    fn found(&mut self, index: usize) -> Option<Handle> {
        let spec = &self.spec.inputs[index];
        let found = self.frame.state.get(spec.name).map(|bound| bound.handle.clone());
        if found.is_none() && !spec.optional {
            let names = self.frame.state.keys().map(|name| &**name);
            let message = format!(
                "the input `{}` is not in the record's state{}",
                spec.name,
                did_you_mean(spec.name, names)
            );
            self.errors.push(Error::new(ErrorKind::Wiring, message));
        }
        found
    }

    /// Reports an input that is of another type than the stage asks for.
    fn other_type(&mut self, index: usize, handle: &Handle, asked: &str) {
        let made_by = match handle.node() {
            Some(node) => format!(", made by `{}`", node.spec.name),
            None => ", inserted".to_owned(),
        };
        let message = format!(
            "the input `{}` is a `{}`, but the record holds a `{}`{made_by}",
            self.spec.inputs[index].name,
            without_paths(asked),
            without_paths(handle.slot.type_name()),
        );
        self.errors.push(Error::new(ErrorKind::Wiring, message));
    }

    /// Binds an aggregate's input to what all records hold.
    pub fn across<T: Send + Sync + 'static>(&mut self, index: usize) {
        self.bind_across(index, |frame, name| AcrossInput::bind::<T>(frame, name, false));
    }

    /// Binds an aggregate's input, of which some may be absent.
    pub fn across_optional<T: Send + Sync + 'static>(&mut self, index: usize) {
        self.bind_across(index, |frame, name| AcrossInput::bind::<T>(frame, name, true));
    }

    /// Binds an aggregate's input together with the params of each record.
    pub fn across_with<T, P, Q>(&mut self, index: usize, params: &RowParams<Q>)
    where
        T: Send + Sync + 'static,
        P: Serialize + 'static,
        Q: Provides<P> + Send + Sync + 'static,
    {
        self.bind_across(index, |frame, name| {
            AcrossInput::bind::<T>(frame, name, false)?
                .with_params::<P, Q>(params, frame.session.store.files())
        });
    }

    /// Binds an aggregate's input, of which some may be absent, together with the params.
    pub fn across_optional_with<T, P, Q>(&mut self, index: usize, params: &RowParams<Q>)
    where
        T: Send + Sync + 'static,
        P: Serialize + 'static,
        Q: Provides<P> + Send + Sync + 'static,
    {
        self.bind_across(index, |frame, name| {
            AcrossInput::bind::<T>(frame, name, true)?
                .with_params::<P, Q>(params, frame.session.store.files())
        });
    }

    fn bind_across(
        &mut self,
        index: usize,
        bind: impl FnOnce(&Frame, &'static str) -> Result<AcrossInput, Error>,
    ) {
        match bind(self.frame, self.spec.inputs[index].name) {
            Ok(input) => self.inputs.push(Input::Across(input)),
            Err(error) => {
                self.errors.push(error);
                self.inputs.push(Input::One(None));
            }
        }
    }

    /// Adds an output that is kept by a cacher.
    pub fn output<T, C>(&mut self, cacher: C)
    where
        T: Kept,
        C: Cacheable<T>,
    {
        let lazy = self.spec.outputs[self.outputs.len()].lazy;
        self.outputs.push(Arc::new(Slot::<T>::new(Some(Arc::new(cacher)), lazy)));
    }

    /// Adds an output that lives in memory only.
    pub fn output_in_memory<T: Kept>(&mut self) {
        self.outputs.push(Arc::new(Slot::<T>::new(None, false)));
    }

    /// Binds an input of an array stage, one element of which goes to each call of the body: a `Vec<T>` or the
    /// shards of another array. `enter` enters an element of a `Vec` into the key.
    pub fn each<T: Kept>(&mut self, index: usize, enter: Option<EnterElement<T>>) {
        let Some(found) = self.found(index) else {
            return self.inputs.push(Input::One(None));
        };
        let parameter = self.spec.inputs[index].parameter;
        match EachInput::of::<T>(found.clone(), parameter, enter) {
            Ok(each) => return self.inputs.push(Input::Each(Box::new(each))),
            Err(NoElements::OtherType) => self.other_type(index, &found, type_name::<Vec<T>>()),
            Err(NoElements::NoKey) => self.without_key(index, type_name::<T>()),
        }
        self.inputs.push(Input::One(None));
    }

    /// Reports a `Vec` whose elements cannot enter the keys of their shards.
    fn without_key(&mut self, index: usize, element: &str) {
        let (name, element) = (self.spec.inputs[index].name, without_paths(element));
        let message = format!(
            "the elements of `{name}` are of type `{element}`, which cannot be part of a key: derive \
             `serde::Serialize` for it, or write `impl CacheKey for {element}`; in a generic stage, bound its \
             type parameter by one of them. Only what another array stage gives needs neither"
        );
        self.errors.push(Error::new(ErrorKind::Key, message));
    }

    /// Says that the body takes the index of its element, which enters the key of each shard then.
    pub fn takes_index(&mut self) {
        self.takes_index = true;
    }

    /// Binds an input that takes all that an array stage gives.
    pub fn shards<T: Kept>(&mut self, index: usize) {
        let found = self.found(index);
        if let Some(handle) = &found
            && handle.shards::<T>().is_none()
        {
            self.other_type(index, handle, type_name::<Shards<T>>());
        }
        self.inputs.push(Input::One(found));
    }

    /// Adds an output of an array stage, each shard of which is kept by a cacher.
    pub fn output_shards<T, C>(&mut self, cacher: C)
    where
        T: Kept,
        C: Cacheable<T>,
    {
        self.outputs.push(Arc::new(ShardSlot::<T>::new(Some(Arc::new(cacher)))));
    }

    /// Adds an output of an array stage that lives in memory only.
    pub fn output_shards_in_memory<T: Kept>(&mut self) {
        self.outputs.push(Arc::new(ShardSlot::<T>::new(None)));
    }

    /// Adds the validator, with the fingerprint of its code where that alone decides what it says.
    pub fn validate<O, M, F>(&mut self, name: &'static str, code: Option<u128>, function: F)
    where
        O: 'static,
        M: 'static,
        F: Validate<O, M>,
    {
        self.validator = Some(Validator::new::<O, M, F>(name, code, function));
    }

    /// Adds the predicate for retries.
    pub fn retry_if(&mut self, function: impl Fn(&Attempt<'_>) -> bool + Send + Sync + 'static) {
        self.retry_if = Some(Box::new(function));
    }

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

    /// Returns how many elements there are of each array, by the parameter, where that is known by now.
    fn known_lengths(&self) -> Vec<(&'static str, usize)> {
        let each =
            self.spec.inputs.iter().zip(&self.inputs).filter_map(|(spec, input)| match input {
                Input::Each(each) => Some((spec.parameter, each.known_length()?)),
                Input::One(_) | Input::Across(_) => None,
            });
        each.collect()
    }

    /// The shards of an array would all be published at one place.
    fn check_published(&self) -> Result<(), Error> {
        let published = |slot: &Arc<dyn AnySlot>| slot.published().is_some();
        if self.spec.each && self.outputs.iter().any(published) {
            let message = "the shards of an array stage cannot be published, since they would all lie at one place; publish the output of a stage that takes them together";
            return Err(Error::new(ErrorKind::Wiring, message));
        }
        Ok(())
    }

    /// What was inserted must be of the types that the stage's outputs have.
    fn check_inserted(&self, names: &[Cow<'static, str>]) -> Result<(), Error> {
        for (name, slot) in names.iter().zip(&self.outputs) {
            if let Some(inserted) = self.inserted_handle(name)
                && inserted.slot.type_name() != slot.type_name()
            {
                let message = format!(
                    "the output `{name}` is a `{}`, but a `{}` was inserted under that name",
                    without_paths(slot.type_name()),
                    without_paths(inserted.slot.type_name())
                );
                return Err(Error::new(ErrorKind::Wiring, message));
            }
        }
        Ok(())
    }

    fn all_inserted(&self, names: &[Cow<'static, str>]) -> bool {
        !names.is_empty() && names.iter().all(|name| self.inserted_handle(name).is_some())
    }

    /// A stage whose outputs were all inserted does not run.
    fn inserted(&mut self, names: &[Cow<'static, str>]) -> Outputs {
        self.frame.has_begun(Begun::is_there);
        Outputs(names.iter().filter_map(|name| self.inserted_handle(name)).collect())
    }

    fn inserted_handle(&self, name: &str) -> Option<Handle> {
        let bound = self.frame.state.get(name)?;
        matches!(bound.handle.origin, Origin::Inserted(_)).then(|| bound.handle.clone())
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

/// Writes a type without the paths of its parts: `alloc::vec::Vec<my::Row>` is `Vec<Row>`.
pub(crate) fn without_paths(type_name: &str) -> String {
    let mut short = String::with_capacity(type_name.len());
    let mut word_start = 0;
    for character in type_name.chars() {
        short.push(character);
        if short.ends_with("::") {
            short.truncate(word_start);
        } else if !(character.is_alphanumeric() || character == '_' || character == ':') {
            word_start = short.len();
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_without_their_paths() {
        assert_eq!(without_paths(type_name::<Vec<Option<String>>>()), "Vec<Option<String>>");
        assert_eq!(without_paths("&[a::b::Digit]"), "&[Digit]");
        assert_eq!(without_paths("(u8, core::x::Y<z::W>)"), "(u8, Y<W>)");
    }
}
