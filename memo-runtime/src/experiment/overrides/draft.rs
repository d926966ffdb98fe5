//! [`Draft`]: params in the making.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::path::Path;
use super::tree::Asked;
use super::{Tree, usage};
use crate::error::Error;
use crate::record::Params;

/// Params taken apart, and what was changed in them so far.
pub(super) struct Draft {
    base: Tree,
    now: Tree,
    changes: Vec<Change>,
}

#[derive(Clone)]
struct Change {
    path: Path,
    value: Tree,
}

impl Draft {
    pub(super) fn new(base: Tree) -> Self {
        Self { now: base.clone(), base, changes: Vec::new() }
    }

    /// Exchanges what is at `path`, or adds a field there.
    pub(super) fn put(&mut self, path: Path, value: Tree) -> Result<(), Error> {
        let change = Change { path, value };
        self.place(&change.path)?;
        change.make(&mut self.now);
        self.changes.push(change);
        Ok(())
    }

    /// Lays JSON over what is at `path`: objects field by field, everything else as a whole.
    pub(super) fn lay_over(&mut self, path: Path, value: &Value) -> Result<(), Error> {
        match (value, self.place(&path)?.map(Tree::content)) {
            (Value::Object(fields), Some(Tree::Struct(_) | Tree::Map(_))) => {
                fields.iter().try_for_each(|(name, value)| self.lay_over(path.below(name), value))
            }
            (Value::Object(fields), Some(Tree::Variant(name, Some(_))))
                if fields.keys().eq([*name]) =>
            {
                let below = path.below(name);
                fields.values().try_for_each(|value| self.lay_over(below.clone(), value))
            }
            (Value::String(text), Some(number)) if let Some(value) = number.not_finite(text) => {
                self.put(path, value)
            }
            _ if path.is_root() => Err(usage("`--params` takes a table of fields")),
            _ => self.put(path, Tree::Json(value.clone())),
        }
    }

    /// Reads a text as what is at `path` now, and puts it there.
    pub(super) fn set<P: Params + DeserializeOwned>(
        &mut self,
        path: Path,
        text: &str,
    ) -> Result<(), Error> {
        let place = self.place(&path)?;
        let has_fields = place.as_ref().is_some_and(|tree| tree.has_fields());
        let readings = place.as_deref().unwrap_or(&Tree::None).readings(text);
        let mut readings = readings
            .map_err(|expected| usage(format!("`{path}` takes {expected}, not `{text}`")))?;
        if let ([Tree::Json(object @ Value::Object(_))], true) = (&readings[..], has_fields) {
            return self.lay_over(path, object);
        }
        let fits = |reading: &Tree| self.would_fit::<P>(&path, reading);
        let chosen = match readings.len() {
            1 => 0,
            _ => readings.iter().position(fits).unwrap_or_default(),
        };
        self.put(path, readings.swap_remove(chosen))
    }

    fn would_fit<P: Params + DeserializeOwned>(&self, path: &Path, value: &Tree) -> bool {
        let mut tree = self.now.clone();
        Change { path: path.clone(), value: value.clone() }.make(&mut tree);
        tree.read::<P>().is_ok()
    }

    /// Finds what is at `path`. `None` if it could be added.
    fn place(&mut self, path: &Path) -> Result<Option<&mut Tree>, Error> {
        path.find(&mut self.now).map_err(|missing| missing.tell(&self.base))
    }

    /// Refuses changes of fields by which records are named.
    pub(super) fn check_varied(&self, varied: &[String]) -> Result<(), Error> {
        for field in varied {
            let path = Path::from(field.as_str());
            if let Some(change) = self.changes.iter().find(|change| change.path.overlaps(&path)) {
                return Err(usage(format!(
                    "`{}` cannot be set, since `{field}` varies in the grid",
                    change.path
                )));
            }
        }
        Ok(())
    }

    /// Puts the params together.
    pub(super) fn finish<P: Params + DeserializeOwned>(mut self) -> Result<P, Error> {
        let mut now = std::mem::replace(&mut self.now, Tree::None);
        let asked: Vec<_> = self.changes.iter().map(|change| change.watch(&mut now)).collect();
        let params = now.read();
        for (change, asked) in self.changes.iter().zip(&asked) {
            self.check_asked(change, asked.get().copied())?;
        }
        let params: P = params.map_err(|error| self.blame::<P>(error))?;
        self.check_added(&params)?;
        Ok(params)
    }

    /// Makes sure that a changed field is one that its struct reads.
    fn check_asked(&self, change: &Change, asked: Option<&[&str]>) -> Result<(), Error> {
        let Some((asked, (_, name))) = asked.zip(change.path.split()) else { return Ok(()) };
        if asked.contains(&name) {
            return Ok(());
        }
        if change.path.find(&mut self.base.clone()).is_ok_and(|place| place.is_some()) {
            return Err(usage(format!(
                "`{}` cannot be set, since `serde` skips it when it reads",
                change.path
            )));
        }
        let names = asked.iter().map(|&name| name.to_owned()).collect();
        Err(change.path.missing(names).tell(&self.base))
    }

    /// Makes sure that what was added where any name will do has arrived.
    fn check_added<P: Params>(&self, params: &P) -> Result<(), Error> {
        let Ok(mut made) = Tree::of(params) else { return Ok(()) };
        for Change { path, .. } in &self.changes {
            let Some((parent, name)) = path.split() else { continue };
            let was_there = path.find(&mut self.base.clone()).is_ok_and(|place| place.is_some());
            let place = parent.find(&mut made).ok().flatten().map(Tree::content);
            if let Some(place @ Tree::Map(_)) = place
                && !was_there
                && place.child(name).is_none()
            {
                return Err(path.missing(place.names()).tell(&self.base));
            }
        }
        Ok(())
    }

    /// Names the change that does not fit.
    fn blame<P: Params + DeserializeOwned>(&self, error: serde_json::Error) -> Error {
        let alone = |change: &Change| {
            let mut tree = self.base.clone();
            change.make(&mut tree);
            Some((change.clone(), tree.read::<P>().err()?))
        };
        let found = match &self.changes[..] {
            [only] => Ok((only.clone(), error)),
            changes => changes.iter().find_map(alone).ok_or(error),
        };
        match found {
            Ok((Change { path, value }, error)) => {
                usage(format!("`{path}` does not take `{}`", value.text())).because(error)
            }
            Err(error) => {
                let paths = self.changes.iter().map(|change| format!("`{}`", change.path));
                let paths = paths.collect::<Vec<_>>().join(" and ");
                usage(format!("the values of {paths} do not fit together")).because(error)
            }
        }
    }
}

impl Change {
    /// Makes the change in a tree where its place was found.
    fn make(&self, tree: &mut Tree) {
        let Ok(place) = self.path.find(tree) else { return };
        if let Some(place) = place {
            *place = self.value.clone();
            return;
        }
        let Some((parent, name)) = self.path.split() else { return };
        if let Ok(Some(parent)) = parent.find(tree) {
            parent.content().add(name, self.value.clone());
        }
    }

    /// Has the struct in which the change was made note which fields it reads.
    fn watch(&self, tree: &mut Tree) -> Asked {
        let asked = Asked::default();
        let parent = self.path.split().and_then(|(parent, _)| parent.find(tree).ok().flatten());
        if let Some(place) = parent.map(Tree::content)
            && let Tree::Struct(_) = place
        {
            let inner = std::mem::replace(place, Tree::None);
            *place = Tree::Watched(Asked::clone(&asked), Box::new(inner));
        }
        asked
    }
}
