//! The graph as SVG, without scripts or fonts of its own; readable on light and dark pages.

use std::fmt::Write as _;

use super::layers::{Link, Rect, Route, place};
use super::{Drawn, Fate, Graph, shown};
use crate::cli::text::cut;

const MARGIN: f64 = 24.0;
const TITLE: f64 = 40.0;
/// The size of letters: names, and what stands below them.
const LARGE: f64 = 14.0;
const SMALL: f64 = 11.5;
/// How much of a name is shown.
const WIDEST: usize = 48;

/// Writes the whole picture.
pub(super) fn text(graph: &Graph) -> String {
    let sizes: Vec<(f64, f64)> = graph.boxes.iter().map(size).collect();
    let link = |arrow: &super::Arrow| Link {
        from: arrow.from,
        to: arrow.to,
        label: label_width(&arrow.label),
    };
    let links: Vec<Link> = graph.arrows.iter().map(link).collect();
    let places = place(&sizes, &links);
    let legend = legend(graph);
    let top = MARGIN + TITLE;
    let foot = top + places.height + 36.0;
    let wanted = [
        places.width,
        width_of(&graph.title, LARGE + 2.0),
        legend.iter().map(|drawn| size(drawn).0 + 10.0).sum(),
        graph.notes.iter().map(|note| width_of(note, SMALL)).fold(0.0, f64::max),
    ];
    let width = wanted.into_iter().fold(0.0, f64::max) + 2.0 * MARGIN;
    #[expect(clippy::cast_precision_loss, reason = "a few lines")]
    let height = foot + 40.0 + 18.0 * graph.notes.len() as f64 + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\">\n"
    );
    let title = escaped(&graph.title);
    let _ = writeln!(out, "<title>{title}</title>\n{}", style());
    out.push_str(concat!(
        "<defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" ",
        "markerHeight=\"8\" orient=\"auto\"><path class=\"head\" fill=\"#5b5b66\" ",
        "d=\"M0 1 L10 5 L0 9 z\"/></marker></defs>\n",
        "<rect class=\"page\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
    ));
    write_text(&mut out, "strong", (MARGIN, MARGIN + 14.0), LARGE + 2.0, "start", &graph.title);
    let _ =
        writeln!(out, "<g transform=\"translate({:.1} {top:.1})\">", (width - places.width) / 2.0);
    places.routes.iter().for_each(|route| write_route(&mut out, route));
    for (drawn, rect) in graph.boxes.iter().zip(&places.boxes) {
        write_box(&mut out, drawn, rect);
    }
    for (arrow, route) in graph.arrows.iter().zip(&places.routes) {
        if !arrow.label.is_empty() {
            write_label(&mut out, &arrow.label, route.label);
        }
    }
    out.push_str("</g>\n");
    let mut x = MARGIN;
    for drawn in &legend {
        let (width, height) = size(drawn);
        write_box(&mut out, drawn, &Rect { x, y: foot, width, height });
        x += width + 10.0;
    }
    let mut y = foot + 58.0;
    for note in &graph.notes {
        write_text(&mut out, "label", (MARGIN, y), SMALL, "start", note);
        y += 18.0;
    }
    out.push_str("</svg>\n");
    out
}

/// Shows what occurs in the graph, each once.
fn legend(graph: &Graph) -> Vec<Drawn> {
    let occurs = |fate: &Fate| graph.boxes.iter().any(|drawn| drawn.fate == Some(*fate));
    let sample = |label: &str, fate, is_aggregate| Drawn {
        label: label.to_owned(),
        fate,
        is_aggregate,
        shards: None,
        details: Vec::new(),
    };
    let fates = Fate::ALL.into_iter().filter(occurs);
    let mut legend: Vec<Drawn> = fates.map(|fate| sample(fate.word(), Some(fate), false)).collect();
    if graph.boxes.iter().any(|drawn| drawn.fate.is_none()) {
        legend.push(sample("inserted value", None, false));
    }
    if let Some(drawn) = graph.boxes.iter().find(|drawn| drawn.is_aggregate) {
        legend.push(sample("aggregate", drawn.fate, true));
    }
    legend
}

/// What stands below the name: nothing where the name says it, in the legend.
fn word(drawn: &Drawn) -> Option<String> {
    if drawn.details.is_empty() { None } else { drawn.fate_text() }
}

fn size(drawn: &Drawn) -> (f64, f64) {
    let word = word(drawn);
    let letters = if word.is_some() { LARGE } else { SMALL };
    let name = width_of(&cut(&drawn.label, WIDEST), letters);
    let width = name.max(word.as_deref().map_or(0.0, |word| width_of(word, SMALL))) + 26.0;
    (width, if word.is_some() { 44.0 } else { 26.0 })
}

fn label_width(label: &str) -> f64 {
    if label.is_empty() { 0.0 } else { width_of(&cut(label, WIDEST), SMALL) + 6.0 }
}

