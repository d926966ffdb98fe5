//! Reading lines of packs: one by its place, or all of them.

use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::line::{self, LONGEST, Line};
use super::lines::Lines;
use super::pack::State;
use super::{Packs, Place};
use crate::digest::Digest;
use crate::error::is_trouble_of_ours;
use crate::store::layout::Layout;
use crate::store::look_up::open_to_read;

/// Why a line cannot be believed, or cannot be read now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Damage {
    pub(crate) what: String,
    /// Whether the line may be good, but this process cannot read it now.
    pub(crate) is_passing: bool,
}

/// What is wrong with a line that was found.
enum Trouble {
    /// Its pack is no longer there.
    Gone,
    Damaged(&'static str),
    Reading(io::Error),
}

impl Packs {
    /// Reads the line of `key`, which was found at `place`. If its pack was merged with others since, it is
    /// read where it is now.
    pub(crate) fn read(&self, key: &Digest, place: Place) -> Result<Line, Damage> {
        match self.read_at(key, place) {
            Err(Trouble::Gone) => {}
            other => return other.map_err(Trouble::told),
        }
        self.refresh();
        let now = self.find_one(key).filter(|shard| shard.place != place);
        let now = now.ok_or(Trouble::Gone).map_err(Trouble::told)?;
        self.read_at(key, now.place).map_err(Trouble::told)
    }

    fn read_at(&self, key: &Digest, place: Place) -> Result<Line, Trouble> {
        let file = self.file(place.pack)?;
        let length = place.length as usize;
        if length > LONGEST {
            return Err(Trouble::Damaged("it is too long"));
        }
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, place.offset)?;
        let line = line::judge(&bytes, &self.0.stage, self.0.outputs);
        let (start, line) = line.map_err(Trouble::Damaged)?;
        if start > 0 || line.head.key != *key {
            return Err(Trouble::Damaged("it belongs to another shard"));
        }
        Ok(line)
    }

    /// Opens the lines of a pack.
    fn file(&self, pack: u32) -> Result<Arc<File>, Trouble> {
        let open = &self.0.store.0.packs;
        if let Some(file) = open.file(self.0.id, pack) {
            return Ok(file);
        }
        let name = self.known().packs.get(pack as usize).map(|pack| Arc::clone(&pack.name));
        let [path, _] = Layout::pack(&self.0.folder, &name.ok_or(Trouble::Gone)?);
        let file = Arc::new(open_to_read(&path)?);
        open.keep_file(self.0.id, pack, &file);
        Ok(file)
    }

    /// Lists all lines, also those that count no more, and those that are damaged.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<(Place, Line), Damage>> + use<> {
        self.refresh();
        let packs = self.clone();
        let there = {
            let known = self.known();
            let there = (0..).zip(&known.packs).filter(|(_, pack)| pack.state != State::Gone);
            there.map(|(number, pack)| (number, Arc::clone(&pack.name))).collect::<Vec<_>>()
        };
        there.into_iter().flat_map(move |(number, name)| packs.lines_of(number, &name))
    }

    /// Goes through the lines of one pack.
    fn lines_of(
        &self,
        pack: u32,
        name: &str,
    ) -> impl Iterator<Item = Result<(Place, Line), Damage>> + use<> {
        let (packs, name) = (self.clone(), name.to_owned());
        let [path, _] = Layout::pack(&self.0.folder, &name);
        let opened = open_to_read(&path).and_then(|file| {
            let length = file.metadata()?.len();
            Ok(Lines::new(file, 0, length))
        });
        let mut lines = Some(opened);
        std::iter::from_fn(move || {
            let damage = match lines.as_mut()? {
                Ok(lines) => {
                    let read = match lines.next() {
                        Ok(Some((offset, bytes))) => {
                            return Some(packs.judge(pack, &name, offset, bytes));
                        }
                        Ok(None) => None,
                        Err(error) => Some(told(&name, &error)),
                    };
                    match read {
                        None if !lines.is_endless() => return None,
                        read => read.unwrap_or_else(|| told(&name, &"a line does not end")),
                    }
                }
                Err(error) => told(&name, error),
            };
            lines = None;
            Some(Err(damage))
        })
    }

    /// Says what a line is, or what is wrong with it.
    fn judge(
        &self,
        pack: u32,
        name: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(Place, Line), Damage> {
        let judged = line::judge(bytes, &self.0.stage, self.0.outputs);
        let (start, line) = judged.map_err(|what| {
            told(name, &format_args!("the line at byte {offset} is damaged: {what}"))
        })?;
        let length = u32::try_from(bytes.len() - start).unwrap_or(u32::MAX);
        Ok((Place { pack, length, offset: offset + start as u64 }, line))
    }
}

/// Returns how many outputs the shards in a folder have, as its first whole line tells.
pub(super) fn outputs_in(folder: &Path) -> Option<usize> {
    first_in(folder).map(|line| line.head.outputs.len())
}

/// Returns the full name of the stage whose shards are in a folder, as its first whole line tells.
pub(super) fn stage_in(folder: &Path) -> Option<String> {
    first_in(folder).map(|line| line.head.stage.into_owned())
}

fn first_in(folder: &Path) -> Option<Line> {
    let packs = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut packs = packs.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    packs.find_map(|path| {
        let file = open_to_read(&path).ok()?;
        let end = file.metadata().ok().filter(fs::Metadata::is_file)?.len();
        let mut lines = Lines::new(file, 0, end);
        while let Some((_, bytes)) = lines.next().ok()? {
            if let Ok(line) = line::read(bytes) {
                return Some(line);
            }
        }
        None
    })
}

fn told(pack: &str, what: &dyn Display) -> Damage {
    Damage { what: format!("the pack `{pack}`: {what}"), is_passing: false }
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
