//! The names that a function's own tokens give a meaning, so that they may be no item of its module.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Signature;
use syn::ext::IdentExt;

use crate::reach::link::Linked;
use crate::reach::scan::{Path, ident};
use crate::reach::tree::ModuleId;

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

    fn stream(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.stream(group.stream()),
                TokenTree::Ident(_) => self.name(&tokens, at),
                _ => {}
            }
        }
    }

    fn name(&mut self, tokens: &[TokenTree], at: usize) {
        const DECLARE: &[&str] =
            &["as", "const", "enum", "fn", "mod", "static", "struct", "trait", "type", "union"];
        let Some(name) = ident(tokens, at) else { return };
        let is = |at: Option<usize>, punct| {
            let token = at.and_then(|at| tokens.get(at));
            matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == punct)
        };
        let (before, further) = (at.checked_sub(1), at.checked_sub(2));
        let is_field = is(before, '.') && !is(further, '.');
        let is_inner = is(before, ':') && is(further, ':');
        let declares = before
            .and_then(|before| ident(tokens, before))
            .is_some_and(|word| DECLARE.contains(&word.as_str()));
        let leads = is(Some(at + 1), ':') && is(Some(at + 2), ':');
        let is_called = matches!(
            tokens.get(at + 1),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
        );
        self.imports |= name == "use" || name == "extern";
        if declares {
            self.declared.insert(name.clone());
        }
        if is(Some(at + 1), '!') && !is(Some(at + 2), '=') {
            self.macros.insert(name);
        } else if !is_field && !is_inner && (declares || !(leads || is_called)) {
            self.taken.insert(name);
        }
    }
}
