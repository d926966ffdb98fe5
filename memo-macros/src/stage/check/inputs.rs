//! The parameters that the record's state fills.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Type, TypeReference};

use super::arrays;
use super::parameters::{Reserved, refuse_unstorable};
use crate::diagnostics::{Diagnostics, did_you_mean, nearest};
use crate::stage::model::{Input, InputForm, Kind};
use crate::stage::options::Options;
use crate::stage::signature::Parameter;
use crate::stage::types::{
    argument_of, arguments_of, borrows, is_named, is_shards, is_static, owned, reference,
    unreferenced,
};

/// A name in `inputs` or `each`.
struct Named<'a> {
    state: &'a Ident,
    parameter: &'a Ident,
    is_element: bool,
    /// Whether it was reported already how it is written.
    is_guess: bool,
}

impl Named<'_> {
    fn is_for(&self, parameter: &Ident) -> bool {
        self.parameter.unraw() == parameter.unraw()
    }

    /// Returns what it names, and the option that it stands in.
    fn words(&self) -> (&'static str, &'static str) {
        if self.is_element { ("element", "each") } else { ("input", "inputs") }
    }

    fn refuse(&self, sentence: String, diagnostics: &mut Diagnostics) {
        if !self.is_guess {
            diagnostics.under(self.parameter, sentence);
        }
    }
}

/// A parameter that `inputs` or `each` names.
pub struct Claim<'a> {
    /// The place of the parameter in the signature.
    pub at: usize,
    pub parameter: &'a Parameter,
    /// Its name in the state.
    pub state: &'a Ident,
    /// Whether it takes one element of what is there.
    pub is_element: bool,
}

/// Returns all names, in the order in which inputs are numbered.
fn named(options: &Options) -> Vec<Named<'_>> {
    let inputs = options.inputs.iter().flat_map(|inputs| &inputs.value).map(|input| Named {
        state: &input.state,
        parameter: &input.parameter,
        is_element: false,
        is_guess: false,
    });
    let elements = options.each.iter().flat_map(|each| &each.value).map(|element| Named {
        state: &element.array,
        parameter: &element.parameter,
        is_element: true,
        is_guess: element.is_guess,
    });
    inputs.chain(elements).collect()
}

/// Finds the parameter of each of `inputs` and `each`. For a misspelt one the nearest is taken after the
/// complaint, so that calls of the stage keep their number of arguments.
pub fn claims<'a>(
    written: &'a [Parameter],
    options: &'a Options,
    reserved: Reserved,
    diagnostics: &mut Diagnostics,
) -> Vec<Claim<'a>> {
    let all = named(options);
    let mut claims: Vec<Claim> = Vec::new();
    for named in &all {
        let (parameter, (what, option)) = (named.parameter, named.words());
        let at = match written.iter().position(|candidate| named.is_for(&candidate.name)) {
            Some(at) if reserved.holds(&written[at]) => {
                let mend = format!("remove it from `{option}`");
                named.refuse(format!("`{parameter}` is never an {what}; {mend}"), diagnostics);
                continue;
            }
            Some(_) if !named.is_element && is_element(&all, parameter) => {
                let sentence = "is an element of an array, as `each` says; remove it from `inputs`";
                named.refuse(format!("`{parameter}` {sentence}"), diagnostics);
                continue;
            }
            Some(at) if claims.iter().any(|claim| claim.at == at) => {
                let sentence = "is named twice; remove it once";
                named.refuse(format!("the parameter `{parameter}` {sentence}"), diagnostics);
                continue;
            }
            Some(at) => at,
            None => match misspelt(written, named, &claims, &all, reserved, diagnostics) {
                Some(at) => at,
                None => continue,
            },
        };
        let (parameter, is_element) = (&written[at], named.is_element);
        claims.push(Claim { at, parameter, state: named.state, is_element });
    }
    claims
}

fn is_element(all: &[Named], parameter: &Ident) -> bool {
    all.iter().any(|named| named.is_element && named.is_for(parameter))
}

