//! Tools for tests: what ran, and whether a cacher keeps its contract. Behind the feature `testing`.
//!
//! ```
//! use memo_runtime::prelude::*;
//! use memo_runtime::testing::Recorder;
//!
//! #[stage(outputs = [answer], cachers = [Json])]
//! fn answer() -> u32 {
//!     42
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let recorder = Recorder::new();
//! let store = Store::options().observer(recorder.clone()).open(folder.path())?;
//! for _ in 0..2 {
//!     answer(&mut Record::new(&store, "base", ()))?;
//! }
//! assert_eq!(recorder.lines(), ["ran answer: never ran", "hit answer"]);
//! # Ok(())
//! # }
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{Event, Observer};

mod conformance;
mod shelf;

pub use conformance::conforms;
#[doc(hidden)]
pub use shelf::Shelf;

/// Keeps all events. Cloning gives the same recorder.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Recorder {
    /// Makes a recorder that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all events so far, and returns them.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns what happened, one line each, and forgets it: `hit fit`, `ran fit: never ran`,
    /// `same fit`, `differs fit: ..`, `unchecked fit: ..`, `failed fit: ..`, `retried fit`, `skipped fit`, `loaded score`, `warning: ..`; of array stages also
    /// `shards fit: 44 of 55 cached`, `ran fit 7`, `failed fit 7: ..`. Stages are named by
    /// the last part of their names.
    pub fn lines(&self) -> Vec<String> {
        self.take().iter().filter_map(line).collect()
    }

    /// Returns the stages whose bodies have started, and forgets all events.
    pub fn ran(&self) -> Vec<String> {
        let started = |event: &Event| match event {
            Event::Started { stage, .. } => Some(short(stage).to_owned()),
            _ => None,
        };
        self.take().iter().filter_map(started).collect()
    }
}

impl Observer for Recorder {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

fn short(stage: &str) -> &str {
    stage.rsplit("::").next().unwrap_or(stage)
}

fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Hit { stage, .. } => format!("hit {}", short(stage)),
        Event::Waiting { stage, .. } => format!("waits for {}", short(stage)),
        Event::Started { stage, reason, .. } => format!("ran {}: {reason}", short(stage)),
        Event::Failed { stage, error, .. } => format!("failed {}: {}", short(stage), error.chain()),
        Event::Retried { stage, error, .. } => format!("retried {}: {error}", short(stage)),
        Event::Skipped { stage, .. } => format!("skipped {}", short(stage)),
        Event::Loaded { output, .. } => format!("loaded {output}"),
        Event::Evicted { output, .. } => format!("evicted {output}"),
        Event::Log { line, .. } => format!("log: {line}"),
        Event::Warning { message, .. } => format!("warning: {message}"),
        Event::Checked { stage, differences, .. } if differences.is_empty() => {
            format!("same {}", short(stage))
        }
        Event::Checked { stage, differences, .. } => {
            let what: Vec<String> = differences.iter().map(ToString::to_string).collect();
            format!("differs {}: {}", short(stage), what.join("; "))
        }
        Event::NotChecked { stage, because, .. } => {
            format!("unchecked {}: {because}", short(stage))
        }
        Event::Shards { stage, total, cached, .. } => {
            format!("shards {}: {cached} of {total} cached", short(stage))
        }
        Event::Submitted { stage, message, .. } => format!("submitted {}: {message}", short(stage)),
        Event::ShardStarted { stage, shard, .. } => format!("ran {} {shard}", short(stage)),
        Event::ShardFailed { stage, shard, error, .. } => {
            format!("failed {} {shard}: {}", short(stage), error.chain())
        }
        Event::RunStarted { .. }
        | Event::Finished { .. }
        | Event::ShardFinished { .. }
        | Event::RunFinished { .. } => {
            return None;
        }
    })
}
