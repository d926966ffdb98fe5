//! How much code enters the key: the function's own tokens, and what they reach.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{FnArg, Path, Type};

use super::params::{Reads, names, params_type, segments};
use crate::diagnostics::Diagnostics;
use crate::fingerprint::fingerprint;
use crate::reach::{Mistake, ParamsRead, Reach, Request, of_stage};
use crate::stage::model::{Input, Role};
use crate::stage::options::{Code, Keyed, Options};
use crate::stage::signature::Function;

/// Returns how much code enters.
pub fn level(options: &Options) -> Code {
    options.code.as_ref().map_or(Code::Auto, |code| code.value)
}

/// Follows the code of a stage as far as its options want it.
pub fn reach(
    function: &Function,
    options: &Options,
    (inputs, roles): (&[Input], &[Role]),
    reads: &Reads,
    diagnostics: &mut Diagnostics,
) -> Reach {
    let own = fingerprint(own(function, options));
    let body = Reach { total: own, ..Reach::default() };
    let level = level(options);
    if matches!(level, Code::Body | Code::Manual) {
        refuse_unused(level, options, diagnostics);
        return body;
    }
    let request = request(function, options, (inputs, roles), reads, own);
    match of_stage(&request, function.sig.ident.span()) {
        None => body,
        Some(Err(mistakes)) => {
            for mistake in &mistakes {
                refuse(mistake, options, diagnostics);
            }
            body
        }
        Some(Ok(reach)) => {
            if level == Code::Strict {
                refuse_unseen(function, &reach, diagnostics);
            }
            reach
        }
    }
}

/// The tokens that decide what a stage gives. Its name is not among them: a renamed stage is found
/// through `was`.
fn own(function: &Function, options: &Options) -> [TokenStream; 4] {
    let attrs = function.attrs.iter().map(ToTokens::to_token_stream).collect();
    let mut sig = function.sig.clone();
    sig.ident = syn::Ident::new("stage", sig.ident.span());
    let key = options.key.as_ref().map(|key| key.value.to_token_stream()).unwrap_or_default();
    [attrs, sig.to_token_stream(), function.body.to_token_stream(), key]
}

fn request(
    function: &Function,
    options: &Options,
    (inputs, roles): (&[Input], &[Role]),
    reads: &Reads,
    own: u128,
) -> Request {
    let mut sig = function.sig.clone();
    let params = params_read(function, roles, reads).map(|(at, params)| {
        if let Some(FnArg::Typed(parameter)) = sig.inputs.iter_mut().nth(at) {
            *parameter.ty = Type::Verbatim(quote!(_));
        }
        params
    });
    let (attrs, body) = (&function.attrs, &function.body);
    let key = options.key.as_ref().map(|key| &key.value);
    Request {
        name: function.sig.ident.unraw().to_string(),
        own,
        // The key function is a path or a closure, which a bracket keeps apart from the body.
        code: quote!(#(#attrs)* #sig #body [#key]),
        params,
        takes_paths: takes_paths(function, inputs, roles),
        takes_variables: options.env.is_some(),
        depends: paths(options.depends.as_ref()),
        opaque: paths(options.opaque.as_ref()),
    }
}

/// The fields of params that the stage reads, and the parameter that holds them; nothing if the
/// whole value goes somewhere.
fn params_read(function: &Function, roles: &[Role], reads: &Reads) -> Option<(usize, ParamsRead)> {
    let at = roles.iter().position(|role| matches!(role, Role::Params))?;
    let ty = params_type(function, at)?;
    let fields: Vec<Vec<String>> = reads.key.iter().map(names).collect();
    let is_whole = fields.iter().any(Vec::is_empty);
    (!is_whole).then(|| (at, ParamsRead { ty, fields, steps: reads.steps.clone() }))
}

/// Whether an input is a path: what lies there was made by an earlier stage, and is in the key. The
/// element of an array is not one of them: a path in a `Vec` enters by its text.
fn takes_paths(function: &Function, inputs: &[Input], roles: &[Role]) -> bool {
    let is_whole = |role: &Role| matches!(role, Role::Input(at) if !inputs[*at].is_element());
    let mut parameters = function.sig.inputs.iter().zip(roles).filter(|(_, role)| is_whole(role));
    parameters.any(|(parameter, _)| mentions_path(parameter.to_token_stream()))
}

fn mentions_path(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => name == "Path" || name == "PathBuf",
        TokenTree::Group(group) => mentions_path(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn paths(paths: Option<&Keyed<Vec<Path>>>) -> Vec<Vec<String>> {
    paths.into_iter().flat_map(|paths| &paths.value).map(segments).collect()
}

fn refuse_unused(level: Code, options: &Options, diagnostics: &mut Diagnostics) {
    let level = if level == Code::Body { "body" } else { "manual" };
    for paths in [&options.depends, &options.opaque].into_iter().flatten() {
        let option = &paths.option;
        let sentence = format!("`{option}` needs code that is followed; remove `code = {level}`");
        diagnostics.under(option, sentence);
    }
}

fn refuse(mistake: &Mistake, options: &Options, diagnostics: &mut Diagnostics) {
    let (given, at) = match mistake {
        Mistake::Depends(at) => (&options.depends, *at),
        Mistake::Opaque(at) => (&options.opaque, *at),
    };
    let Some(path) = given.as_ref().and_then(|given| given.value.get(at)) else { return };
    let text = segments(path).join("::");
    let sentence = format!(
        "`{text}` is no item of this workspace and no crate that it depends on; write its path as \
         seen from this module"
    );
    diagnostics.under(path, sentence);
}

fn refuse_unseen(function: &Function, reach: &Reach, diagnostics: &mut Diagnostics) {
    for behind in &reach.behind {
        let sentence = format!("the stage reads {behind}, or write `code = auto`");
        diagnostics.under(&function.sig.ident, sentence);
    }
    for unseen in &reach.unseen {
        let sentence = format!(
            "the fingerprint does not see {unseen}; add what it stands for with `depends = [..]`, \
             or write `code = auto`"
        );
        diagnostics.under(&function.sig.ident, sentence);
    }
}