/// Reports a name that the signature lacks; returns the parameter that was probably meant.
fn misspelt(
    written: &[Parameter],
    named: &Named,
    claims: &[Claim],
    all: &[Named],
    reserved: Reserved,
    diagnostics: &mut Diagnostics,
) -> Option<usize> {
    let is_free = |name: &Ident| {
        let is_claimed = claims.iter().any(|claim| claim.parameter.name.unraw() == name.unraw());
        !is_claimed && !all.iter().any(|other| other.is_for(name))
    };
    let free: Vec<(usize, String)> = written
        .iter()
        .enumerate()
        .filter(|(_, candidate)| !reserved.holds(candidate) && is_free(&candidate.name))
        .map(|(at, candidate)| (at, candidate.name.unraw().to_string()))
        .collect();
    let wrong = named.parameter.unraw().to_string();
    let candidates = || free.iter().map(|(_, name)| name.as_str());
    let otherwise = format!("; add it, or remove the {}", named.words().0);
    let mend = did_you_mean(&wrong, candidates(), &otherwise);
    named.refuse(format!("the function has no parameter `{wrong}`{mend}"), diagnostics);
    let meant = nearest(&wrong, candidates())?;
    free.iter().find(|(_, name)| name == meant).map(|(at, _)| *at)
}

/// Decides by its type how an input is taken.
pub fn input(kind: Kind, claim: &Claim, rt: &TokenStream, diagnostics: &mut Diagnostics) -> Input {
    let (name, ty) = (&claim.parameter.name, &claim.parameter.ty);
    let (value, form) = if claim.is_element {
        arrays::element(claim, rt, diagnostics)
    } else if let Some(shards) = shards(name, ty, diagnostics) {
        shards
    } else if let Some(across) = arguments_of(ty, "Across") {
        across_form(kind, claim, &across, diagnostics)
    } else if let Some(inner) = argument_of(ty, "Option") {
        optional_form(name, ty, inner, rt, diagnostics)
    } else if let Some(inner) = argument_of(ty, "Lazy") {
        refuse_borrowing(name, inner, "input", diagnostics);
        (inner.to_token_stream(), InputForm::Lazy)
    } else if let Some(reference) = reference(ty) {
        refuse_references(name, reference, "input", diagnostics);
        (owned(&reference.elem, rt), InputForm::Lent)
    } else {
        refuse_borrowing(name, ty, "input", diagnostics);
        (ty.to_token_stream(), InputForm::Cloned)
    };
    Input { state: claim.state.unraw().to_string(), parameter: name.clone(), value, form }
}

/// Takes all that an array stage gives; reports where that cannot be had.
fn shards(
    name: &Ident,
    ty: &Type,
    diagnostics: &mut Diagnostics,
) -> Option<(TokenStream, InputForm)> {
    let inside = |outer: &str| argument_of(ty, outer).map(unreferenced);
    let refused = [
        (inside("Option"), "shards cannot be absent yet; write `&Shards<T>`"),
        (inside("Lazy"), "shards are read one by one, when they are asked for; write `Shards<T>`"),
    ];
    for (inner, sentence) in refused {
        if let Some(inner) = inner.filter(|inner| is_shards(inner)) {
            diagnostics.under(ty, sentence);
            return Some((inner.to_token_stream(), InputForm::Cloned));
        }
    }
    let value = argument_of(unreferenced(ty), "Shards")?;
    let form = if let Some(reference) = reference(ty) {
        refuse_references(name, reference, "input", diagnostics);
        InputForm::ShardsLent
    } else {
        refuse_borrowing(name, value, "input", diagnostics);
        InputForm::Shards
    };
    Some((value.to_token_stream(), form))
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
        refuse_borrowing(&claim.parameter.name, part, "input", diagnostics);
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
        refuse_borrowing(name, lazy, "input", diagnostics);
        return (lazy.to_token_stream(), InputForm::OptionalLazy);
    }
    if let Some(reference) = reference(inner) {
        refuse_references(name, reference, "input", diagnostics);
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

/// Reports a reference that no value of the state can be lent as; `what` is the parameter's role.
pub fn refuse_references(
    name: &Ident,
    reference: &TypeReference,
    what: &str,
    diagnostics: &mut Diagnostics,
) {
    refuse_unstorable(&name.to_string(), reference, what, diagnostics);
    if let Some(lifetime) = reference.lifetime.as_ref().filter(|_| is_static(reference)) {
        diagnostics.under(
            lifetime,
            format!("the {what} `{name}` is lent for the call only; remove the `'static`"),
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

/// Reports a type that no value of the state can have; `what` is the parameter's role.
pub fn refuse_borrowing(name: &Ident, ty: &Type, what: &str, diagnostics: &mut Diagnostics) {
    if let Some(span) = borrows(ty) {
        diagnostics.at(
            span,
            format!(
                "the {what} `{name}` is a value of the state and cannot borrow; own what it holds"
            ),
        );
    }
}
