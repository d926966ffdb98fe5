//! The attributes of `memo-runtime`, which re-exports and documents them.

mod aggregate;
mod diagnostics;
mod fingerprint;
mod reach;
mod reads;
mod stage;
mod tokens;

use proc_macro2::TokenStream;

// The docs of both attributes are on their re-exports in `memo-runtime`, where the examples
// compile.
#[expect(missing_docs, reason = "documented on the re-export in `memo-runtime`")]
#[proc_macro_attribute]
pub fn stage(
    attr: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    with_errors(stage::expand(attr.into(), item.into()))
}

#[expect(missing_docs, reason = "documented on the re-export in `memo-runtime`")]
#[proc_macro_attribute]
pub fn aggregate(
    attr: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    with_errors(aggregate::expand(attr.into(), item.into()))
}

/// Appends the errors to the expansion, so that all of them are reported.
fn with_errors((mut expansion, errors): (TokenStream, Vec<syn::Error>)) -> proc_macro::TokenStream {
    expansion.extend(errors.iter().map(syn::Error::to_compile_error));
    expansion.into()
}
