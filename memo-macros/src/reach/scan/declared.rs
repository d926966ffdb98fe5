//! Names that an item declares for itself: generic parameters, and items inside of bodies.

use proc_macro2::TokenTree;

use super::{Names, ident, is, is_keyword};

impl Names {
    /// Notes what the keyword at `at` declares.
    pub(super) fn declare(&mut self, keyword: &str, tokens: &[TokenTree], at: usize) {
        match keyword {
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "mod" | "const" | "static" => {
                if let Some(name) = ident(tokens, at + 1).filter(|name| !is_keyword(name)) {
                    self.declared.insert(name);
                    self.generics(tokens, at + 2);
                }
            }
            "impl" | "for" => self.generics(tokens, at + 1),
            _ => {}
        }
    }

    /// Notes the parameters of `<T: Bound, const N: usize>`, if that stands at `at`.
    fn generics(&mut self, tokens: &[TokenTree], at: usize) {
        if !is(tokens, at, '<') {
            return;
        }
        let mut depth = 0_usize;
        for here in at..tokens.len() {
            if is(tokens, here, '<') {
                depth += 1;
            } else if is(tokens, here, '>') && !is(tokens, here - 1, '-') {
                depth -= 1;
            }
            if depth == 0 {
                return;
            }
            let starts = depth == 1 && (is(tokens, here, '<') || is(tokens, here, ','));
            if starts && let Some(name) = ident(tokens, here + 1) {
                let name = if name == "const" { ident(tokens, here + 2) } else { Some(name) };
                self.declared.extend(name);
            }
        }
    }
}
