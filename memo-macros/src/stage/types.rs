//! Questions about types as they are written: what follows from their tokens alone.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Lifetime, ParenthesizedGenericArguments, PathArguments, PathSegment,
    TraitBound, Type, TypeFnPtr, TypeImplTrait, TypeReference,
};

/// Strips the parentheses and invisible groups around a type.
pub fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

/// Returns the last segment of a plain path: the `Option<T>` of `std::option::Option<T>`.
pub fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Returns whether the last segment of the type is `name`.
pub fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Returns the type arguments of `name<..>`; nothing if the type is another one.
pub fn arguments_of<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let segment = last_segment(ty).filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Some(Vec::new());
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// Returns whether a type is `Shards<..>`. A type of one's own may have that name, without parameters.
pub fn is_shards(ty: &Type) -> bool {
    argument_of(ty, "Shards").is_some()
}

/// Returns the first type argument of `name<..>`.
pub fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    arguments_of(ty, name)?.first().copied()
}

/// Returns the reference that a type is.
pub fn reference(ty: &Type) -> Option<&TypeReference> {
    match peel(ty) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    }
}

/// Returns the type behind the reference that a type may be.
pub fn unreferenced(ty: &Type) -> &Type {
    reference(ty).map_or(ty, |reference| &reference.elem)
}

/// Returns whether a reference lives as long as the program, as `&'static str` does.
pub fn is_static(reference: &TypeReference) -> bool {
    reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
}

/// Returns the type that a state keeps for values lent as `&lent`: `Vec<T>` for `&[T]`.
pub fn owned(lent: &Type, rt: &TokenStream) -> TokenStream {
    match peel(lent) {
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote!(#rt::Vec<#element>)
        }
        Type::Path(path) if path.path.is_ident("str") => quote!(#rt::String),
        _ if is_named(lent, "Path") => quote!(#rt::PathBuf),
        _ => lent.to_token_stream(),
    }
}

/// Returns where a type borrows from something that is not `'static`.
pub fn borrows(ty: &Type) -> Option<Span> {
    let mut search = Borrows { found: None };
    search.visit_type(ty);
    search.found
}

/// Looks for references and lifetimes, except in the signatures of function types.
struct Borrows {
    found: Option<Span>,
}

impl<'ast> Visit<'ast> for Borrows {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if !is_static(reference) {
            self.found.get_or_insert(reference.span());
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.found.get_or_insert(lifetime.span());
        }
    }

    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}

    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }
}

/// Writes `'static` where a reference has no lifetime, and for `'_`.
pub fn with_static(ty: TokenStream) -> TokenStream {
    let mut tokens = Vec::new();
    let mut rest = ty.into_iter().peekable();
    while let Some(token) = rest.next() {
        let is_lifetime = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == '\'');
        match token {
            TokenTree::Punct(and) if and.as_char() == '&' && !is_lifetime(rest.peek()) => {
                tokens.extend(quote!(#and 'static));
            }
            TokenTree::Ident(name) if name == "_" && is_lifetime(tokens.last()) => {
                tokens.push(Ident::new("static", name.span()).into());
            }
            TokenTree::Group(group) => {
                let inner = with_static(group.stream());
                tokens.push(Group::new(group.delimiter(), inner).into());
            }
            token => tokens.push(token),
        }
    }
    tokens.into_iter().collect()
}

/// Returns the `impl Trait` somewhere in a type.
pub fn impl_trait(ty: &Type) -> Option<&TypeImplTrait> {
    let mut search = ImplTrait { found: None };
    search.visit_type(ty);
    search.found
}

/// Looks for `impl Trait`.
struct ImplTrait<'ast> {
    found: Option<&'ast TypeImplTrait>,
}

impl<'ast> Visit<'ast> for ImplTrait<'ast> {
    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.found.get_or_insert(ty);
    }
}
