//! Keeping a result: artifacts are put in their places, then the entry in its own.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Store;
use super::layout;
use super::look_up::{Found, wrong_file};
use super::manifest::{self, Detail, Head, Kept};
use super::put::{self, Clash};
use super::scratch::Scratch;
use super::set_aside;
use crate::artifact::saving::{Content, Saved, Saving};
use crate::artifact::tree::{self, Part};
use crate::artifact::{Artifact, io_error};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::Event;

impl Store {
    /// Starts an artifact that will be kept.
    pub(crate) fn new_artifact(&self, extension: &str) -> Result<Artifact, Error> {
        let scratch = self.scratch()?;
        Ok(Artifact::saving(Saving::new(scratch.path().to_owned(), extension)))
    }

    /// Returns where this process writes before it puts things in their place, if it has written.
    pub(crate) fn scratch_path(&self) -> Option<PathBuf> {
        self.0.scratch.get().map(|scratch| scratch.path().to_owned())
    }

    pub(super) fn scratch(&self) -> Result<&Scratch, Error> {
        let layout = &self.0.layout;
        let scratch = self.0.scratch.get_or_try_init(|| Scratch::make(layout));
        scratch
            .and_then(|scratch| scratch.stay(layout).map(|()| scratch))
            .map_err(|error| io_error("write to", self.path(), error))
    }

    /// Puts what was saved in its place, and tells how the manifest names it.
    pub(crate) fn keep(
        &self,
        saved: Saved,
        format: Digest,
        extension: &str,
    ) -> Result<Kept, Error> {
        let Saved { content, digest, size, meta, references, .. } = saved;
        let extension = layout::file_name(extension).into();
        let mut kept = Kept {
            format,
            extension,
            digest,
            size,
            text: None,
            hex: None,
            parts: vec![],
            meta,
            references,
        };
        if kept.extension == "%" {
            kept.extension = Cow::Borrowed("");
        }
        let place = self.0.layout.artifact(&digest, &kept.extension);
        let failed = |error| io_error("write", &place, error);
        match content {
            Content::Inline(bytes) => match String::from_utf8(bytes) {
                Ok(text) => kept.text = Some(text),
                Err(error) => kept.hex = Some(manifest::HexBytes(error.into_bytes())),
            },
            Content::File(written) => {
                if self.0.durable {
                    fs::File::open(&written).and_then(|file| file.sync_data()).map_err(failed)?;
                }
                if wrong_file(&place, size).is_some() {
                    set_aside::move_to(&place, &self.0.layout.damaged()).map_err(failed)?;
                }
                put::file(written, &place, Clash::Replace, self.0.durable).map_err(failed)?;
            }
            Content::Folder(written, parts) => {
                let place = self.0.layout.artifact_folder(&digest);
                if fs::symlink_metadata(&place).is_ok() && !holds(&place, &parts) {
                    set_aside::move_to(&place, &self.0.layout.damaged()).map_err(failed)?;
                }
                put::folder(written.path(), &place, self.0.durable)
                    .map_err(|error| io_error("write", &place, error))?;
                kept.parts = parts;
            }
        }
        Ok(kept)
    }

    /// Puts an entry in its place. Returns the entry that is current afterwards: this one, or the one
    /// that was there first.
    pub(crate) fn commit(
        &self,
        head: Head,
        detail: &Detail,
        replace: bool,
    ) -> Result<Arc<Head>, Error> {
        let place = self.0.layout.entry(&head.stage, &head.key);
        let failed = |error| io_error("write", &place, error);
        let bytes = manifest::write(&head, detail).map_err(|error| failed(error.into()))?;
        let clash = if replace { Clash::Replace } else { Clash::KeepFirst };
        let scratch = self.scratch()?.path();
        let written = put::written(scratch, &bytes, self.0.durable).map_err(failed)?;
        if replace {
            // The place is never empty: whoever is killed between leaves the former entry current.
            set_aside::link_to(&place, &self.0.layout.former(&head.stage)).map_err(failed)?;
        }
        let ours = put::file(written, &place, clash, self.0.durable).map_err(failed)?;
        self.forget(&head.key);
        if !ours {
            match self.look_up(&head.stage, &head.key, None) {
                Found::Entry(first) => return Ok(first),
                // It may be as good as this one, to those who can read it.
                Found::Unreadable(what) => return Err(Error::new(ErrorKind::Store, what)),
                Found::Nothing | Found::Damaged(_) | Found::Gone { .. } => {}
            }
            // What was there first is damaged: it gives way.
            set_aside::move_to(&place, &self.0.layout.damaged()).map_err(failed)?;
            put::bytes(scratch, &bytes, &place, Clash::Replace, self.0.durable).map_err(failed)?;
        }
        self.0.files.flush();
        let head = Arc::new(head);
        self.remember(&head);
        Ok(head)
    }

    /// Sets a damaged entry aside, with those of its artifacts that `suspect` names.
    pub(crate) fn set_aside(&self, stage: &str, key: &Digest, suspects: &[&Kept]) {
        self.forget(key);
        if self.is_read_only() {
            return;
        }
        let layout = &self.0.layout;
        let mut paths = vec![layout.entry(stage, key)];
        let outside = suspects.iter().filter(|kept| kept.inline().is_none());
        paths.extend(outside.map(|kept| layout.place_of(kept)));
        for path in paths {
            if let Err(error) = set_aside::move_to(&path, &layout.damaged()) {
                let message = format!("could not set `{}` aside: {error}", path.display());
                let (stage, record, lost) = (None, None, false);
                self.emit(|| Event::Warning { stage, record, message, lost });
            }
        }
        // Who looked meanwhile has seen what is no longer there.
        self.forget(key);
    }
}

/// Whether a folder holds these files, unchanged. What has the right size is read.
fn holds(folder: &Path, parts: &[Part]) -> bool {
    let same_digest = |part: &Part| {
        tree::digest_file(&folder.join(&part.name)).is_ok_and(|(digest, _)| digest == part.digest)
    };
    parts.iter().all(|part| wrong_file(&folder.join(&part.name), part.size).is_none())
        && parts.iter().all(same_digest)
}
