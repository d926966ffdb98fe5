//! The signatures of the wrapper, of `named` and of `start`.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{GenericParam, LifetimeParam};

use super::local;
use crate::stage::model::{Kind, Stage};
use crate::stage::signature::Function;

/// What the signatures have in common.
pub struct Interface<'a> {
    stage: &'a Stage,
    generics: Vec<&'a GenericParam>,
    where_clause: Option<&'a syn::WhereClause>,
    /// `::<A, N>` for calls between the functions of a stage.
    pub turbofish: TokenStream,
}

impl<'a> Interface<'a> {
    /// Reads off what both signatures need.
    pub fn new(function: &'a Function, stage: &'a Stage) -> Self {
        let generics = &function.sig.generics;
        let used = |param: &&GenericParam| match param {
            GenericParam::Lifetime(lifetime) => is_used(lifetime, function, stage),
            GenericParam::Type(_) | GenericParam::Const(_) => true,
        };
        let named = generics.params.iter().filter_map(|param| match param {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(ty) => Some(&ty.ident),
            GenericParam::Const(constant) => Some(&constant.ident),
        });
        let named: Vec<&Ident> = named.collect();
        Self {
            stage,
            generics: generics.params.iter().filter(used).collect(),
            where_clause: generics.where_clause.as_ref(),
            turbofish: if named.is_empty() {
                TokenStream::new()
            } else {
                hygienic!(::<#(#named),*>)
            },
        }
    }

    /// Returns the name of the first parameter.
    pub fn handle(&self) -> Ident {
        match self.stage.kind {
            Kind::Stage => local("record"),
            Kind::Aggregate => local("records"),
        }
    }

    /// Returns the signature that the user's name is bound to.
    pub fn wrapper(&self, ident: &Ident) -> TokenStream {
        self.signature(ident, None, &self.arguments(), &self.returned())
    }

    /// Returns the signature of `named`.
    pub fn named(&self) -> TokenStream {
        let rt = self.stage.rt();
        let (names, count) = (local("outputs"), self.stage.outputs.len());
        let count = proc_macro2::Literal::usize_unsuffixed(count);
        let names = hygienic!(#names: [impl #rt::Into<#rt::Cow<'static, str>>; #count]);
        self.signature(&local("named"), Some(&names), &self.arguments(), &self.returned())
    }

    /// Returns the signature of `start`, and the names of its arguments: an argument that is named like
    /// the function must not hide it.
    pub fn start(&self, function: &Ident) -> (TokenStream, Vec<Ident>) {
        let rt = self.stage.rt();
        let renamed = |name: Ident| if name == *function { local("argument") } else { name };
        let arguments: Vec<Ident> = self.arguments().into_iter().map(renamed).collect();
        let handles = self.handles();
        let returned = hygienic!(#rt::Result<#rt::Call<#handles>, #rt::Error>);
        (self.signature(&local("start"), None, &arguments, &returned), arguments)
    }

    fn arguments(&self) -> Vec<Ident> {
        self.stage.arguments.iter().map(|argument| argument.name.clone()).collect()
    }

    fn signature(
        &self,
        ident: &Ident,
        names: Option<&TokenStream>,
        arguments: &[Ident],
        returned: &TokenStream,
    ) -> TokenStream {
        let (handle, handle_type) = (self.handle(), self.handle_type());
        let names = names.into_iter();
        let arguments = self.stage.arguments.iter().zip(arguments).map(|(argument, name)| {
            let ty = &argument.ty;
            hygienic!(#name: #ty)
        });
        let generics = &self.generics;
        let generics = (!generics.is_empty()).then(|| hygienic!(<#(#generics),*>));
        let where_clause = self.where_clause;
        hygienic! {
            fn #ident #generics(
                #handle: &mut #handle_type #(, #names)* #(, #arguments)*
            ) -> #returned #where_clause
        }
    }

    fn handle_type(&self) -> TokenStream {
        let (runtime, rt) = (&self.stage.runtime, self.stage.rt());
        let provided = self.stage.provided.as_ref();
        let bound = provided.map(|params| hygienic!(#rt::Provides<#params>));
        let bound = bound.unwrap_or_else(|| hygienic!(#rt::Params));
        match self.stage.kind {
            Kind::Stage => hygienic!(#runtime::Record<impl #bound>),
            Kind::Aggregate => hygienic!(#runtime::Records<impl #bound>),
        }
    }

    fn returned(&self) -> TokenStream {
        let (rt, handles) = (self.stage.rt(), self.handles());
        hygienic!(#rt::Result<#handles, #rt::Error>)
    }

    /// Returns the type of the handles of the outputs.
    fn handles(&self) -> TokenStream {
        let rt = self.stage.rt();
        let handle = if self.stage.is_array() { local("Shards") } else { local("Lazy") };
        let handles = self.stage.outputs.iter().map(|output| {
            let ty = &output.ty;
            hygienic!(#rt::#handle<#ty>)
        });
        if self.stage.outputs.len() == 1 {
            hygienic!(#(#handles)*)
        } else {
            hygienic!((#(#handles),*))
        }
    }
}

/// Whether a lifetime is left in the signature of a call, from which inputs and `params` are gone.
fn is_used(lifetime: &LifetimeParam, function: &Function, stage: &Stage) -> bool {
    let generics = &function.sig.generics;
    let bounds = generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(other) if other.lifetime == lifetime.lifetime => None,
        other => Some(other.to_token_stream()),
    });
    let types = stage.arguments.iter().map(|argument| argument.ty.to_token_stream());
    let mut places = bounds.chain(types).chain([generics.where_clause.to_token_stream()]);
    let name = lifetime.lifetime.to_string();
    places.any(|tokens| tokens.to_string().contains(&name))
}
