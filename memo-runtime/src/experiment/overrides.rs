//! Changes to params: `--params FILE`, `--set FIELD=VALUE`, and the values of a grid.
//!
//! Params are a user's own `serde` type. They are taken apart into a [`Tree`], which keeps what JSON
//! would lose (NaN, keys of any type, `Some(None)`); the named fields are exchanged; and the type's own
//! `Deserialize` puts them together again. When nothing is to be changed, nothing of this happens.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::key::canonical::plain_digest_of;
use crate::record::Params;

mod draft;
mod path;
mod tree;

use draft::Draft;
use path::Path;
pub(crate) use tree::Tree;

/// Returns `params` with the fields of `overlay` laid over them, and then those of `set`, whose values
/// are written as on the command line. The fields in `varied` may not be changed.
///
/// # Errors
///
/// [`ErrorKind::Usage`] if there is no such field, if it takes no such value, or if it varies; and if
/// the params do not survive `serde`, so that other fields would change too.
pub(crate) fn apply<P: Params + Clone + DeserializeOwned>(
    params: &P,
    overlay: Option<&Value>,
    set: &[(String, String)],
    varied: &[String],
) -> Result<P, Error> {
    if overlay.is_none() && set.is_empty() {
        return Ok(params.clone());
    }
    let mut draft = draft_of(params)?;
    if let Some(overlay) = overlay {
        draft.lay_over(Path::default(), overlay)?;
    }
    for (field, text) in set {
        draft.set::<P>(Path::from(field.as_str()), text)?;
    }
    draft.check_varied(varied)?;
    draft.finish()
}

/// Returns `params` with these values in these fields.
///
/// # Errors
///
/// As for [`apply`].
pub(crate) fn with<P: Params + DeserializeOwned>(
    params: &P,
    values: impl IntoIterator<Item = (String, Tree)>,
) -> Result<P, Error> {
    let mut draft = draft_of(params)?;
    for (field, value) in values {
        draft.put(Path::from(field.as_str()), value)?;
    }
    draft.finish()
}

/// Lists the fields of params, by path, and what they hold, as people read it.
#[cfg(feature = "cli")]
pub(crate) fn params_text<P: Serialize>(params: &P) -> Result<Vec<(String, String)>, Error> {
    let tree = taken_apart(params)?;
    Ok(tree.leaves().into_iter().map(|(path, value)| (path, value.quoted())).collect())
}

/// Takes params apart, and makes sure that nothing is lost on the way.
fn draft_of<P: Params + DeserializeOwned>(params: &P) -> Result<Draft, Error> {
    let tree = taken_apart(params)?;
    let back: P = tree.clone().read().map_err(|error| {
        let message = "the params cannot be changed, since `serde` does not read what it wrote";
        usage(message).because(error)
    })?;
    if plain_digest_of(params)? != plain_digest_of(&back)? {
        return Err(not_the_same(&tree, &taken_apart(&back)?));
    }
    Ok(Draft::new(tree))
}

fn taken_apart<P: Serialize>(params: &P) -> Result<Tree, Error> {
    Tree::of(params).map_err(|error| usage("the params cannot be serialised").because(error))
}

fn not_the_same(written: &Tree, read: &Tree) -> Error {
    let (written, read) = (written.leaves(), read.leaves());
    let other = written
        .iter()
        .find(|leaf| !read.contains(leaf))
        .or_else(|| read.iter().find(|leaf| !written.contains(leaf)));
    let place = other.map(|(path, _)| format!("; `{path}` comes back as another value"));
    usage(format!(
        "the params cannot be changed, since `serde` does not read what it wrote{}",
        place.unwrap_or_default()
    ))
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests;
