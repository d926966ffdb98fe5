//! The parameters that the record's state fills.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::Type;
use syn::ext::IdentExt;

use super::parameters::{is_reserved, refuse_unstorable};
use crate::diagnostics::{Diagnostics, did_you_mean, nearest};
use crate::stage::model::{Input, InputForm, Kind};
use crate::stage::options::{NamedInput, Options};
use crate::stage::signature::Parameter;
use crate::stage::types::{
    argument_of, arguments_of, borrows, is_named, is_static, owned, reference,
};

/// A parameter that `inputs` names.
pub struct Claim<'a> {
    /// The place of the parameter in the signature.
    pub at: usize,
    pub parameter: &'a Parameter,
    /// Its name in the state.
    pub state: &'a Ident,
}

/// Finds the parameter of each of `inputs`. For a misspelt one the nearest is taken after the
/// complaint, so that calls of the stage keep their number of arguments.
pub fn claims<'a>(
    written: &'a [Parameter],
    options: &'a Options,
    diagnostics: &mut Diagnostics,
) -> Vec<Claim<'a>> {
    let named = options.inputs.as_ref().map(|inputs| inputs.value.as_slice()).unwrap_or_default();
    let mut claims: Vec<Claim> = Vec::new();
    for NamedInput { state, parameter } in named {
        let found =
            written.iter().position(|candidate| candidate.name.unraw() == parameter.unraw());
        let at = match found {
            Some(at) if is_reserved(&written[at]) => {
                diagnostics.under(
                    parameter,
                    format!("`{parameter}` is never an input; remove it from `inputs`"),
                );
                continue;
            }
            Some(at) if claims.iter().any(|claim| claim.at == at) => {
                diagnostics.under(
                    parameter,
                    format!("the parameter `{parameter}` is named twice; remove it once"),
                );
                continue;
            }
            Some(at) => at,
            None => match misspelt(written, parameter, &claims, named, diagnostics) {
                Some(at) => at,
                None => continue,
            },
        };
        claims.push(Claim { at, parameter: &written[at], state });
    }
    claims
}

/// Reports a name that the signature lacks; returns the parameter that was probably meant.
fn misspelt(
    written: &[Parameter],
    parameter: &Ident,
    claims: &[Claim],
    named: &[NamedInput],
    diagnostics: &mut Diagnostics,
) -> Option<usize> {
    let is_free = |name: &str| {
        let is_claimed = claims.iter().any(|claim| claim.parameter.name.unraw() == name);
        !is_claimed && !named.iter().any(|other| other.parameter.unraw() == name)
    };
    let free: Vec<(usize, String)> = written
        .iter()
        .enumerate()
        .filter(|(_, candidate)| !is_reserved(candidate))
        .map(|(at, candidate)| (at, candidate.name.unraw().to_string()))
        .filter(|(_, name)| is_free(name))
        .collect();
    let wrong = parameter.unraw().to_string();
    let candidates = || free.iter().map(|(_, name)| name.as_str());
    let mend = did_you_mean(&wrong, candidates(), "; add it, or remove the input");
    diagnostics.under(parameter, format!("the function has no parameter `{wrong}`{mend}"));
    let meant = nearest(&wrong, candidates())?;
    free.iter().find(|(_, name)| name == meant).map(|(at, _)| *at)
}

/// Decides by its type how an input is taken.
pub fn input(kind: Kind, claim: &Claim, rt: &TokenStream, diagnostics: &mut Diagnostics) -> Input {
    let (name, ty) = (&claim.parameter.name, &claim.parameter.ty);
    let (value, form) = if let Some(across) = arguments_of(ty, "Across") {
        across_form(kind, claim, &across, diagnostics)
    } else if let Some(inner) = argument_of(ty, "Option") {
        optional_form(name, ty, inner, rt, diagnostics)
    } else if let Some(inner) = argument_of(ty, "Lazy") {
        refuse_borrowing(name, inner, diagnostics);
        (inner.to_token_stream(), InputForm::Lazy)
    } else if let Some(reference) = reference(ty) {
        refuse_references(name, reference, diagnostics);
        (owned(&reference.elem, rt), InputForm::Lent)
    } else {
        refuse_borrowing(name, ty, diagnostics);
        (ty.to_token_stream(), InputForm::Cloned)
    };
    Input { state: claim.state.unraw().to_string(), parameter: name.clone(), value, form }
}

fn across_form(
    kind: Kind,
    claim: &Claim,
    types: &[&Type],
    diagnostics: &mut Diagnostics,
) -> (TokenStream, InputForm) {
    let ty = &claim.parameter.ty;
    if kind == Kind::Stage {
        diagnostics.under(ty, "a stage sees one record; `Across<..>` belongs to `#[aggregate]`");
    }
    let Some(value) = types.first() else {
        diagnostics.under(ty, "write what lies across the records, as in `Across<Score>`");
        return (quote!(()), InputForm::Across(None));
    };
    for part in types {
        refuse_borrowing(&claim.parameter.name, part, diagnostics);
    }
    let params = types.get(1).map(ToTokens::to_token_stream);
    match argument_of(value, "Option") {
        Some(inner) => (inner.to_token_stream(), InputForm::AcrossOptional(params)),
        None => (value.to_token_stream(), InputForm::Across(params)),
    }
}

fn optional_form(
    name: &Ident,
    ty: &Type,
    inner: &Type,
    rt: &TokenStream,
    diagnostics: &mut Diagnostics,
) -> (TokenStream, InputForm) {
    if let Some(lazy) = argument_of(inner, "Lazy") {
        refuse_borrowing(name, lazy, diagnostics);
        return (lazy.to_token_stream(), InputForm::OptionalLazy);
    }
    if let Some(reference) = reference(inner) {
        refuse_references(name, reference, diagnostics);
        let lent = reference.elem.clone();
        return (owned(&lent, rt), InputForm::OptionalLent(lent));
    }
    diagnostics.under(
        ty,
        format!(
            "write `Option<&T>` if the input `{name}` may be absent, or `&Option<T>` if its \
             value is an `Option`"
        ),
    );
    (inner.to_token_stream(), InputForm::OptionalLent(Box::new(inner.clone())))
}

fn refuse_references(name: &Ident, reference: &syn::TypeReference, diagnostics: &mut Diagnostics) {
    refuse_unstorable(&name.to_string(), reference, "input", diagnostics);
    if let Some(lifetime) = reference.lifetime.as_ref().filter(|_| is_static(reference)) {
        diagnostics.under(
            lifetime,
            format!("the input `{name}` is lent for the call only; remove the `'static`"),
        );
    }
    for handle in ["Lazy", "Across"] {
        if is_named(&reference.elem, handle) {
            diagnostics.under(
                reference,
                format!("`{handle}<..>` is a handle; take it by value, without the `&`"),
            );
        }
    }
}

fn refuse_borrowing(name: &Ident, ty: &Type, diagnostics: &mut Diagnostics) {
    if let Some(span) = borrows(ty) {
        diagnostics.at(
            span,
            format!(
                "the input `{name}` is a value of the state and cannot borrow; own what it holds"
            ),
        );
    }
}
