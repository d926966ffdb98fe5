//! [`Call`]: a call that was started, and that nobody has to wait for.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind};
use crate::record::{Frame, Record};
use crate::stage::node::Node;

mod alike;
pub(crate) mod pool;
pub(crate) mod progress;

use progress::Progress;

/// A call that was started: `fit::start(&mut record)` returns one at once.
///
/// The record's state holds the names of the outputs from then on. What reads them, a later call or
/// [`Lazy::load`](crate::Lazy::load), waits until they are there. Equal calls that are under way at the
/// same time are one, from whatever records of a store they are started: starting a call again while it
/// runs starts nothing. One that is in the store has succeeded when `start` returns.
///
/// Started calls run on threads that the store makes when there is something to run, on as many as
/// [`StoreOptions::jobs`](crate::StoreOptions::jobs) says. A call goes on if its handle is dropped, also
/// if its record and the store are, and its result is kept. When the process ends, what has not ended is
/// lost, as with a process that is killed; a program that wants the results waits for them.
///
/// In the pipeline function of an experiment `start` declares the call, as calling the function does.
///
/// ```
/// use memo_runtime::prelude::*;
///
/// #[stage(outputs = [rows], cachers = [Json])]
/// fn download(day: u32) -> Vec<u32> {
///     (0..day).collect()
/// }
///
/// #[stage(inputs = [rows], outputs = [total], cachers = [Json])]
/// fn total(rows: &[u32]) -> u32 {
///     rows.iter().sum()
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let mut record = Record::new(&Store::open(folder.path())?, "base", ());
/// download::start(&mut record, 4)?;
/// let call = total::start(&mut record)?;
/// println!("{:?}", call.status()); // Pending, Running, ..
/// let total: Lazy<u32> = call.wait()?;
/// assert_eq!(*total.load()?, 6);
/// assert!(call.status().has_succeeded());
/// # Ok(())
/// # }
/// ```
pub struct Call<T> {
    outputs: T,
    begun: Begun,
    frame: Frame,
}

/// How far a started call is, and since when.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallStatus {
    /// It has not begun: its inputs are not there yet, or other calls go first.
    Pending {
        /// When it was started.
        since: SystemTime,
    },
    /// Its body runs.
    Running {
        /// When the body began.
        since: SystemTime,
    },
    /// Its result is there: it was found, or its body has run.
    Succeeded {
        /// When that was known.
        since: SystemTime,
    },
    /// It has failed.
    Failed {
        /// When it failed.
        since: SystemTime,
        /// What [`Call::wait`] returns.
        error: Error,
    },
    /// It was cancelled before it began, or its body ended with an error after that.
    Cancelled {
        /// When it ended.
        since: SystemTime,
    },
}

impl CallStatus {
    /// Returns since when the call is as far as that.
    pub fn since(&self) -> SystemTime {
        match self {
            Self::Pending { since }
            | Self::Running { since }
            | Self::Succeeded { since }
            | Self::Failed { since, .. }
            | Self::Cancelled { since } => *since,
        }
    }

    /// Whether the call has ended, in whatever way.
    pub fn has_ended(&self) -> bool {
        !matches!(self, Self::Pending { .. } | Self::Running { .. })
    }

    /// Whether the result is there.
    pub fn has_succeeded(&self) -> bool {
        matches!(self, Self::Succeeded { .. })
    }
}

impl<T> Call<T> {
    /// Returns how far the call is.
    pub fn status(&self) -> CallStatus {
        if let Some(node) = &self.begun.node {
            self.begun.progress.note(node);
        }
        self.begun.progress.status()
    }

    /// Says that this record does not want the result any more.
    ///
    /// Unless another record wants it too, a call that has not begun never does, and a body that runs
    /// sees it by [`Context::is_interrupted`](crate::Context::is_interrupted); if it returns an error
    /// then, the call is cancelled, else its result is kept as any other. A cancelled call is nothing
    /// that is remembered: it can be started again. What reads its outputs fails.
    ///
    /// In the pipeline function of an experiment this does nothing.
    pub fn cancel(&self) {
        if let Some(node) = &self.begun.node
            && self.begun.progress.give_up(&self.frame)
        {
            node.cancel_unless_begun();
        }
    }
}

