//! Options that make no sense together.

use syn::ext::IdentExt;

use crate::diagnostics::Diagnostics;
use crate::stage::model::{Cacher, Output};
use crate::stage::options::Options;
use crate::stage::signature::Function;

/// Reports them, each at the option that is to go.
pub fn refuse(
    function: &Function,
    options: &Options,
    outputs: &[Output],
    diagnostics: &mut Diagnostics,
) {
    refuse_done(options, diagnostics);
    refuse_rerun(options, outputs, diagnostics);
    refuse_expires(options, outputs, diagnostics);
    refuse_was(function, options, diagnostics);
    if let Some(validate) = &options.validate
        && !has_named_outputs(options)
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
    refuse_more(options, diagnostics);
}

/// More than nothing is nothing.
fn refuse_more(options: &Options, diagnostics: &mut Diagnostics) {
    let Some(more) = &options.retry_resources else { return };
    let retries = options.retries.as_ref().map_or(0, |retries| retries.value);
    if retries == 0 && !options.is_broken("retries") {
        diagnostics
            .under(&more.option, "`retry_resources` needs a number of attempts; add `retries = 3`");
    }
    if options.is_broken("resources") {
        return;
    }
    let resources = options.resources.as_ref().map(|resources| &resources.value);
    for name in &more.value.multiples {
        let (asked, example) = match &*name.to_string() {
            "memory" => (resources.map_or(0, |asked| asked.memory), "8GiB"),
            _ => (resources.map_or(0, |asked| asked.time), "30m"),
        };
        if asked == 0 {
            let sentence = format!(
                "what is it so many times of? Add `resources({name} = \"{example}\")`, or write how much \
                 `{name}` the next attempt has"
            );
            diagnostics.at(name.span(), sentence);
        }
    }
}

fn has_named_outputs(options: &Options) -> bool {
    options.outputs.as_ref().is_some_and(|outputs| !outputs.value.is_empty())
}

fn is_uncached(options: &Options) -> bool {
    options.cache.as_ref().is_some_and(|cache| !cache.value.value)
}

fn refuse_done(options: &Options, diagnostics: &mut Diagnostics) {
    let Some(done) = options.done.as_ref().filter(|done| done.value.value) else { return };
    if has_named_outputs(options) {
        diagnostics.under(
            &done.option,
            "`done` is for a stage without outputs; the outputs are the marker already, so remove it",
        );
    } else if is_uncached(options) {
        diagnostics.under(
            &done.option,
            "`done = true` keeps a marker and `cache = false` keeps nothing; remove one of the two",
        );
    }
}

/// Only what is kept can be compared.
fn refuse_rerun(options: &Options, outputs: &[Output], diagnostics: &mut Diagnostics) {
    let Some(rerun) = options.rerun.as_ref().filter(|rerun| rerun.value.value) else { return };
    let option = &rerun.option;
    if is_uncached(options) {
        diagnostics.under(
            option,
            "`rerun = true` compares with what is kept and `cache = false` keeps nothing; remove \
             one of the two",
        );
    } else if options.expires.is_some() {
        diagnostics.under(
            option,
            "`rerun = true` always runs, so nothing is left to expire; remove one of the two",
        );
    } else if outputs.is_empty() && !options.is_broken("outputs") {
        diagnostics.under(
            option,
            "`rerun` compares outputs, and there are none; a stage without outputs always runs, so \
             remove it",
        );
    } else if let Some(output) = unkept(options, outputs) {
        diagnostics.under(
            option,
            format!(
                "`rerun` compares with what is kept, and `{}` is not kept; add `cachers = [..]`, or \
                 write `cache = false`",
                output.name
            ),
        );
    }
}

fn refuse_expires(options: &Options, outputs: &[Output], diagnostics: &mut Diagnostics) {
    let Some(expires) = &options.expires else { return };
    let option = &expires.option;
    let is_done = options.done.as_ref().is_some_and(|done| done.value.value);
    if is_uncached(options) {
        diagnostics.under(
            option,
            "`cache = false` keeps nothing that could expire; remove one of the two",
        );
    } else if outputs.is_empty() && !is_done && !options.is_broken("outputs") {
        diagnostics
            .under(option, "nothing is kept that could expire; add `done = true`, or remove it");
    } else if let Some(output) = unkept(options, outputs) {
        diagnostics.under(
            option,
            format!(
                "`{}` is not kept, so it cannot expire; add `cachers = [..]`, or remove it",
                output.name
            ),
        );
    }
}

/// Returns an output without a cacher, unless the cachers were not understood.
fn unkept<'a>(options: &Options, outputs: &'a [Output]) -> Option<&'a Output> {
    let is_known = !options.is_broken("cachers") && !options.is_broken("outputs");
    outputs.iter().find(|output| is_known && matches!(output.cacher, Cacher::Memory))
}

fn refuse_was(function: &Function, options: &Options, diagnostics: &mut Diagnostics) {
    let Some(was) = &options.was else { return };
    let name = match &options.name {
        Some(name) => name.value.value(),
        None => function.sig.ident.unraw().to_string(),
    };
    for former in was.value.iter().filter(|former| former.value() == name) {
        diagnostics.under(former, "that is the stage's name now; write the one that it had before");
    }
}
