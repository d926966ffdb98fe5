//! Which of the function's attributes goes where.

use syn::{Attribute, Meta};

/// The attributes of a function, sorted by what they are about.
pub struct Attrs<'a> {
    /// Docs and what else concerns callers.
    pub wrapper: Vec<&'a Attribute>,
    /// Lints, which concern the types of every signature.
    pub lints: Vec<&'a Attribute>,
    /// What concerns the code.
    pub body: Vec<&'a Attribute>,
    /// What decides whether the items are there, or shown.
    pub all: Vec<&'a Attribute>,
}

impl<'a> Attrs<'a> {
    /// Sorts attributes.
    pub fn of(attrs: &'a [Attribute]) -> Self {
        let mut sorted =
            Self { wrapper: Vec::new(), lints: Vec::new(), body: Vec::new(), all: Vec::new() };
        for attr in attrs {
            match attr.path().get_ident().map(ToString::to_string).as_deref() {
                Some("cfg") => sorted.all.push(attr),
                Some("doc") if is_hidden(attr) => sorted.all.push(attr),
                Some("doc" | "deprecated") => sorted.wrapper.push(attr),
                // `expect` stays with the code: on two items, one would be unfulfilled.
                Some("allow" | "warn" | "deny") => {
                    sorted.lints.push(attr);
                    sorted.body.push(attr);
                }
                _ => sorted.body.push(attr),
            }
        }
        sorted
    }
}

fn is_hidden(doc: &Attribute) -> bool {
    matches!(&doc.meta, Meta::List(list) if list.tokens.to_string() == "hidden")
}
