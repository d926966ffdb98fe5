//! The pack that a process writes: lines and their index, each only ever added to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use tempfile::TempPath;

use super::record::{HEADER, Record, header};
use crate::digest::Digest;
use crate::store::layout::Layout;

/// An open pack. Its lock is held while it is open.
#[derive(Debug)]
pub(super) struct Writer {
    /// The number that this process has given it.
    pub(super) number: u32,
    lines: File,
    /// `None` where it could not be made: readers do without.
    index: Option<File>,
    end: u64,
    indexed: u64,
}

impl Writer {
    /// Makes a pack that nobody else has.
    pub(super) fn make(
        scratch: &Path,
        folder: &Path,
        name: &str,
        number: u32,
        outputs: usize,
    ) -> io::Result<Self> {
        let [lines_place, index_place] = Layout::pack(folder, name);
        let (lines, path) = new_file(scratch)?;
        // It is locked before anybody can see it. Where there are no locks, nobody asks for one.
        let _ = lines.try_lock();
        path.persist_noclobber(lines_place)?;
        let index = || -> io::Result<File> {
            let (index, path) = new_file(scratch)?;
            index.write_all_at(&header(name, outputs), 0)?;
            path.persist_noclobber(index_place)?;
            Ok(index)
        };
        Ok(Self { number, lines, index: index().ok(), end: 0, indexed: HEADER as u64 })
    }

    /// Adds a line, then its record. What was written in part is taken back.
    pub(super) fn add(
        &mut self,
        line: &[u8],
        record: &mut Record,
        index: u64,
        identities: &[Digest],
    ) -> io::Result<()> {
        (record.pack, record.offset) = (self.number, self.end);
        if let Err(error) = self.lines.write_all_at(line, self.end) {
            // Should this fail too, the next line is written over it.
            let _ = self.lines.set_len(self.end);
            return Err(error);
        }
        self.end += line.len() as u64;
        if let Some(file) = &self.index {
            let mut bytes = Vec::with_capacity(256);
            record.write(index, identities, &mut bytes);
            match file.write_all_at(&bytes, self.indexed) {
                Ok(()) => self.indexed += bytes.len() as u64,
                // Readers see that one is missing, and read the line.
                Err(_) => drop(file.set_len(self.indexed)),
            }
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.lines.sync_data()
    }
}

fn new_file(scratch: &Path) -> io::Result<(File, TempPath)> {
    Ok(tempfile::Builder::new().prefix("pack-").tempfile_in(scratch)?.into_parts())
}
