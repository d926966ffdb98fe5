//! Options and signature together become a [`Stage`]. Every rejection is here or in a module below,
//! one sentence each that names the mend.
//!
//! A stage comes out even with mistakes: then only its outline counts, and whatever is wrong was
//! left out or replaced by what was probably meant.

mod arrays;
mod code;
mod contradictions;
mod inputs;
mod key;
mod outputs;
mod parameters;
mod params;

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Lit};

use super::model::{Input, Kind, Name, Role, Spec, Stage, Validator};
use super::options::{Code, Options};
use super::signature::Function;
use crate::diagnostics::Diagnostics;
use crate::fingerprint::fingerprint;
use crate::reach::{Reach, of_validator};
use parameters::Parameters;

/// Checks `function` and `options` against each other.
pub fn check(
    kind: Kind,
    function: &Function,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Stage {
    let given = options.runtime.as_ref().map(|path| path.value.to_token_stream());
    let runtime = given.unwrap_or_else(|| hygienic!(::memo_runtime));
    function.refuse_modifiers(kind, diagnostics);
    let written = function.parameters(diagnostics);
    let Parameters { roles, provided, inputs, arguments } =
        parameters::check(kind, &written, options, &hygienic!(#runtime::__private), diagnostics);
    let returned = function.returned(diagnostics);
    let outputs = outputs::check(options, &function.sig, &returned, diagnostics);
    let reads = params::reads(function, &roles);
    let key = key::check(&reads, options, &roles, &written, &arguments, &inputs, diagnostics);
    contradictions::refuse(function, options, &outputs, diagnostics);
    arrays::refuse(kind, options, diagnostics);
    let spec = spec(kind, function, options, (&inputs, &roles), &reads, diagnostics);
    Stage {
        kind,
        companion: match &options.companion {
            Some(companion) => companion.value.clone(),
            None => function.sig.ident.clone(),
        },
        alias: outputs::possible_alias(&returned),
        fallible: returned.fallible,
        validator: options
            .validate
            .as_ref()
            .map(|given| validator(&function.sig.ident.unraw().to_string(), &given.value)),
        retry_if: options.retry_if.as_ref().map(|given| given.value.clone()),
        spec,
        runtime,
        roles,
        provided,
        inputs,
        arguments,
        outputs,
        key,
    }
}

/// Names a validator by its path, or by the fingerprint of a closure.
fn validator(stage: &str, function: &Expr) -> Validator {
    let name = match function {
        Expr::Path(ExprPath { path, qself: None, .. }) => {
            let segments = path.segments.iter().map(|segment| segment.ident.unraw().to_string());
            segments.collect::<Vec<_>>().join("::")
        }
        other => format!("{:032x}", fingerprint([other.to_token_stream()])),
    };
    let code = of_validator(stage, &function.to_token_stream(), function.span());
    Validator { name, code, function: function.clone() }
}

fn spec(
    kind: Kind,
    function: &Function,
    options: &Options,
    bound: (&[Input], &[Role]),
    reads: &params::Reads,
    diagnostics: &mut Diagnostics,
) -> Spec {
    let Reach { total, mut items, leads, unseen, behind } =
        code::reach(function, options, bound, reads, diagnostics);
    items.extend(leads);
    Spec {
        name: match &options.name {
            Some(name) => Name::Given(name.value.clone()),
            None => Name::Function(function.sig.ident.unraw().to_string()),
        },
        code: (code::level(options) != Code::Manual).then_some(total),
        reach: items,
        unseen,
        behind,
        version: options.version.as_ref().map(|version| version_text(&version.value)),
        env: options.env.as_ref().map(|env| env.value.clone()).unwrap_or_default(),
        cache: options.cache.as_ref().map(|cache| cache.value.value),
        rerun: options.rerun.as_ref().is_some_and(|rerun| rerun.value.value),
        expires: options.expires.as_ref().map(|expires| expires.value),
        was: options.was.as_ref().map(|was| was.value.clone()).unwrap_or_default(),
        done: options.done.as_ref().is_some_and(|done| done.value.value),
        retries: options.retries.as_ref().map_or(0, |retries| retries.value),
        resources: options.resources.as_ref().map(|resources| resources.value.clone()),
        more: options.retry_resources.as_ref().map(|more| more.value.clone()),
        each: arrays::is_array(kind, options),
        batch: options.batch.as_ref().map(|batch| batch.value),
    }
}

/// The text of a version: what a string holds, and any other literal as written.
fn version_text(version: &Lit) -> String {
    match version {
        Lit::Str(string) => string.value(),
        other => other.to_token_stream().to_string(),
    }
}
