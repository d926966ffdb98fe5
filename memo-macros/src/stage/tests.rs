//! Tests of the whole macro, on tokens.

mod expansions;
mod refusals;

use proc_macro2::TokenStream;

use super::model::Kind;

/// Expands an attribute on an item; both are source text.
fn expand(kind: Kind, attr: &str, item: &str) -> (TokenStream, Vec<String>) {
    let tokens = |text: &str| text.parse::<TokenStream>().expect(text);
    let (expansion, errors) = super::expand_as(kind, tokens(attr), tokens(item));
    (expansion, errors.iter().map(ToString::to_string).collect())
}

/// Formats tokens, which must be items.
fn pretty(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    prettyplease::unparse(&syn::parse2(tokens).unwrap_or_else(|error| panic!("{error}: {text}")))
}
