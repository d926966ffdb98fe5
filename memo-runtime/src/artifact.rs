//! [`Artifact`]: the file or files of one output, as a cacher sees them.
//!
//! A cacher never learns where the store keeps things. While saving it is given somewhere to write;
//! the bytes are digested on the way, and small ones never become a file of their own. While loading
//! it is given something to read, and every byte that it reads is checked against the digest that was
//! taken while saving.

use std::io::{self, BufRead, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::sync::OnceCell;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::store::Store;
use crate::store::manifest::Head;

pub(crate) mod loading;
pub(crate) mod saving;
pub(crate) mod tree;

use loading::Loading;
use saving::Saving;

/// Small facts that a cacher keeps beside an artifact.
pub(crate) type Meta = Map<String, Value>;

/// The file or files of one output, while a cacher saves or loads them.
///
/// Written through [`writer`](Self::writer) an artifact of up to 4 kB lies inside its entry's
/// manifest, so that a hit opens one file. Whoever needs real files asks for [`path`](Self::path) (the
/// main file) and [`file`](Self::file) (further ones).
///
/// ```
/// use std::fs;
/// use memo_runtime::{Artifact, Cacheable, Format, Result};
///
/// #[derive(Debug, PartialEq)]
/// struct Model { weights: Vec<u8>, trained_on: u32 }
///
/// /// Keeps a model as two files.
/// struct TwoFiles;
///
/// impl Cacheable<Model> for TwoFiles {
///     fn format(&self) -> Format {
///         Format::new("model", 1).extension("txt")
///     }
///     fn save(&self, model: &Model, artifact: &Artifact) -> Result<()> {
///         fs::write(artifact.path()?, model.trained_on.to_string())?;
///         fs::write(artifact.file("weights.bin")?, &model.weights)?;
///         Ok(())
///     }
///     fn load(&self, artifact: &Artifact) -> Result<Model> {
///         let trained_on = fs::read_to_string(artifact.path()?)?.parse()?;
///         Ok(Model { weights: fs::read(artifact.file("weights.bin")?)?, trained_on })
///     }
/// }
///
/// let folder = tempfile::tempdir()?;
/// let model = Model { weights: vec![1, 2, 3], trained_on: 1797 };
/// memo_runtime::cachers::save_at(&TwoFiles, &model, folder.path().join("model.txt"))?;
/// let back: Model = memo_runtime::cachers::load_from(&TwoFiles, folder.path().join("model.txt"))?;
/// assert_eq!(back, model);
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug)]
pub struct Artifact(Side);

#[derive(Debug)]
enum Side {
    Saving(Saving),
    Loading(Opened),
}

/// The loading side. A hit makes one for cachers that check something, which most do not: so a kept
/// artifact is opened when it is first asked for.
#[derive(Debug)]
struct Opened {
    loading: OnceCell<Box<Loading>>,
    /// A store, an entry, and which of its outputs.
    kept: Option<(Store, Arc<Head>, usize)>,
}

impl Opened {
    fn get(&self) -> Result<&Loading, Error> {
        let open = || {
            let kept = self.kept.as_ref();
            let opened = kept.and_then(|(store, head, output)| store.open_kept(head, *output));
            opened.map(Box::new).ok_or_else(|| {
                Error::new(ErrorKind::Store, "the entry keeps no artifact of this output")
            })
        };
        self.loading.get_or_try_init(open).map(|loading| &**loading)
    }

    fn finish(self) -> Result<Option<Digest>, Error> {
        self.loading.into_inner().map(|loading| loading.finish()).transpose()
    }
}

impl Artifact {
    pub(crate) fn saving(saving: Saving) -> Self {
        Self(Side::Saving(saving))
    }

    pub(crate) fn loading(loading: Loading) -> Self {
        let loading = OnceCell::with_value(Box::new(loading));
        Self(Side::Loading(Opened { loading, kept: None }))
    }

    /// The artifact of an entry's output, opened when it is first asked for.
    pub(crate) fn kept(store: &Store, head: Arc<Head>, output: usize) -> Self {
        let kept = Some((store.clone(), head, output));
        Self(Side::Loading(Opened { loading: OnceCell::new(), kept }))
    }

    /// Makes an artifact to save at a path of one's own, outside any store. Further files lie beside
    /// it, as `<file name>.<name>`. Nothing is there before [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if the folder of `path` cannot be written.
    pub fn create_at(path: impl AsRef<Path>) -> Result<Self, Error> {
        Saving::at(path.as_ref()).map(Self::saving)
    }

    /// Opens an artifact that was saved at a path of one's own. No digest is known, so none is checked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if there is nothing at `path`.
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, Error> {
        Loading::at(path.as_ref()).map(Self::loading)
    }

    /// Puts an artifact made with [`create_at`](Self::create_at) in its place.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if it could not be written.
    pub fn finish(self) -> Result<(), Error> {
        match self.0 {
            Side::Saving(saving) => saving.finish_at(),
            Side::Loading(opened) => opened.finish().map(drop),
        }
    }

