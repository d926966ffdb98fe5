//! Lists of indices as people write them: `3, 7-9`.

/// Writes indices, which come in order, at most so many ranges of them.
pub(crate) fn ranges(indices: impl IntoIterator<Item = usize>, most: usize) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for index in indices {
        if ranges.len() > most {
            break;
        }
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => ranges.push((index, index)),
        }
    }
    let is_cut = ranges.len() > most;
    ranges.truncate(most);
    let mut texts: Vec<String> = ranges
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    if is_cut {
        texts.push("..".to_owned());
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn neighbours_are_told_as_a_range() {
        assert_eq!(ranges([], 9), "");
        assert_eq!(ranges([3, 7, 8, 9, 11, 12], 9), "3, 7-9, 11, 12");
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(ranges((0..100).step_by(2), 3), "0, 2, 4, ..");
        assert_eq!(ranges(0..100, 1), "0-99");
    }
}
