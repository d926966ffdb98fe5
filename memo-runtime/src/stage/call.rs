//! [`Gathering`]: gathers what a call depends on, and makes a node of it. Generated code drives it.

use std::any::type_name;
use std::sync::Arc;

use serde::Serialize;

use super::StageSpec;
use super::array::elements::{EachInput, NoElements};
use super::fixed::Fixed;
use super::inputs::Input;
use super::node::RetryIf;
use super::retry::Attempt;
use super::validate::{Validate, Validator};
use crate::aggregate::{AcrossInput, RowParams};
use crate::cacheable::Cacheable;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::key::part::Parts;
use crate::key::part::elements::EnterElement;
use crate::lazy::{Handle, Lazy};
use crate::private::Kept;
use crate::record::{Frame, Provides};
use crate::shards::Shards;
use crate::shards::slot::ShardSlot;
use crate::slot::{AnySlot, Slot};

mod fits;
mod submit;

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
            let names = self.frame.state.names();
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
