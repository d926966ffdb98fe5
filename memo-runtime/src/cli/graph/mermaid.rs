//! The graph in the language of Mermaid, which several sites draw inside Markdown.

use std::fmt::Write as _;

use super::{Drawn, Fate, Graph, shown};

/// Writes the whole graph. Names of boxes are `n0`, `n1`, ..: words such as `end` mean something.
pub(super) fn text(graph: &Graph) -> String {
    let mut out = String::from("flowchart TD\n");
    for (number, drawn) in graph.boxes.iter().enumerate() {
        let _ = writeln!(out, "  n{number}{}", shape(drawn));
    }
    for arrow in &graph.arrows {
        let label = match &*arrow.label {
            "" => String::new(),
            label => format!("|{}|", quoted(label)),
        };
        let _ = writeln!(out, "  n{} -->{label} n{}", arrow.from, arrow.to);
    }
    for (number, note) in graph.notes.iter().enumerate() {
        let _ = writeln!(out, "  note{number}[{}]", quoted(note));
    }
    for fate in Fate::ALL {
        let is_it = |drawn: &Drawn| drawn.fate == Some(fate);
        if !graph.boxes.iter().any(is_it) {
            continue;
        }
        let (fill, stroke) = fate.colours();
        let border = match fate {
            Fate::Cached => "",
            Fate::WillRun | Fate::Ran => ",stroke-width:2px",
            Fate::Failed => ",stroke-width:4px",
            Fate::MayRun => ",stroke-dasharray:7 4",
            Fate::NotNeeded | Fate::NotRun | Fate::Skipped => ",stroke-dasharray:2 3",
        };
        let class = fate.class();
        let _ =
            writeln!(out, "  classDef {class} fill:{fill},stroke:{stroke},color:#1b1b1f{border}");
        let boxes = graph.boxes.iter().enumerate().filter(|(_, drawn)| is_it(drawn));
        let boxes: Vec<String> = boxes.map(|(number, _)| format!("n{number}")).collect();
        let _ = writeln!(out, "  class {} {class}", boxes.join(","));
    }
    out
}

fn shape(drawn: &Drawn) -> String {
    let Some(fate) = drawn.fate_text() else {
        return format!("([{}])", quoted(&drawn.label));
    };
    let text = quoted(&format!("{}\n{fate}", drawn.label));
    if drawn.is_aggregate { format!("[[{text}]]") } else { format!("({text})") }
}

/// Writes a text between quotes, with whatever could mean something by its number.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in shown(text).chars() {
        match c {
            '\n' => out.push_str("<br/>"),
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' | '*' | '_' | '$' | '|' | '{' | '}' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
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
        assert_eq!(quoted("a\"b#c\n<i>"), "\"a#34;b#35;c<br/>#60;i#62;\"");
        assert_eq!(quoted("end"), "\"end\"");
    }
}
