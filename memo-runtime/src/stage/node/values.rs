//! The values of a call's outputs, in memory and as artifacts.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use super::Node;
use crate::artifact::Artifact;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::stage::validate::Outputs;
use crate::store::manifest::{Head, Kept};

impl Node {
    /// Returns what the entry says of an output's artifact.
    pub(crate) fn kept(&self, output: usize) -> Option<Kept> {
        self.head().and_then(|head| kept(&head, output).cloned())
    }

    /// Whether the entry has an artifact of an output.
    pub(crate) fn is_kept_at(&self, output: usize) -> bool {
        self.state().head.as_ref().is_some_and(|head| kept(head, output).is_some())
    }

    pub(crate) fn open_artifact(&self, output: usize) -> Option<Artifact> {
        self.artifact_of(&self.head()?, output)
    }

    /// Opens what an entry of this call has kept of an output.
    pub(crate) fn artifact_of(&self, head: &Arc<Head>, output: usize) -> Option<Artifact> {
        kept(head, output)?;
        Some(Artifact::kept(&self.session.store, Arc::clone(head), output))
    }

    /// Whether an output's value can be had without running the body.
    pub(crate) fn has_value(&self, output: usize) -> bool {
        if self.array.is_some() {
            return self.has_ended_well();
        }
        self.is_kept_at(output) || self.outputs[output].peek_any().is_some()
    }

    pub(crate) fn evict(&self, output: usize) {
        if self.is_kept_at(output) && self.outputs[output].evict() {
            let (stage, output) = (self.spec.name, self.spec.outputs[output].name);
            self.session.store.emit(|| Event::Evicted { stage, output });
        }
    }

    pub(crate) fn told_loaded(&self, output: usize) {
        let size = self.kept(output).map_or(0, |kept| kept.size);
        let (stage, output) = (self.spec.name, self.spec.outputs[output].name);
        self.session.store.emit(|| Event::Loaded { stage, output, size });
    }

    /// Returns the path of an output's main file.
    pub(crate) fn path(&self, output: usize) -> Result<PathBuf, Error> {
        let Some(kept) = self.kept(output) else {
            let name = self.spec.outputs[output].name;
            let message =
                format!("the output `{name}` has no file: it has no cacher, or could not be kept");
            return Err(self.blame(Error::new(ErrorKind::Cacher, message)));
        };
        self.session.store.file_of(&kept).map_err(|error| self.blame(error))
    }
}

/// Returns what an entry says of an output's artifact.
pub(crate) fn kept(head: &Head, output: usize) -> Option<&Kept> {
    head.outputs.get(output)?.artifact.as_ref()
}

/// A validator is given the values that are held, else what the entry has kept.
impl Outputs for Node {
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, Error> {
        let slot = &self.outputs[index];
        if let Some(value) = slot.peek_any() {
            return Ok(value);
        }
        let artifact = self.open_artifact(index).ok_or_else(|| {
            Error::new(ErrorKind::Cacher, "the value is neither in memory nor kept")
        })?;
        let value = slot.load_any(artifact)?;
        self.told_loaded(index);
        Ok(value)
    }

    fn artifact(&self, index: usize) -> Result<Artifact, Error> {
        self.open_artifact(index).ok_or_else(|| {
            let message = "an output without a cacher has no file to validate";
            Error::new(ErrorKind::Cacher, message)
        })
    }
}
