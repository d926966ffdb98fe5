//! `#[stage]`: parse -> check -> expand.
//!
//! The function is read first, then the options, then both are checked against each other. Every
//! step reports all it finds. With mistakes the function is still emitted, with its right signature
//! as far as that is known, so that one mistake is one error and not one more for each call of the
//! stage.

/// Quotes tokens whose local variables are invisible to the user's tokens, and the user's to them.
macro_rules! hygienic {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

mod check;
mod expand;
pub mod model;
mod options;
mod signature;
#[cfg(test)]
mod tests;
mod types;

use proc_macro2::TokenStream;

use crate::diagnostics::Diagnostics;
use model::Kind;
use signature::Function;

/// Expands `#[stage(attr)] item`; the errors belong behind the tokens.
pub fn expand(attr: TokenStream, item: TokenStream) -> (TokenStream, Vec<syn::Error>) {
    expand_as(Kind::Stage, attr, item)
}

/// Expands either of the two attributes.
pub fn expand_as(
    kind: Kind,
    attr: TokenStream,
    item: TokenStream,
) -> (TokenStream, Vec<syn::Error>) {
    let mut diagnostics = Diagnostics::new();
    let options = options::parse(attr, &mut diagnostics);
    let function = match Function::parse(kind, item.clone()) {
        Ok(function) => function,
        Err(error) => {
            diagnostics.push(error);
            return (item, diagnostics.into_errors());
        }
    };
    let stage = check::check(kind, &function, &options, &mut diagnostics);
    let expansion = if diagnostics.is_empty() {
        expand::expand(&function, &stage)
    } else {
        expand::outline(&function, &stage)
    };
    (expansion, diagnostics.into_errors())
}
