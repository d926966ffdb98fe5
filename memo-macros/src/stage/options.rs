//! The options of an attribute as written: each with its own name, for complaints about it.
//!
//! A mistake in one option does not hide the others: parsing goes on at the next one. What the
//! options mean together, and for the function, is `check`'s.

mod each;
mod resources;
mod values;

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Error, Expr, Ident, Lit, LitBool, LitStr, Path, Result, Token, parenthesized, token};

use crate::diagnostics::{Diagnostics, did_you_mean};
pub use each::NamedElement;
pub use resources::{More, MoreResources, Resources};
pub use values::{Code, KeyEntry, NamedInput, NamedOutput};
use values::{list, mod_path, non_empty, number};

/// The options that are understood.
const NAMES: &[&str] = &[
    "inputs",
    "outputs",
    "cachers",
    "name",
    "version",
    "code",
    "depends",
    "opaque",
    "skip",
    "key",
    "env",
    "secret",
    "validate",
    "cache",
    "rerun",
    "expires",
    "was",
    "done",
    "retries",
    "retry_if",
    "resources",
    "retry_resources",
    "each",
    "batch",
    "companion",
    "crate",
];

/// Those whose values stand in parentheses.
const IN_PARENTHESES: &[&str] = &["resources", "retry_resources"];

/// A value with the name of the option that gave it.
pub struct Keyed<T> {
    pub option: Ident,
    pub value: T,
}

/// What stands in the parentheses of the attribute.
#[derive(Default)]
pub struct Options {
    /// Parameters taken from the record's state.
    pub inputs: Option<Keyed<Vec<NamedInput>>>,
    /// Names of the returned values.
    pub outputs: Option<Keyed<Vec<NamedOutput>>>,
    /// One expression per output, or one for all.
    pub cachers: Option<Keyed<Vec<Expr>>>,
    /// The stage's identity.
    pub name: Option<Keyed<LitStr>>,
    /// Enters the key.
    pub version: Option<Keyed<Lit>>,
    /// How much code enters the key.
    pub code: Option<Keyed<Code>>,
    /// Code that the fingerprint cannot see by itself.
    pub depends: Option<Keyed<Vec<Path>>>,
    /// Code that stays out of the fingerprint.
    pub opaque: Option<Keyed<Vec<Path>>>,
    /// What stays out of the key.
    pub skip: Option<Keyed<Vec<KeyEntry>>>,
    /// What enters the key in place of params and call arguments.
    pub key: Option<Keyed<Expr>>,
    /// Environment variables that enter the key.
    pub env: Option<Keyed<Vec<LitStr>>>,
    /// What enters nothing but the key's final digest.
    pub secret: Option<Keyed<Vec<KeyEntry>>>,
    /// Checks the outputs.
    pub validate: Option<Keyed<Expr>>,
    /// Whether anything is looked up and kept.
    pub cache: Option<Keyed<LitBool>>,
    /// Whether it always runs, though its outputs are compared with what is kept.
    pub rerun: Option<Keyed<LitBool>>,
    /// For how long a kept entry is served.
    pub expires: Option<Keyed<Duration>>,
    /// Names that the stage had before.
    pub was: Option<Keyed<Vec<LitStr>>>,
    /// Whether a stage without outputs leaves a marker.
    pub done: Option<Keyed<LitBool>>,
    /// Attempts after a failure.
    pub retries: Option<Keyed<u32>>,
    /// Which failures are tried again.
    pub retry_if: Option<Keyed<Expr>>,
    /// What it takes of the machine while it runs.
    pub resources: Option<Keyed<Resources>>,
    /// What it is given after that was too little.
    pub retry_resources: Option<Keyed<MoreResources>>,
    /// Parameters that take the elements of arrays.
    pub each: Option<Keyed<Vec<NamedElement>>>,
    /// How many shards make a task of an executor.
    pub batch: Option<Keyed<u32>>,
    /// Another name for the type that `body` and `named` hang on.
    pub companion: Option<Keyed<Ident>>,
    /// Where the runtime is, for crates that re-export it.
    pub runtime: Option<Keyed<Path>>,
    /// The options with a mistake in them: what they seem to lack may have been meant.
    broken: Vec<&'static str>,
}

