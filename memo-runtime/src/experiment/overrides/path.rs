//! [`Path`]: where a field is, and how it is found.

use std::fmt;

use super::{Tree, usage};
use crate::error::{Error, did_you_mean};

/// The names on the way to a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Path(Vec<String>);

impl From<&str> for Path {
    fn from(path: &str) -> Self {
        Self(path.split('.').map(str::to_owned).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [] => f.write_str("params"),
            names => f.write_str(&names.join(".")),
        }
    }
}

impl Path {
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn below(&self, name: &str) -> Self {
        Self(self.0.iter().map(String::as_str).chain([name]).map(str::to_owned).collect())
    }

    /// Returns where the field lies, and its name.
    pub(super) fn split(&self) -> Option<(Self, &str)> {
        self.0.split_last().map(|(name, parent)| (Self(parent.to_vec()), name.as_str()))
    }

    /// Whether one lies in the other, or they are the same.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| one == other)
    }

    /// Finds what is at the path. `None` if a field or key of that name could be added.
    pub(super) fn find<'t>(&self, tree: &'t mut Tree) -> Result<Option<&'t mut Tree>, Missing> {
        find(&self.0, tree).map_err(|(left, names)| Missing {
            path: self.clone(),
            depth: self.0.len() - left,
            names,
        })
    }

    /// Says that the field is none of `names`, which are the ones there.
    pub(super) fn missing(&self, names: Vec<String>) -> Missing {
        Missing { path: self.clone(), depth: self.0.len() - 1, names }
    }
}

/// Fails with how many names are left, and the names that could stand for the first of them.
fn find<'t>(
    path: &[String],
    tree: &'t mut Tree,
) -> Result<Option<&'t mut Tree>, (usize, Vec<String>)> {
    let [name, rest @ ..] = path else { return Ok(Some(tree)) };
    let names = tree.names();
    let can_add = rest.is_empty() && matches!(tree.content(), Tree::Struct(_) | Tree::Map(_));
    match tree.child(name) {
        Some(child) => find(rest, child),
        None if can_add => Ok(None),
        None => Err((path.len(), names)),
    }
}

/// A path that leads nowhere.
pub(super) struct Missing {
    path: Path,
    /// Which of its names is wrong.
    depth: usize,
    /// Which names there are in its place.
    names: Vec<String>,
}

impl Missing {
    /// Tells it, with what may have been meant among the fields of `params`.
    pub(super) fn tell(self, params: &Tree) -> Error {
        let Self { path: Path(path), depth, names } = self;
        let (before, wrong) = (path[..depth].join("."), &path[depth]);
        if depth > 0 && names.is_empty() {
            return usage(format!("`{before}` has no fields, so there is no `{}`", path.join(".")));
        }
        let elsewhere = params.leaves().into_iter().map(|(path, _)| path);
        let mut elsewhere = elsewhere.filter(|path| path.rsplit('.').next() == Some(wrong));
        let near = match elsewhere.next() {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => did_you_mean(wrong, names.iter().map(String::as_str)),
        };
        let is_near = near.starts_with("; did");
        let skipped = if is_near { "" } else { " (what `serde` skips cannot be set)" };
        let place =
            if depth == 0 { "the params have".to_owned() } else { format!("`{before}` has") };
        usage(format!("{place} no field `{wrong}`{skipped}{near}"))
    }
}
