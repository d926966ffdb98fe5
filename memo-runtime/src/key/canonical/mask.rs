//! [`Mask`]: the fields that stay out of a value, found by their path.

use crate::error::{Error, ErrorKind};

/// Follows a serializer through the fields of structs, and says which of them are left out.
///
/// A path such as `train.threads` begins at the root. It leads through fields of structs, elements of
/// tuples (called by their index), keys of maps (as which serde shows structs with flattened fields);
/// it does not lead into sequences, sets and variants of enums.
#[derive(Debug)]
pub(in crate::key) struct Mask {
    paths: &'static [&'static str],
    found: Vec<Found>,
    /// For each value from the root to here: the paths that lead on, and what is left of them.
    levels: Vec<Vec<(usize, &'static str)>>,
    /// How many values deep this is where no path leads.
    hidden: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    Nothing,
    Parent,
    Field,
}

impl Mask {
    /// Makes the mask of these paths, if there are any.
    pub(in crate::key) fn new(paths: &'static [&'static str]) -> Option<Self> {
        let level = paths.iter().copied().enumerate().collect();
        let found = vec![Found::Nothing; paths.len()];
        (!paths.is_empty()).then(|| Self { paths, found, levels: vec![level], hidden: 0 })
    }

    /// Says that the value here has fields.
    pub(in crate::key) fn visit(&mut self) {
        if self.hidden == 0 {
            for (path, rest) in self.levels.last().into_iter().flatten() {
                if !rest.contains('.') && self.found[*path] == Found::Nothing {
                    self.found[*path] = Found::Parent;
                }
            }
        }
    }

    /// Goes into a field and returns true, or returns false if the field is left out.
    pub(in crate::key) fn enter(&mut self, field: &str) -> bool {
        if self.hidden > 0 {
            self.hidden += 1;
            return true;
        }
        let mut below = Vec::new();
        for (path, rest) in self.levels.last().into_iter().flatten() {
            match rest.strip_prefix(field) {
                Some("") => {
                    self.found[*path] = Found::Field;
                    return false;
                }
                Some(rest) => below.extend(rest.strip_prefix('.').map(|rest| (*path, rest))),
                None => {}
            }
        }
        if below.is_empty() {
            self.hidden = 1;
        } else {
            self.levels.push(below);
        }
        true
    }

    /// Goes into something that no path leads into.
    pub(in crate::key) fn hide(&mut self) {
        self.hidden += 1;
    }

    /// Goes back to where the last `enter` or `hide` came from.
    pub(in crate::key) fn leave(&mut self) {
        if self.hidden > 0 {
            self.hidden -= 1;
        } else {
            self.levels.pop();
        }
    }

    /// Checks that every field to be left out was there, unless what would hold it was not.
    pub(in crate::key) fn check(&self) -> Result<(), Error> {
        let lost = self.found.iter().position(|found| *found == Found::Parent);
        lost.map_or(Ok(()), |path| {
            let path = self.paths[path];
            let message = format!(
                "the field `{path}` was to be left out, but is not there; is it perhaps renamed by serde?"
            );
            Err(Error::new(ErrorKind::Key, message))
        })
    }
}
