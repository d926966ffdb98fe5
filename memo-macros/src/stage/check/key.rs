//! What of params and call arguments enters the key.

mod projection;

use syn::Ident;
use syn::ext::IdentExt;

use super::params::Reads;
use crate::diagnostics::{Diagnostics, did_you_mean};
use crate::reads::{FieldPath, PARAMS};
use crate::stage::model::{Argument, Input, Key, Part, Role, Source};
use crate::stage::options::{KeyEntry, Options};
use crate::stage::signature::Parameter;
use projection::projection;

/// Decides on the components of the key.
pub fn check(
    reads: &Reads,
    options: &Options,
    roles: &[Role],
    written: &[Parameter],
    arguments: &[Argument],
    inputs: &[Input],
    diagnostics: &mut Diagnostics,
) -> Key {
    let params = written.iter().zip(roles).find(|(_, role)| matches!(role, Role::Params));
    let params = params.map(|(parameter, _)| parameter);
    let takes_index = roles.iter().any(|role| matches!(role, Role::Index));
    let scope = Scope { params, arguments, inputs, takes_index };
    let skipped =
        scope.entries("skip", options.skip.as_ref().map(|o| o.value.as_slice()), diagnostics);
    let secret =
        scope.entries("secret", options.secret.as_ref().map(|o| o.value.as_slice()), diagnostics);
    refuse_both(&skipped, &secret, diagnostics);
    let (projection, taken) = match &options.key {
        Some(key) => projection(&key.value, &scope, diagnostics),
        None => (None, Vec::new()),
    };
    refuse_taken(&taken, &skipped, "skip", diagnostics);
    refuse_taken(&taken, &secret, "secret", diagnostics);
    let mut parts = field_parts(&reads.key, &skipped, &secret, taken.contains(&Source::Params));
    parts.extend(argument_parts(arguments.len(), &skipped, &secret, &taken));
    parts.extend(projection);
    let hidden = skipped.iter().chain(&secret).filter_map(|entry| entry.field().cloned()).collect();
    Key { parts, hidden }
}

/// What entries and key functions can name.
pub struct Scope<'a> {
    pub params: Option<&'a Parameter>,
    pub arguments: &'a [Argument],
    inputs: &'a [Input],
    takes_index: bool,
}

/// A checked entry of `skip` or `secret`.
struct Entry<'a> {
    written: &'a KeyEntry,
    source: Source,
}

impl Entry<'_> {
    /// Returns the field of params that it names.
    fn field(&self) -> Option<&FieldPath> {
        (self.source == Source::Params).then_some(&self.written.fields)
    }
}

impl Scope<'_> {
    /// Checks the entries of one option.
    fn entries<'e>(
        &self,
        option: &str,
        entries: Option<&'e [KeyEntry]>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Entry<'e>> {
        let mut checked: Vec<Entry> = Vec::new();
        for written in entries.unwrap_or_default() {
            let text = written.text();
            let Some(source) = self.source(option, written, diagnostics) else { continue };
            if checked.iter().any(|earlier| earlier.written.text() == text) {
                diagnostics
                    .under(&written.root, format!("`{text}` is named twice; remove it once"));
            }
            checked.push(Entry { written, source });
        }
        checked
    }

    /// Finds what an entry names; reports what it cannot name.
    fn source(
        &self,
        option: &str,
        entry: &KeyEntry,
        diagnostics: &mut Diagnostics,
    ) -> Option<Source> {
        let (root, has_fields) = (entry.root.unraw(), !entry.fields.0.is_empty());
        if root == PARAMS && self.params.is_some() {
            if !has_fields {
                diagnostics.under(
                    &entry.root,
                    format!(
                        "`{option}` takes single fields of params; name them, as in \
                         `params.threads`"
                    ),
                );
            }
            return has_fields.then_some(Source::Params);
        }
        match self.find(&root) {
            Some(source) if !has_fields => return Some(source),
            Some(_) => diagnostics.under(
                &entry.root,
                format!("only params can be taken apart; name `{root}` as a whole"),
            ),
            None => self.refuse_name(&entry.root, diagnostics),
        }
        None
    }

    /// Finds params or a call argument by name.
    pub fn find(&self, name: &Ident) -> Option<Source> {
        if *name == PARAMS && self.params.is_some() {
            return Some(Source::Params);
        }
        self.arguments
            .iter()
            .position(|argument| argument.name.unraw() == *name)
            .map(Source::Argument)
    }

    /// Reports a name that is neither params nor a call argument.
    pub fn refuse_name(&self, name: &Ident, diagnostics: &mut Diagnostics) {
        let wrong = name.unraw().to_string();
        if wrong == PARAMS {
            diagnostics.under(name, "the function has no `params`; add `params: &Params` to it");
        } else if wrong == "index" && self.takes_index {
            let sentence = "`index` enters the key because the function takes it; remove it here";
            diagnostics.under(name, sentence);
        } else if let Some(input) = self.inputs.iter().find(|i| i.parameter.unraw() == wrong) {
            if input.is_element() {
                let sentence = "is an element of an array, which always enters the key; remove it";
                return diagnostics.under(name, format!("`{wrong}` {sentence}"));
            }
            diagnostics.under(
                name,
                format!(
                    "`{wrong}` is an input, which always enters the key by its content; remove it"
                ),
            );
        } else {
            let names: Vec<String> =
                self.arguments.iter().map(|argument| argument.name.unraw().to_string()).collect();
            let mend = did_you_mean(
                &wrong,
                names.iter().map(String::as_str),
                "; name one, or a field of `params`",
            );
            diagnostics.under(name, format!("`{wrong}` is not a call argument{mend}"));
        }
    }
}

