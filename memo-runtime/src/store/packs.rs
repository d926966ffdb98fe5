//! [`Packs`]: many small results in few files.
//!
//! The shards of an array have a key each, and a part of it in common. All that have the same lie in one
//! folder, as lines of packs. A process that computes shards has a pack of its own there, and adds a line
//! for each; so no process ever writes where another one does. A line is the truth: people can read it, and
//! it is checked by its own checksum. Beside a pack lies an index, which is made of the lines and believed
//! only as far as it is whole; what it lacks is read from the lines.
//!
//! Which of several lines of one key counts: that of the latest generation; in it, the one that was completed
//! first; then the one whose pack's name comes first. So the first result wins, unless somebody has computed
//! anew on purpose.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Store;
use super::history;
use super::manifest::Head;
use super::scratch::make_folder;
use crate::artifact::io_error;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};

mod commits;
mod compact;
mod known;
mod line;
mod lines;
pub(in crate::store) mod open;
mod pack;
mod reading;
mod record;
mod shards;
mod table;
mod writer;

pub(crate) use record::mark;
pub(crate) use shards::{Place, Shard, Shards};

use known::Known;
use line::LONGEST;
use pack::Wanted;
use record::{Record, identity};
use writer::Writer;

/// The shards of one stage whose keys have one part in common. Cloning is cheap, and gives the same.
#[derive(Clone)]
pub(crate) struct Packs(Arc<Inner>);

struct Inner {
    id: u64,
    store: Store,
    stage: String,
    folder: PathBuf,
    outputs: usize,
    known: RwLock<Known>,
    /// The pack of this process, from the first shard that it adds.
    writer: Mutex<Option<Writer>>,
}

impl Store {
    /// Returns the shards of `stage` that have the part `shared` of their keys in common, with so many
    /// outputs each. Nothing is read or written yet.
    pub(crate) fn packs(&self, stage: &str, shared: &Digest, outputs: usize) -> Packs {
        let folder = self.layout().shards(stage, shared);
        let new = || {
            Packs(Arc::new(Inner {
                id: open::id(),
                store: self.clone(),
                stage: stage.to_owned(),
                folder: folder.clone(),
                outputs,
                known: RwLock::new(Known::new(outputs)),
                writer: Mutex::default(),
            }))
        };
        self.0.packs.packs(&folder, outputs, new)
    }
}

impl Store {
    /// Whether shards of `stage` may be kept that have the part `shared` of their keys in common.
    pub(crate) fn has_packs(&self, stage: &str, shared: &Digest) -> bool {
        self.layout().shards(stage, shared).is_dir()
    }

    /// Lists the parts of keys that shards of a stage have in common, whatever is in their packs.
    pub(crate) fn folders_of_shards(&self, stage: &str) -> Vec<Digest> {
        let folders = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        let shared =
            folders(self.layout().shards_of(stage)).flat_map(|entry| folders(entry.path()));
        shared.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    /// Lists the full names of the stages that have shards.
    pub(crate) fn stages_of_shards(&self) -> Vec<String> {
        let folders = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        let stages = folders(self.layout().base().join("shards"));
        let name = |folder: fs::DirEntry| {
            let mut arrays = folders(folder.path()).flat_map(|entry| folders(entry.path()));
            arrays.find_map(|array| reading::stage_in(&array.path()))
        };
        stages.filter_map(name).collect()
    }

    /// Lists all shards of a stage, by the part that their keys have in common.
    pub(crate) fn packs_of(&self, stage: &str) -> Vec<(Digest, Packs)> {
        let shared = self.folders_of_shards(stage).into_iter();
        shared
            .filter_map(|shared| {
                let outputs = reading::outputs_in(&self.layout().shards(stage, &shared))?;
                Some((shared, self.packs(stage, &shared, outputs)))
            })
            .collect()
    }
}

impl Packs {
    /// The full name of the stage.
    pub(crate) fn stage(&self) -> &str {
        &self.0.stage
    }

    /// Looks for `keys`, after a look at what has come since the last time.
    pub(crate) fn find(&self, keys: &[Digest]) -> Shards {
        self.refresh();
        let known = self.known();
        let number = |key| known.table.find(key).map_or(0, |number| number + 1);
        Shards {
            numbers: keys.iter().map(number).collect(),
            segments: known.table.segments().to_vec(),
            outputs: self.0.outputs,
            unreadable: known.unreadable.clone(),
        }
    }

