//! The digest of a folder: names, contents, executable bits.
//!
//! Links are followed, since whoever reads the folder follows them. A folder that was met before, by
//! whatever way, is not listed again but enters as the way it was first met by; so every walk ends, and
//! takes no longer than what there is to read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{FileMemory, read_file};
use crate::digest::Digest;
use crate::key::canonical::put_number;

/// What an entry of a listing begins with.
mod kind {
    pub(super) const FILE: u8 = b'f';
    pub(super) const EXECUTABLE: u8 = b'x';
    pub(super) const FOLDER: u8 = b'd';
    pub(super) const MET_BEFORE: u8 = b's';
    pub(super) const DEAD_LINK: u8 = b'l';
}

/// Returns the digest of all that is in the folder at `path`.
///
/// # Errors
///
/// It is not there, not a folder, or something in it cannot be read.
pub(super) fn digest(path: &Path, memory: Option<&FileMemory>) -> io::Result<Digest> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"));
    }
    let mut walk = Walk { memory, way: Vec::new(), met: HashMap::new() };
    walk.met.insert((metadata.dev(), metadata.ino()), Vec::new());
    walk.list(path)
}

struct Walk<'m> {
    memory: Option<&'m FileMemory>,
    /// The way from the root to the folder that is listed, with a slash after each name.
    way: Vec<u8>,
    /// Every folder met, by device and inode, with the way it was first met by.
    met: HashMap<(u64, u64), Vec<u8>>,
}

impl Walk<'_> {
    /// Returns the digest of a folder's listing.
    fn list(&mut self, folder: &Path) -> io::Result<Digest> {
        let mut names = names_in(folder).map_err(|error| at(folder, &error))?;
        names.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        let mut listing = Vec::new();
        for name in names {
            let start = self.way.len();
            self.way.extend_from_slice(name.as_bytes());
            put_bytes(&mut listing, name.as_bytes());
            self.add(&mut listing, &folder.join(&name))?;
            self.way.truncate(start);
        }
        Ok(Digest::of(&listing))
    }

    /// Adds what is at `path` to the listing of its folder.
    fn add(&mut self, listing: &mut Vec<u8>, path: &Path) -> io::Result<()> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.add_folder(listing, path, &metadata),
            Ok(metadata) => {
                let executable = metadata.mode() & 0o100 != 0;
                let (digest, ..) =
                    read_file(path, self.memory).map_err(|error| at(path, &error))?;
                listing.push(if executable { kind::EXECUTABLE } else { kind::FILE });
                listing.extend_from_slice(digest.as_bytes());
                Ok(())
            }
            Err(error) => {
                let target = fs::read_link(path).map_err(|_| at(path, &error))?;
                listing.push(kind::DEAD_LINK);
                put_bytes(listing, target.as_os_str().as_bytes());
                Ok(())
            }
        }
    }

    fn add_folder(
        &mut self,
        listing: &mut Vec<u8>,
        path: &Path,
        metadata: &Metadata,
    ) -> io::Result<()> {
        match self.met.entry((metadata.dev(), metadata.ino())) {
            Entry::Occupied(met) => {
                listing.push(kind::MET_BEFORE);
                put_bytes(listing, met.get());
            }
            Entry::Vacant(new) => {
                new.insert(self.way.clone());
                self.way.push(b'/');
                // Else the links on the way would add up to more than the system follows.
                let place = fs::canonicalize(path).map_err(|error| at(path, &error))?;
                let digest = self.list(&place)?;
                listing.push(kind::FOLDER);
                listing.extend_from_slice(digest.as_bytes());
            }
        }
        Ok(())
    }
}

fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

fn put_bytes(listing: &mut Vec<u8>, bytes: &[u8]) {
    put_number(listing, bytes.len() as u64);
    listing.extend_from_slice(bytes);
}

/// Adds to an error where in the folder it happened.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
