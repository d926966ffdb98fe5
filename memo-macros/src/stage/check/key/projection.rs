//! `key = f`: the value that enters the key in place of params and call arguments.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Expr, ExprClosure, Ident, Pat, Type};

use super::Scope;
use crate::diagnostics::Diagnostics;
use crate::stage::model::{Part, Source};
use crate::stage::types::reference;

/// Returns the component of a key function, and what it stands for.
///
/// `f` takes params, or all call arguments where there are none; `f(params, top_k)` and
/// `|params, top_k| ..` take what they name.
pub fn projection(
    key: &Expr,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> (Option<Part>, Vec<Source>) {
    let named: Option<Vec<&Ident>> = match key {
        Expr::Path(_) => Some(Vec::new()),
        Expr::Call(call) => call.args.iter().map(plain_name).collect(),
        Expr::Closure(closure) => closure.inputs.iter().map(pattern_name).collect(),
        _ => None,
    };
    let Some(named) = named else {
        diagnostics
            .under(key, "write `key = f`, `key = f(params, top_k)` or `key = |params, top_k| ..`");
        return (None, Vec::new());
    };
    let takes = match key {
        Expr::Path(_) => everything(scope),
        _ => sources(&named, scope, diagnostics),
    };
    if takes.is_empty() && named.is_empty() {
        diagnostics.under(
            key,
            "`key` takes nothing here; name `params` or a call argument, as in `key = f(top_k)`",
        );
    }
    let function = match key {
        Expr::Call(call) => call.func.to_token_stream(),
        Expr::Closure(closure) => typed(closure, &takes, scope),
        path => path.to_token_stream(),
    };
    (Some(Part::Projection { function, takes: takes.clone() }), takes)
}

/// A function by its name takes params, or all call arguments where there are none.
fn everything(scope: &Scope) -> Vec<Source> {
    match scope.params {
        Some(_) => vec![Source::Params],
        None => (0..scope.arguments.len()).map(Source::Argument).collect(),
    }
}

fn sources(names: &[&Ident], scope: &Scope, diagnostics: &mut Diagnostics) -> Vec<Source> {
    let mut takes = Vec::new();
    for name in names {
        match scope.find(&name.unraw()) {
            Some(source) => takes.push(source),
            None => scope.refuse_name(name, diagnostics),
        }
    }
    takes
}

fn plain_name(argument: &Expr) -> Option<&Ident> {
    match argument {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

fn pattern_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.subpat.is_none() => Some(&pattern.ident),
        Pat::Type(typed) => pattern_name(&typed.pat),
        _ => None,
    }
}

/// Writes the types of a closure's parameters out: rustc reads its body before it sees what it is
/// called with.
fn typed(closure: &ExprClosure, takes: &[Source], scope: &Scope) -> TokenStream {
    let inputs = closure.inputs.iter().zip(takes).map(|(pattern, source)| {
        let ty = taken_type(*source, scope).filter(|_| !matches!(pattern, Pat::Type(_)));
        match ty {
            Some(ty) => quote!(#pattern: #ty),
            None => pattern.to_token_stream(),
        }
    });
    let (output, body): (_, &Expr) = (&closure.output, &closure.body);
    quote!((|#(#inputs),*| #output #body))
}

/// The type under which a key function takes something: always a reference.
fn taken_type(source: Source, scope: &Scope) -> Option<TokenStream> {
    let lent: &Type = match source {
        Source::Params => &reference(&scope.params?.ty)?.elem,
        Source::Argument(at) => {
            scope.arguments[at].lent.as_ref().unwrap_or(&scope.arguments[at].ty)
        }
    };
    Some(quote!(&#lent))
}
