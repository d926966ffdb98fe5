//! What is the same for all calls of a stage: it is found out once, not by every call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::StageSpec;
use crate::cacheable::Format;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::key::{ComponentKind, KeyMaker};
use crate::slot::AnySlot;
use crate::store::layout::file_name;

/// What is known of a stage once it was called.
#[derive(Debug)]
pub struct Fixed {
    /// The name of the folder of its entries.
    pub(crate) folder: String,
    /// The fixed part of each instance.
    instances: RwLock<Vec<Arc<Instance>>>,
}

/// What all calls of one instance of a stage have in common, except when a cacher's options differ from
/// call to call.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The types of a generic instance.
    pub(crate) types: Vec<String>,
    /// The formats of the outputs and their digests; `None` for those in memory.
    formats: Vec<Option<(Format, Digest)>>,
    /// The digest of all components of the key that are known: stage, types, code, version, formats.
    pub(crate) digest: Digest,
}

impl Fixed {
    /// How many instances are remembered: a cacher whose options are computed may have any number.
    const MOST: usize = 64;

    /// Returns the fixed part of a stage. Two stages of one name are an error: their entries would mix.
    pub(super) fn of(spec: &'static StageSpec) -> Result<&'static Self, Error> {
        if let Some(fixed) = spec.calls.get() {
            return Ok(fixed);
        }
        register(spec)?;
        // Lives as long as the stage, which is a static.
        let make = || Self { folder: file_name(spec.name), instances: RwLock::default() };
        Ok(spec.calls.get_or_init(|| Box::leak(Box::new(make()))))
    }

    /// Returns what calls with these types and outputs have in common.
    pub(super) fn instance(
        &self,
        spec: &StageSpec,
        types: &[String],
        outputs: &[Arc<dyn AnySlot>],
    ) -> Arc<Instance> {
        let known = self.instances.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = known.iter().find(|instance| instance.is_of(types, outputs)) {
            return Arc::clone(instance);
        }
        drop(known);
        let made = Arc::new(Instance::new(spec, types, outputs));
        let mut known = self.instances.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < Self::MOST {
            known.push(Arc::clone(&made));
        }
        made
    }
}

impl Instance {
    fn new(spec: &StageSpec, types: &[String], outputs: &[Arc<dyn AnySlot>]) -> Self {
        let formats: Vec<_> = outputs
            .iter()
            .map(|slot| slot.format().map(|format| (format.clone(), format.digest())))
            .collect();
        let digests = formats.iter().map(|format| format.as_ref().map(|(_, digest)| *digest));
        let digest = digest_of(spec.name, spec.code, spec.version, types, digests);
        Self { types: types.to_vec(), formats, digest }
    }

    fn is_of(&self, types: &[String], outputs: &[Arc<dyn AnySlot>]) -> bool {
        self.types == types
            && self.formats.len() == outputs.len()
            && self
                .formats
                .iter()
                .zip(outputs)
                .all(|(format, slot)| format.as_ref().map(|(format, _)| format) == slot.format())
    }

    /// Returns the digests of the outputs' formats.
    pub(super) fn format_digests(&self) -> impl Iterator<Item = Option<Digest>> {
        self.formats.iter().map(|format| format.as_ref().map(|(_, digest)| *digest))
    }
}

/// Digests what all calls of an instance have in common.
pub(super) fn digest_of(
    name: &str,
    code: Option<u128>,
    version: &str,
    types: &[String],
    formats: impl Iterator<Item = Option<Digest>>,
) -> Digest {
    let mut maker = KeyMaker::new();
    maker.add_text(ComponentKind::Stage, name);
    types.iter().for_each(|name| maker.add_text(ComponentKind::Stage, name));
    match code {
        Some(code) => maker.add_text(ComponentKind::Code, &format!("{code:032x}")),
        None => maker.add_text(ComponentKind::Code, "manual"),
    }
    maker.add_text(ComponentKind::Version, version);
    for format in formats {
        match format {
            Some(digest) => maker.add(ComponentKind::Cacher, "", &digest),
            None => maker.add_text(ComponentKind::Cacher, "memory"),
        }
    }
    maker.finish()
}

/// The stages of this program by name, and the names that they had before.
#[derive(Default)]
struct Names {
    stages: HashMap<&'static str, &'static StageSpec>,
    former: HashMap<&'static str, &'static StageSpec>,
}

/// Notes a stage's names, so that two of one name are found.
fn register(spec: &'static StageSpec) -> Result<(), Error> {
    static NAMES: Mutex<Option<Names>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let Names { stages, former } = names.get_or_insert_default();
    let other = *stages.entry(spec.name).or_insert(spec);
    if !is_same(other, spec) {
        let StageSpec { name, file, line, .. } = spec;
        let message = format!(
            "two stages are named `{name}`, at {}:{} and at {file}:{line}; give one of them a `name = \"..\"`",
            other.file, other.line
        );
        return Err(Error::new(ErrorKind::Wiring, message));
    }
    let was = || spec.was.iter().flat_map(|(inside, written)| [*inside, *written]);
    for name in was() {
        former.entry(name).or_insert(spec);
    }
    let renamed = former.get(spec.name).map(|renamed| (*renamed, spec));
    let taken = was().find_map(|name| Some((spec, *stages.get(name)?)));
    match renamed.or(taken) {
        // With code in the key they are told apart.
        Some((renamed, other)) if renamed.code.is_none() && other.code.is_none() => {
            let message = format!(
                "`{}` says that it was named `{}`, and a stage of that name is there, so their entries would mix under `code = manual`; take `was` away, or name one of them anew",
                renamed.name, other.name
            );
            Err(Error::new(ErrorKind::Wiring, message))
        }
        _ => Ok(()),
    }
}

fn is_same(one: &StageSpec, other: &StageSpec) -> bool {
    (one.file, one.line, one.column) == (other.file, other.line, other.column)
}
