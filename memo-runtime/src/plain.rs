//! Texts from a store, which is not trusted, and names that may be anything, on their way to a terminal.

use std::borrow::Cow;

/// Writes control characters as escapes: a text must not move the cursor or set colours. Line breaks and
/// tabs stay.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !c.is_control() || matches!(c, '\n' | '\t'))
}

/// Does the same for what is to stay on its line.
#[cfg(feature = "cli")]
pub(crate) fn in_line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !c.is_control())
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&is_kept) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_kept(character) {
            plain.push(character);
        } else {
            plain.extend(character.escape_default());
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(plain("0.1 → 0.01\n\tx"), "0.1 → 0.01\n\tx");
        assert_eq!(plain("a\u{1b}[31mred\u{7}\r"), "a\\u{1b}[31mred\\u{7}\\r");
        assert_eq!(plain("\u{9b}2J"), "\\u{9b}2J", "the other way to begin a control sequence");
    }

    #[test]
    #[cfg(feature = "cli")]
    fn a_name_stays_on_its_line() {
        assert_eq!(in_line("hidden=3 日本"), "hidden=3 日本");
        assert_eq!(in_line("a\n\tb\u{1b}[31m"), "a\\n\\tb\\u{1b}[31m");
    }
}
