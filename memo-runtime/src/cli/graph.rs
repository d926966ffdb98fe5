//! `--graph FILE`: draws a plan, or what became of it.
//!
//! [`fold`] makes one box of calls that are alike, [`layers`] says where each box goes; [`svg`], [`dot`]
//! and [`mermaid`] write.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::text::{Names, short_names, waits_text};
use crate::error::{Error, ErrorKind};
use crate::experiment::Outcome;
use crate::plan::{Plan, PlannedCall, PlannedInput, Verdict};
use crate::run::End;

mod dot;
mod fold;
mod layers;
mod mermaid;
mod svg;

/// The extensions of the formats, for people.
const FORMATS: &str = "`.svg`, `.dot` or `.mmd`";

/// A file that a graph is to be drawn to.
pub(super) struct GraphFile {
    path: PathBuf,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Svg,
    Dot,
    Mermaid,
}

/// What happens to a call, or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Fate {
    Cached,
    WillRun,
    MayRun,
    NotNeeded,
    Ran,
    Failed,
    Skipped,
    /// The run was over before it.
    NotRun,
}

/// A call with what is drawn of it.
struct Call<'a> {
    stage: &'static str,
    records: &'a [String],
    inputs: &'a [PlannedInput],
    /// How many outputs it has.
    outputs: usize,
    fate: Fate,
    why: String,
    seconds: Option<f64>,
    shards: Option<Shards>,
}

/// How many shards the arrays of a box have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shards {
    total: usize,
    cached: usize,
    failed: usize,
}

/// Boxes and arrows.
#[derive(Debug, Default)]
struct Graph {
    title: String,
    boxes: Vec<Drawn>,
    /// Each from a box that stands before the one it leads to; at most one from one box to another.
    arrows: Vec<Arrow>,
    /// What cannot be drawn, as sentences.
    notes: Vec<String>,
}

/// One box.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Drawn {
    /// `fit × 24`.
    label: String,
    /// What happens to it; `None` for an inserted value.
    fate: Option<Fate>,
    is_aggregate: bool,
    /// Those of all its calls, if they are arrays.
    shards: Option<Shards>,
    /// What else is to be known of it: lines.
    details: Vec<String>,
}

/// One arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrow {
    from: usize,
    to: usize,
    /// The input's name, where the boxes do not tell it.
    label: String,
}

impl Drawn {
    /// What stands below the label: `will run, 44 of 55 shards cached`.
    fn fate_text(&self) -> Option<String> {
        let word = self.fate?.word();
        let Some(Shards { total, cached, failed }) = self.shards else {
            return Some(word.to_owned());
        };
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        Some(format!("{word}, {cached} of {total} shards cached{failed}"))
    }
}

impl Fate {
    const ALL: [Self; 8] = [
        Self::Cached,
        Self::WillRun,
        Self::MayRun,
        Self::NotNeeded,
        Self::Ran,
        Self::Failed,
        Self::Skipped,
        Self::NotRun,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::WillRun => "will run",
            Self::MayRun => "may run",
            Self::NotNeeded => "not needed",
            Self::Ran => "ran",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::NotRun => "did not run",
        }
    }

    /// What it is called where a name may hold letters only.
    fn class(self) -> String {
        self.word().replace(' ', "")
    }

    /// Its colours in light surroundings: of the area, and of the border.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Cached => ("#d9efdf", "#2b7a45"),
            Self::WillRun | Self::Ran => ("#fde9c4", "#a76400"),
            Self::MayRun => ("#fff8e0", "#8f7a1a"),
            Self::NotNeeded | Self::NotRun => ("#f1f1f3", "#76767f"),
            Self::Failed => ("#fbd7d5", "#b3261e"),
            Self::Skipped => ("#ece3f5", "#70519a"),
        }
    }

    /// Its colours in dark surroundings.
    fn dark_colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Cached => ("#17362a", "#5fc788"),
            Self::WillRun | Self::Ran => ("#453212", "#f0b54a"),
            Self::MayRun => ("#38341c", "#cdb95a"),
            Self::NotNeeded | Self::NotRun => ("#2a2a2f", "#8d8d96"),
            Self::Failed => ("#4b1d1b", "#ff8a80"),
            Self::Skipped => ("#352b44", "#b79be0"),
        }
    }
}

impl GraphFile {
    /// Says whether a graph can be drawn to `path`, before anything runs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if the extension is none that is known, or there is no such folder.
    pub(super) fn new(path: PathBuf) -> Result<Self, Error> {
        let shown = path.display();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let format = match extension.to_str() {
            Some("svg") => Format::Svg,
            Some("dot") => Format::Dot,
            Some("mmd") => Format::Mermaid,
            _ => {
                let what = format!(
                    "a graph is drawn to a file that ends in {FORMATS}: `{shown}` does not"
                );
                return Err(Error::new(ErrorKind::Usage, what));
            }
        };
        let wrong = if path.is_dir() {
            format!("a graph cannot be drawn to `{shown}`, which is a folder")
        } else if folder_of(&path).is_dir() {
            return Ok(Self { path, format });
        } else {
            let folder = folder_of(&path).display();
            format!("a graph cannot be drawn to `{shown}`: there is no folder `{folder}`")
        };
        Err(Error::new(ErrorKind::Usage, wrong))
    }

