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
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Store;
use super::history;
use super::layout::Layout;
use super::look_up::open_to_read;
use super::manifest::Head;
use super::scratch::make_folder;
use crate::artifact::io_error;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, is_trouble_of_ours};

mod known;
mod line;
mod lines;
mod pack;
mod record;
mod table;
mod writer;

pub(crate) use line::Line;
pub(crate) use record::mark;

use known::Known;
use line::LONGEST;
use lines::Lines;
use pack::Wanted;
use record::{Record, identity};
use table::Segment;
use writer::Writer;

/// The shards of one stage whose keys have one part in common. Cloning is cheap, and gives the same.
#[derive(Clone)]
pub(crate) struct Packs(Arc<Inner>);

struct Inner {
    store: Store,
    stage: String,
    folder: PathBuf,
    outputs: usize,
    known: RwLock<Known>,
    writer: Mutex<Option<Writer>>,
}

/// Where a line lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pack: u32,
    length: u32,
    offset: u64,
}

/// What the index tells of a shard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shard<'a> {
    pub(crate) place: Place,
    /// When it was done, in milliseconds since 1970.
    pub(crate) completed: u64,
    /// How long its body took.
    pub(crate) seconds: f32,
    /// How often it was computed anew on purpose before.
    pub(crate) generation: u32,
    /// The [`mark`] of the validator that passed it; 0 if none did.
    pub(crate) validator: u64,
    /// The identities of its outputs, by which they enter keys.
    pub(crate) identities: Cow<'a, [Digest]>,
}

/// What was found of many shards. It takes four bytes a shard, beside what [`Packs`] know anyway.
pub(crate) struct Shards {
    /// For each key the number of its record and one, or 0.
    numbers: Vec<u32>,
    segments: Vec<Arc<Segment>>,
    outputs: usize,
    unreadable: Vec<String>,
}

/// Why a line cannot be believed, or cannot be read now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Damage {
    pub(crate) what: String,
    /// Whether the line may be good, but this process cannot read it now.
    pub(crate) is_passing: bool,
}

impl Store {
    /// Returns the shards of `stage` that have the part `shared` of their keys in common, with so many
    /// outputs each. Nothing is read or written yet.
    pub(crate) fn packs(&self, stage: &str, shared: &Digest, outputs: usize) -> Packs {
        Packs(Arc::new(Inner {
            store: self.clone(),
            stage: stage.to_owned(),
            folder: self.layout().shards(stage, shared),
            outputs,
            known: RwLock::new(Known::new(outputs)),
            writer: Mutex::default(),
        }))
    }
}

