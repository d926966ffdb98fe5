//! The values that options take.

use std::time::Duration;

use proc_macro2::{Literal, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{
    Error, Ident, Lit, LitBool, LitInt, LitStr, Member, Path, Result, Token, bracketed,
    parenthesized, token,
};

use crate::diagnostics::Diagnostics;
use crate::reads::{FieldPath, tuple_fields};

/// One of `inputs`: `prior as old` takes `prior` from the state as the parameter `old`.
pub struct NamedInput {
    pub state: Ident,
    pub parameter: Ident,
}

impl Parse for NamedInput {
    fn parse(input: ParseStream) -> Result<Self> {
        let state: Ident = input.parse().map_err(|error| {
            Error::new(error.span(), "expected the name of an input, or `state_name as parameter`")
        })?;
        let parameter = match input.parse::<Option<Token![as]>>()? {
            Some(token) => input.parse().map_err(|_| {
                Error::new(token.span, "write the name of the parameter behind `as`")
            })?,
            None => state.clone(),
        };
        Ok(Self { state, parameter })
    }
}

/// One of `outputs`: `x`, or `Lazy(x)` for one that never stays in memory.
pub struct NamedOutput {
    pub name: Ident,
    pub lazy: Option<Span>,
}

impl Parse for NamedOutput {
    fn parse(input: ParseStream) -> Result<Self> {
        let name: Ident = input.parse().map_err(|error| {
            Error::new(error.span(), "expected the name of an output, or `Lazy(name)`")
        })?;
        if !input.peek(token::Paren) {
            return Ok(Self { name, lazy: None });
        }
        let content;
        parenthesized!(content in input);
        let inner = content.parse()?;
        if name != "Lazy" {
            return Err(Error::new(
                name.span(),
                format!("write `Lazy({inner})` or just `{inner}`"),
            ));
        }
        content.parse::<Option<Token![,]>>()?;
        if !content.is_empty() {
            let sentence = "`Lazy(..)` holds one name; write `Lazy(a), Lazy(b)` for two";
            let error = content.error(sentence);
            content.parse::<TokenStream>()?;
            return Err(error);
        }
        Ok(Self { name: inner, lazy: Some(name.span()) })
    }
}

/// One of `skip` and `secret`: a field of params, at any depth, or a call argument.
pub struct KeyEntry {
    pub root: Ident,
    pub fields: FieldPath,
}

impl KeyEntry {
    /// Returns the entry as it was written.
    pub fn text(&self) -> String {
        match self.fields.0.as_slice() {
            [] => self.root.unraw().to_string(),
            _ => format!("{}.{}", self.root.unraw(), self.fields.text()),
        }
    }
}

impl Parse for KeyEntry {
    fn parse(input: ParseStream) -> Result<Self> {
        let root = input.parse().map_err(|error| {
            Error::new(
                error.span(),
                "expected a params field (`params.threads`) or a call argument",
            )
        })?;
        let mut fields = Vec::new();
        while input.parse::<Option<Token![.]>>()?.is_some() {
            if input.peek(Ident::peek_any) {
                fields.push(Member::Named(input.call(Ident::parse_any)?));
            } else {
                let indices: Literal = input.parse()?;
                fields.extend(
                    tuple_fields(&indices).ok_or_else(|| {
                        Error::new(indices.span(), "expected the name of a field")
                    })?,
                );
            }
        }
        Ok(Self { root, fields: FieldPath(fields) })
    }
}

/// How much code enters the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The function and all that it reaches.
    Auto,
    /// The function's own tokens.
    Body,
    /// None: only `version` tells.
    Manual,
    /// As `Auto`, and code that cannot be seen is an error.
    Strict,
}

impl Parse for Code {
    fn parse(input: ParseStream) -> Result<Self> {
        let sentence = "`code` is one of `auto`, `body`, `manual` and `strict`";
        let level: Ident = input.parse().map_err(|error| Error::new(error.span(), sentence))?;
        match level.to_string().as_str() {
            "auto" => Ok(Self::Auto),
            "body" => Ok(Self::Body),
            "manual" => Ok(Self::Manual),
            "strict" => Ok(Self::Strict),
            _ => Err(Error::new(level.span(), sentence)),
        }
    }
}

/// What stands in a list, and what of it can be saved where it is written wrongly.
pub trait Element: Parse {
    /// What stands in such a list, for complaints about it.
    const EXAMPLE: &str = "..";

    /// Reads the name in a string, for lists of names.
    fn unquoted(_: &LitStr) -> Option<Self> {
        None
    }
}

impl Element for NamedInput {
    fn unquoted(string: &LitStr) -> Option<Self> {
        let state: Ident = string.parse().ok()?;
        Some(Self { parameter: state.clone(), state })
    }
}

impl Element for NamedOutput {
    fn unquoted(string: &LitStr) -> Option<Self> {
        Some(Self { name: string.parse().ok()?, lazy: None })
    }
}

impl Element for KeyEntry {
    fn unquoted(string: &LitStr) -> Option<Self> {
        string.parse().ok()
    }
}

impl Element for syn::Expr {}

impl Element for Path {
    fn unquoted(string: &LitStr) -> Option<Self> {
        string.parse().ok()
    }
}

