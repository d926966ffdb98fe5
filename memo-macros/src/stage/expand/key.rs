//! The lines by which params and call arguments enter the key, and by which they are shown.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::Member;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::{at, rt_at, run};
use crate::reads::{FieldPath, PARAMS};
use crate::stage::model::{Argument, Input, Part, Source, Stage};

/// Where the lines stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the call, on the arguments themselves.
    Call,
    /// In the closure that shows the components, on what it captured.
    Show,
}

/// Returns the statement by which all components enter the key; nothing where there are none.
pub fn components(stage: &Stage) -> TokenStream {
    let hidden = (!stage.key.hidden.is_empty()).then(|| {
        let fields = stage.key.hidden.iter().map(field);
        hygienic!(let _ = (#(#fields,)*);)
    });
    let parts: Vec<&Part> = stage.key.parts.iter().collect();
    let lines = lines(stage, &parts, Place::Call).map(|lines| {
        let rt = stage.rt();
        hygienic!({
            let parts: &mut #rt::Parts = call.parts();
            #lines
        })
    });
    hygienic!(#hidden #lines)
}

/// Returns the lines that show the components, less the secret ones.
pub fn shown(stage: &Stage) -> Option<TokenStream> {
    let is_shown = |part: &&Part| !matches!(part, Part::SecretParam(_) | Part::SecretArgument(_));
    let parts: Vec<&Part> = stage.key.parts.iter().filter(is_shown).collect();
    lines(stage, &parts, Place::Show)
}

/// Returns whether the shown lines name params.
pub fn shows_params(stage: &Stage) -> bool {
    stage.key.parts.iter().any(|part| match part {
        Part::Param { .. } => true,
        Part::Projection { takes, .. } => takes.contains(&Source::Params),
        Part::Argument(_) | Part::SecretParam(_) | Part::SecretArgument(_) => false,
    })
}

fn lines(stage: &Stage, parts: &[&Part], place: Place) -> Option<TokenStream> {
    let rt = stage.rt();
    let lines = parts.iter().map(|part| line(stage, part, place));
    (!parts.is_empty()).then(|| {
        hygienic! {
            use #rt::{ByCacheKey as _, BySerialize as _, ByNothing as _};
            #(#lines)*
        }
    })
}

fn line(stage: &Stage, part: &Part, place: Place) -> TokenStream {
    let enter = |span, value, slot| enter(stage, span, &value, &slot);
    match part {
        Part::Param { field: path, masks } => {
            let name = path.text();
            enter(end(path), field(path), hygienic!(param(#name, &[#(#masks),*])))
        }
        Part::SecretParam(path) => {
            let name = format!("{PARAMS}.{}", path.text());
            enter(end(path), field(path), hygienic!(secret(#name)))
        }
        Part::Argument(index) => {
            let (span, name, value) = argument(stage, *index, place);
            enter(span, hygienic!(&#value), hygienic!(argument(#name)))
        }
        Part::SecretArgument(index) => {
            let (span, name, value) = argument(stage, *index, place);
            enter(span, hygienic!(&#value), hygienic!(secret(#name)))
        }
        Part::Projection { function, takes } => {
            // An error about what it takes belongs to the function, and is one for both places.
            let span = function.span();
            let takes = takes.iter().map(|source| respanned(taken(stage, *source, place), span));
            let value = quote_spanned!(at(span)=> &#function(#(#takes),*));
            enter(span, value, hygienic!(projection("key")))
        }
    }
}

/// Puts a value, lent, into its slot among the `parts`.
fn enter(stage: &Stage, span: Span, value: &TokenStream, slot: &TokenStream) -> TokenStream {
    let rt = rt_at(stage, span);
    let part = quote_spanned!(at(span)=> (&&&#rt::Part(#value)));
    quote_spanned!(at(span)=> #part.enter(parts.#slot);)
}

/// The expression that says how an element of an array enters the key, if it does by its value.
pub fn element(stage: &Stage, input: &Input) -> TokenStream {
    let span = input.parameter.span();
    let (rt, value) = (rt_at(stage, span), &input.value);
    quote_spanned!(at(span)=> (&&&#rt::Elements::<#value>::new()).keys())
}

/// `&params.train.rate`, with the user's own tokens for the fields.
fn field(path: &FieldPath) -> TokenStream {
    let members = &path.0;
    if members.is_empty() { hygienic!(params) } else { hygienic!(&params #(.#members)*) }
}

/// The place of the last field, at which an error about it belongs.
fn end(path: &FieldPath) -> Span {
    path.0.last().map_or_else(Span::mixed_site, Member::span)
}

fn argument(stage: &Stage, index: usize, place: Place) -> (Span, String, TokenStream) {
    let Argument { name, .. } = &stage.arguments[index];
    (name.span(), name.unraw().to_string(), value(stage, index, place))
}

/// A call argument, of its own type.
fn value(stage: &Stage, index: usize, place: Place) -> TokenStream {
    let Argument { name, lent, .. } = &stage.arguments[index];
    match (place, lent) {
        (Place::Call, _) => name.to_token_stream(),
        (Place::Show, None) => run::captured(stage, index),
        (Place::Show, Some(_)) => run::lent(stage, index),
    }
}

/// Moves tokens to where an error about them should point.
fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        match &mut token {
            TokenTree::Group(group) => {
                let mut moved = Group::new(group.delimiter(), respanned(group.stream(), span));
                moved.set_span(span.resolved_at(group.span()));
                *group = moved;
            }
            token => token.set_span(span.resolved_at(token.span())),
        }
        token
    });
    moved.collect()
}

/// What a key function is given: params or a call argument, by reference.
fn taken(stage: &Stage, source: Source, place: Place) -> TokenStream {
    match source {
        Source::Params => {
            let params = Ident::new(PARAMS, Span::mixed_site());
            hygienic!(#params)
        }
        Source::Argument(index) => {
            let value = value(stage, index, place);
            if stage.arguments[index].lent.is_some() { value } else { hygienic!(&#value) }
        }
    }
}
