//! Collects the mistakes of one stage, so that all of them are reported together.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

/// The errors found so far. Panics when dropped unread: a mistake must not get lost.
pub struct Diagnostics {
    errors: Option<Vec<Error>>,
}

impl Diagnostics {
    /// Starts with no errors.
    pub fn new() -> Self {
        Self { errors: Some(Vec::new()) }
    }

    /// Adds an error that a parser returned.
    pub fn push(&mut self, error: Error) {
        if let Some(errors) = &mut self.errors {
            errors.extend(error);
        }
    }

    /// Reports `message` at `span`.
    pub fn at(&mut self, span: Span, message: impl Display) {
        self.push(Error::new(span, message));
    }

    /// Reports `message` under all of `tokens`.
    pub fn under(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    /// Counts the errors so far.
    pub fn count(&self) -> usize {
        self.errors.as_ref().map_or(0, Vec::len)
    }

    /// Returns whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        self.errors.as_ref().is_none_or(Vec::is_empty)
    }

    /// Reads the errors, in the order in which they were found.
    pub fn into_errors(mut self) -> Vec<Error> {
        self.errors.take().unwrap_or_default()
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        assert!(self.errors.is_none() || std::thread::panicking(), "the diagnostics were not read");
    }
}

/// Returns the one of `names` that `wrong` was probably meant to be.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = wrong.len().max(3) / 3;
    names
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Returns "; did you mean `name`?" for the nearest of `names`, or `otherwise`.
pub fn did_you_mean<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    match nearest(wrong, names) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => otherwise.to_owned(),
    }
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_forgives_a_slip_and_no_more() {
        let names = ["inputs", "outputs", "version", "key", "env"];
        assert_eq!(nearest("imputs", names), Some("inputs"));
        assert_eq!(nearest("input", names), Some("inputs"));
        assert_eq!(nearest("verison", names), Some("version"));
        assert_eq!(nearest("kye", names), Some("key"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("x", names), None);
    }

    #[test]
    fn combined_errors_are_counted_one_by_one() {
        let mut diagnostics = Diagnostics::new();
        let mut error = Error::new(Span::call_site(), "one");
        error.combine(Error::new(Span::call_site(), "two"));
        diagnostics.push(error);
        assert!(!diagnostics.is_empty());
        assert_eq!(diagnostics.into_errors().len(), 2);
    }

    #[test]
    #[should_panic(expected = "the diagnostics were not read")]
    fn unread_diagnostics_panic() {
        drop(Diagnostics::new());
    }
}
