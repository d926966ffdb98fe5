//! Keeping what a body gave: validated first, then all outputs together, or nothing.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use super::execute::Made;
use super::inputs::Input;
use super::node::Node;
use super::validate::{Outputs, Validator};
use crate::artifact::Artifact;
use crate::artifact::saving::{Saved, Saving, remove_all};
use crate::error::{BoxError, Error, ErrorKind};
use crate::event::MissReason;
use crate::key::files::{FileDigest, collect_references};
use crate::lazy::Handle;
use crate::stage::node::Status;
use crate::store::history;
use crate::store::manifest::{Detail, Head, Kept, Output, Reference};

/// Why a result is not kept.
pub(super) enum NotKept {
    /// The stage has failed: its result is invalid, or its cacher cannot hold it.
    Failed(Error),
    /// The store could not take it. The value is used for the rest of the run.
    Lost(String),
}

impl From<Error> for NotKept {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Store => Self::Lost(error.chain()),
            _ => Self::Failed(error),
        }
    }
}

impl Node {
    /// Validates the fresh values and keeps them. Returns the size of what is kept, in bytes.
    pub(crate) fn keep(&self, made: &Made) -> Result<u64, Error> {
        let store = &self.session.store;
        let kept = if self.is_kept() && !store.is_read_only() {
            self.save_and_commit(made)
        } else {
            self.validate_unkept().and_then(|()| self.check_inputs()).and_then(|()| {
                let lost = || NotKept::Lost("the store is opened read-only".to_owned());
                if self.is_kept() { Err(lost()) } else { Ok(0) }
            })
        };
        match kept {
            Ok(size) => Ok(size),
            Err(NotKept::Failed(error)) => Err(error),
            Err(NotKept::Lost(why)) => {
                // Whatever else went wrong: what follows must know that the inputs are not what they were.
                let why = match self.check_inputs() {
                    Err(NotKept::Lost(changed)) => changed,
                    _ => why,
                };
                self.set_head(None);
                if self.spec.rerun || self.spec.expires.is_some() {
                    // The next result of the same call may be another, and its digest is not known.
                    self.spoil();
                }
                // That a store is read-only need not be told of each stage.
                if !store.is_read_only() || self.session.is_first_unkept() {
                    self.warn(format!("the result is not kept: {why}"), true);
                }
                Ok(0)
            }
        }
    }

    fn save_and_commit(&self, made: &Made) -> Result<u64, NotKept> {
        let saved = self.save_all(made, |index, artifact| self.outputs[index].save(artifact))?;
        self.validate_fresh(&saved)?;
        self.check_inputs()?;
        let store = &self.session.store;
        let adopted: Vec<PathBuf> =
            saved.iter().flatten().flat_map(|saved| saved.adopted.iter().cloned()).collect();
        let outputs: Vec<Output> = self
            .outputs
            .iter()
            .zip(self.spec.outputs)
            .zip(saved)
            .map(|((slot, spec), saved)| {
                let artifact = match (slot.format(), saved) {
                    (Some(format), Some(saved)) => {
                        Some(store.keep(saved, format.digest(), format.file_extension())?)
                    }
                    _ => None,
                };
                Ok(Output { name: spec.name.into(), artifact })
            })
            .collect::<Result<_, Error>>()?;
        let size = self.commit(made, outputs)?;
        // What the store has taken over is no longer where the stage has made it.
        remove_all(&adopted);
        Ok(size)
    }

