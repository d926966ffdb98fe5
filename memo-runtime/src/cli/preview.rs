//! What the aggregates gave, shown below the table of stages.

use super::output::Paint;
#[cfg(feature = "csv")]
use super::table;
use super::text::cut;
use crate::experiment::outcome::Preview;

/// How many bytes of an artifact are looked at.
pub(crate) const LIMIT: usize = 64 * 1024;

/// How many lines of it are shown, and how much of each.
const LINES: usize = 10;
const WIDTH: usize = 100;

/// Writes the name of an output, where it lies, and its first lines.
pub(crate) fn written(preview: &Preview, paint: Paint) -> String {
    let mut lines = vec![paint.strong(&preview.name)];
    if let Some(path) = &preview.path {
        lines[0] = format!("{}  {}", lines[0], paint.faint(&path.display().to_string()));
    }
    let whole = preview.head.len() < LIMIT;
    lines.extend(match preview.extension.as_str() {
        "csv" => rows(preview, whole, paint),
        "json" | "txt" => text(&String::from_utf8_lossy(&preview.head), whole),
        _ => Vec::new(),
    });
    lines.join("\n")
}

/// Shows the first lines of a text.
fn text(text: &str, whole: bool) -> Vec<String> {
    let mut all = text.lines();
    let mut lines: Vec<_> =
        all.by_ref().take(LINES).map(|line| cut(&printable(line), WIDTH)).collect();
    lines.extend(rest(all.count(), "line", whole));
    lines
}

/// Says how much is not shown, as far as that is known.
fn rest(more: usize, what: &str, whole: bool) -> Option<String> {
    match (more, whole) {
        (0, true) => None,
        (more, true) => {
            Some(format!("… and {}", super::text::counted(more, &format!("more {what}"))))
        }
        (_, false) => Some("…".to_owned()),
    }
}

/// Shows the first rows of CSV in columns.
#[cfg(feature = "csv")]
fn rows(preview: &Preview, whole: bool, paint: Paint) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).from_reader(&preview.head[..]);
    let mut records = reader.into_records();
    let cells = |record: csv::StringRecord| -> Vec<String> {
        record.iter().map(|cell| cut(&printable(&rounded(cell)), WIDTH)).collect()
    };
    let shown: Option<Vec<_>> =
        records.by_ref().take(LINES + 1).map(|record| record.ok().map(cells)).collect();
    let Some([header, rows @ ..]) = shown.as_deref() else {
        return text(&String::from_utf8_lossy(&preview.head), whole);
    };
    let is_number = |column: &usize| {
        let cells = || rows.iter().filter_map(|row| row.get(*column));
        cells().count() > 0 && cells().all(|cell| cell.is_empty() || cell.parse::<f64>().is_ok())
    };
    let right: Vec<usize> = (0..header.len()).filter(is_number).collect();
    let header: Vec<_> = header.iter().map(String::as_str).collect();
    let mut table = table::table(&header, &right, paint);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.add_rows(rows);
    let mut lines: Vec<_> = table::written(&table).lines().map(|line| cut(line, WIDTH)).collect();
    lines.extend(rest(records.count(), "row", whole));
    lines
}

/// Rounds a number with many decimals. Small ones stay as they are.
#[cfg(feature = "csv")]
fn rounded(cell: &str) -> String {
    let decimals = cell.split_once('.').map_or("", |(_, decimals)| decimals);
    let is_long = decimals.len() > 6 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    match cell.parse::<f64>() {
        Ok(number) if is_long && number.abs() >= 0.001 => format!("{number:.6}"),
        _ => cell.to_owned(),
    }
}

#[cfg(not(feature = "csv"))]
fn rows(preview: &Preview, whole: bool, _paint: Paint) -> Vec<String> {
    text(&String::from_utf8_lossy(&preview.head), whole)
}

/// Replaces what would move the cursor.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(extension: &str, head: &str) -> String {
        let preview = Preview {
            name: "board".into(),
            path: Some("/store/board".into()),
            extension: extension.into(),
            head: head.into(),
        };
        written(&preview, Paint::NONE)
    }

    #[test]
    #[cfg(feature = "csv")]
    fn csv_stands_in_columns() {
        assert_eq!(
            preview("csv", "record,accuracy\n\"hidden=16,rate=1\",0.5\nbase,10\n"),
            "board  /store/board\n\
             record            accuracy\n\
             hidden=16,rate=1       0.5\n\
             base                    10"
        );
    }

    #[test]
    #[cfg(feature = "csv")]
    fn long_numbers_are_rounded_on_screen() {
        let cells = ["0.9805555555555555", "0.5", "-5.201550000000001", "0.00000123", "1.2.3", "x"];
        assert_eq!(
            cells.map(rounded),
            ["0.980556", "0.5", "-5.201550", "0.00000123", "1.2.3", "x"]
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let long = "a line\n".repeat(12);
        assert_eq!(preview("txt", &long).lines().count(), 1 + LINES + 1);
        assert!(preview("txt", &long).ends_with("\n… and 2 more lines"));
        assert!(preview("json", &"x".repeat(LIMIT)).ends_with("x…\n…"));
        assert_eq!(preview("bin", "abc"), "board  /store/board");
        assert_eq!(preview("txt", "a\x1b[2Jb"), "board  /store/board\na [2Jb");
    }
}
