//! The fields of params that a stage reads: in its body, and in the functions it hands params to.

use proc_macro2::Span;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, GenericParam, Ident, Index, Member, Path, Type};

use crate::reach::{Body, Handed, HandedAt, Led, Step, are_of_the_workspace, of_params};
use crate::reads::{FieldPath, PARAMS, Site, member_text, outermost, uses};
use crate::stage::model::Role;
use crate::stage::signature::Function;

/// What a stage reads of its params.
#[derive(Default)]
pub struct Reads {
    /// The fields that enter the key, none of which lies in another.
    pub key: Vec<FieldPath>,
    /// The calls that params are handed to.
    pub steps: Vec<Step>,
}

/// Finds what a stage reads.
pub fn reads(function: &Function, roles: &[Role]) -> Reads {
    let Some(at) = roles.iter().position(|role| matches!(role, Role::Params)) else {
        return Reads::default();
    };
    let found = uses(PARAMS, function.body.stream());
    if are_of_the_workspace(&found.macros, function.sig.ident.span()) {
        // A macro of one's own that is named as one of std's may do anything with params.
        return Reads { key: vec![FieldPath(Vec::new())], steps: Vec::new() };
    }
    let handed = found.sites.iter().map(|site| site.at.clone());
    let (behind, steps) = match through(function, at, &found.sites) {
        Some(through) => through,
        None => (handed.collect(), Vec::new()),
    };
    Reads { key: outermost(found.fields.iter().cloned().chain(behind).collect()), steps }
}

/// The fields that are read behind calls, and those calls; nothing where they cannot be followed.
fn through(function: &Function, at: usize, sites: &[Site]) -> Option<(Vec<FieldPath>, Vec<Step>)> {
    if sites.is_empty() {
        return None;
    }
    let (sig, body) = (&function.sig, &function.body);
    let handed = Handed {
        stage: sig.ident.unraw().to_string(),
        ty: params_type(function, at)?,
        body: Body::of(sig, quote!(#body)),
        sites: sites.iter().map(HandedAt::of).collect(),
    };
    let Led { fields, steps } = of_params(&handed, sig.ident.span())?;
    let fields = sites.iter().zip(fields).flat_map(|(site, found)| {
        found.into_iter().map(|fields| member_path(&fields, site)).collect::<Vec<_>>()
    });
    Some((fields.collect(), steps))
}

/// The type of params, if that is a plain path that no generic parameter can be meant by.
pub fn params_type(function: &Function, at: usize) -> Option<Vec<String>> {
    let FnArg::Typed(parameter) = function.sig.inputs.iter().nth(at)? else { return None };
    let ty = match &*parameter.ty {
        Type::Reference(reference) => &*reference.elem,
        other => other,
    };
    let Type::Path(ty) = ty else { return None };
    let generic = function.sig.generics.params.iter().any(|parameter| match parameter {
        GenericParam::Type(parameter) => ty.path.is_ident(&parameter.ident),
        _ => false,
    });
    let is_plain = ty.qself.is_none() && ty.path.segments.iter().all(|s| s.arguments.is_none());
    (is_plain && !generic).then(|| segments(&ty.path))
}

/// The names of a path.
pub fn segments(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect()
}

/// The names of a field.
pub fn names(field: &FieldPath) -> Vec<String> {
    field.0.iter().map(member_text).collect()
}

/// Writes a field at the place where params are handed on; what is named there stays as it is.
fn member_path(fields: &[String], site: &Site) -> FieldPath {
    let span = site.at.0.last().map_or(site.span, Spanned::span);
    let member = |name: &String| match name.parse() {
        Ok(index) => Member::Unnamed(Index { index, span }),
        Err(_) => Member::Named(named(name, span)),
    };
    let written = site.at.0.iter().cloned();
    let inner = fields.iter().skip(site.at.0.len()).map(member);
    FieldPath(written.chain(inner).collect())
}

/// A name that may be a keyword.
fn named(name: &str, span: Span) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(mut ident) => {
            ident.set_span(span);
            ident
        }
        Err(_) => Ident::new_raw(name, span),
    }
}
