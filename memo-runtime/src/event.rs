//! [`Event`]: all that the runtime tells. It never prints; displays, logs and tests listen.

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::error::Error;
use crate::key::ComponentKind;

/// Something that happened, in the order in which it happened.
///
/// Each event serialises as one JSON object whose `event` field names it; that is what
/// `--format json` prints, one a line: [`docs::events`](crate::docs::events) lists them.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The plan is made, and its stages will run now.
    RunStarted {
        /// The version of this vocabulary of events.
        version: u32,
        /// The experiment's name.
        experiment: String,
        /// The run's own name.
        run: String,
        /// How many records take part.
        records: usize,
        /// How many calls there are, equal ones counted once.
        calls: usize,
        /// How many stages may run at a time.
        jobs: usize,
    },
    /// A call was found in the store: its body does not run.
    Hit {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Its key.
        key: Digest,
        /// How long the body took when it ran, in seconds.
        saved: f64,
        /// When that was, in milliseconds since 1970.
        completed: u64,
        /// The run that it was.
        made_by: String,
    },
    /// Another process computes the same call: this one waits for it, and in a run others go on in its place.
    Waiting {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Its key.
        key: Digest,
    },
    /// A call was not found: its body runs now.
    Started {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Its key.
        key: Digest,
        /// Why it was a miss.
        reason: MissReason,
    },
    /// An attempt failed, and another follows.
    Retried {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Which shard it was, of an array stage.
        #[serde(skip_serializing_if = "Option::is_none")]
        shard: Option<usize>,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// What it failed with.
        error: String,
    },
    /// A body has run to its end.
    Finished {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Its key.
        key: Digest,
        /// How long the body took, in seconds.
        seconds: f64,
        /// The size of what was kept, in bytes.
        size: u64,
        /// Whether an entry was kept.
        kept: bool,
    },
    /// It is known which shards of an array are in the store.
    Shards {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// The key that all shards share.
        key: Digest,
        /// How many elements there are.
        total: usize,
        /// How many were found.
        cached: usize,
        /// How many are to run.
        to_compute: usize,
        /// How many wait for elements that another array stage makes.
        waiting: usize,
        /// Which are to run, as people write it: `3, 7-9`; cut short where they are many.
        missing: String,
    },
    /// Shards or calls are on their way elsewhere: they were submitted, or are taken up from an earlier submission.
    Submitted {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// What, and where.
        message: String,
    },
    /// The body of a shard runs now.
    ShardStarted {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// The position of its element, from 0.
        shard: usize,
        /// Its key.
        key: Digest,
    },
    /// The body of a shard has run to its end.
    ShardFinished {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// The position of its element, from 0.
        shard: usize,
        /// Its key.
        key: Digest,
        /// How long the body took, in seconds.
        seconds: f64,
        /// The size of what was kept, in bytes.
        size: u64,
        /// Whether it is kept.
        kept: bool,
        /// Why there was nothing to do, if the body has said so.
        skipped: Option<String>,
    },
    /// A shard failed for good. The others go on.
    ShardFailed {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// The position of its element, from 0.
        shard: usize,
        /// What it failed with, causes included.
        #[serde(serialize_with = "error_chain")]
        error: Error,
    },
    /// A call failed for good.
    Failed {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// What it failed with, causes included.
        #[serde(serialize_with = "error_chain")]
        error: Error,
    },
    /// A call does not run, since something that it needs has failed or was interrupted.
    Skipped {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// The stage that failed.
        because: &'static str,
    },
    /// A kept value was read through its cacher.
    Loaded {
        /// The stage that made it.
        stage: &'static str,
        /// The output's name, as declared.
        output: &'static str,
        /// The size of its artifact, in bytes.
        size: u64,
    },
    /// Under `--check`, the body of a call that was found has run again.
    Checked {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Its key.
        key: Digest,
        /// How many shards have run again, if it is an array of them.
        shards: Option<usize>,
        /// What it gave differently; nothing if all is the same.
        differences: Vec<Difference>,
    },
    /// Under `--check`, a call is not checked.
    NotChecked {
        /// The stage.
        stage: &'static str,
        /// The record that called it first; `None` for an aggregate.
        record: Option<String>,
        /// Why.
        because: String,
    },
    /// A value was dropped from memory; it can be read again.
    Evicted {
        /// The stage that made it.
        stage: &'static str,
        /// The output's name, as declared.
        output: &'static str,
    },
    /// What a stage logged, when it ran or on a hit.
    Log {
        /// The stage.
        stage: &'static str,
        /// What it logged.
        line: String,
    },
    /// Something is wrong, and the run goes on.
    Warning {
        /// The stage it concerns, if one.
        stage: Option<&'static str>,
        /// The record it concerns, if one.
        record: Option<String>,
        /// What is wrong, and what follows.
        message: String,
        /// Whether a result was not kept because of it.
        lost: bool,
    },
    /// The run is over.
    RunFinished {
        /// How many calls were found.
        cached: usize,
        /// How many bodies ran to their end.
        ran: usize,
        /// How many calls failed.
        failed: usize,
        /// How many did not run since another failed.
        skipped: usize,
        /// How long the run took, in seconds.
        seconds: f64,
        /// How long the bodies of the found calls took when they ran, in seconds.
        saved: f64,
    },
}

impl Event {
    /// The version of this vocabulary: [`docs::events`](crate::docs::events) says what it promises.
    pub const VERSION: u32 = 1;
}

fn error_chain<S: Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&error.chain())
}

/// What a call gave differently when its body ran again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The shard, of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<usize>,
    /// The output; `None` if the body failed, or a validator refused what it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What is different, as a sentence.
    pub what: String,
    /// The first lines that differ, where the format is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(shard) = self.shard {
            write!(f, "shard {shard}: ")?;
        }
        f.write_str(&self.what)
    }
}

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

/// Listens to events. Called on the thread where it happened, so it should be quick.
///
/// ```
/// use memo_runtime::{Event, Store};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::options()
///     .observer(|event: &Event| {
///         if let Event::Warning { message, .. } = event {
///             eprintln!("{message}");
///         }
///     })
///     .open(folder.path())?;
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Is told an event.
    fn event(&self, event: &Event);

    /// Whether it wants to be told of each call that is found, by [`Event::Hit`] and by what the call has logged.
    /// A run that finds everything is quicker where nobody does. Where another observer does, all are told.
    fn wants_hits(&self) -> bool {
        true
    }
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}
