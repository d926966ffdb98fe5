//! Whether a call fits what the record holds already, and what was inserted in its outputs' place.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Gathering, Outputs, without_paths};
use crate::error::{Error, ErrorKind};
use crate::lazy::{Handle, Origin};
use crate::slot::AnySlot;
use crate::stage::inputs::Input;
use crate::started::Begun;

impl Gathering<'_> {
    /// Returns how many elements there are of each array, by the parameter, where that is known by now.
    pub(super) fn known_lengths(&self) -> Vec<(&'static str, usize)> {
        let each =
            self.spec.inputs.iter().zip(&self.inputs).filter_map(|(spec, input)| match input {
                Input::Each(each) => Some((spec.parameter, each.known_length()?)),
                Input::One(_) | Input::Across(_) => None,
            });
        each.collect()
    }

    /// The shards of an array would all be published at one place.
    pub(super) fn check_published(&self) -> Result<(), Error> {
        let published = |slot: &Arc<dyn AnySlot>| slot.published().is_some();
        if self.spec.each && self.outputs.iter().any(published) {
            let message = "the shards of an array stage cannot be published, since they would all lie at one place; publish the output of a stage that takes them together";
            return Err(Error::new(ErrorKind::Wiring, message));
        }
        Ok(())
    }

    /// What was inserted must be of the types that the stage's outputs have.
    pub(super) fn check_inserted(&self, names: &[Cow<'static, str>]) -> Result<(), Error> {
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

    pub(super) fn all_inserted(&self, names: &[Cow<'static, str>]) -> bool {
        !names.is_empty() && names.iter().all(|name| self.inserted_handle(name).is_some())
    }

    /// A stage whose outputs were all inserted does not run.
    pub(super) fn inserted(&mut self, names: &[Cow<'static, str>]) -> Outputs {
        self.frame.has_begun(Begun::is_there);
        Outputs(names.iter().filter_map(|name| self.inserted_handle(name)).collect())
    }

    fn inserted_handle(&self, name: &str) -> Option<Handle> {
        let bound = self.frame.state.get(name)?;
        matches!(bound.handle.origin, Origin::Inserted(_)).then(|| bound.handle.clone())
    }
}
