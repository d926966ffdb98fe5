//! Tables on standard output.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Row, Table, presets};

use super::output::Paint;
use super::text::{short_names, size_text};
use crate::experiment::outcome::{StageSummary, duration_text};

/// What stands where there is nothing to tell.
const NOTHING: &str = "-";

/// Makes an empty table without lines; the columns in `right` are numbers.
pub(super) fn table(header: &[&str], right: &[usize], paint: Paint) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !paint.is_terminal() {
        table.force_no_tty();
    }
    table.set_header(header.iter().map(|name| strong(Cell::new(name), paint)));
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A cell that stands out.
pub(super) fn strong(cell: Cell, paint: Paint) -> Cell {
    if paint.has_colours() { cell.add_attribute(Attribute::Bold) } else { cell }
}

/// A cell in a colour.
pub(super) fn coloured(cell: Cell, colour: Color, paint: Paint) -> Cell {
    if paint.has_colours() { cell.fg(colour) } else { cell }
}

/// Writes a table without blanks at the ends of lines.
pub(super) fn written(table: &Table) -> String {
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Writes what became of each stage's calls.
pub(super) fn stages(stages: &[StageSummary], paint: Paint) -> String {
    let has_skipped = stages.iter().any(|stage| stage.skipped > 0);
    let mut header =
        vec!["stage", "ran", "cached", "failed", "skipped", "time", "size", "time saved", "shards"];
    if !has_skipped {
        header.retain(|name| *name != "skipped");
    }
    let has_shards = stages.iter().any(|stage| shards_of(stage).is_some());
    if !has_shards {
        header.pop();
    }
    let right: Vec<usize> = (1..header.len() - usize::from(has_shards)).collect();
    let mut table = table(&header, &right, paint);
    let names = short_names(stages.iter().map(|stage| stage.stage));
    for stage in stages {
        table.add_row(row(stage, names[stage.stage], [has_skipped, has_shards], paint));
    }
    written(&table)
}

/// Says what became of the shards of a stage's arrays.
fn shards_of(stage: &StageSummary) -> Option<String> {
    let counts = [
        (stage.shards_ran, "ran"),
        (stage.shards_cached, "cached"),
        (stage.shards_failed, "failed"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn row(
    stage: &StageSummary,
    name: &str,
    [has_skipped, has_shards]: [bool; 2],
    paint: Paint,
) -> Row {
    let failed = match stage.failed {
        0 => Cell::new(0),
        failed => strong(coloured(Cell::new(failed), Color::Red, paint), paint),
    };
    let skipped = has_skipped.then(|| Cell::new(stage.skipped));
    let time =
        |seconds: f64| if seconds > 0.0 { duration_text(seconds) } else { NOTHING.to_owned() };
    let size = if stage.size > 0 { size_text(stage.size) } else { NOTHING.to_owned() };
    let first = [Cell::new(name), Cell::new(stage.ran), Cell::new(stage.cached), failed];
    let last = [time(stage.seconds), size, time(stage.saved)].map(Cell::new);
    let shards = has_shards.then(|| Cell::new(shards_of(stage).as_deref().unwrap_or(NOTHING)));
    first.into_iter().chain(skipped).chain(last).chain(shards).collect::<Vec<_>>().into()
}

/// Returns how wide the terminal behind standard error is.
pub(super) fn columns() -> usize {
    Table::new().use_stderr().width().map_or(80, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(stage: &'static str, ran: usize, failed: usize) -> StageSummary {
        StageSummary {
            stage,
            ran,
            failed,
            seconds: 1.5,
            size: 2_000_000,
            ..StageSummary::default()
        }
    }

    #[test]
    fn stages_stand_in_columns() {
        let text =
            stages(&[summary("digits::load", 12, 0), summary("digits::fit", 1, 1)], Paint::NONE);
        assert_eq!(
            text,
            "stage  ran  cached  failed   time    size  time saved\n\
             load    12       0       0  1.5 s  2.0 MB           -\n\
             fit      1       0       1  1.5 s  2.0 MB           -"
        );
    }

    #[test]
    fn skipped_calls_have_a_column_when_there_are_some() {
        let skipped = StageSummary { skipped: 3, ..summary("digits::fit", 0, 0) };
        let text = stages(&[skipped], Paint::NONE);
        assert!(text.starts_with("stage  ran  cached  failed  skipped"), "{text}");
    }
}