impl<T: Clone> Call<T> {
    /// Waits until the call has ended, and returns what calling the function returns: the handles of the
    /// outputs. If the call has not begun, this thread runs it.
    ///
    /// In the pipeline function of an experiment this runs just what the outputs need, as
    /// [`Lazy::load`](crate::Lazy::load) does.
    ///
    /// # Errors
    ///
    /// Those of calling the function, and [`ErrorKind::Interrupted`] if the call was cancelled.
    pub fn wait(&self) -> Result<T, Error> {
        match &self.begun.node {
            Some(node) => {
                node.make()?;
                if self.frame.session.declared().is_none() {
                    self.frame.publish(node)?;
                }
            }
            None => self.begun.progress.outcome()?,
        }
        Ok(self.outputs.clone())
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.begun.node.as_ref().map(|node| node.spec.name);
        f.debug_struct("Call")
            .field("stage", &stage)
            .field("record", &self.frame.name)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Whether the next call on a frame waits.
#[derive(Default)]
pub(crate) enum Start {
    #[default]
    Waits,
    /// It does not.
    Asked,
    /// It did not.
    Begun(Begun),
}

/// What a call has begun that is not waited for.
pub(crate) struct Begun {
    /// `None` if there is nothing to wait for.
    node: Option<Arc<Node>>,
    progress: Arc<Progress>,
}

impl Begun {
    pub(crate) fn of(node: &Arc<Node>) -> Self {
        let progress = node.progress.get_or_init(|| Arc::new(Progress::of_nobody(node)));
        Self { node: Some(Arc::clone(node)), progress: Arc::clone(progress) }
    }

    /// What was inserted is there.
    pub(crate) fn is_there() -> Self {
        let since = SystemTime::now();
        Self { node: None, progress: Arc::new(Progress::ended(CallStatus::Succeeded { since })) }
    }

    /// In an experiment a call that does not fit is reported with all others.
    fn is_broken() -> Self {
        let since = SystemTime::now();
        let error = Error::new(ErrorKind::Wiring, "the call is wired wrongly");
        let status = CallStatus::Failed { since, error };
        Self { node: None, progress: Arc::new(Progress::ended(status)) }
    }
}

/// Starts a call: `call` makes it on the record, and is not waited for.
///
/// # Errors
///
/// Those of a call that does not fit.
pub fn start<P, T>(
    record: &mut Record<P>,
    call: impl FnOnce(&mut Record<P>) -> Result<T, Error>,
) -> Result<Call<T>, Error> {
    /// However the call ends, the one after it waits.
    struct Asking<'a, P>(&'a mut Record<P>);

    impl<P> Drop for Asking<'_, P> {
        fn drop(&mut self) {
            self.0.frame.start = Start::Waits;
        }
    }

    record.frame.start = Start::Asked;
    let asking = Asking(record);
    let outputs = call(asking.0)?;
    let begun = match std::mem::take(&mut asking.0.frame.start) {
        Start::Begun(begun) => begun,
        Start::Waits | Start::Asked => Begun::is_broken(),
    };
    Ok(Call { outputs, begun, frame: asking.0.frame.outline() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::declare::declare;
    use crate::prelude::*;
    use crate::stage::node::Status;

    #[stage(outputs = [number], cachers = [Json])]
    fn number() -> u32 {
        1
    }

    #[test]
    fn a_call_whose_result_is_there_is_known_to_have_succeeded_before_its_thread_has_noted_so() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = |record: &mut Record<()>| number(record).map(drop).map_err(Into::into);
        let experiment = Experiment::new("one", pipeline).record("base", ());
        let options = RunOptions::new().store(folder.path());
        let declaration = declare(&experiment, &options, false).unwrap();
        let node = &declaration.nodes[0];
        let progress = Arc::new(Progress::of_nobody(node));
        // It hangs on the node only now, so that nobody notes anything.
        node.set_status(Status::Ran);
        assert!(!progress.status().has_ended());
        let frame = Frame::new(Arc::clone(&declaration.session), None, 0);
        let begun = Begun { node: Some(Arc::clone(node)), progress };
        assert!(Call { begun, frame, outputs: () }.status().has_succeeded());
    }
}
