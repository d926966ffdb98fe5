//! A checked stage becomes tokens: the function that is called, the type that `body`, `named`
//! and `start` hang on, and in `named` one call into the runtime. Nothing is decided here.
//!
//! Local variables are hygienic, everything else is named by its full path, so that no name of the
//! user's module or signature can get in the way.

mod attrs;
mod call;
mod interface;
mod key;
mod run;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{FnArg, ReturnType, Signature, Type};

use super::model::{Kind, Stage};
use super::signature::Function;
use super::types::{arguments_of, with_static};
use attrs::Attrs;
use interface::Interface;

/// Expands a stage without mistakes.
pub fn expand(function: &Function, stage: &Stage) -> TokenStream {
    let interface = Interface::new(function, stage);
    let call = call::call(stage, function, &interface);
    let start = start(function, stage, &interface);
    if stage.outputs.is_empty() {
        return items(function, &function.sig, stage, &interface, &call, None, Some(&start));
    }
    let (companion, turbofish) = (&stage.companion, &interface.turbofish);
    let handle = interface.handle();
    let names = stage.outputs.iter().map(|output| &output.name);
    let arguments = stage.arguments.iter().map(|argument| &argument.name);
    let by_name = hygienic!(#companion::named #turbofish(#handle, [#(#names),*], #(#arguments),*));
    items(function, &function.sig, stage, &interface, &by_name, Some(&call), Some(&start))
}

/// Expands a stage with mistakes: all that others may name, and no code that could add errors of
/// its own.
pub fn outline(function: &Function, stage: &Stage) -> TokenStream {
    let interface = Interface::new(function, stage);
    let never = hygienic!(::core::unreachable!());
    let named = (!stage.outputs.is_empty()).then_some(&never);
    let signature = readable(&function.sig);
    items(function, &signature, stage, &interface, &never, named, Some(&never))
}

/// The signature without what was reported and what rustc would report once more.
fn readable(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    sig.constness = None;
    sig.variadic = None;
    for argument in &mut sig.inputs {
        if let FnArg::Typed(parameter) = argument
            && arguments_of(&parameter.ty, "Across").is_some_and(|types| types.is_empty())
        {
            let ty = &parameter.ty;
            *parameter.ty = Type::Verbatim(quote!(#ty<()>));
        }
    }
    let lends = sig.inputs.to_token_stream().to_string().contains('&');
    if let (ReturnType::Type(_, ty), false) = (&mut sig.output, lends) {
        **ty = Type::Verbatim(with_static(ty.to_token_stream()));
    }
    sig
}

/// The code of `start`: the call, which does not wait.
fn start(function: &Function, stage: &Stage, interface: &Interface) -> TokenStream {
    let (rt, record, turbofish) = (stage.rt(), interface.handle(), &interface.turbofish);
    let (companion, ident) = (&stage.companion, &function.sig.ident);
    let (_, arguments) = interface.start(ident);
    let names = stage.outputs.iter().map(|output| &output.name);
    let call = if stage.outputs.is_empty() {
        hygienic!(#ident #turbofish(#record, #(#arguments),*))
    } else {
        hygienic!(#companion::named #turbofish(#record, [#(#names),*], #(#arguments),*))
    };
    hygienic!(#rt::start(#record, |#record| #call))
}

/// The wrapper and its companion, with the code of `named` where there are outputs to name, and of
/// `start`, which calls of aggregates do not have.
fn items(
    function: &Function,
    written: &Signature,
    stage: &Stage,
    interface: &Interface,
    call: &TokenStream,
    named: Option<&TokenStream>,
    start: Option<&TokenStream>,
) -> TokenStream {
    let Attrs { wrapper, lints: on_all, body: on_body, all } = Attrs::of(&function.attrs);
    let (vis, ident, companion) = (&function.vis, &function.sig.ident, &stage.companion);
    let doc = format!("What belongs to `{}` beside calls of it.", ident.unraw());
    let signature = interface.wrapper(ident);
    let named = named.map(|code| {
        let signature = interface.named();
        let allowed = allowed();
        hygienic! {
            /// Calls it with other names for its outputs, in their order.
            #(#on_all)*
            #allowed
            #[allow(dead_code)]
            #vis #signature { #code }
        }
    });
    let start = start.filter(|_| matches!(stage.kind, Kind::Stage)).map(|code| {
        let ((signature, _), allowed) = (interface.start(ident), allowed());
        hygienic! {
            /// Starts a call, and does not wait for it.
            #(#on_all)*
            #allowed
            #[allow(dead_code)]
            #vis #signature { #code }
        }
    });
    let (body, lints) = (body(function, written), allowed());
    // Where something else has the name already, the function's own name is underlined.
    let declared =
        quote_spanned!(ident.span().resolved_at(Span::mixed_site())=> enum #companion {});
    hygienic! {
        #(#all)* #(#wrapper)* #(#on_all)*
        #lints
        #vis #signature { #call }

        #(#all)*
        #[doc = #doc]
        #lints
        #[allow(dead_code, non_camel_case_types)]
        #[allow(missing_debug_implementations, missing_copy_implementations)]
        #vis #declared

        #(#all)*
        impl #companion {
            /// The function as it was written, without memoization.
            #(#on_body)*
            #[allow(dead_code, clippy::missing_errors_doc, clippy::missing_panics_doc)]
            #[allow(clippy::missing_const_for_fn)]
            #[allow(clippy::needless_pass_by_value)]
            #vis #body

            #named

            #start
        }
    }
}

/// Lints that the user's signature raises on `body` already, and those that generated items would
/// raise.
fn allowed() -> TokenStream {
    hygienic! {
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        #[allow(deprecated, single_use_lifetimes, unused_variables)]
    }
}

/// The function as written, under the name `body`.
fn body(function: &Function, written: &Signature) -> TokenStream {
    let mut sig = written.clone();
    sig.ident = Ident::new("body", sig.ident.span());
    let mut tokens = sig.into_token_stream();
    function.body.to_tokens(&mut tokens);
    tokens
}

/// Returns where an error should point, for tokens that must not see the user's local variables.
fn at(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The module that generated code calls, for tokens at `span`: an error spans all tokens of an
/// expression.
fn rt_at(stage: &Stage, span: Span) -> TokenStream {
    let respanned = stage.rt().into_iter().map(|mut token| {
        token.set_span(at(span));
        token
    });
    respanned.collect()
}

/// A local variable that no token of the user's can name.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
