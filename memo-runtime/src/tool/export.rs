//! `memo export`: what is kept of a stage as files, one for each value.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::Export;
use super::contents::{Contents, Held, Matter};
use super::{open, show, stage};
use crate::artifact::tree::digest_file;
use crate::artifact::{Artifact, io_error};
use crate::cli::output::Output;
use crate::cli::text::counted;
use crate::error::{Error, ErrorKind};
use crate::plain::plain;
use crate::store::Store;
use crate::store::layout::file_name;
use crate::store::manifest::{Head, Kept};

/// How many failures are told.
const TOLD: usize = 10;

/// Writes values to a folder. What is there already is never written over.
pub(super) fn export(args: &Export, output: &Output) -> Result<(), Error> {
    let store = open(&args.store, true)?;
    let stage = stage(&store, &args.stage)?;
    let contents = Contents::of(&store, &stage);
    show::warn(&contents, output);
    let chosen = contents.choose(&args.keys, args.shard)?;
    fs::create_dir_all(&args.to).map_err(|error| io_error("make the folder", &args.to, error))?;
    let to = &args.to;
    let scratch = tempfile::Builder::new().prefix(".memo-").tempdir_in(to);
    let scratch = scratch.map_err(|error| io_error("write to", to, error))?;
    let (written, failed) = (0, 0);
    let mut export =
        Exporting { store: &store, to, scratch: scratch.path(), output, written, failed };
    for matter in &chosen {
        match matter {
            Matter::Held(held) => export.write(held, 0),
            Matter::Array(array) => {
                let digits = array.shards.len().max(1).ilog10() as usize + 1;
                for listed in &array.shards {
                    match array.read(listed) {
                        Ok(held) => export.write(&held, digits),
                        Err(error) => export.failed(&error),
                    }
                }
                array.damaged.iter().for_each(|what| {
                    export.failed(&Error::new(ErrorKind::Damaged, what.as_str()));
                });
            }
        }
    }
    let values = counted(export.written, "value");
    output.result(&format!("{}: {values} in `{}`", plain(&stage), args.to.display()));
    if export.failed == 0 {
        return Ok(());
    }
    let message = format!("{} could not be exported", counted(export.failed, "value"));
    Err(Error::new(ErrorKind::Damaged, message))
}

struct Exporting<'a> {
    store: &'a Store,
    to: &'a Path,
    /// A folder in it for what is being written.
    scratch: &'a Path,
    output: &'a Output,
    written: usize,
    failed: usize,
}

impl Exporting<'_> {
    /// Writes each output of an entry or a shard.
    fn write(&mut self, held: &Held, digits: usize) {
        let kept = held.head.outputs.iter().enumerate();
        let kept: Vec<_> = kept.filter(|(_, output)| output.artifact.is_some()).collect();
        for (index, output) in kept {
            let Some(artifact) = &output.artifact else { continue };
            let place = self.to.join(name_of(held, digits, index, artifact));
            let made = self.scratch.join(self.written.to_string());
            let outcome = write_one(self.store, &held.head, index, artifact, [&made, &place]);
            match outcome {
                Ok(()) => self.written += 1,
                Err(error) => self.failed(&error),
            }
        }
    }

    fn failed(&mut self, error: &Error) {
        self.failed += 1;
        if self.failed <= TOLD {
            self.output.note(&format!("warning: {}", plain(&error.chain())));
        }
    }
}

/// Returns one part of a path, whatever the store says: `0007-1a2b3c4d5e6f.json`.
fn name_of(held: &Held, digits: usize, output: usize, kept: &Kept) -> String {
    let key = &held.head.key.to_string()[..12];
    let index = held.index.map(|index| format!("{index:0digits$}-")).unwrap_or_default();
    let output = match held.head.outputs.get(output) {
        Some(output) if held.head.outputs.len() > 1 => format!(".{}", output.name),
        _ => String::new(),
    };
    let dot = if kept.extension.is_empty() { "" } else { "." };
    file_name(&[&index, key, &output, dot, &kept.extension].concat())
}

/// Writes beside the place, then gives it its name: what is found there is whole, and checked.
fn write_one(
    store: &Store,
    head: &Head,
    output: usize,
    kept: &Kept,
    [made, place]: [&Path; 2],
) -> Result<(), Error> {
    // What a value that failed has left.
    remove(made);
    let failed = |error| io_error("write", place, error);
    if kept.parts.is_empty() {
        let loading = store.open_kept(head, output).map(Artifact::loading);
        let artifact = loading.ok_or_else(|| damaged("it is not there"))?;
        let mut file = fs::File::create_new(made).map_err(failed)?;
        io::copy(&mut artifact.reader()?, &mut file).map_err(failed)?;
        artifact.end_load()?;
    } else {
        copy_parts(&store.layout().place_of(kept), kept, made)?;
    }
    put(made, place).map_err(failed)?;
    remove(made);
    Ok(())
}

/// Copies the files of an artifact of several.
fn copy_parts(source: &Path, kept: &Kept, made: &Path) -> Result<(), Error> {
    for part in &kept.parts {
        let (from, to) = (source.join(&part.name), made.join(&part.name));
        let folder: PathBuf = to.parent().unwrap_or(made).to_owned();
        fs::create_dir_all(&folder).map_err(|error| io_error("make the folder", &folder, error))?;
        // A copy is digested, not the source: that may change between.
        fs::copy(&from, &to).map_err(|error| io_error("copy", &from, error))?;
        let found = digest_file(&to).map_err(|error| io_error("read", &to, error))?;
        if found != (part.digest, part.size) {
            return Err(damaged(&format!("`{}` has other content than was kept", from.display())));
        }
    }
    Ok(())
}

/// Gives what was made its name. What lies there already stays; if it is the same, that is fine.
fn put(made: &Path, place: &Path) -> io::Result<()> {
    let is_there = fs::symlink_metadata(place).is_ok();
    if is_there && is_same(made, place)? {
        return Ok(());
    }
    if is_there {
        let what = "something else is there, and is not written over";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    fs::rename(made, place)
}

fn remove(made: &Path) {
    let _ = if made.is_dir() { fs::remove_dir_all(made) } else { fs::remove_file(made) };
}

fn is_same(made: &Path, place: &Path) -> io::Result<bool> {
    let meta = fs::symlink_metadata(place)?;
    if meta.is_dir() && made.is_dir() {
        let parts = |folder| crate::artifact::tree::list(folder);
        let (ours, theirs) = (parts(made)?, parts(place)?);
        let plain = |parts: &[crate::artifact::tree::Part]| -> Vec<_> {
            parts.iter().map(|part| (part.name.clone(), part.digest)).collect()
        };
        return Ok(plain(&ours) == plain(&theirs));
    }
    Ok(meta.is_file() && made.is_file() && digest_file(made)? == digest_file(place)?)
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Damaged, what)
}