/// Parses `[a, b]`; an element that is wrong is reported, and left out if nobody can tell what was
/// meant.
pub fn list<T: Element>(
    option: &Ident,
    input: ParseStream,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<T>> {
    if !input.peek(token::Bracket) {
        let error = input.error(format!("write `{option} = [{}]`", T::EXAMPLE));
        let Ok(only) = input.parse() else { return Err(error) };
        diagnostics.push(error);
        return Ok(vec![only]);
    }
    let content;
    bracketed!(content in input);
    let mut elements = Vec::new();
    while !content.is_empty() {
        match element(&content, diagnostics) {
            Ok(element) => elements.push(element),
            Err(error) => {
                diagnostics.push(error);
                skip_element(&content)?;
            }
        }
    }
    Ok(elements)
}

fn element<T: Element>(content: ParseStream, diagnostics: &mut Diagnostics) -> Result<T> {
    let element = match quoted(content) {
        Some((string, element)) => {
            let sentence = format!("write `{}` without the quotes", string.value());
            diagnostics.at(string.span(), sentence);
            element
        }
        None => content.parse()?,
    };
    if !content.is_empty() && content.parse::<Token![,]>().is_err() {
        diagnostics.push(content.error("expected `,` or `]`"));
    }
    Ok(element)
}

/// Parses an element that stands in a string, where it should not.
fn quoted<T: Element>(content: ParseStream) -> Option<(LitStr, T)> {
    let ahead: LitStr = content.fork().parse().ok()?;
    let element = T::unquoted(&ahead)?;
    content.parse().ok().map(|string| (string, element))
}

fn skip_element(content: ParseStream) -> Result<()> {
    while !content.is_empty() && content.parse::<Option<Token![,]>>()?.is_none() {
        content.parse::<TokenTree>()?;
    }
    Ok(())
}

/// One of `env`.
struct Variable(LitStr);

impl Parse for Variable {
    fn parse(input: ParseStream) -> Result<Self> {
        let sentence = "`env` holds strings, as in `env = [\"HOME\"]`";
        input.parse().map(Self).map_err(|error| Error::new(error.span(), sentence))
    }
}

impl Element for Variable {}

/// Parses a list of strings that are not empty.
pub fn strings(
    option: &Ident,
    input: ParseStream,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<LitStr>> {
    let strings: Vec<Variable> = list(option, input, diagnostics)?;
    let strings: Vec<LitStr> = strings.into_iter().map(|string| string.0).collect();
    for empty in strings.iter().filter(|string| string.value().is_empty()) {
        diagnostics.at(empty.span(), format!("an empty string in `{option}` names nothing"));
    }
    Ok(strings)
}

/// Parses a string that is not empty.
pub fn non_empty(option: &Ident, input: ParseStream) -> Result<LitStr> {
    let string: LitStr = input.parse().map_err(|error| {
        Error::new(error.span(), format!("`{option}` is a string, such as `\"digits/fit\"`"))
    })?;
    if string.value().is_empty() {
        return Err(Error::new(string.span(), format!("`{option}` cannot be empty; leave it out")));
    }
    Ok(string)
}

/// Parses a string, or a list of strings, that are not empty.
pub fn one_or_more(
    option: &Ident,
    input: ParseStream,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<LitStr>> {
    if input.peek(token::Bracket) {
        return strings(option, input, diagnostics);
    }
    let sentence = format!("`{option}` is a name in quotes, such as `\"old_name\"`");
    let string: LitStr = input.parse().map_err(|error| Error::new(error.span(), sentence))?;
    if string.value().is_empty() {
        return Err(Error::new(string.span(), format!("`{option}` cannot be empty; leave it out")));
    }
    Ok(vec![string])
}

/// Parses a time span like `"7d"` or `"1h30m"`.
pub fn duration(input: ParseStream) -> Result<Duration> {
    let sentence = "`expires` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"7d\"` \
                    or `\"1h30m\"`";
    let text: LitStr = input.parse().map_err(|error| Error::new(error.span(), sentence))?;
    let duration = read_duration(&text.value());
    match duration.ok_or_else(|| Error::new(text.span(), sentence))? {
        Duration::ZERO => Err(Error::new(
            text.span(),
            "an entry that is never served need not be kept; write `cache = false`, or a longer time",
        )),
        duration => Ok(duration),
    }
}

/// Reads a time span.
pub fn read_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
        sum = sum.checked_add(Duration::from_millis(part))?;
        rest = after.trim_start();
    }
    // Times are kept in milliseconds, in 64 bits.
    u64::try_from(sum.as_millis()).is_ok().then_some(sum)
}

/// Parses any literal but an empty string.
pub fn version(input: ParseStream) -> Result<Lit> {
    let literal: Lit = input.parse().map_err(|error| {
        Error::new(error.span(), "`version` is a literal, such as `2` or `\"2024-05\"`")
    })?;
    if matches!(&literal, Lit::Str(string) if string.value().is_empty()) {
        return Err(Error::new(literal.span(), "`version` cannot be empty; leave it out"));
    }
    Ok(literal)
}

/// Parses `true` or `false`.
pub fn boolean(option: &Ident, input: ParseStream) -> Result<LitBool> {
    input.parse().map_err(|error| {
        Error::new(error.span(), format!("`{option}` is either `true` or `false`"))
    })
}

/// Parses a number of attempts.
pub fn number(input: ParseStream) -> Result<u32> {
    let sentence = "`retries` is a whole number, such as `3`";
    let number: LitInt = input.parse().map_err(|error| Error::new(error.span(), sentence))?;
    number.base10_parse().map_err(|_| Error::new(number.span(), sentence))
}

/// Parses a path without generics.
pub fn mod_path(input: ParseStream) -> Result<Path> {
    input.call(Path::parse_mod_style).map_err(|error| {
        Error::new(error.span(), "`crate` is a path without quotes, such as `crate::lab::memo`")
    })
}

/// Parses the name of the companion.
pub fn companion(input: ParseStream) -> Result<Ident> {
    input.parse().map_err(|error| {
        Error::new(error.span(), "`companion` is a name without quotes, such as `Fit`")
    })
}
