//! The saving side of an artifact: bytes are kept in memory until they are many, then spilled.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir, TempPath};

use super::loading::{Loading, Source};
use super::tree::{self, Part};
use super::{Artifact, Meta, io_error};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::store::manifest::Reference;

/// Up to this size, an artifact written as a stream lies inside its manifest.
pub(crate) const INLINE_LIMIT: usize = 4096;

/// An artifact that is being written, all of it below `scratch`.
#[derive(Debug)]
pub(crate) struct Saving {
    scratch: PathBuf,
    extension: String,
    /// Where an artifact made by hand goes in the end.
    target: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    main: Main,
    folder: Option<TempDir>,
    meta: Meta,
    /// What was taken over: it is removed where it was once the artifact is kept.
    adopted: Vec<PathBuf>,
    /// Whether the disk refused a write, which a cacher's own error may not tell.
    met_io_error: bool,
}

#[derive(Debug, Default)]
enum Main {
    #[default]
    Untouched,
    Buffer(Vec<u8>),
    Spilled(Box<Spilled>),
    /// A file or folder at `main.<extension>` in the scratch folder.
    Path,
}

/// A stream that has outgrown the buffer.
#[derive(Debug)]
struct Spilled {
    file: BufWriter<NamedTempFile>,
    hasher: blake3::Hasher,
    /// Bytes not digested yet: BLAKE3 is fast on large pieces only.
    pending: Vec<u8>,
}

/// What was saved, still below the scratch folder.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) content: Content,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) meta: Meta,
    /// What was taken over, where it was.
    pub(crate) adopted: Vec<PathBuf>,
    /// Files outside that the value refers to.
    pub(crate) references: Vec<Reference>,
}

impl Saved {
    /// Opens what was saved, for a validator that looks at files.
    pub(crate) fn reopen(&self, extension: &str) -> Artifact {
        let source = match &self.content {
            Content::Inline(bytes) => Source::Inline(bytes[..].into()),
            Content::File(path) => Source::File(path.to_path_buf()),
            Content::Folder(folder, parts) => {
                Source::Folder(folder.path().to_owned(), parts[..].into())
            }
        };
        let meta = self.meta.clone();
        Artifact::loading(Loading::new(source, self.digest, self.size, extension, meta))
    }
}

#[derive(Debug)]
pub(crate) enum Content {
    Inline(Vec<u8>),
    File(TempPath),
    Folder(TempDir, Vec<Part>),
}

impl Saving {
    /// Makes an artifact whose files are written below `scratch`, which exists.
    pub(crate) fn new(scratch: PathBuf, extension: &str) -> Self {
        let extension = extension.to_owned();
        Self { scratch, extension, target: None, state: Mutex::default() }
    }

    pub(super) fn at(path: &Path) -> Result<Self, Error> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).map_err(|error| io_error("make the folder", folder, error))?;
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let mut saving = Self::new(folder.to_owned(), &extension);
        saving.target = Some(path.to_owned());
        Ok(saving)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writer(&self) -> Result<Writer<'_>, Error> {
        let mut state = self.state();
        match state.main {
            Main::Untouched => state.main = Main::Buffer(Vec::new()),
            Main::Path => {
                let message = "`Artifact::writer` and `Artifact::path` cannot both write the main file; write one, and give the other a name with `Artifact::file`";
                return Err(Error::new(ErrorKind::Cacher, message));
            }
            Main::Buffer(_) | Main::Spilled(_) => {}
        }
        Ok(Writer { state, scratch: &self.scratch })
    }

    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        let mut state = self.state();
        if !matches!(state.main, Main::Untouched | Main::Path) {
            let message = "the main file was written through `Artifact::writer` already";
            return Err(Error::new(ErrorKind::Cacher, message));
        }
        state.main = Main::Path;
        Ok(self.folder(&mut state)?.join(main_name(&self.extension)))
    }

    pub(super) fn file(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.folder(&mut self.state())?.join(name))
    }

    pub(super) fn adopt(&self, source: &Path) -> Result<(), Error> {
        let target = self.path()?;
        link_all(source, &target).map_err(|error| io_error("take over", source, error))?;
        self.state().adopted.push(source.to_owned());
        Ok(())
    }

    fn folder<'a>(&'a self, state: &'a mut State) -> Result<&'a Path, Error> {
        if state.folder.is_none() {
            let mut builder = tempfile::Builder::new();
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let made = builder.prefix("artifact-").tempdir_in(&self.scratch);
            state.folder =
                Some(made.map_err(|error| io_error("make a folder in", &self.scratch, error))?);
        }
        Ok(state.folder.as_ref().map_or(&self.scratch, TempDir::path))
    }

    pub(super) fn size(&self) -> u64 {
        match &self.state().main {
            Main::Buffer(bytes) => bytes.len() as u64,
            Main::Spilled(spilled) => spilled.hasher.count() + spilled.pending.len() as u64,
            Main::Untouched | Main::Path => 0,
        }
    }

    pub(super) fn met_io_error(&self) -> bool {
        self.state().met_io_error
    }

    pub(super) fn set_meta(&self, name: &str, value: Value) {
        self.state().meta.insert(name.to_owned(), value);
    }

    pub(super) fn meta(&self, name: &str) -> Option<Value> {
        self.state().meta.get(name).cloned()
    }

    /// Ends the writing and tells what was written.
    pub(crate) fn finish(self) -> Result<Saved, Error> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| io_error("write to", &self.scratch, error);
        let State { main, folder, meta, adopted, .. } = state;
        let (content, digest, size) = match folder {
            None => stream_content(main).map_err(failed)?,
            Some(folder) => folder_content(main, folder, &self.extension).map_err(failed)?,
        };
        let references = Vec::new();
        Ok(Saved { content, digest, size, meta, adopted, references })
    }

    pub(super) fn finish_at(mut self) -> Result<(), Error> {
        let Some(target) = self.target.take() else { return Ok(()) };
        let extension = self.extension.clone();
        let saved = self.finish()?;
        let adopted = saved.adopted.clone();
        put_at(saved, &target, &extension).map_err(|error| io_error("write", &target, error))?;
        remove_all(&adopted);
        Ok(())
    }
}

