//! The parts of an artifact that consists of several files, and the digest of them all.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// One file below an artifact's folder. The manifest lists them all, so that each is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Relative to the artifact's folder, with `/` between folders.
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
}

/// Lists all files below `folder`, sorted by name. Links are refused: they would lead out of the store.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                io::Error::other(format!("the file name `{}` is not valid Unicode", name.display()))
            })?;
            let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push((entry.path(), name));
            } else if kind.is_file() {
                let (digest, size) = digest_file(&entry.path())?;
                parts.push(Part { name, size, digest });
            } else {
                return Err(io::Error::other(format!("`{name}` is neither a file nor a folder")));
            }
        }
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parts)
}

/// Returns the digest that stands for all `parts`.
pub(crate) fn digest_of_parts(parts: &[Part]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.name.len() as u64).to_le_bytes());
        hasher.update(part.name.as_bytes());
        hasher.update(&part.size.to_le_bytes());
        hasher.update(part.digest.as_bytes());
    }
    hasher.finalize().into()
}

/// Digests a whole file, through a map where it is large.
pub(crate) fn digest_file(path: &Path) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let file = fs::File::open(path)?;
    if file.metadata()?.len() < 1 << 20 {
        io::copy(&mut &file, &mut hasher)?;
    } else {
        // SAFETY: the files digested here lie in the store or in its scratch folder, where nobody
        // changes a file in place; at worst a wrong digest is found, which is a miss.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        hasher.update(&map);
    }
    Ok((hasher.finalize().into(), hasher.count()))
}