/// Parses the options; a mistake leaves its option out.
pub fn parse(attr: TokenStream, diagnostics: &mut Diagnostics) -> Options {
    let mut options = Options::default();
    let parser = |input: ParseStream| {
        while !input.is_empty() {
            if let Err(error) = options.option(input, diagnostics) {
                diagnostics.push(error);
                skip_option(input)?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(attr) {
        diagnostics.push(error);
    }
    options
}

impl Options {
    /// Parses one option and the comma behind it.
    fn option(&mut self, input: ParseStream, diagnostics: &mut Diagnostics) -> Result<()> {
        let option = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), "expected an option like `outputs = [..]`")
        })?;
        let name = known_name(&option, diagnostics)?;
        if IN_PARENTHESES.contains(&name) {
            if !input.peek(token::Paren) {
                return Err(without_value(name, &option));
            }
        } else {
            if !input.peek(Token![=]) || input.peek(Token![==]) {
                return Err(without_value(name, &option));
            }
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(without_value(name, &option));
            }
        }
        let before = diagnostics.count();
        let parsed = self.value(name, option, input, diagnostics);
        if parsed.is_err() || diagnostics.count() > before {
            self.broken.push(name);
        }
        parsed?;
        if !input.is_empty() && input.parse::<Token![,]>().is_err() {
            return Err(input.error("expected `,` and the next option"));
        }
        Ok(())
    }

    /// Returns whether `option` was written, but not understood as a whole.
    pub fn is_broken(&self, option: &str) -> bool {
        self.broken.contains(&option)
    }

    #[rustfmt::skip] // One line per option.
    fn value(&mut self, name: &str, option: Ident, input: ParseStream, diagnostics: &mut Diagnostics) -> Result<()> {
        match name {
            "inputs" => set(&mut self.inputs, option, |o| list(o, input, diagnostics)),
            "outputs" => set(&mut self.outputs, option, |o| list(o, input, diagnostics)),
            "cachers" => set(&mut self.cachers, option, |o| list(o, input, diagnostics)),
            "name" => set(&mut self.name, option, |o| non_empty(o, input)),
            "version" => set(&mut self.version, option, |_| values::version(input)),
            "code" => set(&mut self.code, option, |_| Code::parse(input)),
            "depends" => set(&mut self.depends, option, |o| list(o, input, diagnostics)),
            "opaque" => set(&mut self.opaque, option, |o| list(o, input, diagnostics)),
            "skip" => set(&mut self.skip, option, |o| list(o, input, diagnostics)),
            "key" => set(&mut self.key, option, |_| Expr::parse(input)),
            "env" => set(&mut self.env, option, |o| values::strings(o, input, diagnostics)),
            "secret" => set(&mut self.secret, option, |o| list(o, input, diagnostics)),
            "validate" => set(&mut self.validate, option, |_| Expr::parse(input)),
            "cache" => set(&mut self.cache, option, |o| values::boolean(o, input)),
            "rerun" => set(&mut self.rerun, option, |o| values::boolean(o, input)),
            "expires" => set(&mut self.expires, option, |_| values::duration(input)),
            "was" => set(&mut self.was, option, |o| values::one_or_more(o, input, diagnostics)),
            "done" => set(&mut self.done, option, |o| values::boolean(o, input)),
            "retries" => set(&mut self.retries, option, |_| number(input)),
            "retry_if" => set(&mut self.retry_if, option, |_| Expr::parse(input)),
            "resources" => set(&mut self.resources, option, |_| in_parentheses(input)),
            "retry_resources" => set(&mut self.retry_resources, option, |_| in_parentheses(input)),
            "each" => set(&mut self.each, option, |o| each::elements(o, input, diagnostics)),
            "batch" => set(&mut self.batch, option, |_| resources::count("batch", input)),
            "companion" => set(&mut self.companion, option, |_| values::companion(input)),
            _ => set(&mut self.runtime, option, |_| mod_path(input)),
        }
    }
}

/// Refuses an option without `=` or without anything behind it.
fn without_value(name: &str, option: &Ident) -> Error {
    if name == "resources" {
        let sentence = "write `resources(..)`, as in `resources(cpus = 4, memory = \"8GiB\")`";
        return Error::new(option.span(), sentence);
    }
    if name == "retry_resources" {
        let sentence =
            "write `retry_resources(..)`, as in `retry_resources(memory = \"x2\", time = \"x2\")`";
        return Error::new(option.span(), sentence);
    }
    let example = match name {
        "inputs" | "outputs" => "[a, b]",
        "cachers" => "[Json]",
        "name" => "\"..\"",
        "version" => "2",
        "code" => "body",
        "skip" => "[params.threads]",
        "env" => "[\"HOME\"]",
        "secret" => "[params.token]",
        "cache" => "false",
        "rerun" | "done" => "true",
        "expires" => "\"7d\"",
        "was" => "\"old_name\"",
        "retries" => "3",
        "each" => "[page in pages]",
        "batch" => "8",
        "companion" => "Name",
        "crate" => "path",
        _ => "f",
    };
    Error::new(option.span(), format!("write `{name} = ..`, as in `{name} = {example}`"))
}

/// Parses what stands in parentheses. After a mistake the rest of it is of no use.
fn in_parentheses<T: Parse>(input: ParseStream) -> Result<T> {
    let content;
    parenthesized!(content in input);
    let parsed = content.parse();
    if parsed.is_err() {
        content.parse::<TokenStream>()?;
    }
    parsed
}

/// Parses a value and puts it into `slot`, which must be empty.
fn set<T>(
    slot: &mut Option<Keyed<T>>,
    option: Ident,
    parse: impl FnOnce(&Ident) -> Result<T>,
) -> Result<()> {
    let value = parse(&option)?;
    if slot.is_some() {
        return Err(Error::new(
            option.span(),
            format!("`{option}` is given twice; keep one of the two"),
        ));
    }
    *slot = Some(Keyed { option, value });
    Ok(())
}

/// Returns the option that is meant. A slip of the pen is reported, and its value read all the
/// same.
fn known_name(option: &Ident, diagnostics: &mut Diagnostics) -> Result<&'static str> {
    let wrong = option.to_string();
    if let Some(name) = NAMES.iter().find(|name| **name == wrong) {
        return Ok(name);
    }
    let all = format!("; the options are `{}`", NAMES.join("`, `"));
    let mend = did_you_mean(&wrong, NAMES.iter().copied(), &all);
    let error = Error::new(option.span(), format!("unknown option `{wrong}`{mend}"));
    match crate::diagnostics::nearest(&wrong, NAMES.iter().copied()) {
        Some(name) => {
            diagnostics.push(error);
            Ok(name)
        }
        None => Err(error),
    }
}

/// Goes on behind the next comma that an option follows.
fn skip_option(input: ParseStream) -> Result<()> {
    while !input.is_empty() {
        let is_comma = input.peek(Token![,]);
        input.parse::<TokenTree>()?;
        if is_comma && (input.is_empty() || starts_option(input)) {
            break;
        }
    }
    Ok(())
}

fn starts_option(input: ParseStream) -> bool {
    let ahead = input.fork();
    ahead.call(Ident::parse_any).is_ok()
        && (ahead.is_empty() || ahead.peek(Token![=]) || ahead.peek(token::Paren))
}