    /// Looks for `key` in what is known.
    pub(crate) fn find_one(&self, key: &Digest) -> Option<Shard<'static>> {
        let known = self.known();
        let (record, identities) = known.table.get(key)?;
        Some(Shard::of(record, Cow::Owned(identities.to_vec())))
    }

    /// Looks for `key` once more, for whoever holds its lock and is about to compute it. A pack whose writer
    /// has ended is not asked again.
    pub(crate) fn find_now(&self, key: &Digest) -> Option<Shard<'static>> {
        self.update(false);
        self.find_one(key)
    }

    /// Reads what other processes have added, in all packs, whoever seems to have ended. Returns whether
    /// there was anything.
    pub(crate) fn refresh(&self) -> bool {
        self.update(true)
    }

    fn update(&self, thoroughly: bool) -> bool {
        let folder = &self.0.folder;
        if self.known().is_current(folder, thoroughly) {
            return false;
        }
        let mut known = self.known_mut();
        !known.is_current(folder, thoroughly) && known.update(self.wanted())
    }

    /// Adds a shard: its line, then the record of it. Returns where the line lies. In a durable store it is
    /// on the disk by then.
    pub(crate) fn append(
        &self,
        head: &Head,
        log: &[String],
        index: u64,
        generation: u32,
    ) -> Result<Place, Error> {
        let refused = |what| Error::new(ErrorKind::Store, what).in_stage(&self.0.stage);
        line::wrong(head, &self.0.stage, self.0.outputs)
            .map_err(|what| refused(format!("the shard cannot be kept: {what}")))?;
        let line = line::write(head, log, index, generation).map_err(|e| self.failed(e.into()))?;
        if line.len() > LONGEST {
            let most = LONGEST >> 20;
            let what = format!("the shard cannot be kept: its body logged more than {most} MB");
            return Err(refused(what));
        }
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        let identities: Vec<_> = head.outputs.iter().map(identity).collect();
        let mut record = Record::of(head, generation, 0, 0, length);
        let mut writer = self.writer();
        let open = match writer.take_if(|open| !open.is_there()) {
            // Somebody has removed it. What it held is gone; what comes must not be.
            Some(_) => None,
            None => writer.as_mut(),
        };
        let open = match open {
            Some(open) => open,
            None => writer.insert(self.make_writer()?),
        };
        let added = open.add(&line, &mut record, index, &identities);
        let (number, commit) = (open.number, open.commit());
        drop(writer);
        added.map_err(|error| self.failed(error))?;
        if self.0.store.0.durable
            && let Err(error) = commit()
        {
            // What is written behind what was lost would be lost with it.
            self.writer().take_if(|open| open.number == number);
            return Err(self.failed(error));
        }
        self.known_mut().add(&record, &identities);
        Ok(Place::of(&record))
    }

    fn make_writer(&self) -> Result<Writer, Error> {
        let Inner { store, folder, .. } = &*self.0;
        let failed = |error| self.failed(error);
        if store.is_read_only() {
            return Err(failed(io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        let scratch = store.scratch()?.path();
        make_folder(folder).map_err(failed)?;
        store.0.packs.begin_writing(self);
        let writer = loop {
            let name = history::run_name();
            let number = self.known_mut().add_own(&name);
            match Writer::make(scratch, folder, &name, number, self.0.outputs) {
                Ok(writer) => break writer,
                Err(error) => {
                    self.known_mut().remove_own(number);
                    // A process of another machine may have had the same number at the same time.
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        return Err(failed(error));
                    }
                }
            }
        };
        if store.0.durable {
            writer::sync_folders(folder, store.path()).map_err(failed)?;
        }
        Ok(writer)
    }

    fn failed(&self, error: io::Error) -> Error {
        io_error("write to", &self.0.folder, error)
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { folder: &self.0.folder, stage: &self.0.stage, outputs: self.0.outputs }
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.store.0.packs.close_files(self.id);
    }
}

#[cfg(test)]
mod tests;