/// The name of the main file inside an artifact's folder.
pub(crate) fn main_name(extension: &str) -> String {
    if extension.is_empty() { "main".to_owned() } else { format!("main.{extension}") }
}

/// Where a further file of an artifact made by hand lies.
pub(crate) fn beside(target: &Path, name: &str) -> PathBuf {
    let mut beside = target.as_os_str().to_owned();
    beside.push(".");
    beside.push(name);
    beside.into()
}

fn stream_content(main: Main) -> io::Result<(Content, Digest, u64)> {
    match main {
        Main::Buffer(bytes) => {
            let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
            Ok((Content::Inline(bytes), digest, size))
        }
        Main::Spilled(spilled) => {
            let (path, digest, size) = spilled.end()?;
            Ok((Content::File(path), digest, size))
        }
        Main::Untouched | Main::Path => Ok((Content::Inline(Vec::new()), Digest::of(b""), 0)),
    }
}

fn folder_content(
    main: Main,
    folder: TempDir,
    extension: &str,
) -> io::Result<(Content, Digest, u64)> {
    let main_path = folder.path().join(main_name(extension));
    match main {
        Main::Buffer(bytes) => fs::write(&main_path, bytes)?,
        Main::Spilled(spilled) => spilled.end()?.0.persist(&main_path)?,
        Main::Untouched | Main::Path => {}
    }
    let parts = tree::list(folder.path())?;
    if !main_path.exists() {
        return Err(io::Error::other("the cacher wrote no main file"));
    }
    let size = parts.iter().map(|part| part.size).sum();
    if let [only] = &parts[..]
        && main_path.is_file()
    {
        // One plain file needs no folder around it.
        let scratch = folder.path().parent().unwrap_or(Path::new("."));
        let alone = tempfile::Builder::new().prefix("file-").tempfile_in(scratch)?;
        fs::rename(&main_path, alone.path())?;
        return Ok((Content::File(alone.into_temp_path()), only.digest, size));
    }
    let digest = tree::digest_of_parts(&parts);
    Ok((Content::Folder(folder, parts), digest, size))
}

fn put_at(saved: Saved, target: &Path, extension: &str) -> io::Result<()> {
    match saved.content {
        Content::Inline(bytes) => {
            let scratch = target.parent().filter(|folder| *folder != Path::new(""));
            let mut file = NamedTempFile::new_in(scratch.unwrap_or(Path::new(".")))?;
            file.write_all(&bytes)?;
            file.persist(target)?;
        }
        Content::File(path) => path.persist(target)?,
        Content::Folder(folder, _) => {
            for entry in fs::read_dir(folder.path())? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let place = if name == main_name(extension) {
                    target.to_owned()
                } else {
                    beside(target, &name)
                };
                fs::rename(entry.path(), place)?;
            }
        }
    }
    Ok(())
}

/// Gives a file, or all files of a folder, a second name, or copies where that cannot be. The stage's
/// own files stay until the result is kept, so that nothing is lost if it cannot be.
fn link_all(source: &Path, target: &Path) -> io::Result<()> {
    if fs::symlink_metadata(source)?.file_type().is_symlink() {
        return copy_all(&fs::canonicalize(source)?, target);
    }
    if !source.is_dir() {
        return fs::hard_link(source, target).or_else(|_| copy_all(source, target));
    }
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        link_all(&entry.path(), &target.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes what is kept elsewhere now. What cannot be removed is left: nothing is lost by it.
pub(crate) fn remove_all(paths: &[PathBuf]) {
    for path in paths {
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

pub(crate) fn copy_all(source: &Path, target: &Path) -> io::Result<()> {
    if !source.is_dir() {
        return fs::copy(source, target).map(drop);
    }
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        copy_all(&entry.path(), &target.join(entry.file_name()))?;
    }
    Ok(())
}

impl Spilled {
    /// BLAKE3 reaches its full speed on pieces of this size.
    const PIECE: usize = 128 * 1024;

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        if bytes.len() >= Self::PIECE && self.pending.is_empty() {
            self.hasher.update(bytes);
            return Ok(());
        }
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= Self::PIECE {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<(TempPath, Digest, u64)> {
        self.hasher.update(&self.pending);
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((file.into_temp_path(), self.hasher.finalize().into(), self.hasher.count()))
    }
}

/// The stream that `Artifact::writer` gives out.
pub(super) struct Writer<'a> {
    state: MutexGuard<'a, State>,
    scratch: &'a Path,
}

impl Writer<'_> {
    fn write_or_spill(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Main::Buffer(buffer) = &mut self.state.main {
            if buffer.len() + bytes.len() <= INLINE_LIMIT {
                buffer.extend_from_slice(bytes);
                return Ok(());
            }
            let file = tempfile::Builder::new().prefix("file-").tempfile_in(self.scratch)?;
            let file = BufWriter::with_capacity(Spilled::PIECE, file);
            let mut spilled = Spilled { file, hasher: blake3::Hasher::new(), pending: Vec::new() };
            spilled.write(buffer)?;
            self.state.main = Main::Spilled(Box::new(spilled));
        }
        match &mut self.state.main {
            Main::Spilled(spilled) => spilled.write(bytes),
            _ => Ok(()),
        }
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.write_or_spill(bytes);
        self.state.met_io_error |= written.is_err();
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