/// Reports what is both left out of the key and in it.
fn refuse_both(skipped: &[Entry], secret: &[Entry], diagnostics: &mut Diagnostics) {
    for entry in secret {
        let overlaps = |other: &&Entry| match (entry.field(), other.field()) {
            (Some(a), Some(b)) => a.contains(b) || b.contains(a),
            _ => entry.source == other.source,
        };
        if let Some(other) = skipped.iter().find(overlaps) {
            let (secret, skipped) = (entry.written.text(), other.written.text());
            diagnostics.under(
                &entry.written.root,
                format!("`{secret}` is secret and `{skipped}` is skipped; remove one of the two"),
            );
        }
    }
}

/// Reports what the key function stands for already.
fn refuse_taken(taken: &[Source], entries: &[Entry], option: &str, diagnostics: &mut Diagnostics) {
    for entry in entries.iter().filter(|entry| taken.contains(&entry.source)) {
        let text = entry.written.text();
        diagnostics.under(
            &entry.written.root,
            format!("`key` decides what of `{text}` enters; remove it from `{option}`"),
        );
    }
}

/// The components of params: each field that is read, less what is skipped or secret, and the
/// secrets.
fn field_parts(
    fields: &[FieldPath],
    skipped: &[Entry],
    secret: &[Entry],
    is_projected: bool,
) -> Vec<Part> {
    let hidden: Vec<&FieldPath> = skipped.iter().chain(secret).filter_map(Entry::field).collect();
    let mut parts = Vec::new();
    for field in fields {
        for secret in secret.iter().filter_map(Entry::field) {
            if field.contains(secret) {
                parts.push(Part::SecretParam(secret.clone()));
            } else if secret.contains(field) {
                parts.push(Part::SecretParam(field.clone()));
            }
        }
        if is_projected || hidden.iter().any(|hidden| hidden.contains(field)) {
            continue;
        }
        let inside = hidden.iter().filter(|hidden| field.contains(hidden));
        let masks = inside.map(|hidden| field.relative(hidden)).collect();
        parts.push(Part::Param { field: field.clone(), masks });
    }
    parts
}

/// The components of the call arguments.
fn argument_parts(
    count: usize,
    skipped: &[Entry],
    secret: &[Entry],
    taken: &[Source],
) -> Vec<Part> {
    let names = |entries: &[Entry], source| entries.iter().any(|entry| entry.source == source);
    let part = |at| {
        let source = Source::Argument(at);
        if names(secret, source) {
            Some(Part::SecretArgument(at))
        } else if names(skipped, source) || taken.contains(&source) {
            None
        } else {
            Some(Part::Argument(at))
        }
    };
    (0..count).filter_map(part).collect()
}
