//! `each = [page in pages]`: the parameters that take the elements of arrays.

use proc_macro2::TokenTree;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Result, Token, token};

use super::values::{self, Element};
use crate::diagnostics::Diagnostics;

const SENTENCE: &str = "write `each = [page in pages]`: a parameter of the function, `in`, and the \
                        name of an array in the record's state";

/// One of `each`: `page in pages` takes the elements of `pages` one by one as the parameter `page`.
pub struct NamedElement {
    pub parameter: Ident,
    pub array: Ident,
    /// What is wrong about how it is written; then both names are a guess.
    mistake: Option<Error>,
    pub is_guess: bool,
}

impl NamedElement {
    fn new(parameter: Ident, array: Ident) -> Self {
        Self { parameter, array, mistake: None, is_guess: false }
    }
}

impl Parse for NamedElement {
    fn parse(input: ParseStream) -> Result<Self> {
        let parameter: Ident = input.parse().map_err(|error| Error::new(error.span(), SENTENCE))?;
        let rest = |input: ParseStream| {
            input.parse::<Token![in]>()?;
            let array: Ident = input.parse()?;
            let is_end = input.is_empty() || input.peek(Token![,]);
            if is_end { Ok(array) } else { Err(input.error(SENTENCE)) }
        };
        rest(input).map(|array| Self::new(parameter.clone(), array)).or_else(|error| {
            // At the end of the list there is nothing to underline but the name itself.
            let is_end = input.is_empty() || input.peek(Token![,]);
            let span = if is_end { parameter.span() } else { error.span() };
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
            let mistake = Some(Error::new(span, SENTENCE));
            Ok(Self { mistake, is_guess: true, ..Self::new(parameter.clone(), parameter) })
        })
    }
}

impl Element for NamedElement {
    const EXAMPLE: &str = "page in pages";

    fn unquoted(string: &LitStr) -> Option<Self> {
        string.parse().ok().filter(|element: &Self| element.mistake.is_none())
    }
}

/// Parses the list; of an element that is written wrongly, what its parameter seems to be is kept.
pub fn elements(
    option: &Ident,
    input: ParseStream,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<NamedElement>> {
    let (before, has_brackets) = (diagnostics.count(), input.peek(token::Bracket));
    let mut elements: Vec<NamedElement> = values::list(option, input, diagnostics)?;
    for element in &mut elements {
        // Without brackets it is reported already how the whole is written.
        if let Some(mistake) = element.mistake.take().filter(|_| has_brackets) {
            diagnostics.push(mistake);
        }
    }
    if elements.is_empty() && diagnostics.count() == before {
        diagnostics
            .under(option, "`each` names no array; write `each = [page in pages]`, or remove it");
    }
    Ok(elements)
}