/// Guesses how wide a text is; rather too wide, since fonts differ.
fn width_of(text: &str, size: f64) -> f64 {
    let letter = |c: char| match c {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|'
        | '!' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
        c if c >= '\u{1100}' => 1.1,
        c if c.is_uppercase() => 0.76,
        _ => 0.64,
    };
    text.chars().map(letter).sum::<f64>() * size
}

fn write_box(out: &mut String, drawn: &Drawn, rect: &Rect) {
    let class = drawn.fate.map_or_else(|| "inserted".to_owned(), Fate::class);
    let (fill, stroke) = drawn.fate.map_or(("#ffffff", "#76767f"), Fate::colours);
    let border = match drawn.fate {
        Some(Fate::WillRun | Fate::Ran) => " stroke-width=\"2.2\"",
        Some(Fate::Failed) => " stroke-width=\"3.4\"",
        Some(Fate::MayRun) => " stroke-width=\"1.6\" stroke-dasharray=\"7 4\"",
        Some(Fate::NotNeeded | Fate::NotRun | Fate::Skipped) => {
            " stroke-width=\"1.4\" stroke-dasharray=\"2 3\""
        }
        Some(Fate::Cached) | None => " stroke-width=\"1.2\"",
    };
    out.push_str("<g>");
    if !drawn.details.is_empty() {
        let _ = write!(out, "<title>{}</title>", escaped(&drawn.details.join("\n")));
    }
    let radius = if drawn.fate.is_none() { 12 } else { 6 };
    let mut draw = |grown: f64| {
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
             rx=\"{radius}\" fill=\"{fill}\" stroke=\"{stroke}\"{border}/>",
            rect.x - grown,
            rect.y - grown,
            rect.width + 2.0 * grown,
            rect.height + 2.0 * grown,
        );
    };
    draw(0.0);
    if drawn.is_aggregate {
        draw(-4.0);
    }
    let (x, y) = (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
    let label = cut(&drawn.label, WIDEST);
    match word(drawn) {
        Some(word) => {
            write_text(out, "strong", (x, y - 2.0), LARGE, "middle", &label);
            write_text(out, "word", (x, y + 13.0), SMALL, "middle", &word);
        }
        None => write_text(out, "word", (x, y + SMALL / 3.0), SMALL, "middle", &label),
    }
    out.push_str("</g>\n");
}

/// Draws straight down through layers, and bends between them.
fn write_route(out: &mut String, route: &Route) {
    let mut points = route.points.iter();
    let Some((mut x, mut y)) = points.next().copied() else { return };
    let _ = write!(out, "<path class=\"arrow\" d=\"M{x:.1} {y:.1}");
    for &(next_x, next_y) in points {
        if (next_x - x).abs() < 0.05 {
            let _ = write!(out, " L{next_x:.1} {next_y:.1}");
        } else {
            let middle = f64::midpoint(y, next_y);
            let _ =
                write!(out, " C{x:.1} {middle:.1} {next_x:.1} {middle:.1} {next_x:.1} {next_y:.1}");
        }
        (x, y) = (next_x, next_y);
    }
    out.push_str(
        "\" fill=\"none\" stroke=\"#5b5b66\" stroke-width=\"1.3\" marker-end=\"url(#head)\"/>\n",
    );
}

/// Writes a label where an arrow passes, which it hides there.
fn write_label(out: &mut String, label: &str, (x, y): (f64, f64)) {
    let width = label_width(label) - 6.0;
    let (left, top) = (x - width / 2.0, y - 7.0);
    let _ = write!(
        out,
        "<rect class=\"page\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
         height=\"14\" fill=\"#ffffff\"/>"
    );
    let place = (x, y + SMALL / 3.0);
    write_text(out, "label", place, SMALL, "middle", &cut(label, WIDEST));
}

fn write_text(
    out: &mut String,
    class: &str,
    (x, y): (f64, f64),
    size: f64,
    anchor: &str,
    text: &str,
) {
    let colour = if class == "strong" { "#1b1b1f" } else { "#44444d" };
    let weight = if class == "strong" { " font-weight=\"600\"" } else { "" };
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" \
         text-anchor=\"{anchor}\" fill=\"{colour}\"{weight}>{}</text>",
        escaped(&text.replace('\n', " "))
    );
}

/// The colours for dark surroundings; those for light ones stand in the shapes themselves.
fn style() -> String {
    let boxes: Vec<String> = Fate::ALL
        .into_iter()
        .map(|fate| {
            let (fill, stroke) = fate.dark_colours();
            format!(".{}{{fill:{fill};stroke:{stroke}}}", fate.class())
        })
        .collect();
    format!(
        "<style>@media (prefers-color-scheme:dark){{.page{{fill:#18181b}}.strong{{fill:#f2f2f5}}\
         .word,.label{{fill:#c6c6ce}}.arrow{{stroke:#a5a5b0}}.head{{fill:#a5a5b0}}\
         .inserted{{fill:#18181b;stroke:#8d8d96}}{}}}</style>",
        boxes.concat()
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a<b> & \"c\"\u{0}"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }
}
