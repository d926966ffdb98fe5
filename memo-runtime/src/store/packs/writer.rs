//! The pack that a process writes: lines and their index, each only ever added to.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempPath;

use super::commits::Commits;
use super::record::{HEADER, Record, header};
use crate::digest::Digest;
use crate::store::layout::Layout;

/// An open pack. Its lock is held while it is open.
#[derive(Debug)]
pub(super) struct Writer {
    /// The number that this process has given it.
    pub(super) number: u32,
    lines: Arc<Lines>,
    /// `None` where it could not be made: readers do without.
    index: Option<File>,
    end: u64,
    indexed: u64,
}

/// The file of the lines, and how far it is on the disk.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    commits: Commits,
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
        let (file, path) = new_file(scratch)?;
        path.persist_noclobber(lines_place)?;
        let index = || -> io::Result<File> {
            let (index, path) = new_file(scratch)?;
            index.write_all_at(&header(name, outputs), 0)?;
            path.persist_noclobber(index_place)?;
            Ok(index)
        };
        let (index, indexed) = (index().ok(), HEADER as u64);
        let lines = Arc::new(Lines { file, commits: Commits::default() });
        Ok(Self { number, lines, index, end: 0, indexed })
    }

    /// Whether the pack is still what others find in its place.
    pub(super) fn is_there(&self) -> bool {
        self.lines.file.metadata().is_ok_and(|meta| meta.nlink() > 0)
    }

    /// Adds a line, then its record, and tells it where the line lies. What was written in part is taken
    /// back.
    pub(super) fn add(
        &mut self,
        line: &[u8],
        record: &mut Record,
        index: u64,
        identities: &[Digest],
    ) -> io::Result<()> {
        (record.pack, record.offset) = (self.number, self.end);
        if let Err(error) = self.lines.file.write_all_at(line, self.end) {
            // Should this fail too: no line ends there, and the next one is written over it.
            let _ = self.lines.file.set_len(self.end);
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

    /// Returns what to wait for until all that was added by now is on the disk.
    pub(super) fn commit(&self) -> impl FnOnce() -> io::Result<()> + use<> {
        let (lines, end) = (Arc::clone(&self.lines), self.end);
        lines.commits.written(end);
        move || lines.commits.wait(&lines.file, end)
    }
}

/// Makes a file that is locked before anybody can see it. Where there are no locks, nobody asks for one.
pub(super) fn new_file(scratch: &Path) -> io::Result<(File, TempPath)> {
    let (file, path) = tempfile::Builder::new().prefix("pack-").tempfile_in(scratch)?.into_parts();
    let _ = file.try_lock();
    Ok((file, path))
}

/// Makes the names in a folder safe against a power cut, and that of the folder itself, up to the store's.
pub(super) fn sync_folders(folder: &Path, store: &Path) -> io::Result<()> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(store)) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
