//! A `use` inside of a body: the braces of its tree hide the full paths.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser;

use super::{Names, Path, is};
use crate::reach::tree::uses::{Import, imports};

impl Names {
    /// Reads the `use` at `at`; nothing if no tree follows, as in `impl Trait + use<'a>`.
    pub(super) fn use_item(&mut self, tokens: &[TokenTree], at: usize) -> Option<usize> {
        let end = (at..tokens.len()).find(|end| is(tokens, *end, ';'))?;
        let tree: TokenStream = tokens[at + 1..end].iter().cloned().collect();
        let parser = |input: syn::parse::ParseStream| {
            input.parse::<Option<syn::Token![::]>>()?;
            input.parse::<syn::UseTree>()
        };
        for import in imports(&parser.parse2(tree).ok()?) {
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
