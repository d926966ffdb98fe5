//! The code of a call: what is known of the stage, what this call adds to its key, and what to do
//! on a miss.

use proc_macro2::{Literal, TokenStream};
use quote::quote_spanned;
use syn::GenericParam;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::interface::Interface;
use super::{at, key, rt_at, run};
use crate::reach::CodeItem;
use crate::stage::model::{Cacher, Input, InputForm, Kind, Name, Output, Role, Spec, Stage};
use crate::stage::options::{More, MoreResources, Resources};
use crate::stage::signature::Function;

/// Returns the statements that end in the handles of the outputs.
pub fn call(stage: &Stage, function: &Function, interface: &Interface) -> TokenStream {
    let rt = stage.rt();
    let (spec, open, instance) =
        (spec(stage, function), open(stage, interface), instance(&rt, function));
    let components = key::components(stage);
    let inputs = stage.inputs.iter().enumerate();
    let inputs = inputs.map(|(at, input)| declare_input(stage, at, input));
    let index = stage.roles.iter().any(|role| matches!(role, Role::Index));
    let index = index.then(|| hygienic!(call.takes_index();));
    let outputs = stage.outputs.iter().map(|output| declare_output(stage, output));
    let checks = checks(stage);
    let (work, submit) = (run::work(stage, function, interface), submit(stage));
    hygienic! {
        let spec: &'static #rt::StageSpec = #spec;
        #open
        let mut call = #rt::Gathering::new(frame, spec);
        #instance
        #components
        #(#inputs)*
        #index
        #(#outputs)*
        #checks
        let work = || #work;
        #submit
    }
}

