//! `#[aggregate]`: a stage over all records.
//!
//! It has the options, the checks and the expansion of a stage; [`Kind::Aggregate`] marks the few
//! places that differ: the handle it is called with, inputs of the form `Across<..>`, and no
//! `params`.

use proc_macro2::TokenStream;

use crate::stage::{self, model::Kind};

/// Expands `#[aggregate(attr)] item`; the errors belong behind the tokens.
pub fn expand(attr: TokenStream, item: TokenStream) -> (TokenStream, Vec<syn::Error>) {
    stage::expand_as(Kind::Aggregate, attr, item)
}
