//! What differs between two texts, in a few lines.

/// How many lines are shown of each text.
const LINES: usize = 6;
/// How much of a line is shown.
const WIDTH: usize = 120;

/// Shows the first lines that differ, between what both texts begin and end with.
pub(super) fn of(old: &str, new: &str) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let pairs = || old.iter().zip(&new);
    let begin = pairs().take_while(|(one, other)| one == other).count();
    let both_end = || old[begin..].iter().rev().zip(new[begin..].iter().rev());
    let end = both_end().take_while(|(one, other)| one == other).count();
    let (old, new) = (&old[begin..old.len() - end], &new[begin..new.len() - end]);
    if old.is_empty() && new.is_empty() {
        return None;
    }
    let mut lines = vec![format!("@@ line {} @@", begin + 1)];
    for (sign, ours, theirs) in [('-', old, new), ('+', new, old)] {
        for (index, line) in ours.iter().take(LINES).enumerate() {
            let other = theirs.get(index).copied().unwrap_or_default();
            lines.push(format!("{sign}{}", around_difference(line, other)));
        }
        if ours.len() > LINES {
            lines.push(format!("{sign}.. and {} more", ours.len() - LINES));
        }
    }
    Some(lines.join("\n"))
}

/// Cuts a long line to what stands around the first difference from another.
fn around_difference(line: &str, other: &str) -> String {
    /// How much is shown before the difference.
    const BEFORE: usize = 30;
    let length = line.chars().count();
    if length <= WIDTH {
        return line.to_owned();
    }
    let same = line.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let begin = same.saturating_sub(BEFORE).min(length - WIDTH);
    let shown: String = line.chars().skip(begin).take(WIDTH).collect();
    let (before, after) =
        (if begin > 0 { "…" } else { "" }, if begin + WIDTH < length { "…" } else { "" });
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_differs_is_shown_alone() {
        assert_eq!(of("a\nb\nc\n", "a\nx\ny\nc\n").as_deref(), Some("@@ line 2 @@\n-b\n+x\n+y"));
        assert_eq!(of("a\n", "a\nb\n").as_deref(), Some("@@ line 2 @@\n+b"));
        assert_eq!(of("a\na\n", "a\n").as_deref(), Some("@@ line 2 @@\n-a"));
        assert_eq!(of("a", "a\n"), None, "the ends of lines are not shown");
    }

    #[test]
    fn long_texts_and_lines_are_cut() {
        let (old, new) = ("a\n".repeat(100), "b\n".repeat(100));
        let diff = of(&old, &new).unwrap();
        assert_eq!(diff.lines().count(), 1 + 7 + 7, "{diff}");
        let (old, new) = ("ä".repeat(1000) + "1", "ä".repeat(1000) + "2");
        let diff = of(&old, &new).unwrap();
        assert!(diff.contains("-…ä") && diff.contains("ä1\n") && diff.ends_with("ä2"), "{diff}");
    }
}
