//! What makes a stage an array stage: its elements, their index, and what is refused about them.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::Type;

use super::inputs::{Claim, refuse_borrowing, refuse_references};
use crate::diagnostics::Diagnostics;
use crate::stage::model::{InputForm, Kind};
use crate::stage::options::Options;
use crate::stage::signature::Parameter;
use crate::stage::types::{
    argument_of, is_named, is_shards, is_static, owned, reference, unreferenced,
};

/// Returns whether the body runs once for each element of an array.
pub fn is_array(kind: Kind, options: &Options) -> bool {
    kind == Kind::Stage && (options.each.is_some() || options.is_broken("each"))
}

/// Reports what only an array stage can have.
pub fn refuse(kind: Kind, options: &Options, diagnostics: &mut Diagnostics) {
    if let Some(each) = options.each.as_ref().filter(|_| kind == Kind::Aggregate) {
        diagnostics.under(
            &each.option,
            "an aggregate runs once over all records; remove `each`, or write `#[stage]`",
        );
    }
    if let Some(batch) = &options.batch
        && options.each.is_none()
        && !options.is_broken("each")
    {
        diagnostics.under(
            &batch.option,
            "`batch` cuts an array into tasks; add `each = [page in pages]`, or remove it",
        );
    }
}

/// Checks the type of `index`.
pub fn index(parameter: &Parameter, diagnostics: &mut Diagnostics) {
    if !is_named(&parameter.ty, "usize") {
        diagnostics.under(
            &parameter.ty,
            "`index` is the place of the element in its array; write `usize`, or rename a parameter \
             that is a call argument",
        );
    }
}

/// Decides by its type how an element is taken.
pub fn element(
    claim: &Claim,
    rt: &TokenStream,
    diagnostics: &mut Diagnostics,
) -> (TokenStream, InputForm) {
    let (name, ty) = (&claim.parameter.name, &claim.parameter.ty);
    if let Some(sentence) = refusal(name, ty) {
        diagnostics.under(ty, sentence);
        return (quote!(()), InputForm::ElementCloned);
    }
    if let Some(reference) = reference(ty) {
        refuse_references(name, reference, "element", diagnostics);
        return (owned(&reference.elem, rt), InputForm::ElementLent);
    }
    refuse_borrowing(name, ty, "element", diagnostics);
    (ty.to_token_stream(), InputForm::ElementCloned)
}

/// Says why an element cannot be of a type that an input may have.
fn refusal(name: &Ident, ty: &Type) -> Option<String> {
    let lent = unreferenced(ty);
    let inner = argument_of(ty, "Option");
    if is_named(lent, "Lazy") || inner.is_some_and(|inner| is_named(inner, "Lazy")) {
        return Some(format!(
            "the element `{name}` is loaded when its turn comes; write `&T` for `Lazy<T>`"
        ));
    }
    if is_named(lent, "Across") {
        return Some(format!(
            "the element `{name}` is a value of one record; write `&T` for `Across<T>`"
        ));
    }
    if is_shards(lent) {
        return Some(format!(
            "the element `{name}` is one value; write `&T` for `Shards<T>`, or name it in `inputs` \
             to take a whole array"
        ));
    }
    let lent = inner.and_then(reference).filter(|reference| !is_static(reference));
    lent.map(|_| {
        format!(
            "the element `{name}` is never absent; write `&T`, or `&Option<T>` if the elements are \
             `Option`s"
        )
    })
}