    /// Returns where to write the main file, as a stream that is digested on the way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if the main file was asked for by [`path`](Self::path) before;
    /// [`ErrorKind::Cacher`] while loading.
    pub fn writer(&self) -> Result<impl Write + '_, Error> {
        self.to_save("writer")?.writer()
    }

    /// Returns the path of the main file: where to write it, or where it can be read, checked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if no file can be made or read; [`ErrorKind::Damaged`] if its bytes are
    /// not those that were saved.
    pub fn path(&self) -> Result<PathBuf, Error> {
        match &self.0 {
            Side::Saving(saving) => saving.path(),
            Side::Loading(opened) => opened.get()?.path(),
        }
    }

    /// Returns the path of a further file, by a plain name such as `weights.bin`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cacher`] if `name` is no plain file name, or no such file was saved;
    /// [`ErrorKind::Store`] and [`ErrorKind::Damaged`] as for [`path`](Self::path).
    pub fn file(&self, name: &str) -> Result<PathBuf, Error> {
        let plain = Path::new(name).file_name().is_some_and(|plain| plain == name);
        if !plain || name.starts_with("main") || name.contains(['\\', '\0']) {
            let message = format!(
                "`{name}` cannot name a file of an artifact: give a plain name that does not begin with `main`, such as `weights.bin`"
            );
            return Err(Error::new(ErrorKind::Cacher, message));
        }
        match &self.0 {
            Side::Saving(saving) => saving.file(name),
            Side::Loading(opened) => opened.get()?.file(name),
        }
    }

    /// Moves a file or a folder that the stage made into the artifact, as its main file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if `source` is not there or cannot be moved; [`ErrorKind::Cacher`] while
    /// loading.
    pub fn adopt(&self, source: &Path) -> Result<(), Error> {
        self.to_save("adopt")?.adopt(source)
    }

    /// Returns the main file as a stream that is checked on the way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if it cannot be opened, [`ErrorKind::Damaged`] if its size differs from
    /// what was saved, [`ErrorKind::Cacher`] while saving.
    pub fn reader(&self) -> Result<impl BufRead + '_, Error> {
        self.to_load("reader")?.reader()
    }

    /// Returns the bytes of the main file, mapped into memory where they are many. Their digest is
    /// taken beside whatever is done with them; if it is wrong, the load fails in the end.
    ///
    /// # Errors
    ///
    /// As for [`reader`](Self::reader).
    pub fn bytes(&self) -> Result<ArtifactBytes, Error> {
        self.to_load("bytes")?.bytes()
    }

    /// Returns the size of all files, in bytes. While saving, of what was written so far by
    /// [`writer`](Self::writer).
    pub fn size(&self) -> u64 {
        match &self.0 {
            Side::Saving(saving) => saving.size(),
            Side::Loading(opened) => opened.get().map_or(0, Loading::size),
        }
    }

    /// Attaches a small fact, such as the number of rows. It can be read without loading the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cacher`] if `value` cannot be written as JSON, or while loading.
    pub fn set_meta(&self, name: &str, value: impl Serialize) -> Result<(), Error> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::new(ErrorKind::Cacher, format!("the fact `{name}` is no JSON")).because(error)
        })?;
        self.to_save("set_meta")?.set_meta(name, value);
        Ok(())
    }

    /// Returns a fact attached while saving.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cacher`] if it is of another type.
    pub fn meta<M: DeserializeOwned>(&self, name: &str) -> Result<Option<M>, Error> {
        let found = match &self.0 {
            Side::Saving(saving) => saving.meta(name),
            Side::Loading(opened) => opened.get()?.meta().get(name).cloned(),
        };
        read_meta(found, name)
    }

    fn to_save(&self, method: &str) -> Result<&Saving, Error> {
        match &self.0 {
            Side::Saving(saving) => Ok(saving),
            Side::Loading(_) => Err(wrong_side(method, "load", "save")),
        }
    }

    fn to_load(&self, method: &str) -> Result<&Loading, Error> {
        match &self.0 {
            Side::Loading(opened) => opened.get(),
            Side::Saving(_) => Err(wrong_side(method, "save", "load")),
        }
    }

    /// Whether the disk refused a write while saving.
    pub(crate) fn met_io_error(&self) -> bool {
        matches!(&self.0, Side::Saving(saving) if saving.met_io_error())
    }

    /// Ends the saving side.
    pub(crate) fn into_saved(self) -> Result<saving::Saved, Error> {
        match self.0 {
            Side::Saving(saving) => saving.finish(),
            Side::Loading(_) => Err(wrong_side("finish", "load", "save")),
        }
    }

    /// Ends the loading side: checks what was not read, and whether the digest was right.
    pub(crate) fn end_load(self) -> Result<(), Error> {
        match self.0 {
            Side::Loading(opened) => opened.finish().map(drop),
            Side::Saving(_) => Err(wrong_side("finish", "save", "load")),
        }
    }
}

pub(crate) fn read_meta<M: DeserializeOwned>(
    found: Option<Value>,
    name: &str,
) -> Result<Option<M>, Error> {
    found.map(serde_json::from_value).transpose().map_err(|error| {
        Error::new(ErrorKind::Cacher, format!("the fact `{name}` is of another type"))
            .because(error)
    })
}

fn wrong_side(method: &str, side: &str, right: &str) -> Error {
    Error::new(
        ErrorKind::Cacher,
        format!("`Artifact::{method}` was called in `{side}`; it belongs in `{right}`"),
    )
}

/// The error for `action` on `path`.
pub(crate) fn io_error(action: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Store, format!("could not {action} `{}`", path.display())).because(error)
}

/// The bytes of an artifact's main file: in memory when small, mapped when large.
#[derive(Debug, Clone)]
pub struct ArtifactBytes(Bytes);

#[derive(Debug, Clone)]
enum Bytes {
    Inline(Arc<[u8]>),
    Mapped(Arc<memmap2::Mmap>),
}

impl ArtifactBytes {
    pub(crate) fn inline(bytes: Arc<[u8]>) -> Self {
        Self(Bytes::Inline(bytes))
    }

    pub(crate) fn mapped(map: Arc<memmap2::Mmap>) -> Self {
        Self(Bytes::Mapped(map))
    }
}

impl Deref for ArtifactBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Inline(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}
