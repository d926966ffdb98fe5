//! Links to results, for people: `results/<experiment>/<record>/<output>.<extension>`, and those of
//! aggregates in `results/<experiment>/`.
//!
//! Nothing reads them. They are made at the end of a run, and only where the last run left others: an
//! index tells with one read that all is as it was.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Store;
use super::manifest::Kept;
use super::scratch::make_folder;
use crate::lazy::Origin;
use crate::record::Frame;
use crate::stage::node;

/// One result that a record's state holds in the end.
struct Link {
    place: PathBuf,
    kept: Kept,
}

/// Makes the links of all records of an experiment. `digest` is theirs.
pub(crate) fn make(
    store: &Store,
    experiment: &str,
    frames: &[Frame],
    digest: Option<blake3::Hash>,
) -> io::Result<()> {
    let Some(digest) = digest else { return Ok(()) };
    if store.is_read_only() || !store.layout().base().exists() {
        return Ok(());
    }
    let digest = digest.to_hex();
    let index = store.layout().links_index(experiment);
    if fs::read(&index).is_ok_and(|found| found == digest.as_bytes()) {
        return Ok(());
    }
    // Without an index the next run looks at every link, should this one be killed meanwhile.
    match fs::remove_file(&index) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for link in collect(store, experiment, frames) {
        link.make(store)?;
    }
    fs::write(index, digest.as_bytes())
}

/// Digests what the links of all records would be; `None` if there would be none.
pub(crate) fn digest_of(frames: &[Frame]) -> Option<blake3::Hash> {
    /// BLAKE3 is fast on large pieces only.
    const PIECE: usize = 64 * 1024;
    let (mut hasher, mut bytes) = (blake3::Hasher::new(), Vec::with_capacity(PIECE + 4096));
    for frame in frames {
        let record = frame.name.as_deref().unwrap_or_default();
        for (name, bound) in frame.state.iter() {
            let Origin::Node(node, output) = &bound.handle.origin else { continue };
            let Some(head) = node.head() else { continue };
            let Some(kept) = node::kept(&head, *output) else { continue };
            for text in [record, name, &kept.extension] {
                bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            bytes.push(u8::from(kept.inline().is_some()));
            bytes.extend_from_slice(kept.digest.as_bytes());
            if bytes.len() >= PIECE {
                hasher.update(&bytes);
                bytes.clear();
            }
        }
    }
    hasher.update(&bytes);
    (hasher.count() > 0).then(|| hasher.finalize())
}

fn collect(store: &Store, experiment: &str, frames: &[Frame]) -> Vec<Link> {
    let mut links = Vec::new();
    for frame in frames {
        let folder = store.layout().results(experiment, frame.name.as_deref());
        for (name, bound) in frame.state.iter() {
            if let Origin::Node(node, output) = &bound.handle.origin
                && let Some(kept) = node.kept(*output)
            {
                let name = super::layout::file_name(name);
                let dot = if kept.extension.is_empty() { "" } else { "." };
                let place = folder.join([&name, dot, &kept.extension].concat());
                links.push(Link { place, kept });
            }
        }
    }
    links
}

impl Link {
    /// A small result lies inside its manifest, so it becomes a file; all others become links.
    fn make(&self, store: &Store) -> io::Result<()> {
        if let Some(bytes) = self.kept.inline() {
            let is_there = fs::symlink_metadata(&self.place).is_ok_and(|meta| meta.is_file())
                && fs::read(&self.place).is_ok_and(|found| found == bytes);
            if is_there {
                return Ok(());
            }
            return self.replace(store, |place| fs::write(place, bytes));
        }
        let target = store.layout().place_of(&self.kept);
        let Ok(inside) = target.strip_prefix(store.layout().base()) else { return Ok(()) };
        // Relative, so that a store that is moved keeps its links.
        let depth =
            self.place.strip_prefix(store.layout().base()).map_or(0, |p| p.components().count());
        let up: PathBuf = (1..depth).map(|_| "..").collect();
        let target = up.join(inside);
        if fs::read_link(&self.place).is_ok_and(|found| found == target) {
            return Ok(());
        }
        self.replace(store, |place| link(&target, place))
    }

    /// Makes the new one beside, so that the former is there until then, and other runs may do the same.
    fn replace(&self, store: &Store, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        make_folder(self.place.parent().unwrap_or(&self.place))?;
        let scratch = store.scratch().map_err(|error| {
            let cause = std::error::Error::source(&error);
            let kind = cause.and_then(|cause| cause.downcast_ref()).map(io::Error::kind);
            io::Error::new(kind.unwrap_or(io::ErrorKind::Other), error)
        })?;
        let made = scratch.path().join(format!("link-{}", super::history::run_name()));
        let put = make(&made).and_then(|()| fs::rename(&made, &self.place));
        put.inspect_err(|_| drop(fs::remove_file(&made)))
    }
}

#[cfg(unix)]
fn link(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

/// Where links are not for everybody, people find results by `Lazy::path`.
#[cfg(not(unix))]
fn link(_target: &Path, _place: &Path) -> io::Result<()> {
    Ok(())
}
