//! Durations as people write them: `10s`, `1m30s`.

use std::time::Duration;

/// Reads a duration; a number alone is seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || "a duration is a number and `ms`, `s`, `m` or `h`, as in `10s` or `1m30s`".to_owned();
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let factor = match unit {
            "ms" => 0.001,
            "" if rest == text.trim() && after.is_empty() => 1.0,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        seconds += number.parse::<f64>().map_err(|_| wrong())? * factor;
        rest = after.trim_start();
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !text.trim().is_empty() => Ok(duration),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("0", 0),
            ("7", 7_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1.5 h", 5_400_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "10x", "soon", "-1s", "1..5s", "1m30", "9e99h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