    fn commit(&self, made: &Made, outputs: Vec<Output>) -> Result<u64, Error> {
        let Some(key) = self.key() else {
            return Err(Error::new(ErrorKind::Wiring, "the call has no key"));
        };
        let log: Vec<String> =
            made.context.take_log().into_iter().map(|line| self.hide_secrets(line)).collect();
        let head = Head {
            key,
            stage: self.spec.name.into(),
            outputs,
            seconds: made.seconds,
            completed: history::now(),
            run: self.session.store.run().to_owned(),
            logged: !log.is_empty(),
            validator: self.validator.as_deref().map(Validator::mark),
        };
        let detail = self.detail(made.attempts, log);
        let ours = digests(&head);
        let (replace, former) = self.gives_way(&ours);
        self.keep_code();
        let current = self.session.store.commit(head, &detail, replace)?;
        let lost_to_another = digests(&current) != ours;
        // A stage that is run again for fresh results may give others.
        let may_differ = self.spec.rerun || self.spec.expires.is_some();
        if !may_differ && (lost_to_another || former.is_some_and(|former| former != ours)) {
            self.warn(
                "the stage is not deterministic: it gave another result for the same key",
                false,
            );
        }
        if lost_to_another {
            // The entry that everybody reads is the one that was there first.
            let kept = |index: &usize| super::node::kept(&current, *index).is_some();
            (0..self.outputs.len()).filter(kept).for_each(|index| {
                self.outputs[index].evict();
            });
        }
        let size = sizes(&current);
        self.set_head(Some(current));
        Ok(size)
    }

    /// Whether an entry that is there gives way to a result with these digests, and the digests of that
    /// entry.
    fn gives_way(&self, ours: &[crate::Digest]) -> (bool, Option<Vec<crate::Digest>>) {
        let Status::Miss(reason) = self.status() else { return (false, None) };
        match reason {
            MissReason::Forced
            | MissReason::Invalid { .. }
            | MissReason::ArtifactGone { .. }
            | MissReason::Expired { .. } => (true, self.former_digests()),
            MissReason::Rerun => {
                let former = self.former_digests();
                (former.as_deref().is_some_and(|former| former != ours), former)
            }
            _ => (false, None),
        }
    }

    /// Keeps what the fingerprint is made of, for explanations.
    pub(super) fn keep_code(&self) {
        if let Some(code) = self.spec.code.filter(|_| !self.spec.reach.is_empty()) {
            self.session.store.keep_code(code, || self.spec.code_items());
        }
    }

    /// The digests of the entry that is there.
    fn former_digests(&self) -> Option<Vec<crate::Digest>> {
        match self.session.store.look_up(self.spec.name, &self.key()?, Some(self.spec)) {
            crate::store::Found::Entry(head) => Some(digests(&head)),
            _ => None,
        }
    }

    pub(super) fn detail(&self, attempts: u32, log: Vec<String>) -> Detail {
        let formats = self.outputs.iter().map(|slot| {
            let format = slot.format();
            let layout = format.and_then(|format| format.type_layout());
            match (format, layout) {
                (Some(format), Some(layout)) => format!("{format}: {layout}"),
                (Some(format), None) => format.to_string(),
                (None, _) => "in memory".to_owned(),
            }
        });
        Detail {
            components: self.components(),
            formats: formats.collect(),
            log,
            attempts,
            was: None,
            accepted: None,
            made_by: made_by(self.session.experiment.as_deref()),
            reason: self.known_reason().map(|reason| self.kept_reason(reason)),
            record: self.record_name(),
        }
    }

    /// Writes all outputs that have a cacher to the scratch folder.
    pub(super) fn save_all(
        &self,
        made: &Made,
        save: impl Fn(usize, &Artifact) -> Result<(), BoxError>,
    ) -> Result<Vec<Option<Saved>>, NotKept> {
        let mut all = Vec::new();
        for (index, slot) in self.outputs.iter().enumerate() {
            let Some(format) = slot.format() else {
                all.push(None);
                continue;
            };
            let artifact = self.session.store.new_artifact(format.file_extension())?;
            let (outcome, files) =
                collect_references(Some(self.session.store.files()), || save(index, &artifact));
            outcome.map_err(|error| self.not_saved(index, &artifact, error))?;
            let mut saved = artifact.into_saved()?;
            saved.references = files.iter().map(Reference::of).collect();
            saved.adopted.retain(|path| is_since(path, made.began) && self.may_take_over(path));
            all.push(Some(saved));
        }
        Ok(all)
    }

