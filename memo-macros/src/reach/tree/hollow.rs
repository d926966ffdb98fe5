//! Parses a file without the bodies of its functions, which nothing here looks into as syntax:
//! their tokens are put back unparsed. Most of a file is bodies, and macros run unoptimised.

use std::collections::VecDeque;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{Block, Expr, File, ImplItem, Item, Stmt, TraitItem, TraitItemFn};

use crate::reach::scan::{ident, is};

/// Parses the text of a file; all of it at once where its functions are no plain ones.
pub fn parse(text: &str) -> syn::Result<File> {
    match without_bodies(text) {
        Some(file) => Ok(file),
        None => syn::parse_file(text),
    }
}

fn without_bodies(text: &str) -> Option<File> {
    // A first line for a shell, which syn knows about.
    if text.starts_with("#!") && !text.starts_with("#![") {
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut bodies = VecDeque::new();
    let hollow = items(text.parse().ok()?, &mut bodies);
    let mut file = syn::parse2::<File>(hollow).ok()?;
    refill(&mut file.items, &mut bodies)?;
    bodies.is_empty().then_some(file)
}

/// Parses the body of a function of such a file.
pub fn parse_body(block: &mut Block) -> Option<()> {
    if let [Stmt::Expr(Expr::Verbatim(body), None)] = block.stmts.as_slice() {
        block.stmts = Block::parse_within.parse2(body.clone()).ok()?;
    }
    Some(())
}

/// Empties the bodies of the functions in a list of items, also of those in modules, `impl`s and
/// traits.
fn items(tokens: TokenStream, bodies: &mut VecDeque<TokenStream>) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut kept: Vec<TokenTree> = Vec::with_capacity(tokens.len());
    let mut open = Open::Other;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let is_argument = is(&tokens, at + 1, '>') || is(&tokens, at + 1, ',');
                let inner = match open {
                    _ if is_argument => None,
                    Open::Function => {
                        bodies.push_back(group.stream());
                        Some(TokenStream::new())
                    }
                    Open::Items => Some(items(group.stream(), bodies)),
                    Open::Other => None,
                };
                kept.push(inner.map_or_else(|| token.clone(), |inner| with(group, inner)));
                if !is_argument {
                    open = Open::Other;
                }
                continue;
            }
            TokenTree::Ident(word) => open = open.after(word, &tokens, at),
            TokenTree::Punct(punct) if punct.as_char() == ';' => open = Open::Other,
            _ => {}
        }
        kept.push(token.clone());
    }
    kept.into_iter().collect()
}

/// What the next braces are.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    Function,
    Items,
    Other,
}

impl Open {
    fn after(self, word: &proc_macro2::Ident, tokens: &[TokenTree], at: usize) -> Self {
        if word == "fn" && ident(tokens, at + 1).is_some() {
            Self::Function
        } else if self == Self::Other
            && (word == "impl" || word == "trait" || word == "mod")
            && !is(tokens, at + 1, '!')
        {
            Self::Items
        } else {
            self
        }
    }
}

fn with(group: &Group, inner: TokenStream) -> TokenTree {
    let mut filled = Group::new(group.delimiter(), inner);
    filled.set_span(group.span());
    TokenTree::Group(filled)
}

/// Puts bodies back, in their order; nothing if there is not one for each function.
fn refill(items: &mut [Item], bodies: &mut VecDeque<TokenStream>) -> Option<()> {
    for item in items {
        match item {
            Item::Fn(item) => fill(&mut item.block, bodies)?,
            Item::Mod(item) => {
                if let Some((_, items)) = &mut item.content {
                    refill(items, bodies)?;
                }
            }
            Item::Impl(item) => {
                for member in &mut item.items {
                    if let ImplItem::Fn(function) = member {
                        fill(&mut function.block, bodies)?;
                    }
                }
            }
            Item::Trait(item) => {
                for member in &mut item.items {
                    if let TraitItem::Fn(TraitItemFn { default: Some(block), .. }) = member {
                        fill(block, bodies)?;
                    }
                }
            }
            _ => {}
        }
    }
    Some(())
}

fn fill(block: &mut Block, bodies: &mut VecDeque<TokenStream>) -> Option<()> {
    let body = bodies.pop_front().filter(|_| block.stmts.is_empty())?;
    block.stmts.push(Stmt::Expr(Expr::Verbatim(body), None));
    Some(())
}
