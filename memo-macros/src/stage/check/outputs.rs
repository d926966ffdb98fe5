//! The returned values, their names and their cachers.

use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Expr, Ident, Signature, Type};

use crate::diagnostics::Diagnostics;
use crate::stage::model::{Cacher, Output};
use crate::stage::options::{NamedOutput, Options};
use crate::stage::signature::Returned;
use crate::stage::types::{borrows, impl_trait, is_named, is_shards, peel, with_static};

/// Gives each returned value its name and cacher.
pub fn check(
    options: &Options,
    sig: &Signature,
    returned: &Returned,
    diagnostics: &mut Diagnostics,
) -> Vec<Output> {
    let named =
        options.outputs.as_ref().map(|outputs| outputs.value.as_slice()).unwrap_or_default();
    refuse_twice(named, diagnostics);
    refuse_lazy_uncached(options, named, diagnostics);
    let mut types = types(options, named, sig, returned, diagnostics);
    for ty in &mut types {
        refuse_type(ty, diagnostics);
    }
    let cachers = cachers(options, named, !types.is_empty(), diagnostics);
    let outputs = types.into_iter().enumerate().map(|(at, ty)| {
        let lazy = named.get(at).is_some_and(|output| output.lazy.is_some());
        let cacher = match cachers.get(at).or(cachers.first().filter(|_| cachers.len() == 1)) {
            Some(cacher) => Cacher::Given(Box::new(cacher.clone())),
            None if lazy => Cacher::Default,
            None => Cacher::Memory,
        };
        let name = named.get(at).map(|output| output.name.unraw().to_string()).unwrap_or_default();
        Output { name, lazy, ty, cacher }
    });
    outputs.collect()
}

/// Returns the returned type if it may be another name of `Result`, which only rustc can tell.
pub fn possible_alias(returned: &Returned) -> Option<Type> {
    let value = returned.value.as_ref().filter(|_| !returned.fallible)?;
    matches!(peel(value), Type::Path(_)).then(|| value.clone())
}

/// Returns the type of each output; where names and values differ in number, those of the values.
fn types(
    options: &Options,
    named: &[NamedOutput],
    sig: &Signature,
    returned: &Returned,
    diagnostics: &mut Diagnostics,
) -> Vec<Type> {
    let Some(value) = &returned.value else {
        if let Some(first) = named.first() {
            let first = &first.name;
            diagnostics.under(
                names(named),
                format!(
                    "the function returns nothing; return the value of `{first}`, or remove \
                     `outputs`"
                ),
            );
        }
        return Vec::new();
    };
    match (named, peel(value)) {
        (_, Type::Tuple(tuple)) if options.is_broken("outputs") => {
            tuple.elems.iter().cloned().collect()
        }
        (_, value) if options.is_broken("outputs") => vec![value.clone()],
        ([], value) => {
            diagnostics.under(&sig.output, "the returned value has no name; add `outputs = [..]`");
            vec![value.clone()]
        }
        ([_], value) => vec![value.clone()],
        (_, Type::Tuple(tuple)) => {
            if tuple.elems.len() != named.len() {
                let (count, values) = (named.len(), tuple.elems.len());
                diagnostics.under(
                    names(named),
                    format!(
                        "`outputs` has {count} names for {values} returned values; give each \
                         value one name"
                    ),
                );
            }
            tuple.elems.iter().cloned().collect()
        }
        (_, value) => {
            let count = named.len();
            diagnostics.under(
                names(named),
                format!(
                    "`outputs` has {count} names, but the returned type is no tuple; write a \
                     tuple of {count} values out, or keep one name"
                ),
            );
            vec![value.clone()]
        }
    }
}

/// The tokens from the first name to the last, to underline them all.
fn names(named: &[NamedOutput]) -> impl ToTokens {
    named.iter().map(|output| output.name.to_token_stream()).collect::<proc_macro2::TokenStream>()
}

/// Reports a type that no output can have; a stand-in takes the place of one that would be an error in
/// the signature of a call too.
fn refuse_type(ty: &mut Type, diagnostics: &mut Diagnostics) {
    if let Some(span) = borrows(ty) {
        diagnostics.at(span, "an output is kept and cannot borrow; return an owned value");
        *ty = Type::Verbatim(with_static(ty.to_token_stream()));
    }
    // Reported together with the returned type.
    if impl_trait(ty).is_some() {
        *ty = Type::Verbatim(quote!(()));
    }
    if is_shards(ty) {
        diagnostics.under(&*ty, "return a value; `each = [page in pages]` makes shards of values");
    }
    if is_named(ty, "Lazy") {
        diagnostics
            .under(ty, "return the value itself; `outputs = [Lazy(name)]` makes a handle of it");
    }
}

fn refuse_twice(named: &[NamedOutput], diagnostics: &mut Diagnostics) {
    let mut seen: Vec<Ident> = Vec::new();
    for NamedOutput { name, .. } in named {
        if seen.contains(&name.unraw()) {
            diagnostics.under(
                name,
                format!("the output `{name}` is named twice; give each value its own name"),
            );
        }
        seen.push(name.unraw());
    }
}

fn refuse_lazy_uncached(options: &Options, named: &[NamedOutput], diagnostics: &mut Diagnostics) {
    if options.cache.as_ref().is_none_or(|cache| cache.value.value) {
        return;
    }
    for NamedOutput { name, lazy } in named {
        if let Some(span) = lazy {
            diagnostics.at(
                *span,
                format!(
                    "`Lazy({name})` lives in the store, and `cache = false` keeps nothing there; \
                     remove one of the two"
                ),
            );
        }
    }
}

/// Returns the cachers: none, one for all, or one per output.
fn cachers(
    options: &Options,
    named: &[NamedOutput],
    returns_values: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<Expr> {
    let Some(cachers) = &options.cachers else { return Vec::new() };
    let (given, outputs) = (cachers.value.len(), named.len());
    if options.is_broken("outputs") || options.is_broken("cachers") {
        // What is missing may be in what was not understood.
    } else if outputs == 0 && returns_values {
        // The values without names are reported already.
    } else if outputs == 0 {
        diagnostics.under(
            &cachers.option,
            "`cachers` write outputs, and there are none; remove it, or add `outputs = [..]`",
        );
    } else if given != 1 && given != outputs {
        let sentence =
            format!("give one cacher per output, or one for all; here are {given} for {outputs}");
        match cachers.value.as_slice() {
            [] => diagnostics.under(&cachers.option, sentence),
            all => diagnostics.under(
                all.iter().map(ToTokens::to_token_stream).collect::<proc_macro2::TokenStream>(),
                sentence,
            ),
        }
    }
    cachers.value.clone()
}
