//! A pack as this process has seen it: how far its lines are known, and how the rest is read.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::line::{self, LONGEST, SHORTEST};
use super::lines::Lines;
use super::record::{HEADER, Record, header, identity, stride};
use super::table::Table;
use crate::store::layout::Layout;
use crate::store::look_up::open_to_read;

/// How many records of an index are read at a time.
const AT_ONCE: usize = 4096;

/// For no more records room is made before they are seen.
const LIKELY: usize = 1 << 20;

/// How far a pack is known.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) name: Arc<str>,
    pub(super) state: State,
    /// Whether it was read.
    is_read: bool,
    /// How long its lines were when it was read.
    pub(super) length: u64,
    /// Up to where its lines are known.
    covered: u64,
    /// Up to where its index is read.
    indexed: u64,
}

/// Who writes a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// This process, which therefore need not read it.
    Own,
    /// Somebody, or nobody has looked yet.
    Living,
    /// Nobody any more, as far as locks tell.
    Ended,
    /// It is no longer there.
    Gone,
}

/// What must be true of the lines that are read.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) folder: &'a Path,
    pub(super) stage: &'a str,
    pub(super) outputs: usize,
}

impl Pack {
    pub(super) fn new(name: &str, state: State) -> Self {
        Self { name: name.into(), state, is_read: false, length: 0, covered: 0, indexed: 0 }
    }

    /// Forgets what is known of it.
    pub(super) fn forget(&mut self) {
        if self.state == State::Ended {
            self.state = State::Living;
        }
        (self.is_read, self.length, self.covered, self.indexed) = (false, 0, 0, 0);
    }

    /// Whether it may hold more than is known. One that seems to have ended is asked only `thoroughly`, as
    /// locks do not reach everywhere.
    pub(super) fn may_have_grown(&self, folder: &Path, thoroughly: bool) -> bool {
        match self.state {
            State::Own | State::Gone => return false,
            State::Ended if !thoroughly => return false,
            State::Ended | State::Living => {}
        }
        let [lines, _] = Layout::pack(folder, &self.name);
        !self.is_read || fs::symlink_metadata(lines).map_or(true, |meta| meta.len() != self.length)
    }

    /// Reads what is new. `wins` tells which of two records counts. Returns false if the pack is shorter
    /// than it was.
    pub(super) fn read(
        &mut self,
        number: u32,
        wanted: Wanted<'_>,
        table: &mut Table,
        wins: impl Fn(&Record, &Record) -> bool,
    ) -> io::Result<bool> {
        let [lines, index] = Layout::pack(wanted.folder, &self.name);
        let lines = open_to_read(&lines)?;
        // Whoever writes a pack holds its lock. It is asked before the length, which then is the last.
        if lines.try_lock_shared().is_ok() {
            if self.state == State::Living {
                self.state = State::Ended;
            }
            let _ = lines.unlock();
        }
        let meta = lines.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file"));
        }
        if meta.len() < self.covered {
            return Ok(false);
        }
        (self.length, self.is_read) = (meta.len(), true);
        let mut reading = Reading { pack: self, number, wanted, table, wins, lines: &lines };
        if let Ok(index) = open_to_read(&index) {
            reading.index(&index)?;
        }
        reading.lines_until(reading.pack.length)?;
        Ok(true)
    }
}

struct Reading<'a, W> {
    pack: &'a mut Pack,
    number: u32,
    wanted: Wanted<'a>,
    table: &'a mut Table,
    wins: W,
    lines: &'a File,
}

impl<W: Fn(&Record, &Record) -> bool> Reading<'_, W> {
    /// Reads the records of an index. Where one is missing or damaged, the lines are read.
    fn index(&mut self, index: &File) -> io::Result<()> {
        let outputs = self.wanted.outputs;
        if self.pack.indexed == 0 {
            let mut found = [0; HEADER];
            let is_whole = index.read_exact_at(&mut found, 0).is_ok();
            if !is_whole || found != header(&self.pack.name, outputs) {
                return Ok(());
            }
            self.pack.indexed = HEADER as u64;
        }
        let stride = stride(outputs);
        // There are no more lines than would fit, whatever the size of the index.
        let most = (self.pack.length - self.pack.covered) / SHORTEST as u64 + 1;
        let size = index.metadata()?.len().saturating_sub(self.pack.indexed);
        let mut left = usize::try_from((size / stride as u64).min(most)).unwrap_or(0);
        self.table.reserve(left.min(LIKELY));
        let mut buffer = vec![0; left.min(AT_ONCE) * stride];
        let mut at = self.pack.indexed;
        while left > 0 {
            let count = left.min(AT_ONCE);
            let part = &mut buffer[..count * stride];
            if index.read_exact_at(part, at).is_err() {
                return Ok(());
            }
            self.table.reserve(count);
            for bytes in part.chunks_exact(stride) {
                at += stride as u64;
                let Some((record, identities)) = Record::read(bytes, self.number) else {
                    continue;
                };
                let length = record.length as usize;
                let end = record.offset.checked_add(u64::from(record.length));
                let Some(end) = end.filter(|end| *end <= self.pack.length) else { return Ok(()) };
                self.pack.indexed = at;
                if record.offset < self.pack.covered || !(SHORTEST..=LONGEST).contains(&length) {
                    continue;
                }
                self.lines_until(record.offset)?;
                self.pack.covered = end;
                self.table.add(&record, identities, |there| (self.wins)(&record, there));
            }
            left -= count;
        }
        Ok(())
    }

    /// Reads the lines up to a place. What is damaged is left for whoever lists them.
    fn lines_until(&mut self, end: u64) -> io::Result<()> {
        if end <= self.pack.covered {
            return Ok(());
        }
        let Wanted { stage, outputs, .. } = self.wanted;
        let mut lines = Lines::new(self.lines, self.pack.covered, end);
        while let Some((offset, bytes)) = lines.next()? {
            let Ok((start, line)) = line::judge(bytes, stage, outputs) else { continue };
            let length = u32::try_from(bytes.len() - start).unwrap_or(u32::MAX);
            let offset = offset + start as u64;
            let record = Record::of(&line.head, line.generation, self.number, offset, length);
            let identities = line.head.outputs.iter().map(identity);
            self.table.add(&record, identities, |there| (self.wins)(&record, there));
        }
        self.pack.covered = lines.position();
        Ok(())
    }
}
