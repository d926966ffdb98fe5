//! The names that a function's own tokens give a meaning, so that they may be no item of its module.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Signature;
use syn::ext::IdentExt;

use crate::reach::link::Linked;
use crate::reach::scan::Path;
use crate::reach::tree::ModuleId;
use crate::tokens::{Lexed, Tokens, Word};

/// What is declared in a signature and a body, erring on the side of too much.
#[derive(Default)]
pub struct Body {
    /// Names that stand anywhere but before `(` or `::`.
    taken: BTreeSet<String>,
    /// Those of items and generic parameters.
    declared: BTreeSet<String>,
    /// Whether it has imports of its own.
    imports: bool,
    /// The last names of the macros it calls, which may write items.
    macros: BTreeSet<String>,
}

impl Body {
    /// Reads the tokens of a function.
    pub fn of(sig: &Signature, block: TokenStream) -> Self {
        let mut body = Self::default();
        // Its own name is an item of the module, unless the body takes that name as well.
        body.stream(sig.inputs.to_token_stream());
        body.stream(block);
        let generics = sig.generics.type_params();
        body.declared.extend(generics.map(|parameter| parameter.ident.unraw().to_string()));
        body
    }

    /// Whether a path means inside of the function what it means in its module.
    pub fn leaves_alone(&self, path: &Path, linked: &Linked, module: ModuleId) -> bool {
        let Some(first) = path.first() else { return false };
        if matches!(first.as_str(), "crate" | "self" | "super" | "Self") {
            return true;
        }
        let is_ours = |name: &String| {
            !linked.resolver().macro_path(module, &vec![name.clone()]).items.is_empty()
        };
        // A variable can be called, yet never leads a path.
        let is_variable = path.len() == 1 && self.taken.contains(first);
        let is_free = !is_variable && !self.declared.contains(first);
        !self.imports && is_free && !self.macros.iter().any(is_ours)
    }

    fn stream(&mut self, stream: TokenStream) {
        let lexed = Lexed::of_stream(stream);
        let tokens = lexed.tokens();
        for at in 0..tokens.len() {
            if let Some(name) = tokens.name(at) {
                self.name(name, tokens, at);
            }
        }
    }

    fn name(&mut self, name: &str, tokens: Tokens, at: usize) {
        let is_before = |back: usize, punct| back <= at && tokens.is(at - back, punct);
        let is_field = is_before(1, b'.') && !is_before(2, b'.');
        let is_inner = is_before(1, b':') && is_before(2, b':');
        let declares = at > 0 && declares(tokens.word(at - 1));
        let leads = tokens.is_path_separator(at + 1);
        let is_called = tokens.opens(at + 1, b'(');
        self.imports |= matches!(tokens.word(at), Word::Use | Word::Extern);
        if declares {
            self.declared.insert(name.to_owned());
        }
        if tokens.is(at + 1, b'!') && !tokens.is(at + 2, b'=') {
            self.macros.insert(name.to_owned());
        } else if !is_field && !is_inner && (declares || !(leads || is_called)) {
            self.taken.insert(name.to_owned());
        }
    }
}

/// Whether a word stands before the name of something new.
fn declares(word: Word) -> bool {
    matches!(
        word,
        Word::As
            | Word::Const
            | Word::Enum
            | Word::Fn
            | Word::Mod
            | Word::Static
            | Word::Struct
            | Word::Trait
            | Word::Type
            | Word::Union
    )
}
