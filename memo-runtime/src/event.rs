//! [`Event`]: all that the runtime tells. It never prints; displays, logs and tests listen.

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::error::Error;

mod miss;

pub use miss::{Change, MissReason, Producer};

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
