//! The function as written. Its body stays the tokens it is: rustc judges it, and a half-typed one
//! keeps the editor working.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, Ident, Pat, PatType, Result, ReturnType, Safety, Signature, Token,
    Type, Visibility, token,
};

use super::model::Kind;
use super::types::{impl_trait, is_named, last_segment, peel};
use crate::diagnostics::Diagnostics;

/// An annotated function.
pub struct Function {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub sig: Signature,
    /// The body with its braces.
    pub body: Group,
}

impl Function {
    /// Parses an item that must be a free function.
    pub fn parse(kind: Kind, item: TokenStream) -> Result<Self> {
        let attribute = kind.attribute();
        (|input: ParseStream| {
            let attrs = input.call(Attribute::parse_outer)?;
            let vis = input.parse()?;
            if !starts_function(input) {
                return Err(input.error(format!("`#[{attribute}]` belongs on a function")));
            }
            let sig = Signature::parse(input)?;
            if let Some(receiver) = sig.receiver() {
                let sentence = format!(
                    "`#[{attribute}]` needs a free function; pass `self` as params or as a \
                     call argument"
                );
                return Err(Error::new_spanned(receiver, sentence));
            }
            if let Some(span) = mentions_self_type(&sig) {
                let sentence =
                    "`Self` is not known here; move the function out of its `impl` block";
                return Err(Error::new(span, sentence));
            }
            if input.peek(Token![;]) {
                return Err(input.error(format!("`#[{attribute}]` needs a function with a body")));
            }
            Ok(Self { attrs, vis, sig, body: body(input)? })
        })
        .parse2(item)
    }

    /// Returns the parameters; a pattern is reported, and stands in under a made-up name.
    pub fn parameters(&self, diagnostics: &mut Diagnostics) -> Vec<Parameter> {
        let typed = self.sig.inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        });
        typed.enumerate().map(|(at, written)| Parameter::of(written, at, diagnostics)).collect()
    }

    /// Returns what the function gives back.
    pub fn returned(&self, diagnostics: &mut Diagnostics) -> Returned {
        let ReturnType::Type(_, ty) = &self.sig.output else {
            return Returned { fallible: false, value: None };
        };
        if let Some(found) = impl_trait(ty) {
            diagnostics
                .under(found, "the type of an output must have a name; `impl Trait` has none");
        }
        let (fallible, value) = match result_value(ty) {
            ResultValue::Of(value) => (true, value),
            ResultValue::Hidden(span) => {
                diagnostics.at(span, "write the returned type out, as in `Result<Model>`");
                (true, peel(ty))
            }
            ResultValue::NotAResult => (false, peel(ty)),
        };
        let is_unit = matches!(peel(value), Type::Tuple(tuple) if tuple.elems.is_empty());
        Returned { fallible, value: (!is_unit).then(|| value.clone()) }
    }

    /// Reports what a stage cannot be.
    pub fn refuse_modifiers(&self, kind: Kind, diagnostics: &mut Diagnostics) {
        let (sig, word) = (&self.sig, kind.noun());
        if let Some(token) = &sig.constness {
            diagnostics.at(token.span, format!("{word} cannot be `const`; remove the `const`"));
        }
        if let Some(token) = &sig.asyncness {
            let mend = "block on the future inside of an ordinary function";
            diagnostics.at(token.span, format!("{word} cannot be `async` yet; {mend}"));
        }
        if let Safety::Unsafe(token) = &sig.safety {
            let mend = "keep the `unsafe` block inside of a safe function";
            diagnostics.at(token.span, format!("{word} cannot be `unsafe`; {mend}"));
        }
        if let Some(abi) = &sig.abi {
            diagnostics.under(abi, format!("{word} cannot be `extern`; remove the ABI"));
        }
        if let Some(variadic) = &sig.variadic {
            let mend = "take a `Vec` or a slice";
            diagnostics.under(variadic, format!("{word} cannot be variadic; {mend}"));
        }
    }
}

/// One parameter, with a name that a call can use.
#[derive(Clone)]
pub struct Parameter {
    pub name: Ident,
    pub ty: Type,
}

impl Parameter {
    fn of(written: &PatType, at: usize, diagnostics: &mut Diagnostics) -> Self {
        for cfg in written.attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
            diagnostics
                .under(cfg, "a parameter of a stage cannot be conditional; put `cfg` on the stage");
        }
        if let Some(found) = impl_trait(&written.ty) {
            diagnostics.under(
                found,
                "a stage cannot take `impl Trait`; name a type parameter, as in `fn f<T: \
                 Trait>(x: T)`",
            );
        }
        let name = match &*written.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
            Pat::Wild(_) => {
                diagnostics.under(&written.pat, "a parameter of a stage needs a name; `_` is none");
                Ident::new(&format!("unnamed_{at}"), Span::mixed_site())
            }
            pattern => {
                diagnostics.under(
                    pattern,
                    "a parameter of a stage is a plain name; take the pattern apart in the body",
                );
                Ident::new(&format!("unnamed_{at}"), Span::mixed_site())
            }
        };
        Self { name, ty: (*written.ty).clone() }
    }
}

/// What a function gives back, the `Result` taken off.
pub struct Returned {
    pub fallible: bool,
    /// Nothing for `()`.
    pub value: Option<Type>,
}

/// What lies in a type that may be a `Result`.
enum ResultValue<'a> {
    Of(&'a Type),
    Hidden(Span),
    NotAResult,
}

/// Takes the `Result` off a type; `Hidden` when an alias hides what is in it.
fn result_value(ty: &Type) -> ResultValue<'_> {
    match super::types::arguments_of(ty, "Result").as_deref() {
        None => ResultValue::NotAResult,
        Some([value, ..]) => ResultValue::Of(value),
        Some([]) => ResultValue::Hidden(
            last_segment(ty).map_or_else(Span::call_site, |segment| segment.ident.span()),
        ),
    }
}

fn starts_function(input: ParseStream) -> bool {
    input.peek(Token![fn])
        || input.peek(Token![async])
        || input.peek(Token![unsafe])
        || input.peek(Token![extern])
        || (input.peek(Token![const]) && !input.peek2(Ident) && !input.peek2(Token![_]))
}

fn body(input: ParseStream) -> Result<Group> {
    if !input.peek(token::Brace) {
        return Err(input.error("expected the body of the function"));
    }
    match input.parse()? {
        TokenTree::Group(body) => Ok(body),
        other => Err(Error::new(other.span(), "expected the body of the function")),
    }
}

/// Returns the first `Self` of a signature: the function stands in an `impl` block.
fn mentions_self_type(sig: &Signature) -> Option<Span> {
    let types = sig.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(parameter) => Some(&*parameter.ty),
        FnArg::Receiver(_) => None,
    });
    let output = match &sig.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    types.chain(output).find(|ty| is_self(ty)).map(Spanned::span)
}

/// Whether `Self` is the type, or what a reference or `Result` holds.
fn is_self(ty: &Type) -> bool {
    match peel(ty) {
        Type::Reference(reference) => is_self(&reference.elem),
        _ => {
            is_named(ty, "Self")
                || super::types::argument_of(ty, "Result")
                    .is_some_and(|value| is_named(value, "Self"))
        }
    }
}
