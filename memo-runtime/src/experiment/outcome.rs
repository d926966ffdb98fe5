//! [`Outcome`]: what a run came to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::artifact::saving::{Saved, Saving};
use crate::error::{BoxError, Error, ErrorKind, did_you_mean};
use crate::lazy::{Handle, Lazy, Origin};
use crate::record::State;
use crate::run::ended::EndedCall;
use crate::shards::Shards;
use crate::stage::node::Node;

/// What a run came to. Calls that records share are counted once.
#[derive(Default)]
pub struct Outcome {
    /// How many calls were found.
    pub cached: usize,
    /// How many bodies ran to their end.
    pub ran: usize,
    /// How many calls failed.
    pub failed: usize,
    /// How many did not run, since something they need has failed.
    pub skipped: usize,
    /// Under [`RunOptions::check`](crate::RunOptions::check): how many calls were checked.
    pub checked: usize,
    /// Under [`RunOptions::check`](crate::RunOptions::check): how many calls were not checked, since they
    /// are not cached.
    pub unchecked: usize,
    /// How many checked calls gave something else than is kept; `None` for a run that checked nothing.
    pub differing: Option<usize>,
    /// How many results were computed but not kept.
    pub lost: usize,
    /// How long the run took, in seconds.
    pub seconds: f64,
    /// How long the bodies of the found calls took when they ran, in seconds.
    pub saved: f64,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// One line a stage, in the order of the pipeline.
    pub stages: Vec<StageSummary>,
    /// What failed, with stage and record.
    pub failures: Vec<Error>,
    /// All calls, where the run was asked for them.
    pub(crate) calls: Vec<EndedCall>,
    pub(crate) aggregates: State,
    pub(crate) records: BTreeMap<Arc<str>, State>,
}

/// The first bytes of an aggregate's output.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    /// The output's name.
    pub(crate) name: String,
    /// Its file, if it has one of its own.
    pub(crate) path: Option<PathBuf>,
    /// The extension of its format.
    pub(crate) extension: String,
    pub(crate) head: Vec<u8>,
}

/// What became of one stage's calls.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct StageSummary {
    /// The stage's full name.
    pub stage: &'static str,
    /// How many bodies ran to their end.
    pub ran: usize,
    /// How many calls were found.
    pub cached: usize,
    /// How many calls failed.
    pub failed: usize,
    /// How many did not run, since something they need has failed.
    pub skipped: usize,
    /// How long the bodies took, in seconds, all together.
    pub seconds: f64,
    /// The size of the kept artifacts, in bytes.
    pub size: u64,
    /// How long the bodies of the found calls took when they ran, in seconds.
    pub saved: f64,
    /// How many shards of arrays ran.
    pub shards_ran: usize,
    /// How many shards of arrays were found.
    pub shards_cached: usize,
    /// How many shards of arrays failed.
    pub shards_failed: usize,
}

impl Outcome {
    /// Returns an output of an aggregate.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wiring`] if no aggregate has an output of that name and type.
    pub fn aggregated<T: Send + Sync + 'static>(&self, name: &str) -> Result<Lazy<T>, Error> {
        find(&self.aggregates, name)
    }

    /// Returns an output of a record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if there is no such record, [`ErrorKind::Wiring`] if it has no output of
    /// that name and type.
    pub fn output<T: Send + Sync + 'static>(
        &self,
        record: &str,
        name: &str,
    ) -> Result<Lazy<T>, Error> {
        find(self.state_of(record)?, name).map_err(|error| error.in_record(record))
    }

    /// Returns what an array stage gave for a record.
    ///
    /// # Errors
    ///
    /// Those of [`output`](Self::output).
    pub fn shards<T: Send + Sync + 'static>(
        &self,
        record: &str,
        name: &str,
    ) -> Result<Shards<T>, Error> {
        let found = handle(self.state_of(record)?, name)
            .and_then(|handle| handle.shards().ok_or_else(|| handle.is_no::<Shards<T>>(name)));
        found.map_err(|error| error.in_record(record))
    }

    /// Lets go of it at the end of the program. Where everything was found, the system takes the memory back
    /// sooner than the calls are taken apart. Values from outside are dropped all the same.
    #[cfg(feature = "cli")]
    pub(crate) fn leave(self) {
        let handles = || self.records.values().flat_map(State::handles);
        let node = handles().find_map(Handle::node);
        let leaves_nothing = node.is_some_and(|node| node.session.store.leaves_nothing());
        if !leaves_nothing || self.ran + self.failed + self.skipped > 0 || self.interrupted {
            return;
        }
        let inserted = handles().filter(|handle| matches!(handle.origin, Origin::Inserted(_)));
        inserted.for_each(|handle| {
            handle.slot.evict();
        });
        std::mem::forget(self);
    }

    fn state_of(&self, record: &str) -> Result<&State, Error> {
        self.records.get(record).ok_or_else(|| {
            let near = did_you_mean(record, self.records.keys().map(|name| &**name));
            Error::new(ErrorKind::Usage, format!("no record is named `{record}`{near}"))
        })
    }

    /// Returns what people can look at of each aggregate's outputs.
    pub(crate) fn previews(&self, limit: usize) -> Vec<Preview> {
        let nodes = self.aggregates.iter().filter_map(|(name, bound)| match &bound.handle.origin {
            Origin::Node(node, output) if !node.has_failed() => Some((name, node, *output)),
            _ => None,
        });
        let preview = |(name, node, output): (&Cow<'static, str>, &Arc<Node>, usize)| {
            let kept = node.kept(output);
            let path = kept.as_ref().filter(|kept| kept.inline().is_none());
            let path = path.and_then(|_| node.path(output).ok());
            let extension = node.outputs[output].format()?.file_extension().to_owned();
            // Lives until it is read: its file goes with it.
            let saved = if kept.is_none() { unkept(node, output).ok() } else { None };
            let reopened = || Some(saved.as_ref()?.reopen(&extension));
            let artifact = node.open_artifact(output).or_else(reopened)?;
            let mut head = Vec::new();
            artifact.reader().ok()?.take(limit as u64).read_to_end(&mut head).ok()?;
            Some(Preview { name: name.to_string(), path, extension, head })
        };
        nodes.filter_map(preview).collect()
    }

    /// Returns the exit code that says what became of the run: 0 done, 1 a stage failed or a check found a
    /// difference, 3 results could not be kept, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match () {
            () if self.interrupted => 130,
            () if self.failed > 0 || self.differing.is_some_and(|count| count > 0) => 1,
            () if self.lost > 0 => 3,
            () => 0,
        }
    }

    /// Returns the last line of a run: `24 cached, 0 ran, 0 failed in 12 ms (3.4 s saved)`.
    pub fn line(&self) -> String {
        if let Some(differing) = self.differing {
            return self.check_line(differing);
        }
        let skipped =
            if self.skipped > 0 { format!(", {} skipped", self.skipped) } else { String::new() };
        let saved = match self.cached {
            0 => String::new(),
            _ => format!(" ({} saved)", duration_text(self.saved)),
        };
        let lost = if self.lost > 0 { format!(", {} not kept", self.lost) } else { String::new() };
        format!(
            "{} cached, {} ran, {} failed{skipped}{lost} in {}{saved}",
            self.cached,
            self.ran,
            self.failed,
            duration_text(self.seconds)
        )
    }
}