/// What is known before any call, in a block of its own so that nobody else sees the static.
fn spec(stage: &Stage, function: &Function) -> TokenStream {
    let rt = stage.rt();
    let Spec { version, env, cache, rerun, expires, done, retries, .. } = &stage.spec;
    let name = match &stage.spec.name {
        Name::Given(name) => hygienic!(#name),
        Name::Function(name) => in_this_module(name),
    };
    let was = was(&stage.spec);
    let code = optional(&rt, stage.spec.code);
    let reach = reach(&stage.spec);
    let version = version.iter();
    let inputs = stage.inputs.iter().map(|input| input_spec(&rt, input));
    let outputs = stage
        .outputs
        .iter()
        .map(|Output { name, lazy, .. }| hygienic!(#rt::OutputSpec { name: #name, lazy: #lazy }));
    let env = (!env.is_empty()).then(|| hygienic!(env: &[#(#env),*],));
    let cache = cache.map(|cache| hygienic!(cache: #rt::Some(#cache),));
    let rerun = rerun.then(|| hygienic!(rerun: #rerun,));
    let expires = expires.map(|expires| {
        let milliseconds = Literal::u128_unsuffixed(expires.as_millis());
        hygienic!(expires: #rt::Some(#milliseconds),)
    });
    let done = done.then(|| hygienic!(done: #done,));
    let retries = Some(Literal::u32_unsuffixed(*retries)).filter(|_| *retries > 0).into_iter();
    let resources = stage.spec.resources.as_ref().map(|resources| {
        let Resources { cpus, memory, time, gpus, partition } = resources;
        hygienic! {
            resources: #rt::Resources {
                cpus: #cpus, memory: #memory, time: #time, gpus: #gpus, partition: #partition,
            },
        }
    });
    let more = stage.spec.more.as_ref().map(|more| {
        let MoreResources { cpus, gpus, partition, .. } = more;
        let (memory, time) = (amount(&rt, more.memory), amount(&rt, more.time));
        hygienic! {
            more: #rt::MoreResources {
                cpus: #cpus, memory: #memory, time: #time, gpus: #gpus, partition: #partition,
            },
        }
    });
    let each = stage.is_array().then(|| hygienic!(each: true,));
    let batch = stage.spec.batch.map(Literal::u32_unsuffixed).into_iter();
    let place = quote_spanned! {at(function.sig.ident.span())=>
        file: ::core::file!(), line: ::core::line!(), column: ::core::column!()
    };
    hygienic! {
        {
            static SPEC: #rt::StageSpec = #rt::StageSpec {
                code: #code,
                #reach
                #(version: #version,)*
                inputs: &[#(#inputs),*],
                outputs: &[#(#outputs),*],
                #was #env #cache #rerun #expires #done
                #(retries: #retries,)*
                #resources
                #more
                #each
                #(batch: #batch,)*
                #place,
                ..#rt::StageSpec::new(#name)
            };
            &SPEC
        }
    }
}

fn amount(rt: &TokenStream, more: More) -> TokenStream {
    match more {
        More::Nothing => hygienic!(#rt::More::Nothing),
        More::Times(hundredths) => hygienic!(#rt::More::Times(#hundredths)),
        More::To(amount) => hygienic!(#rt::More::To(#amount)),
    }
}

/// A name as that of a stage in this module.
fn in_this_module(name: &str) -> TokenStream {
    let name = format!("::{name}");
    hygienic!(::core::concat!(::core::module_path!(), #name))
}

/// The former names, each as the one that it most likely stands for, then as it was written.
fn was(spec: &Spec) -> Option<TokenStream> {
    let names = spec.was.iter().map(|name| {
        let is_of_a_function = matches!(spec.name, Name::Function(_));
        let inside = if is_of_a_function && !name.value().contains("::") {
            in_this_module(&name.value())
        } else {
            hygienic!(#name)
        };
        hygienic!((#inside, #name))
    });
    (!spec.was.is_empty()).then(|| hygienic!(was: &[#(#names),*],))
}

fn input_spec(rt: &TokenStream, input: &Input) -> TokenStream {
    let (name, parameter) = (&input.state, input.parameter.unraw().to_string());
    let (optional, lazy) = (input.is_optional(), input.is_lazy());
    hygienic! {
        #rt::InputSpec { name: #name, parameter: #parameter, optional: #optional, lazy: #lazy }
    }
}

/// What the fingerprint is made of, what it does not see, and what is read behind the key's back.
fn reach(spec: &Spec) -> TokenStream {
    let line = |item: &CodeItem| {
        let CodeItem { name, place, digest } = item;
        format!("{digest:032x}\t{place}\t{}\n", name.replace('\n', " "))
    };
    let lines: String = spec.reach.iter().map(line).collect();
    let reach = (!lines.is_empty()).then(|| hygienic!(reach: #lines,));
    let unseen = &spec.unseen;
    let unseen = (!unseen.is_empty()).then(|| hygienic!(unseen: &[#(#unseen),*],));
    let behind = &spec.behind;
    let behind = (!behind.is_empty()).then(|| hygienic!(behind: &[#(#behind),*],));
    hygienic!(#reach #unseen #behind)
}

/// A fingerprint, if there is one, as people compare it.
fn optional(rt: &TokenStream, code: Option<u128>) -> TokenStream {
    let Some(code) = code else { return hygienic!(#rt::None) };
    let literal = format!("0x{code:032x}_u128").parse::<Literal>();
    let literal = literal.unwrap_or_else(|_| Literal::u128_suffixed(code));
    hygienic!(#rt::Some(#literal))
}

/// Takes the handle apart, and the params from what the record owns.
fn open(stage: &Stage, interface: &Interface) -> TokenStream {
    let (rt, handle) = (stage.rt(), interface.handle());
    match (stage.kind, &stage.provided) {
        (Kind::Aggregate, None) => hygienic!(let (frame, _) = #rt::records_parts(#handle);),
        (Kind::Aggregate, Some(_)) => hygienic!(let (frame, owner) = #rt::records_parts(#handle);),
        (Kind::Stage, None) => hygienic!(let (frame, _) = #rt::parts(#handle);),
        (Kind::Stage, Some(params)) => hygienic! {
            let (frame, owner) = #rt::parts(#handle);
            let params: &#params = #rt::provide::<#params, _>(owner);
        },
    }
}

/// The type and const parameters: each instance of a generic stage has keys of its own.
fn instance(rt: &TokenStream, function: &Function) -> TokenStream {
    let parameters = function.sig.generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(ty) => {
            let ty = &ty.ident;
            Some(hygienic!(call.instance(#rt::type_name::<#ty>());))
        }
        GenericParam::Const(constant) => {
            let (constant, name) = (&constant.ident, constant.ident.to_string());
            Some(hygienic!(call.constant(#name, &#constant);))
        }
    });
    parameters.collect()
}

fn declare_input(stage: &Stage, index: usize, input: &Input) -> TokenStream {
    let (value, index) = (&input.value, Literal::usize_unsuffixed(index));
    let span = at(input.parameter.span());
    match &input.form {
        InputForm::ElementLent | InputForm::ElementCloned => {
            let (rt, keys) = (stage.rt(), key::element(stage, input));
            let declare = quote_spanned!(span=> call.each::<#value>(#index, #keys););
            hygienic! {
                {
                    use #rt::{ElementsByCacheKey as _, ElementsBySerialize as _, ByOrigin as _};
                    #declare
                }
            }
        }
        InputForm::ShardsLent | InputForm::Shards => {
            quote_spanned!(span=> call.shards::<#value>(#index);)
        }
        InputForm::Across(None) => quote_spanned!(span=> call.across::<#value>(#index);),
        InputForm::Across(Some(params)) => {
            quote_spanned!(span=> call.across_with::<#value, #params, _>(#index, owner);)
        }
        InputForm::AcrossOptional(None) => {
            quote_spanned!(span=> call.across_optional::<#value>(#index);)
        }
        InputForm::AcrossOptional(Some(params)) => {
            quote_spanned!(span=> call.across_optional_with::<#value, #params, _>(#index, owner);)
        }
        _ => quote_spanned!(span=> call.input::<#value>(#index);),
    }
}

fn declare_output(stage: &Stage, output: &Output) -> TokenStream {
    let ty = &output.ty;
    let rt = rt_at(stage, ty.span());
    if stage.is_array() {
        return declare_shards(stage, output, &rt);
    }
    // Only rustc can tell whether it is another name of `Result`.
    let (prepare, target) = match &stage.alias {
        Some(_) => {
            let prepare = quote_spanned!(at(ty.span())=> use #rt::AliasOfNothing as _;);
            (prepare, quote_spanned!(at(ty.span())=> #rt::Alias::<#ty>::new(&mut call).kind()))
        }
        None => (TokenStream::new(), quote_spanned!(at(ty.span())=> call)),
    };
    let declare = match &output.cacher {
        Cacher::Memory => {
            quote_spanned!(at(ty.span())=> #target.output_in_memory::<#ty>();)
        }
        Cacher::Default => {
            quote_spanned!(at(ty.span())=> #target.output::<#ty, _>(#rt::default_cacher());)
        }
        Cacher::Given(cacher) => {
            quote_spanned!(at(cacher.span())=> #target.output::<#ty, _>(#cacher);)
        }
    };
    if prepare.is_empty() { declare } else { hygienic!({ #prepare #declare }) }
}

/// Adds an output of an array stage. Whether its type is another name of `Result` is only asked, on a call
/// that is never made.
fn declare_shards(stage: &Stage, output: &Output, rt: &TokenStream) -> TokenStream {
    let (ty, span) = (&output.ty, at(output.ty.span()));
    let question = stage.alias.as_ref().map(|_| {
        quote_spanned! {span=>
            if false {
                use #rt::AliasOfNothing as _;
                #rt::Alias::<#ty>::new(&mut call).kind().output_in_memory::<#ty>();
            }
        }
    });
    let declare = match &output.cacher {
        Cacher::Memory => quote_spanned!(span=> call.output_shards_in_memory::<#ty>();),
        Cacher::Default => {
            quote_spanned!(span=> call.output_shards::<#ty, _>(#rt::default_cacher());)
        }
        Cacher::Given(cacher) => {
            quote_spanned!(at(cacher.span())=> call.output_shards::<#ty, _>(#cacher);)
        }
    };
    hygienic!(#question #declare)
}

fn checks(stage: &Stage) -> TokenStream {
    let rt = stage.rt();
    let types = stage.outputs.iter().map(|output| &output.ty);
    let validate = stage.validator.as_ref().map(|validator| {
        let (name, function) = (&validator.name, &validator.function);
        let code = optional(&rt, validator.code);
        quote_spanned! {at(function.span())=>
            call.validate::<(#(#types,)*), _, _>(#name, #code, #function);
        }
    });
    let retry = stage
        .retry_if
        .as_ref()
        .map(|function| quote_spanned!(at(function.span())=> call.retry_if(#function);));
    hygienic!(#validate #retry)
}

/// Hands the call over, and returns typed handles.
fn submit(stage: &Stage) -> TokenStream {
    let rt = stage.rt();
    let handles: Vec<TokenStream> = stage
        .outputs
        .iter()
        .enumerate()
        .map(|(at, Output { ty, .. })| {
            let at = Literal::usize_unsuffixed(at);
            let span = super::at(ty.span());
            if stage.is_array() {
                quote_spanned!(span=> outputs.shards::<#ty>(#at))
            } else {
                quote_spanned!(span=> outputs.lazy::<#ty>(#at))
            }
        })
        .collect();
    match handles.as_slice() {
        [] => hygienic! {
            call.submit([] as [&'static str; 0], work)?;
            #rt::Ok(())
        },
        [handle] => hygienic! {
            let outputs = call.submit(outputs, work)?;
            #rt::Ok(#handle)
        },
        handles => hygienic! {
            let outputs = call.submit(outputs, work)?;
            #rt::Ok((#(#handles),*))
        },
    }
}
