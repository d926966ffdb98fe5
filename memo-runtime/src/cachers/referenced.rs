//! [`Referenced`]: a file or folder that stays where it is.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{damaged, refused};
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::digest::Digest;
use crate::error::{BoxError, Error, ErrorKind, Result};

/// Keeps the path of a file or folder, and the digest of what is there; the file stays where it is.
///
/// For what is too big to be kept twice, or belongs to somebody else. The entry is served as long as
/// the content is what it was; a file that is gone or changed makes it a miss. A relative path is
/// relative to the current folder, then and now.
///
/// ```
/// use memo_runtime::cachers::{self, Referenced};
/// use memo_runtime::{Artifact, Cacheable};
///
/// let folder = tempfile::tempdir()?;
/// let corpus = folder.path().join("corpus.txt");
/// std::fs::write(&corpus, "many words")?;
///
/// let reference = folder.path().join("corpus.json");
/// cachers::save_at(&Referenced, &corpus, &reference)?;
/// assert_eq!(cachers::load_from(&Referenced, &reference)?, corpus);
///
/// std::fs::write(&corpus, "other words")?;
/// assert!(Referenced.check(&Artifact::open_at(&reference)?).is_err());
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Referenced;

publishable!(Referenced);

impl Cacheable<PathBuf> for Referenced {
    fn format(&self) -> Format {
        Format::new("referenced", 1).extension("json")
    }

    fn save(&self, value: &PathBuf, artifact: &Artifact) -> Result<()> {
        let mut parts = BTreeMap::new();
        walk(value, |name, path, metadata| {
            parts.insert(name.to_owned(), Part::of(path, metadata)?);
            Ok(())
        })?;
        let document = serde_json::to_vec(&Reference { path: value.clone(), parts })
            .map_err(|_| not_unicode(value))?;
        Ok(artifact.writer()?.write_all(&document)?)
    }

    fn load(&self, artifact: &Artifact) -> Result<PathBuf> {
        Ok(Reference::read(artifact)?.path)
    }

    fn check(&self, artifact: &Artifact) -> Result<()> {
        let Reference { path: root, mut parts } = Reference::read(artifact)?;
        walk(&root, |name, path, metadata| match parts.remove(name) {
            Some(part) if part.is_at(path, metadata)? => Ok(()),
            Some(_) => Err(differs(path, "changed")),
            None => Err(differs(path, "was added")),
        })?;
        parts.keys().next().map_or(Ok(()), |name| Err(differs(&root.join(name), "is gone")))
    }
}

/// The artifact: a path, and what was there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    path: PathBuf,
    /// By path relative to `path`, with `/` on every platform; `.` is the whole.
    parts: BTreeMap<String, Part>,
}

impl Reference {
    fn read(artifact: &Artifact) -> Result<Self> {
        serde_json::from_slice(&artifact.bytes()?)
            .map_err(|error| damaged("this is no reference to a file", error))
    }
}

/// One thing at or below a path.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Part {
    File {
        size: u64,
        digest: Digest,
    },
    Folder,
    /// A link inside a folder is not followed, so that every walk ends.
    Link(PathBuf),
}

impl Part {
    fn of(path: &Path, metadata: &Metadata) -> Result<Self> {
        let kind = metadata.file_type();
        if kind.is_file() {
            Ok(Self::File { size: metadata.len(), digest: digest_of_file(path)? })
        } else if kind.is_dir() {
            Ok(Self::Folder)
        } else if kind.is_symlink() {
            Ok(Self::Link(fs::read_link(path).map_err(|error| unreadable(path, error))?))
        } else {
            Err(refused(format!(
                "`Referenced` cannot hold `{}`: it is neither a file nor a folder",
                path.display()
            )))
        }
    }

    /// Whether `path` still is this. A file of another size is not read.
    fn is_at(&self, path: &Path, metadata: &Metadata) -> Result<bool> {
        match self {
            Self::File { size, .. } if !metadata.is_file() || metadata.len() != *size => Ok(false),
            _ => Ok(Self::of(path, metadata)? == *self),
        }
    }
}

/// Calls `visit` for `root` and all below it, in order of their names.
fn walk(root: &Path, mut visit: impl FnMut(&str, &Path, &Metadata) -> Result<()>) -> Result<()> {
    // The path that the user gave may be a link; what it leads to is meant.
    let metadata = fs::metadata(root).map_err(|error| unreadable(root, error))?;
    visit(".", root, &metadata)?;
    let mut open = if metadata.is_dir() { children(root, "")? } else { Vec::new() };
    while let Some((name, path)) = open.pop() {
        let metadata = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, error))?;
        visit(&name, &path, &metadata)?;
        if metadata.is_dir() {
            open.extend(children(&path, &name)?);
        }
    }
    Ok(())
}

/// Returns what is in a folder, the last name first.
fn children(folder: &Path, name: &str) -> Result<Vec<(String, PathBuf)>> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let own = path.file_name().and_then(OsStr::to_str).ok_or_else(|| not_unicode(&path))?;
        let name = if name.is_empty() { own.to_owned() } else { format!("{name}/{own}") };
        children.push((name, path));
    }
    children.sort_unstable_by(|one, other| other.cmp(one));
    Ok(children)
}

fn digest_of_file(path: &Path) -> Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| hasher.update_reader(file).map(|hasher| hasher.finalize().into()))
        .map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> BoxError {
    let message = format!("could not read `{}`", path.display());
    Error::new(ErrorKind::Cacher, message).because(error).into()
}

fn not_unicode(path: &Path) -> BoxError {
    refused(format!("`Referenced` cannot hold `{}`: the name is not Unicode", path.display()))
}

fn differs(path: &Path, how: &str) -> BoxError {
    refused(format!("`{}` {how} since it was referenced", path.display()))
}