    /// Whether a file that the store takes over is the stage's own: neither an input nor in the store.
    fn may_take_over(&self, path: &Path) -> bool {
        let Ok(path) = fs::canonicalize(path) else { return false };
        // A file in an input folder is the user's, and so is a folder around an input file.
        let overlaps = |other: &Path| {
            let other = fs::canonicalize(other);
            other.is_ok_and(|other| path.starts_with(&other) || other.starts_with(&path))
        };
        let scratch = self.session.store.scratch_path();
        let in_scratch = scratch.and_then(|scratch| fs::canonicalize(scratch).ok());
        let in_scratch = in_scratch.is_some_and(|scratch| path.starts_with(scratch));
        let store = fs::canonicalize(self.session.store.path());
        let in_store =
            store.is_ok_and(|store| path.starts_with(&store) || store.starts_with(&path));
        let is_upstream = |head: Arc<Head>| {
            head.kept()
                .any(|kept| kept.references.iter().any(|file| overlaps(Path::new(&file.path))))
        };
        (!in_store || in_scratch)
            && !self.all_files().any(|file| overlaps(&file.path))
            && !self.upstream().filter_map(|node| node.head()).any(is_upstream)
    }

    /// Returns the files whose content is in the key: those of params and arguments, and of values
    /// that were inserted.
    fn all_files(&self) -> impl Iterator<Item = &FileDigest> {
        let inserted = self.shared_inputs().flat_map(|handle| handle.slot.files());
        self.files.iter().chain(inserted)
    }

    /// Returns the inputs but those that go to the shards of an array one by one.
    fn shared_inputs(&self) -> impl Iterator<Item = &Handle> {
        let shared = self.inputs.iter().filter(|input| !matches!(input, Input::Each(_)));
        shared.flat_map(Input::handles)
    }

    /// Tells apart what a cacher cannot hold from a disk that cannot take it.
    fn not_saved(&self, output: usize, artifact: &Artifact, error: BoxError) -> NotKept {
        let name = self.spec.outputs[output].name;
        if artifact.met_io_error() || is_trouble_with_storage(&*error) {
            let why =
                Error::new(ErrorKind::Store, format!("the output `{name}` could not be written"));
            return NotKept::Lost(why.because(error).chain());
        }
        let format = self.outputs[output].format().map(ToString::to_string).unwrap_or_default();
        let message = format!("the output `{name}` cannot be kept by its cacher ({format})");
        NotKept::Failed(Error::new(ErrorKind::Cacher, message).because(error))
    }

    fn validate_fresh(&self, saved: &[Option<Saved>]) -> Result<(), NotKept> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let fresh = Fresh::of(self, None, saved);
        validator.check(&fresh).map_err(|what| {
            let message = format!("the result is invalid, so nothing is kept: {what}");
            NotKept::Failed(Error::new(ErrorKind::Invalid, message))
        })
    }

    fn validate_unkept(&self) -> Result<(), NotKept> {
        self.validate_fresh(&[])
    }

    /// Checks, once the body has run and its result is written, that what it read is what the key says.
    fn check_inputs(&self) -> Result<(), NotKept> {
        let Some(what) = self.what_changed() else { return Ok(()) };
        self.spoil();
        let why = "changed while the stage ran, so nobody knows which content was read";
        Err(NotKept::Lost(format!("{what} {why}")))
    }

    /// Names a file or an input that is no longer what it was when the key was made.
    pub(super) fn what_changed(&self) -> Option<String> {
        let changed = |file: &&FileDigest| !file.unchanged().unwrap_or(false);
        // A shard reads its own element of an array, and those of other shards may change.
        let shared = self.inputs.iter().filter(|input| !matches!(input, Input::Each(_)));
        let shared = shared.flat_map(Input::handles).flat_map(|handle| handle.slot.files());
        if let Some(file) = self.files.iter().chain(shared).find(changed) {
            return Some(format!("`{}`", file.shown));
        }
        let heads = self.shared_inputs().filter_map(Handle::node).filter_map(|node| node.head());
        if let Some(file) = heads
            .into_iter()
            .find_map(|h| h.broken_reference(self.session.store.files()).map(str::to_owned))
        {
            return Some(format!("`{file}`"));
        }
        let arrays = self.shared_inputs().filter_map(Handle::node);
        if let Some(file) = arrays.into_iter().find_map(|node| node.changed_outside()) {
            return Some(format!("`{file}`"));
        }
        // An input that was damaged is made again when it is read, and may come out as another.
        (self.compute_key() != self.key()).then(|| "an input".to_owned())
    }
}

