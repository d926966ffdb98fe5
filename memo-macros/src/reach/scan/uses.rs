//! A `use` inside of a body: the braces of its tree hide the full paths.

use super::{Names, Path};
use crate::reach::tree::uses::{Import, imports};
use crate::tokens::{Kind, Tokens};

impl Names {
    /// Reads the `use` at `at`; nothing if no tree follows, as in `impl Trait + use<'a>`.
    pub(super) fn use_item(&mut self, tokens: Tokens, at: usize) -> Option<usize> {
        let mut end = at;
        while !tokens.is(end, b';') {
            if end >= tokens.len() || matches!(tokens.all[end].kind, Kind::Close(_)) {
                return None;
            }
            end = tokens.behind(end);
        }
        for import in imports(tokens.part(at + 1..end))? {
            match import {
                Import::Glob(module) => drop(self.globs.insert(module)),
                Import::Name(name, target) => self.import(name, target),
            }
        }
        Some(end + 1 - at)
    }

    fn import(&mut self, name: String, target: Path) {
        self.aliases.push((name, target));
    }
}
