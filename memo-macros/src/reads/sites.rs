//! Places where `params`, or a field of it, is handed to code that may be followed.

use proc_macro2::{Delimiter, Group, LineColumn, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use super::{FieldPath, Walk, field_path, is};
use crate::tokens::{DEEPEST, Lexed};

/// A place where something is handed on.
#[derive(Clone)]
pub struct Site {
    /// What is handed on: params, or a field.
    pub at: FieldPath,
    pub to: Through,
    /// The place of the name.
    pub span: Span,
    /// The place of the call, which tells it from the others of a body.
    pub call: LineColumn,
}

/// The code that gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// A function by its path, and the place of the argument.
    Call(Vec<String>, usize),
    /// A method of it.
    Method(String),
}

/// Words before parentheses that are no function.
const NO_FUNCTION: &[&str] = &[
    "as", "async", "await", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move",
    "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "type", "union",
    "unsafe", "use", "where", "while", "yield",
];

impl Walk<'_> {
    /// Reads the arguments of a call; nothing if the group at `at` is none that hands params on.
    pub(super) fn call(&mut self, tokens: &[TokenTree], at: usize, group: &Group) -> Option<()> {
        if group.delimiter() != Delimiter::Parenthesis {
            return None;
        }
        let path = called_path(&tokens[..at])?;
        let lexed = Lexed::of_stream(group.stream());
        if !self.are_mentions(lexed.tokens()) || lexed.tokens().depth() > DEEPEST {
            return None;
        }
        let call = at.checked_sub(1).map(|name| tokens[name].span().start())?;
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(group.stream());
        for (at, argument) in arguments.ok()?.iter().enumerate() {
            let argument = argument.to_token_stream();
            match self.handed(&argument) {
                Some((field, span)) => {
                    let to = Through::Call(path.clone(), at);
                    self.sites.push(Site { at: field, to, span, call });
                }
                None => self.stream(argument),
            }
        }
        Some(())
    }

    /// Returns the method `name` of `.name(..)` at `at`.
    pub(super) fn method(tokens: &[TokenTree], at: usize) -> Option<String> {
        match (tokens.get(at)?, tokens.get(at + 1)?, tokens.get(at + 2)?) {
            (dot, TokenTree::Ident(name), TokenTree::Group(group))
                if is(dot, '.') && group.delimiter() == Delimiter::Parenthesis =>
            {
                Some(name.unraw().to_string()).filter(|name| name != "await")
            }
            _ => None,
        }
    }

    /// What an argument hands on, if it is `params`, `&params` or `&params.a.b`.
    fn handed(&self, argument: &TokenStream) -> Option<(FieldPath, Span)> {
        let tokens: Vec<TokenTree> = argument.clone().into_iter().collect();
        let start = usize::from(tokens.first().is_some_and(|first| is(first, '&')));
        let TokenTree::Ident(name) = tokens.get(start)? else { return None };
        let (field, end) = field_path(&tokens, start + 1);
        let is_lent = start == 1 || field.0.is_empty();
        (name.unraw() == self.name && end == tokens.len() && is_lent).then(|| (field, name.span()))
    }
}

/// Reads `a::b::f` backwards from the end of `before`.
fn called_path(before: &[TokenTree]) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut end = before.len();
    loop {
        let TokenTree::Ident(name) = before.get(end.checked_sub(1)?)? else { return None };
        path.insert(0, name.unraw().to_string());
        end -= 1;
        let is_joined = end > 1 && is(&before[end - 1], ':') && is(&before[end - 2], ':');
        if !is_joined {
            break;
        }
        end -= 2;
    }
    if path.last().is_some_and(|last| NO_FUNCTION.contains(&last.as_str())) {
        return None;
    }
    match end.checked_sub(1).map(|last| &before[last]) {
        Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '.' | '\'' | '$' | ':') => None,
        Some(TokenTree::Ident(word)) if ["fn", "struct", "enum"].iter().any(|w| word == w) => None,
        _ => Some(path),
    }
}
