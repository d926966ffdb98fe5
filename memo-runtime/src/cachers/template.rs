//! Templates of published paths: text with names in braces.

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A name in braces that stands for nothing.
    #[error("`{{{0}}}` stands for nothing here")]
    UnknownField(String),
    /// A brace without its partner. A brace that is meant is written twice.
    #[error("the brace at byte {at} of `{template}` has no partner; write it twice if it is meant")]
    Brace {
        /// The template.
        template: String,
        /// Where the brace is, in bytes.
        at: usize,
    },
    /// Braces without a name.
    #[error("the braces at byte {at} of `{template}` have no name in them")]
    NoName {
        /// The template.
        template: String,
        /// Where the braces are, in bytes.
        at: usize,
    },
}

/// Replaces each name in braces by what `lookup` says; `{{` and `}}` stand for one brace.
///
/// ```
/// use memo_runtime::cachers::expand_template;
///
/// let lookup = |name: &str| (name == "record").then(|| "base".to_owned());
/// assert_eq!(expand_template("results/{record}.csv", lookup).as_deref(), Ok("results/base.csv"));
/// assert!(expand_template("results/{recrod}.csv", lookup).is_err());
/// ```
///
/// # Errors
///
/// [`TemplateError::UnknownField`] if `lookup` does not know a name; the others if the braces are
/// wrong.
pub fn expand_template(
    template: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let mut expanded = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece? {
            Piece::Text(text) => expanded.push_str(text),
            Piece::Field(name) => match lookup(name) {
                Some(value) => expanded.push_str(&value),
                None => return Err(TemplateError::UnknownField(name.to_owned())),
            },
        }
    }
    Ok(expanded)
}

/// Returns the names in braces, in their order.
///
/// ```
/// use memo_runtime::cachers::template_fields;
///
/// assert_eq!(template_fields("{record}/{params.rate}.csv"), Ok(vec!["record", "params.rate"]));
/// ```
///
/// # Errors
///
/// If the braces are wrong.
pub fn template_fields(template: &str) -> Result<Vec<&str>, TemplateError> {
    let name = |piece| match piece {
        Ok(Piece::Field(name)) => Some(Ok(name)),
        Ok(Piece::Text(_)) => None,
        Err(error) => Some(Err(error)),
    };
    pieces(template).filter_map(name).collect()
}

enum Piece<'a> {
    Text(&'a str),
    Field(&'a str),
}

/// Splits a template; the iterator ends after an error.
fn pieces(template: &str) -> impl Iterator<Item = Result<Piece<'_>, TemplateError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = template.get(at..).filter(|rest| !rest.is_empty())?;
        let piece = next_piece(rest);
        let (used, piece) = match piece {
            Ok((used, piece)) => (used, Ok(piece)),
            Err(mistake) => (rest.len(), Err(mistake.error(template, at))),
        };
        at += used;
        Some(piece)
    })
}

enum Mistake {
    Brace,
    NoName,
}

impl Mistake {
    fn error(&self, template: &str, at: usize) -> TemplateError {
        let template = template.to_owned();
        match self {
            Self::Brace => TemplateError::Brace { template, at },
            Self::NoName => TemplateError::NoName { template, at },
        }
    }
}

/// Returns the first piece of a text that is not empty, and how many bytes it took.
fn next_piece(rest: &str) -> Result<(usize, Piece<'_>), Mistake> {
    if rest.starts_with("{{") || rest.starts_with("}}") {
        return Ok((2, Piece::Text(&rest[..1])));
    }
    if let Some(inner) = rest.strip_prefix('{') {
        let end = inner.find(['{', '}']).filter(|&end| inner[end..].starts_with('}'));
        return match end {
            Some(0) => Err(Mistake::NoName),
            Some(end) => Ok((end + 2, Piece::Field(&inner[..end]))),
            None => Err(Mistake::Brace),
        };
    }
    match rest.find(['{', '}']).unwrap_or(rest.len()) {
        0 => Err(Mistake::Brace),
        end => Ok((end, Piece::Text(&rest[..end]))),
    }
}

#[cfg(test)]
mod tests {
    use super::{TemplateError, expand_template, template_fields};

    fn expand(template: &str) -> Result<String, TemplateError> {
        expand_template(template, |name| (name != "gone").then(|| name.to_uppercase()))
    }

    #[test]
    fn names_are_replaced_and_double_braces_stand_for_one() {
        for (template, expanded) in [
            ("", ""),
            ("plain/path.csv", "plain/path.csv"),
            ("{record}", "RECORD"),
            ("a/{record}-{stage}.csv", "a/RECORD-STAGE.csv"),
            ("{a}{b}", "AB"),
            ("{{record}}", "{record}"),
            ("{{{record}}}", "{RECORD}"),
            ("é{params.rate}é", "éPARAMS.RATEé"),
        ] {
            assert_eq!(expand(template).as_deref(), Ok(expanded), "{template}");
        }
    }

    #[test]
    fn wrong_braces_and_unknown_names_are_told_with_their_place() {
        let brace = |template: &str, at| TemplateError::Brace { template: template.to_owned(), at };
        for (template, at) in [("a{b", 1), ("a}b", 1), ("{a{b}", 0), ("{", 0), ("x{a}}", 4)] {
            assert_eq!(expand(template), Err(brace(template, at)), "{template}");
            assert_eq!(template_fields(template), Err(brace(template, at)), "{template}");
        }
        assert_eq!(expand("{}"), Err(TemplateError::NoName { template: "{}".to_owned(), at: 0 }));
        assert_eq!(expand("{gone}"), Err(TemplateError::UnknownField("gone".to_owned())));
        assert_eq!(expand("{gone}").unwrap_err().to_string(), "`{gone}` stands for nothing here");
    }
}
