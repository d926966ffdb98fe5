//! Files that `include_str!` and its relatives name.

use proc_macro2::{TokenStream, TokenTree};

/// A file as the macro names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Include {
    /// Whether its content is code.
    pub is_code: bool,
    /// The parts of the path; empty where it is no literal.
    pub parts: Vec<Part>,
}

/// A part of a path that `concat!` puts together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Text(String),
    /// `env!("OUT_DIR")`.
    Variable(String),
}

impl Include {
    /// Reads the arguments of the macro.
    pub fn of(is_code: bool, tokens: TokenStream) -> Self {
        Self { is_code, parts: parts(tokens).unwrap_or_default() }
    }

    /// Returns the path as people read it.
    pub fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(name) => name.clone(),
        });
        parts.collect()
    }
}

fn parts(tokens: TokenStream) -> Option<Vec<Part>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Literal(literal), ..] => Some(vec![Part::Text(string(&literal.to_string())?)]),
        [TokenTree::Ident(name), _, TokenTree::Group(group), ..] if name == "env" => {
            Some(vec![Part::Variable(first_string(group.stream())?)])
        }
        [TokenTree::Ident(name), _, TokenTree::Group(group), ..] if name == "concat" => {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            let is_comma =
                |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
            let arguments = tokens.split(is_comma).filter(|argument| !argument.is_empty());
            let parts: Option<Vec<_>> =
                arguments.map(|argument| parts(argument.iter().cloned().collect())).collect();
            Some(parts?.concat())
        }
        _ => None,
    }
}

/// Returns the value of a string literal that leads `tokens`.
pub fn first_string(tokens: TokenStream) -> Option<String> {
    match tokens.into_iter().next()? {
        TokenTree::Literal(literal) => string(&literal.to_string()),
        _ => None,
    }
}

fn string(literal: &str) -> Option<String> {
    syn::parse_str::<syn::LitStr>(literal).ok().map(|literal| literal.value())
}