    /// Draws what would happen.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if the file cannot be written.
    pub(super) fn draw_plan(&self, plan: &Plan) -> Result<(), Error> {
        let names = short_names(plan.calls.iter().map(|call| call.stage));
        let calls: Vec<Call<'_>> =
            plan.calls.iter().map(|call| Call::planned(call, &names)).collect();
        let mut graph = fold::fold(&calls);
        graph.title = format!("{}: what would happen", plan.experiment);
        graph.notes = plan
            .unknown_beyond
            .iter()
            .map(|(record, stage)| {
                let stage = names.get(stage.as_str()).copied().unwrap_or(stage);
                format!("{record}: unknown beyond {stage}")
            })
            .collect();
        self.write(&graph)
    }

    /// Draws what has happened.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if the file cannot be written.
    pub(super) fn draw_run(&self, experiment: &str, outcome: &Outcome) -> Result<(), Error> {
        let calls: Vec<Call<'_>> = outcome.calls.iter().map(Call::ended).collect();
        let mut graph = fold::fold(&calls);
        graph.title = format!("{experiment}: what happened");
        self.write(&graph)
    }

    fn write(&self, graph: &Graph) -> Result<(), Error> {
        let text = match self.format {
            Format::Svg => svg::text(graph),
            Format::Dot => dot::text(graph),
            Format::Mermaid => mermaid::text(graph),
        };
        replace(&self.path, &text).map_err(|error| {
            let what = format!("the graph `{}` cannot be written", self.path.display());
            Error::new(ErrorKind::Store, what).because(error)
        })
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a file so that it is there whole, or as it was before.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    // As others make files, not for this user only.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".graph-").tempfile_in(folder_of(path))?;
    file.write_all(text.as_bytes())?;
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    file.persist(target).map(drop).map_err(|error| error.error)
}

impl<'a> Call<'a> {
    fn planned(call: &'a PlannedCall, names: &Names<'_>) -> Self {
        let (fate, why) = match &call.verdict {
            Verdict::Cached => (Fate::Cached, String::new()),
            Verdict::WillRun { reason } => (Fate::WillRun, reason.to_string()),
            Verdict::MayRun { waits_for } => (Fate::MayRun, waits_text(waits_for, names)),
            Verdict::NotNeeded => (Fate::NotNeeded, String::new()),
        };
        Self {
            stage: call.stage,
            records: &call.records,
            inputs: &call.inputs,
            outputs: call.outputs.len(),
            fate,
            why,
            seconds: call.seconds,
            shards: call.shards.map(|shards| Shards {
                total: shards.total,
                cached: shards.cached,
                failed: 0,
            }),
        }
    }

    fn ended(call: &'a crate::run::ended::EndedCall) -> Self {
        let reason = || call.reason.as_ref().map(ToString::to_string).unwrap_or_default();
        let (fate, why) = match &call.end {
            End::None => (Fate::NotRun, String::new()),
            End::Cached => (Fate::Cached, String::new()),
            End::Ran => (Fate::Ran, reason()),
            End::Failed(error) => (Fate::Failed, error.chain()),
            End::Skipped => (Fate::Skipped, "something that it needs has failed".to_owned()),
        };
        let has_seconds = matches!(call.end, End::Cached | End::Ran);
        Self {
            stage: call.stage,
            records: &call.records,
            inputs: &call.inputs,
            outputs: call.outputs.len(),
            fate,
            why,
            seconds: has_seconds.then_some(call.seconds),
            shards: call.shards.map(|(shards, failed)| Shards {
                total: shards.total,
                cached: shards.cached,
                failed,
            }),
        }
    }
}

/// Takes what no drawing can show out of a text: control characters, but for line breaks.
fn shown(text: &str) -> String {
    let is_hidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if is_hidden(c) && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        match GraphFile::new(path.to_owned()) {
            Ok(_) => String::new(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Usage);
                error.chain()
            }
        }
    }

    #[test]
    fn what_cannot_be_drawn_to_is_told_before_anything_runs() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["plan.png", "plan", ".svg"] {
            let told = refused(&folder.path().join(name));
            assert!(told.contains("ends in `.svg`, `.dot` or `.mmd`"), "{told}");
        }
        assert_eq!(refused(&folder.path().join("plan.SVG")), "");
        assert_eq!(refused(Path::new("plan.mmd")), "", "the current folder is there");
        let told = refused(&folder.path().join("none/plan.dot"));
        assert!(told.contains("there is no folder `"), "{told}");
        fs::create_dir(folder.path().join("folder.svg")).unwrap();
        let told = refused(&folder.path().join("folder.svg"));
        assert!(told.contains("which is a folder"), "{told}");
    }

    #[test]
    fn a_graph_takes_the_place_of_the_former_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.dot");
        fs::write(&path, "former").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
