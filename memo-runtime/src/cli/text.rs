//! Small texts that several displays share.

use std::collections::HashMap;

use crate::experiment::outcome::duration_text;
use crate::plain::in_line;

/// Counts things: `1 record`, `12 records`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// Writes a duration whose tenths of seconds do not matter: `10 s`.
pub(crate) fn roughly(seconds: f64) -> String {
    let rounded = if seconds < 1.0 { seconds } else { seconds.round() };
    duration_text(rounded).replace(".0 s", " s")
}

/// Writes a size as people read it: `512 B`, `1.2 MB`.
pub(crate) fn size_text(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut size = bytes as f64;
    let mut unit = "";
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if size < 999.95 {
            break;
        }
        (size, unit) = (size / 1000.0, next);
    }
    format!("{size:.1} {unit}")
}

/// Cuts a line so that it takes at most `width` characters.
pub(crate) fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Writes where something happened: `train (base)`.
pub(crate) fn call_text(stage: &str, record: Option<&str>) -> String {
    let stage = last_part(stage);
    record.map_or_else(|| stage.to_owned(), |record| format!("{stage} ({})", in_line(record)))
}

/// The last part of a stage's name, which is what people call it.
pub(crate) fn last_part(stage: &str) -> &str {
    stage.rsplit("::").next().unwrap_or(stage)
}

/// What to call stages, by their full names.
pub(crate) type Names<'a> = HashMap<&'a str, &'a str>;

/// Writes what a call waits for.
pub(crate) fn waits_text(stages: &[&str], names: &Names<'_>) -> String {
    let named = stages.iter().map(|stage| names.get(stage).copied().unwrap_or(*stage));
    format!("waits for {}", named.collect::<Vec<_>>().join(", "))
}

/// What to call each of some stages: the last part of its name, or more where two would be alike.
pub(crate) fn short_names<'a>(stages: impl IntoIterator<Item = &'a str>) -> Names<'a> {
    let mut stages: Vec<_> = stages.into_iter().collect();
    stages.sort_unstable();
    stages.dedup();
    let end_of = |stage: &'a str, parts: usize| {
        let start = stage.rmatch_indices("::").nth(parts - 1);
        start.map_or(stage, |(at, separator)| &stage[at + separator.len()..])
    };
    let shortest = |stage: &'a str| {
        let ends = (1..).map(|parts| end_of(stage, parts));
        let is_unique = |end: &&str| {
            let alike = |other: &&&str| {
                other.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
            };
            *end == stage || stages.iter().filter(alike).count() == 1
        };
        ends.into_iter().find(is_unique).unwrap_or(stage)
    };
    stages.iter().map(|&stage| (stage, shortest(stage))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_say_them() {
        let texts = [0, 999, 1000, 1_234_567, 999_950, 5_000_000_000].map(size_text);
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "1.2 MB", "1.0 MB", "5.0 GB"]);
    }

    #[test]
    fn rough_durations_have_no_tenths() {
        assert_eq!([0.5, 10.0, 12.4, 90.2].map(roughly), ["500 ms", "10 s", "12 s", "1 min 30 s"]);
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn a_call_is_told_on_one_line() {
        assert_eq!(call_text("digits::fit", None), "fit");
        assert_eq!(call_text("digits::fit", Some("rate=0.1")), "fit (rate=0.1)");
        assert_eq!(call_text("fit", Some("a\nb\u{1b}[31m")), "fit (a\\nb\\u{1b}[31m)");
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let names = short_names(["digits::fit", "digits::model::score", "other::score", "plain"]);
        assert_eq!(names["digits::fit"], "fit");
        assert_eq!(names["digits::model::score"], "model::score");
        assert_eq!(names["other::score"], "other::score");
        assert_eq!(names["plain"], "plain");
    }
}
