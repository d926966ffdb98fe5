//! Why a call was a miss, and how people read it.

use serde::Serialize;

use crate::key::ComponentKind;

/// Why a call was a miss.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MissReason {
    /// The store holds no entry of this stage.
    NeverRan,
    /// Entries of this stage are there; the nearest differs in these components.
    Changed {
        /// What differs from the nearest entry, old and new.
        changes: Vec<Change>,
    },
    /// Some shards of an array are not there: their elements are new, or they failed before.
    Shards {
        /// Which: `3, 7-9`; cut short where they are many.
        missing: String,
        /// How many.
        count: usize,
        /// How many elements there are.
        total: usize,
    },
    /// `--force` asked for it.
    Forced,
    /// `rerun = true`: it always runs, and only what differs from what is kept goes on.
    Rerun,
    /// `expires = ".."`: the entry is too old.
    Expired {
        /// When it was completed, in milliseconds since 1970.
        completed: u64,
        /// For how long it was served, in milliseconds.
        after: u64,
    },
    /// Caching is off for this stage.
    NotCached {
        /// Who turned it off: `the run`, `the stage` or `the experiment`.
        by: &'static str,
    },
    /// It depends on a stage for which caching is off.
    DependsOnUncached {
        /// That stage.
        stage: &'static str,
    },
    /// Its outputs have no cachers, and one of them is needed.
    InMemory,
    /// The stage has no outputs and keeps no marker, so it always runs.
    NoOutputs,
    /// The entry is there, but what it holds is not what was written.
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// The entry is there, but an artifact is gone that is needed now.
    ArtifactGone {
        /// What is gone.
        what: String,
    },
    /// The validator refused the entry.
    Invalid {
        /// What it said.
        what: String,
    },
}

/// A component that differs from the nearest entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What the component is about.
    pub kind: ComponentKind,
    /// Its name.
    pub name: String,
    /// Its value in the nearest entry; `None` if it had none.
    pub old: Option<String>,
    /// Its value now; `None` if it has none.
    pub new: Option<String>,
    /// For an input: why the call that makes it runs, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<Box<Producer>>,
}

/// The call that makes a changed input, and that was a miss itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Producer {
    /// Its stage.
    pub stage: &'static str,
    /// Whether it has run; in a plan it will.
    pub ran: bool,
    /// Why.
    pub reason: MissReason,
}

impl std::fmt::Display for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = self.stage.rsplit("::").next().unwrap_or(self.stage);
        let ran = if self.ran { "ran" } else { "will run" };
        write!(f, "made by `{stage}`, which {ran}: {}", self.reason)
    }
}

/// What a name leads to, if that is what the text tells.
fn leads_to(text: Option<&String>) -> Option<&str> {
    text?.strip_prefix(crate::stage::explain::code::LEADS)
}

impl Change {
    /// Tells of code by its name: `old` and `new` are files, or versions of a crate.
    fn fmt_code(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_version = |text: &String| {
            text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['/', '\\'])
        };
        if let (Some(old), Some(new)) = (leads_to(self.old.as_ref()), leads_to(self.new.as_ref())) {
            let (name, by) = self.name.rsplit_once(" in ").unwrap_or((&self.name, "the stage"));
            return write!(f, "code: `{name}` in `{by}` leads to `{new}`, no longer to `{old}`");
        }
        write!(f, "code: `{}`", self.name)?;
        let place = match (&self.old, &self.new) {
            (Some(old), Some(new)) if old != new && is_version(old) && is_version(new) => {
                return write!(f, " {old} → {new}");
            }
            (Some(_), Some(new)) => {
                f.write_str(" changed")?;
                new
            }
            (None, Some(new)) => {
                f.write_str(" is new")?;
                new
            }
            (Some(old), None) => {
                f.write_str(" is gone")?;
                old
            }
            (None, None) => return Ok(()),
        };
        if place.is_empty() { Ok(()) } else { write!(f, " ({place})") }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == ComponentKind::Code && !self.name.is_empty() {
            return self.fmt_code(f);
        }
        let same_text = self.old == self.new;
        match self.kind {
            ComponentKind::Param if self.name.is_empty() => f.write_str("params")?,
            ComponentKind::Param => write!(f, "params.{}", self.name)?,
            ComponentKind::Argument | ComponentKind::Input => {
                write!(f, "{} `{}`", self.kind.word(), self.name)?;
            }
            ComponentKind::Cacher => write!(f, "cacher of `{}`", self.name)?,
            ComponentKind::Environment => write!(f, "environment variable `{}`", self.name)?,
            kind => f.write_str(kind.word())?,
        }
        if let Some(producer) = &self.made_by {
            return write!(f, " changed ({producer})");
        }
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if !same_text && !old.is_empty() && !new.is_empty() => {
                write!(f, " {old} → {new}")
            }
            (None, Some(_)) => f.write_str(" is new"),
            (Some(_), None) => f.write_str(" is gone"),
            _ => f.write_str(" changed"),
        }
    }
}

impl std::fmt::Display for MissReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverRan => f.write_str("never ran"),
            Self::Changed { changes } if changes.is_empty() => f.write_str("a secret changed"),
            Self::Changed { changes } => {
                let texts: Vec<_> = changes.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(", "))
            }
            Self::Shards { missing, count, total } if missing.is_empty() => {
                write!(
                    f,
                    "{count} of {total} shards {} not there",
                    if *count == 1 { "is" } else { "are" }
                )
            }
            Self::Shards { missing, count, total } => {
                let are = if *count == 1 { "is" } else { "are" };
                write!(f, "{count} of {total} shards {are} not there: {missing}")
            }
            Self::Forced => f.write_str("forced"),
            Self::Rerun => f.write_str("it always runs again (`rerun`)"),
            Self::Expired { after, .. } => {
                write!(f, "expired: it is served for {}", whole_units(*after))
            }
            Self::NotCached { by } => write!(f, "caching is off by {by}"),
            Self::DependsOnUncached { stage } => {
                write!(f, "depends on `{stage}`, for which caching is off")
            }
            Self::InMemory => f.write_str("its outputs live in memory only"),
            Self::NoOutputs => f.write_str("it has no outputs, so it always runs"),
            Self::Damaged { what } => write!(f, "entry damaged: {what}"),
            Self::ArtifactGone { what } => write!(f, "artifact gone: {what}"),
            Self::Invalid { what } => write!(f, "entry invalid: {what}"),
        }
    }
}

/// Writes milliseconds in the largest unit that leaves no rest: `7 days`, `90 s`.
fn whole_units(milliseconds: u64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms")];
    let fits = units.iter().find(|(unit, _)| milliseconds.is_multiple_of(*unit));
    let (unit, name) = fits.copied().unwrap_or((1, "ms"));
    let count = milliseconds / unit;
    let plural = if name == "day" && count != 1 { "s" } else { "" };
    format!("{count} {name}{plural}")
}
