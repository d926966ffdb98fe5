//! Files that `include_str!` and its relatives name.

use crate::tokens::{Kind, Tokens};

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
    pub fn of(is_code: bool, tokens: Tokens) -> Self {
        Self { is_code, parts: parts(tokens, 0).unwrap_or_default() }
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

/// How deep one `concat!` may lie in others.
const DEEPEST: usize = 8;

fn parts(tokens: Tokens, depth: usize) -> Option<Vec<Part>> {
    match tokens.name(0) {
        None => Some(vec![Part::Text(first_string(tokens)?)]),
        Some("env") if tokens.opens_any(2) => {
            Some(vec![Part::Variable(first_string(tokens.inside(2))?)])
        }
        Some("concat") if tokens.opens_any(2) && depth < DEEPEST => {
            let mut all = Vec::new();
            for argument in tokens.inside(2).split(b',') {
                all.extend(parts(argument, depth + 1)?);
            }
            Some(all)
        }
        _ => None,
    }
}

/// Returns the value of a string literal that leads `tokens`.
pub fn first_string(tokens: Tokens) -> Option<String> {
    let is_literal = tokens.len() > 0 && tokens.all[0].kind == Kind::Literal;
    let literal = syn::parse_str::<syn::LitStr>(is_literal.then(|| tokens.text(0))?);
    literal.ok().map(|literal| literal.value())
}
