//! What each parameter of the function stands for.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Type, TypeReference};

use super::arrays::{self, is_array};
use super::inputs::{self, Claim};
use crate::diagnostics::Diagnostics;
use crate::reads::PARAMS;
use crate::stage::model::{Argument, Input, InputForm, Kind, Role};
use crate::stage::options::Options;
use crate::stage::signature::Parameter;
use crate::stage::types::{
    arguments_of, borrows, is_named, is_shards, is_static, peel, reference, unreferenced,
};

/// The parameters, sorted by what they stand for.
pub struct Parameters {
    pub roles: Vec<Role>,
    pub provided: Option<Type>,
    pub inputs: Vec<Input>,
    pub arguments: Vec<Argument>,
}

/// Gives each parameter its role.
pub fn check(
    kind: Kind,
    written: &[Parameter],
    options: &Options,
    rt: &TokenStream,
    diagnostics: &mut Diagnostics,
) -> Parameters {
    let reserved = Reserved { index: is_array(kind, options) };
    let claims = inputs::claims(written, options, reserved, diagnostics);
    let inputs: Vec<Input> =
        claims.iter().map(|claim| inputs::input(kind, claim, rt, diagnostics)).collect();
    let mut sorted =
        Parameters { roles: Vec::new(), provided: None, inputs, arguments: Vec::new() };
    for (at, parameter) in written.iter().enumerate() {
        let role = sorted.role(kind, at, parameter, reserved, &claims, diagnostics);
        sorted.roles.push(role);
    }
    if kind == Kind::Aggregate {
        sorted.provided = across_params(&claims, &sorted.inputs, diagnostics);
    }
    sorted
}

/// The names that parameters are known by.
#[derive(Clone, Copy)]
pub struct Reserved {
    /// Whether `index` is one of them, as it is in an array stage.
    index: bool,
}

impl Reserved {
    /// Returns whether a parameter is `params`, `ctx` or `index`.
    pub fn holds(self, parameter: &Parameter) -> bool {
        let name = parameter.name.unraw();
        name == PARAMS || name == "ctx" || (self.index && name == "index")
    }
}

impl Parameters {
    fn role(
        &mut self,
        kind: Kind,
        at: usize,
        parameter: &Parameter,
        reserved: Reserved,
        claims: &[Claim],
        diagnostics: &mut Diagnostics,
    ) -> Role {
        if let Some(input) = claims.iter().position(|claim| claim.at == at) {
            return Role::Input(input);
        }
        if parameter.name.unraw() == PARAMS {
            self.provided = params(kind, parameter, diagnostics);
            return Role::Params;
        }
        if parameter.name.unraw() == "ctx" {
            context(parameter, diagnostics);
            return Role::Context;
        }
        if reserved.holds(parameter) {
            arrays::index(parameter, diagnostics);
            return Role::Index;
        }
        self.arguments.push(argument(parameter, diagnostics));
        Role::Argument(self.arguments.len() - 1)
    }
}

/// Checks `params: &P` and returns the `P`.
fn params(kind: Kind, parameter: &Parameter, diagnostics: &mut Diagnostics) -> Option<Type> {
    if kind == Kind::Aggregate {
        diagnostics.under(
            &parameter.name,
            "an aggregate sees many records and has no `params`; take `Across<T, \
             Params>` to see those of each record",
        );
        return None;
    }
    let Some(reference) = reference(&parameter.ty).filter(|reference| is_shared(reference)) else {
        diagnostics.under(
            &parameter.ty,
            "`params` is lent by the record; write `&Params`, or rename a parameter that \
             is a call argument",
        );
        return None;
    };
    if let Some(span) = borrows(&reference.elem) {
        diagnostics.at(span, "params cannot borrow; own the values, as in `String` for `&str`");
        return None;
    }
    Some((*reference.elem).clone())
}

fn context(parameter: &Parameter, diagnostics: &mut Diagnostics) {
    let is_context = reference(&parameter.ty)
        .is_some_and(|reference| is_shared(reference) && is_named(&reference.elem, "Context"));
    if !is_context {
        diagnostics.under(
            &parameter.ty,
            "`ctx` is lent by the run; write `&Context`, or rename a parameter that is a \
             call argument",
        );
    }
}

fn is_shared(reference: &TypeReference) -> bool {
    reference.mutability.is_none()
}

fn argument(parameter: &Parameter, diagnostics: &mut Diagnostics) -> Argument {
    let Parameter { name, ty } = parameter.clone();
    let is_across = is_named(&ty, "Across");
    if is_across || is_shards(unreferenced(&ty)) {
        let handle = if is_across { "Across" } else { "Shards" };
        diagnostics.under(&ty, format!("`{handle}<..>` is an input; name `{name}` in `inputs`"));
        return Argument { name, ty, lent: None };
    }
    if let Some(reference) = reference(&ty).filter(|reference| !is_static(reference)) {
        refuse_unstorable(&name.to_string(), reference, "call argument", diagnostics);
        let lent = Some((*reference.elem).clone());
        return Argument { name, ty, lent };
    }
    if let Some(span) = borrows(&ty) {
        diagnostics.at(
            span,
            format!(
                "the call argument `{name}` must be kept until the stage runs and cannot borrow; \
                 own what it holds, or take it as `&T`"
            ),
        );
    }
    Argument { name, ty, lent: None }
}

/// Reports a reference to something that cannot be kept; `what` is the parameter's role.
pub fn refuse_unstorable(
    name: &str,
    reference: &TypeReference,
    what: &str,
    diagnostics: &mut Diagnostics,
) {
    if let Some(mutability) = &reference.mutability {
        diagnostics.at(
            mutability.span,
            format!(
                "a stage cannot change the {what} `{name}`; take `&T` and return the changed \
                 value as an output"
            ),
        );
    } else if matches!(peel(&reference.elem), Type::TraitObject(_)) {
        diagnostics.under(
            &reference.elem,
            format!(
                "the {what} `{name}` has no owned form; name its type, or a type parameter, in \
                 place of `dyn`"
            ),
        );
    } else if matches!(peel(&reference.elem), Type::Reference(_)) {
        diagnostics.under(
            &reference.elem,
            format!("the {what} `{name}` is a reference to a reference; one `&` is enough"),
        );
    } else if let Some(span) = borrows(&reference.elem) {
        diagnostics.at(
            span,
            format!(
                "the {what} `{name}` must be kept and cannot borrow; own what it holds, as in \
                 `&[String]` for `&[&str]`"
            ),
        );
    }
}

/// Returns the `P` of all `Across<_, P>`, which must be one.
fn across_params(
    claims: &[Claim],
    inputs: &[Input],
    diagnostics: &mut Diagnostics,
) -> Option<Type> {
    let mut first: Option<&Type> = None;
    for (claim, input) in claims.iter().zip(inputs) {
        if !matches!(input.form, InputForm::Across(_) | InputForm::AcrossOptional(_)) {
            continue;
        }
        let types = arguments_of(&claim.parameter.ty, "Across").unwrap_or_default();
        let Some(params) = types.get(1).copied() else { continue };
        match first {
            None => first = Some(params),
            Some(first) if text(first) == text(params) => {}
            Some(first) => {
                let (first, mend) = (text(first), "one aggregate sees one type of params");
                diagnostics
                    .under(params, format!("{mend}; write `{first}` as in the input before"));
            }
        }
    }
    first.cloned()
}

fn text(ty: &Type) -> String {
    ty.to_token_stream().to_string()
}
