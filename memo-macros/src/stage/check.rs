//! Options and signature together become a [`Stage`]. Every rejection is here or in a module below,
//! one sentence each that names the mend.
//!
//! A stage comes out even with mistakes: then only its outline counts, and whatever is wrong was
//! left out or replaced by what was probably meant.

mod code;
mod inputs;
mod key;
mod outputs;
mod parameters;

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, ExprPath, Lit};

use super::model::{Kind, Name, Role, Spec, Stage, Validator};
use super::options::{Code, Options};
use super::signature::Function;
use crate::diagnostics::Diagnostics;
use crate::fingerprint::fingerprint;
use crate::reach::Reach;
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
    let key = key::check(function, options, &roles, &written, &arguments, &inputs, diagnostics);
    refuse_contradictions(options, diagnostics);
    let spec = spec(function, options, &roles, diagnostics);
    Stage {
        kind,
        companion: match &options.companion {
            Some(companion) => companion.value.clone(),
            None => function.sig.ident.clone(),
        },
        alias: outputs::possible_alias(&returned),
        fallible: returned.fallible,
        validator: options.validate.as_ref().map(|given| validator(&given.value)),
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

/// Reports options that make no sense together.
fn refuse_contradictions(options: &Options, diagnostics: &mut Diagnostics) {
    let has_outputs = options.outputs.as_ref().is_some_and(|outputs| !outputs.value.is_empty());
    let is_uncached = options.cache.as_ref().is_some_and(|cache| !cache.value.value);
    if let Some(done) = options.done.as_ref().filter(|done| done.value.value) {
        if has_outputs {
            diagnostics.under(
                &done.option,
                "`done` is for a stage without outputs; the outputs are the marker \
                 already, so remove it",
            );
        } else if is_uncached {
            diagnostics.under(
                &done.option,
                "`done = true` keeps a marker and `cache = false` keeps nothing; remove \
                 one of the two",
            );
        }
    }
    if let Some(validate) = &options.validate
        && !has_outputs
    {
        diagnostics
            .under(&validate.option, "`validate` checks outputs, and there are none; remove it");
    }
    if let Some(retry_if) = &options.retry_if
        && options.retries.is_none()
    {
        diagnostics
            .under(&retry_if.option, "`retry_if` needs a number of attempts; add `retries = 3`");
    }
}

/// Names a validator by its path, or by the fingerprint of a closure.
fn validator(function: &Expr) -> Validator {
    let name = match function {
        Expr::Path(ExprPath { path, qself: None, .. }) => {
            let segments = path.segments.iter().map(|segment| segment.ident.unraw().to_string());
            segments.collect::<Vec<_>>().join("::")
        }
        other => format!("{:032x}", fingerprint([other.to_token_stream()])),
    };
    Validator { name, function: function.clone() }
}

fn spec(
    function: &Function,
    options: &Options,
    roles: &[Role],
    diagnostics: &mut Diagnostics,
) -> Spec {
    let Reach { total, items, unseen } = code::reach(function, options, roles, diagnostics);
    Spec {
        name: match &options.name {
            Some(name) => Name::Given(name.value.clone()),
            None => Name::Function(function.sig.ident.unraw().to_string()),
        },
        code: (code::level(options) != Code::Manual).then_some(total),
        reach: items,
        unseen,
        version: options.version.as_ref().map(|version| version_text(&version.value)),
        env: options.env.as_ref().map(|env| env.value.clone()).unwrap_or_default(),
        cache: options.cache.as_ref().map(|cache| cache.value.value),
        done: options.done.as_ref().is_some_and(|done| done.value.value),
        retries: options.retries.as_ref().map_or(0, |retries| retries.value),
    }
}

/// The text of a version: what a string holds, and any other literal as written.
fn version_text(version: &Lit) -> String {
    match version {
        Lit::Str(string) => string.value(),
        other => other.to_token_stream().to_string(),
    }
}
