//! What happens on a miss: the body is called with what was captured at the call and what the state
//! holds.

use std::fmt::Display;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ReturnType;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::interface::Interface;
use super::{at, key, rt_at};
use crate::stage::model::{Argument, Input, InputForm, Role, Stage};
use crate::stage::signature::Function;
use crate::stage::types::arguments_of;

/// Returns the work of a call: captured values, how to run, and how to show the components of the
/// key.
pub fn work(stage: &Stage, function: &Function, interface: &Interface) -> TokenStream {
    let rt = stage.rt();
    let (captures, run, show) =
        (captures(stage, function), run(stage, function, interface), show(stage));
    hygienic!(#rt::work(#captures, #run, #show))
}

/// The tuple of what the body needs from the call: params first, then all call arguments.
fn captures(stage: &Stage, function: &Function) -> TokenStream {
    let rt = stage.rt();
    let owner = stage.takes_params().then(|| hygienic!(#rt::Clone::clone(owner),));
    let arguments = stage.arguments.iter().map(|Argument { name, lent, .. }| {
        if lent.is_none() {
            return hygienic!(#name,);
        }
        let rt = rt_at(stage, name.span());
        quote_spanned!(at(name.span())=> #rt::keep(#name),)
    });
    // What cannot be kept is one of them.
    let span = match stage.arguments.as_slice() {
        [only] => at(only.name.span()),
        _ => at(function.sig.ident.span()),
    };
    quote_spanned!(span=> (#owner #(#arguments)*))
}

/// Returns the place of a call argument among the captured values.
pub fn captured(stage: &Stage, index: usize) -> TokenStream {
    let place = Literal::usize_unsuffixed(index + usize::from(stage.takes_params()));
    quote_spanned!(at(stage.arguments[index].name.span())=> captured.#place)
}

/// Lends a captured call argument as the type it was taken as.
pub fn lent(stage: &Stage, index: usize) -> TokenStream {
    let Argument { name, lent, ty } = &stage.arguments[index];
    let (rt, place) = (rt_at(stage, name.span()), captured(stage, index));
    let lent = lent.as_ref().unwrap_or(ty);
    quote_spanned!(at(name.span())=> #rt::Borrow::<#lent>::borrow(&#place))
}

fn params(stage: &Stage) -> Option<TokenStream> {
    let (rt, params) = (stage.rt(), stage.provided.as_ref()?);
    stage
        .takes_params()
        .then(|| hygienic!(let params: &#params = #rt::provide::<#params, _>(&captured.0);))
}

/// The closure that computes the outputs.
fn run(stage: &Stage, function: &Function, interface: &Interface) -> TokenStream {
    let rt = stage.rt();
    let has = |wanted: fn(&Role) -> bool| stage.roles.iter().any(wanted);
    let captured =
        unless_unused("captured", has(|role| matches!(role, Role::Params | Role::Argument(_))));
    let inputs = unless_unused("inputs", has(|role| matches!(role, Role::Input(_) | Role::Index)));
    let ctx = unless_unused("ctx", has(|role| matches!(role, Role::Context)));
    let (params, values) = (params(stage), values(stage, function, interface));
    let bindings = stage.inputs.iter().enumerate().map(|(at, input)| bind(stage, at, input));
    hygienic! {
        |#captured, #inputs: &#rt::Inputs, #ctx: &#rt::Context| {
            #params
            #(#bindings)*
            #values
        }
    }
}

/// The closure that shows the components of the key.
fn show(stage: &Stage) -> TokenStream {
    let rt = stage.rt();
    let Some(lines) = key::shown(stage) else { return hygienic!(|_, _: &mut #rt::Parts| {}) };
    let params = params(stage).filter(|_| key::shows_params(stage));
    hygienic!(|captured, parts: &mut #rt::Parts| { #params #lines })
}

fn unless_unused(name: &str, is_used: bool) -> Ident {
    let name = if is_used { name.to_owned() } else { format!("_{name}") };
    super::local(&name)
}

/// Calls the body and puts what it returns into a row.
fn values(stage: &Stage, function: &Function, interface: &Interface) -> TokenStream {
    let (rt, companion, turbofish) = (stage.rt(), &stage.companion, &interface.turbofish);
    let passed = stage.roles.iter().map(|role| pass(stage, *role));
    let mut returned = hygienic!(#companion::body #turbofish(#(#passed),*));
    let mut result = None;
    if stage.fallible {
        // An error type that is none is underlined in the signature.
        let span = error_span(&function.sig.output);
        let name = Ident::new("result", at(span));
        result = Some(hygienic!(let #name = #returned;));
        let rt = rt_at(stage, span);
        returned = quote_spanned!(at(span)=> #rt::fallible(#name)?);
    }
    let outputs: Vec<Ident> = stage.outputs.iter().map(|o| local("output", &o.name)).collect();
    let pattern = match outputs.as_slice() {
        [] => return hygienic!(#result #returned; #rt::Ok(#rt::Values::new())),
        [output] => output.to_token_stream(),
        outputs => hygienic!((#(#outputs),*)),
    };
    let and = stage.outputs.iter().zip(&outputs).map(|(output, name)| {
        let name = Ident::new(&name.to_string(), at(output.ty.span()));
        quote_spanned!(at(output.ty.span())=> .and(#name))
    });
    hygienic! {
        #result
        let #pattern = #returned;
        #rt::Ok(#rt::Values::new() #(#and)*)
    }
}

/// The place of the error type, or of the type that hides it.
fn error_span(output: &ReturnType) -> Span {
    let ReturnType::Type(_, ty) = output else { return Span::call_site() };
    match arguments_of(ty, "Result").as_deref() {
        Some([_, error, ..]) => error.span(),
        _ => ty.span(),
    }
}

/// Takes an input out of the state, as far as that needs a variable.
fn bind(stage: &Stage, index: usize, input: &Input) -> TokenStream {
    let (name, value) = (local("input", &input.parameter.unraw()), &input.value);
    let index = Literal::usize_unsuffixed(index);
    let (span, rt) = (at(input.parameter.span()), rt_at(stage, input.parameter.span()));
    let found = match &input.form {
        InputForm::Lent => quote_spanned!(span=> inputs.value::<#value>(#index)?),
        InputForm::Cloned => quote_spanned!(span=> #rt::cloned(inputs.value::<#value>(#index)?)),
        InputForm::Lazy => quote_spanned!(span=> inputs.lazy::<#value>(#index)?),
        InputForm::OptionalLent(_) => quote_spanned!(span=> inputs.optional::<#value>(#index)?),
        InputForm::OptionalLazy => quote_spanned!(span=> inputs.optional_lazy::<#value>(#index)?),
        InputForm::ElementLent | InputForm::ElementCloned => {
            quote_spanned!(span=> inputs.element::<#value>(#index)?)
        }
        InputForm::ShardsLent | InputForm::Shards => {
            quote_spanned!(span=> inputs.shards::<#value>(#index)?)
        }
        InputForm::Across(params) => {
            let params = params.clone().unwrap_or_else(|| hygienic!(()));
            quote_spanned!(span=> inputs.across::<#value, #params>(#index)?)
        }
        InputForm::AcrossOptional(params) => {
            let params = params.clone().unwrap_or_else(|| hygienic!(()));
            quote_spanned!(span=> inputs.across_optional::<#value, #params>(#index)?)
        }
    };
    hygienic!(let #name = #found;)
}

/// The expression that stands for a parameter in the call of the body.
fn pass(stage: &Stage, role: Role) -> TokenStream {
    let rt = stage.rt();
    match role {
        Role::Params => hygienic!(params),
        Role::Context => hygienic!(ctx),
        Role::Index => hygienic!(inputs.index()),
        Role::Argument(index) if stage.arguments[index].lent.is_some() => lent(stage, index),
        Role::Argument(index) => {
            let (place, span) = (captured(stage, index), stage.arguments[index].name.span());
            let rt = rt_at(stage, span);
            quote_spanned!(at(span)=> #rt::clone_of(&#place))
        }
        Role::Input(index) => {
            let input = &stage.inputs[index];
            let name = local("input", &input.parameter.unraw());
            match &input.form {
                InputForm::Lent | InputForm::ElementLent | InputForm::ShardsLent => {
                    hygienic!(&#name)
                }
                InputForm::ElementCloned => {
                    let (span, value) = (input.parameter.span(), &input.value);
                    let rt = rt_at(stage, span);
                    quote_spanned!(at(span)=> #rt::clone_of::<#value>(&#name))
                }
                InputForm::OptionalLent(lent) => hygienic! {
                    match &#name {
                        #rt::Some(value) => #rt::Some::<&#lent>(value),
                        #rt::None => #rt::None,
                    }
                },
                _ => name.to_token_stream(),
            }
        }
    }
}

/// A variable for a value of the user's, apart from those of the expansion.
fn local(kind: &str, name: &dyn Display) -> Ident {
    super::local(&format!("{kind}_{name}"))
}
