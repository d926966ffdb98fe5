//! Opening what an entry keeps: to load it, or as a file.

use std::fs;
use std::path::PathBuf;

use super::Store;
use super::manifest::{Head, Kept};
use super::put::{self, Clash};
use crate::artifact::loading::{Loading, Source};
use crate::artifact::{Artifact, io_error};
use crate::error::Error;

impl Store {
    /// Opens the artifact of an entry's output for loading.
    pub(crate) fn open_kept(&self, head: &Head, output: usize) -> Option<Loading> {
        Some(self.loading(head.outputs.get(output)?.artifact.as_ref()?))
    }

    fn loading(&self, kept: &Kept) -> Loading {
        let place = || self.0.layout.place_of(kept);
        let source = match kept.inline() {
            Some(bytes) => Source::Inline(bytes.into()),
            None if kept.parts.is_empty() => Source::File(place()),
            None => Source::Folder(place(), kept.parts.clone().into()),
        };
        let meta = kept.meta.clone();
        Loading::new(source, kept.digest, kept.size, &kept.extension, meta)
    }

    /// Returns the path of a kept artifact's main file. One that lies inside its manifest is written to
    /// a file first.
    pub(crate) fn file_of(&self, kept: &Kept) -> Result<PathBuf, Error> {
        let Some(bytes) = kept.inline() else {
            return Artifact::loading(self.loading(kept)).path();
        };
        let place = self.0.layout.artifact(&kept.digest, &kept.extension);
        if fs::read(&place).is_ok_and(|found| found == bytes) {
            return Ok(place);
        }
        if !self.is_read_only()
            && let Ok(scratch) = self.scratch()
            && put::bytes(scratch.path(), bytes, &place, Clash::Replace, false).is_ok()
        {
            return Ok(place);
        }
        // Nothing can be written to the store: the file lies elsewhere, as long as the store is open.
        let failed = |error| io_error("write to", &std::env::temp_dir(), error);
        let outside = self.0.outside.get_or_try_init(tempfile::tempdir).map_err(failed)?.path();
        let name = place.file_name().unwrap_or_default();
        let place = outside.join(name);
        put::bytes(outside, bytes, &place, Clash::Replace, false).map_err(failed)?;
        Ok(place)
    }
}