/// What a validator of a fresh result is given.
pub(super) struct Fresh<'a> {
    node: &'a Node,
    /// The values of a shard; else those that the slots hold.
    values: Option<&'a [Arc<dyn Any + Send + Sync>]>,
    saved: &'a [Option<Saved>],
    /// What was written for the validator alone, until it is done.
    spare: RefCell<Vec<Saved>>,
}

impl<'a> Fresh<'a> {
    pub(super) fn of(
        node: &'a Node,
        values: Option<&'a [Arc<dyn Any + Send + Sync>]>,
        saved: &'a [Option<Saved>],
    ) -> Self {
        Self { node, values, saved, spare: RefCell::default() }
    }
}

impl Outputs for Fresh<'_> {
    fn value(&self, index: usize) -> Result<Arc<dyn Any + Send + Sync>, Error> {
        if let Some(values) = self.values {
            return Ok(Arc::clone(&values[index]));
        }
        self.node.outputs[index]
            .peek_any()
            .ok_or_else(|| Error::new(ErrorKind::Cacher, "the value is gone"))
    }

    fn artifact(&self, index: usize) -> Result<Artifact, Error> {
        let extension = self.node.outputs[index].format().map_or("bin", |f| f.file_extension());
        if let Some(Some(saved)) = self.saved.get(index) {
            return Ok(saved.reopen(extension));
        }
        // Nothing is kept, yet the validator looks at a file: it is written where files come and go.
        let artifact = Artifact::saving(Saving::new(std::env::temp_dir(), extension));
        let slot = &self.node.outputs[index];
        let written = match self.values {
            Some(values) => slot.save_value(&*values[index], &artifact),
            None => slot.save(&artifact),
        };
        written.map_err(|error| {
            Error::new(ErrorKind::Cacher, "the output could not be written").because(error)
        })?;
        let saved = artifact.into_saved()?;
        let reopened = saved.reopen(extension);
        self.spare.borrow_mut().push(saved);
        Ok(reopened)
    }
}

/// Whether a file was written by the body that has just run: an older one is somebody else's.
fn is_since(path: &Path, began: SystemTime) -> bool {
    /// The clock of a file system may lag behind by a tick.
    const TICK: Duration = Duration::from_millis(50);
    let began = began.checked_sub(TICK).unwrap_or(began);
    fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(|modified| modified >= began)
}

fn digests(head: &Head) -> Vec<crate::Digest> {
    head.kept().map(Kept::identity).collect()
}

fn sizes(head: &Head) -> u64 {
    head.kept().map(|kept| kept.size).sum()
}

/// Whether the disk is full, the folder not writable, or the like.
fn is_trouble_with_storage(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            let told = matches!(
                io.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::FileTooLarge
            );
            if told || io.raw_os_error().is_some() {
                return true;
            }
        }
        if error.downcast_ref::<serde_json::Error>().is_some_and(serde_json::Error::is_io) {
            return true;
        }
        if error.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::Store) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Tells which program made an entry.
fn made_by(experiment: Option<&str>) -> BTreeMap<String, String> {
    /// What is the same for every entry of this process.
    static PROCESS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let program = std::env::current_exe().ok();
        let program = program.as_ref().and_then(|path| path.file_name());
        let program = program.map(|name| name.to_string_lossy());
        let mut by = BTreeMap::new();
        by.insert("memo".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        by.insert("program".to_owned(), program.unwrap_or_default().into_owned());
        if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
            by.insert("host".to_owned(), host.trim().to_owned());
        }
        by
    });
    let mut by = PROCESS.clone();
    if let Some(experiment) = experiment {
        by.insert("experiment".to_owned(), experiment.to_owned());
    }
    by
}
