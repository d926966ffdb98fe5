//! The graph in the language of Graphviz.

use std::fmt::Write as _;

use super::{Drawn, Fate, Graph, shown};

/// Writes the whole graph.
pub(super) fn text(graph: &Graph) -> String {
    let mut out = format!(
        "digraph {} {{\n  label={};\n  labelloc=t;\n  \
         node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=11];\n",
        quoted(&graph.title),
        quoted(&lines(&graph.title, &graph.notes)),
    );
    for (number, drawn) in graph.boxes.iter().enumerate() {
        let _ = writeln!(out, "  n{number} [{}];", look(drawn));
    }
    for arrow in &graph.arrows {
        let label = match &*arrow.label {
            "" => String::new(),
            label => format!(" [label={}]", quoted(label)),
        };
        let _ = writeln!(out, "  n{} -> n{}{label};", arrow.from, arrow.to);
    }
    out.push_str("}\n");
    out
}

fn lines(title: &str, notes: &[String]) -> String {
    let mut text = title.to_owned();
    for note in notes {
        text.push('\n');
        text.push_str(note);
    }
    text
}

/// Each box has its fate as a word, so it needs no legend.
fn look(drawn: &Drawn) -> String {
    let Some(fate) = drawn.fate else {
        let (label, tooltip) = (quoted(&drawn.label), quoted(&drawn.details.join("\n")));
        return format!("label={label}, tooltip={tooltip}, shape=oval, style=solid, fontsize=11");
    };
    let (fill, stroke) = fate.colours();
    let border = match fate {
        Fate::Cached => "",
        Fate::WillRun | Fate::Ran => ", penwidth=2",
        Fate::Failed => ", penwidth=3.5",
        Fate::MayRun => ", style=\"rounded,filled,dashed\"",
        Fate::NotNeeded | Fate::NotRun | Fate::Skipped => ", style=\"rounded,filled,dotted\"",
    };
    let aggregate = if drawn.is_aggregate { ", peripheries=2" } else { "" };
    format!(
        "label={}, tooltip={}, fillcolor=\"{fill}\", color=\"{stroke}\"{border}{aggregate}",
        quoted(&format!("{}\n{}", drawn.label, drawn.fate_text().unwrap_or_default())),
        quoted(&drawn.details.join("\n")),
    )
}

/// Writes a text between quotes. In labels `\N` and the like mean something, and so does `&amp;`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in shown(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("a\"b\\N\n&amp; ü\u{7}"), "\"a\\\"b\\\\N\\n&amp;amp; ü\u{fffd}\"");
    }
}
