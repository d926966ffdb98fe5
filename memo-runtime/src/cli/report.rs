//! What a run came to, for people.

use std::error::Error as _;

use super::output::Paint;
use super::{preview, table};
use crate::error::Error;
use crate::experiment::Outcome;

/// Writes the table of stages, what the aggregates gave, what failed, and last one line for it all.
pub(crate) fn outcome(outcome: &Outcome, paint: Paint) -> String {
    let mut parts = Vec::new();
    if !outcome.stages.is_empty() {
        parts.push(table::stages(&outcome.stages, paint));
    }
    let previews = outcome.previews(preview::LIMIT);
    parts.extend(previews.iter().map(|preview| preview::written(preview, paint)));
    if !outcome.failures.is_empty() {
        parts.push(failures(&outcome.failures, paint));
    }
    if outcome.interrupted {
        let text = "the next run goes on where this one stopped";
        parts.push(format!("{} {text}", paint.warning("interrupted:")));
    }
    parts.push(outcome.line());
    parts.join("\n\n")
}

fn failures(failures: &[Error], paint: Paint) -> String {
    let begin = paint.bad("failed:");
    let lines = failures.iter().map(|failure| format!("{begin} {failure}{}", causes(failure)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes an error that ended the run before it began. Several mistakes are told one a line.
pub(crate) fn error(error: &Error, paint: Paint) -> String {
    let begin = paint.bad("error:");
    let mistakes = error.to_string().replace('\n', &format!("\n{begin} "));
    format!("{begin} {mistakes}{}", causes(error))
}

/// Writes the causes of an error, each on lines of its own.
fn causes(error: &Error) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str("\n  because: ");
        text.push_str(&cause.to_string().replace('\n', "\n    "));
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn failure() -> Error {
        Error::new(ErrorKind::Stage, "the body failed")
            .because("the rate is negative\nat all")
            .in_stage("digits::fit")
            .in_record("base")
    }

    #[test]
    fn failures_are_told_with_their_causes() {
        let failed =
            Outcome { failed: 1, seconds: 0.012, failures: vec![failure()], ..Outcome::default() };
        let expected = "failed: stage `digits::fit` of record `base`: the body failed\n  \
                          because: the rate is negative\n    at all";
        assert_eq!(outcome(&failed, Paint::NONE), format!("{expected}\n\n{}", failed.line()));
    }

    #[test]
    fn mistakes_are_told_one_a_line() {
        let mistakes = Error::new(ErrorKind::Wiring, "one").and_also(&["other".to_owned()]);
        assert_eq!(error(&mistakes, Paint::NONE), "error: one\nerror: other");
    }
}
