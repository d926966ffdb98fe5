//! Sizes as people write them: `8GiB`, `500MB`.

/// Reads a size in bytes.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || {
        "a size is a number and `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, as in `8GiB`".to_owned()
    };
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit.trim_start() {
        "KB" | "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_size("8GiB"), Ok(8 << 30));
        assert_eq!(parse_size("500 MB"), Ok(500_000_000));
        assert_eq!(parse_size("0KB"), Ok(0));
        for wrong in ["", "8", "GiB", "-1GB", "8 gigs", "99999999999TiB"] {
            assert!(parse_size(wrong).unwrap_err().contains("8GiB"), "{wrong}");
        }
    }
}
