//! What a process knows of the packs in a folder, and whether it knows all.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::pack::{Pack, State, Wanted};
use super::record::Record;
use super::table::Table;
use crate::digest::Digest;

/// How long a folder must have rested for its time to tell whether a file has come since. Times are
/// as coarse as the clock's ticks.
const REST: Duration = Duration::from_millis(50);

/// The packs of a folder, as far as they are known.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) packs: Vec<Pack>,
    pub(super) table: Table,
    listed: Listed,
    /// Why some packs could not be read.
    pub(super) unreadable: Vec<String>,
}

/// When the folder was listed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Never, or what was seen may have changed since unnoticed.
    Never,
    /// When it was not there.
    Without,
    /// When its last change was at this time, and had been for a while.
    At(SystemTime),
}

impl Known {
    pub(super) fn new(outputs: usize) -> Self {
        Self {
            packs: vec![],
            table: Table::new(outputs),
            listed: Listed::Never,
            unreadable: vec![],
        }
    }

    /// Whether there is nothing new, as far as the file system tells.
    pub(super) fn is_current(&self, folder: &Path, thoroughly: bool) -> bool {
        if self.listed == Listed::Never {
            return false;
        }
        let same = |pack: &Pack| !pack.may_have_grown(folder, thoroughly);
        listed(folder).is_ok_and(|now| now == self.listed) && self.packs.iter().all(same)
    }

    /// Reads what is new. Returns whether there was anything.
    pub(super) fn update(&mut self, wanted: Wanted<'_>) -> bool {
        let before = self.packs.iter().map(|pack| pack.length).sum::<u64>();
        self.unreadable.clear();
        let listed = self.list(wanted.folder);
        let mut shrunk = listed.unwrap_or_else(|error| {
            self.unreadable.push(format!("`{}`: {error}", wanted.folder.display()));
            false
        });
        loop {
            if shrunk {
                // What was read before may be elsewhere now, or nowhere.
                self.table.clear();
                self.packs.iter_mut().for_each(Pack::forget);
            }
            let again = std::mem::take(&mut shrunk);
            for number in 0..self.packs.len() {
                let pack = &self.packs[number];
                let is_forgotten = again && pack.state == State::Own;
                if !is_forgotten && !pack.may_have_grown(wanted.folder, true) {
                    continue;
                }
                match self.read(number, wanted) {
                    Ok(is_longer) => shrunk |= !is_longer,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.listed = Listed::Never;
                    }
                    Err(error) => {
                        let name = &self.packs[number].name;
                        self.unreadable.push(format!("the pack `{name}`: {error}"));
                        self.listed = Listed::Never;
                    }
                }
            }
            if !shrunk {
                return before != self.packs.iter().map(|pack| pack.length).sum::<u64>();
            }
        }
    }

    /// Adds the pack that this process is about to write. Returns its number.
    pub(super) fn add_own(&mut self, name: &str) -> u32 {
        self.packs.push(Pack::new(name, State::Own));
        u32::try_from(self.packs.len() - 1).unwrap_or(u32::MAX)
    }

    /// Forgets a pack that could not be made.
    pub(super) fn remove_own(&mut self, number: u32) {
        if number as usize + 1 == self.packs.len() {
            self.packs.pop();
        } else if let Some(pack) = self.packs.get_mut(number as usize) {
            pack.state = State::Gone;
        }
    }

    /// Adds a line that this process has written.
    pub(super) fn add(&mut self, record: &Record, identities: &[Digest]) {
        let pack = &mut self.packs[record.pack as usize];
        pack.length = pack.length.max(record.offset + u64::from(record.length));
        let packs = &self.packs;
        let identities = identities.iter().copied();
        self.table.add(record, identities, |there| wins(packs, record, there));
    }

    fn read(&mut self, number: usize, wanted: Wanted<'_>) -> io::Result<bool> {
        let name = Arc::clone(&self.packs[number].name);
        // It is not among the others while it changes.
        let placeholder = Pack::new(&name, State::Living);
        let mut pack = std::mem::replace(&mut self.packs[number], placeholder);
        let packs = &self.packs;
        let short = u32::try_from(number).unwrap_or(u32::MAX);
        let read = pack.read(short, wanted, &mut self.table, |one, other| wins(packs, one, other));
        self.packs[number] = pack;
        read
    }

    /// Lists the folder. Returns whether a pack is gone.
    fn list(&mut self, folder: &Path) -> io::Result<bool> {
        self.listed = Listed::Never;
        let (before, now) = (listed(folder)?, SystemTime::now());
        let has_rested = match before {
            Listed::At(time) => now.duration_since(time).is_ok_and(|age| age > REST),
            Listed::Without | Listed::Never => true,
        };
        let mut names = Vec::new();
        if before != Listed::Without {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
                if let Some(name) = name.filter(|name| !name.is_empty())
                    && entry.file_type()?.is_file()
                {
                    names.push(name.to_owned());
                }
            }
        }
        if has_rested {
            self.listed = before;
        }
        let mut is_one_gone = false;
        for pack in self.packs.iter_mut().filter(|pack| pack.state != State::Gone) {
            if let Some(at) = names.iter().position(|name| **name == *pack.name) {
                names.swap_remove(at);
            } else {
                // One that is about to be written is not there yet.
                if pack.state != State::Own || pack.length > 0 {
                    pack.state = State::Gone;
                    is_one_gone = true;
                }
            }
        }
        names.sort_unstable();
        self.packs.extend(names.iter().map(|name| Pack::new(name, State::Living)));
        Ok(is_one_gone)
    }
}

/// Whether a record counts more than another one of its key: the latest generation does, in it the
/// earliest.
fn wins(packs: &[Pack], one: &Record, other: &Record) -> bool {
    fn rank<'a>(packs: &'a [Pack], record: &Record) -> impl Ord + use<'a> {
        let name = packs.get(record.pack as usize).map(|pack| &*pack.name);
        (record.generation, Reverse((record.completed, name, record.offset)))
    }
    rank(packs, one) > rank(packs, other)
}

/// Returns what tells whether a folder has changed.
fn listed(folder: &Path) -> io::Result<Listed> {
    match fs::metadata(folder) {
        Ok(meta) => meta.modified().map(Listed::At),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Listed::Without),
        Err(error) => Err(error),
    }
}