impl Packs {
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
        Some(shard(record, Cow::Owned(identities.to_vec())))
    }

    /// Reads what other processes have added. Returns whether there was anything.
    pub(crate) fn refresh(&self) -> bool {
        let folder = &self.0.folder;
        if self.known().is_current(folder) {
            return false;
        }
        let mut known = self.known_mut();
        !known.is_current(folder) && known.update(self.wanted())
    }

    /// Reads the line of `key`, which was found at `place`. If its pack was merged with others since, it is
    /// read where it is now.
    pub(crate) fn read(&self, key: &Digest, place: Place) -> Result<Line, Damage> {
        match self.read_at(key, place) {
            Err(Trouble::Gone) => {}
            other => return other.map_err(Trouble::told),
        }
        self.refresh();
        let now = self.find_one(key).filter(|shard| shard.place != place);
        let gone = || Damage { what: "its pack is gone".to_owned(), is_passing: false };
        self.read_at(key, now.ok_or_else(gone)?.place).map_err(Trouble::told)
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
        let failed = |error: io::Error| io_error("write to", &self.0.folder, error);
        let line = line::write(head, log, index, generation).map_err(|e| failed(e.into()))?;
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        if line.len() > LONGEST || head.outputs.len() != self.0.outputs {
            let what = format!("a shard of stage `{}` is no line of a pack", self.0.stage);
            return Err(Error::new(ErrorKind::Store, what));
        }
        let identities: Vec<_> = head.outputs.iter().map(identity).collect();
        let mut record = Record::of(head, generation, 0, 0, length);
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match &mut *writer {
            Some(open) => open,
            none => none.insert(self.make_writer()?),
        };
        open.add(&line, &mut record, index, &identities).map_err(failed)?;
        if self.0.store.0.durable {
            open.sync().map_err(failed)?;
        }
        drop(writer);
        self.known_mut().add(&record, &identities);
        Ok(place(&record))
    }

    /// Lists all lines, also those that count no more, and those that are damaged.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<(Place, Line), Damage>> + use<> {
        self.refresh();
        let packs = self.clone();
        let names: Vec<_> = {
            let known = self.known();
            let there = known.packs.iter().enumerate().filter(|(_, pack)| !pack.is_gone);
            there.map(|(number, pack)| (number, Arc::clone(&pack.name))).collect()
        };
        names.into_iter().flat_map(move |(number, name)| packs.lines_of(number, &name))
    }

    /// Merges packs of ended processes, where there are many.
    #[expect(clippy::unused_self, reason = "it comes later")]
    pub(crate) fn compact(&self) {}

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { folder: &self.0.folder, stage: &self.0.stage, outputs: self.0.outputs }
    }

    fn make_writer(&self) -> Result<Writer, Error> {
        let Inner { store, folder, .. } = &*self.0;
        let failed = |error| io_error("write to", folder, error);
        if store.is_read_only() {
            return Err(failed(io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        let scratch = store.scratch()?.path();
        make_folder(folder).map_err(failed)?;
        let name = history::run_name();
        let number = self.known_mut().add_own(&name);
        Writer::make(scratch, folder, &name, number, self.0.outputs).map_err(failed)
    }

    fn read_at(&self, key: &Digest, place: Place) -> Result<Line, Trouble> {
        let name = self.known().packs.get(place.pack as usize).map(|pack| Arc::clone(&pack.name));
        let [path, _] = Layout::pack(&self.0.folder, &name.ok_or(Trouble::Gone)?);
        let file = open_to_read(&path)?;
        if place.length as usize > LONGEST {
            return Err(Trouble::Damaged("the line is too long"));
        }
        let mut bytes = vec![0; place.length as usize];
        file.read_exact_at(&mut bytes, place.offset)?;
        let line = line::read(&bytes).map_err(|_| Trouble::Damaged("its checksum is wrong"))?;
        if line.head.key != *key {
            return Err(Trouble::Damaged("it belongs to another shard"));
        }
        match line::wrong(&line.head, &self.0.stage, self.0.outputs) {
            Some(what) => Err(Trouble::Damaged(what)),
            None => Ok(line),
        }
    }

    /// Goes through the lines of one pack.
    fn lines_of(
        &self,
        number: usize,
        name: &str,
    ) -> impl Iterator<Item = Result<(Place, Line), Damage>> + use<> {
        let [path, _] = Layout::pack(&self.0.folder, name);
        let opened = open_to_read(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let mut lines: Option<io::Result<Lines<File>>> =
            Some(opened.map(|(length, file)| Lines::new(file, 0, length)));
        let pack = u32::try_from(number).unwrap_or(u32::MAX);
        let inner = Arc::clone(&self.0);
        let name = name.to_owned();
        std::iter::from_fn(move || {
            let damaged = |what: &dyn std::fmt::Display| Damage {
                what: format!("the pack `{name}`: {what}"),
                is_passing: false,
            };
            match lines.as_mut()? {
                Err(error) => {
                    let told = Err(damaged(error));
                    lines = None;
                    Some(told)
                }
                Ok(open) => match open.next() {
                    Ok(None) => None,
                    Ok(Some((offset, bytes))) => {
                        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                        let line = line::read(bytes).map_err(|error| damaged(&error));
                        Some(line.and_then(|line| {
                            match line::wrong(&line.head, &inner.stage, inner.outputs) {
                                Some(what) => Err(damaged(&what)),
                                None => Ok((Place { pack, length, offset }, line)),
                            }
                        }))
                    }
                    Err(error) => {
                        lines = None;
                        Some(Err(damaged(&error)))
                    }
                },
            }
        })
    }
}

/// What is wrong with a line.
enum Trouble {
    Gone,
    Damaged(&'static str),
    Reading(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone,
            io::ErrorKind::UnexpectedEof => Self::Damaged("its pack has been cut"),
            _ => Self::Reading(error),
        }
    }
}

impl Trouble {
    fn told(self) -> Damage {
        let (what, is_passing) = match self {
            Self::Gone => ("its pack is gone".to_owned(), false),
            Self::Damaged(what) => (format!("its line is damaged: {what}"), false),
            Self::Reading(error) => {
                (format!("its line cannot be read: {error}"), is_trouble_of_ours(&error))
            }
        };
        Damage { what, is_passing }
    }
}

impl Shards {
    /// Returns how many were looked for.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns how many were found.
    pub(crate) fn found(&self) -> usize {
        self.numbers.iter().filter(|number| **number != 0).count()
    }

    /// Returns the shard of the key at this position, if it was found.
    pub(crate) fn get(&self, position: usize) -> Option<Shard<'_>> {
        let number = self.numbers.get(position)?.checked_sub(1)?;
        let (record, identities) = table::get(&self.segments, self.outputs, number);
        Some(shard(record, Cow::Borrowed(identities)))
    }

    /// Says which packs could not be read, and why. What they hold counts as not found.
    pub(crate) fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

fn place(record: &Record) -> Place {
    Place { pack: record.pack, length: record.length, offset: record.offset }
}

fn shard<'a>(record: &Record, identities: Cow<'a, [Digest]>) -> Shard<'a> {
    let Record { completed, validator, seconds, generation, .. } = *record;
    Shard { place: place(record), completed, seconds, generation, validator, identities }
}

#[cfg(test)]
mod tests;