impl Outcome {
    /// `7 calls checked, all the same, in 3.4 s (2 not checked, since they are not cached)`.
    fn check_line(&self, differing: usize) -> String {
        let calls = if self.checked == 1 { "call" } else { "calls" };
        let found = match (self.checked, differing) {
            (0, _) => String::new(),
            (_, 0) => ", all the same,".to_owned(),
            (_, count) => format!(", {count} not the same,"),
        };
        let unchecked = match self.unchecked {
            0 => String::new(),
            count => format!(" ({count} not checked)"),
        };
        let time = duration_text(self.seconds);
        format!("{} {calls} checked{found} in {time}{unchecked}", self.checked)
    }
}

/// Writes a value that was not kept where files come and go, for people to look at.
fn unkept(node: &Node, output: usize) -> Result<Saved, BoxError> {
    let slot = &node.outputs[output];
    let extension = slot.format().map_or("", |format| format.file_extension());
    let artifact = Artifact::saving(Saving::new(std::env::temp_dir(), extension));
    slot.save(&artifact)?;
    Ok(artifact.into_saved()?)
}

fn find<T: Send + Sync + 'static>(state: &State, name: &str) -> Result<Lazy<T>, Error> {
    let handle = handle(state, name)?;
    handle.typed().ok_or_else(|| handle.is_no::<T>(name))
}

fn handle<'a>(state: &'a State, name: &str) -> Result<&'a Handle, Error> {
    let bound = state.get(name).ok_or_else(|| {
        let near = did_you_mean(name, state.names());
        Error::new(ErrorKind::Wiring, format!("there is no output `{name}`{near}"))
    })?;
    Ok(&bound.handle)
}

/// Writes a duration as people say it: `12 ms`, `3.4 s`, `2 min 5 s`, `1 h 3 min`.
pub fn duration_text(seconds: f64) -> String {
    match seconds {
        s if s < 0.000_999_5 => format!("{:.0} µs", s * 1e6),
        s if s < 0.999_5 => format!("{:.0} ms", s * 1e3),
        s if s < 59.95 => format!("{s:.1} s"),
        s if s < 3599.5 => format!("{} min {} s", (s.round() / 60.0).floor(), s.round() % 60.0),
        s => {
            let minutes = (s / 60.0).round();
            format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0)
        }
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcome")
            .field("line", &self.line())
            .field("stages", &self.stages)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let texts: Vec<_> = [0.0, 0.000_5, 0.012, 0.9996, 3.44, 59.99, 125.0, 3780.0]
            .iter()
            .map(|seconds| duration_text(*seconds))
            .collect();
        assert_eq!(
            texts,
            ["0 µs", "500 µs", "12 ms", "1.0 s", "3.4 s", "1 min 0 s", "2 min 5 s", "1 h 3 min"]
        );
    }

    /// What tells whether it was dropped.
    #[derive(serde::Serialize)]
    struct Held {
        number: u32,
        #[serde(skip)]
        _given: Arc<()>,
    }

    #[stage(inputs = [held], outputs = [made], cachers = [Json])]
    fn made(held: &Held) -> u32 {
        held.number
    }

    #[cfg(feature = "cli")]
    #[test]
    fn values_from_outside_are_dropped_at_the_end_and_nothing_stays_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (held, options) = (Arc::new(()), RunOptions::new().store(folder.path()));
        for (ran, cached) in [(1, 0), (0, 1)] {
            let given = Arc::clone(&held);
            let experiment = Experiment::new("held", move |record: &mut Record<()>| {
                record.insert("held", Held { number: 1, _given: Arc::clone(&given) })?;
                made(record)?;
                Ok(())
            });
            let outcome = experiment.record("base", ()).run(&options).unwrap();
            assert_eq!((outcome.ran, outcome.cached), (ran, cached));
            assert_eq!(Arc::strong_count(&held), 2);
            outcome.leave();
            assert_eq!(Arc::strong_count(&held), 1);
            let temporary = std::fs::read_dir(folder.path().join("v1/tmp")).unwrap();
            assert_eq!(temporary.count(), 0);
        }
    }
}
