//! [`RunOptions`]: what a run is asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::Error;
use crate::event::Observer;
use crate::executor::Executor;
use crate::store::Store;

/// How an experiment is run: what the command line says, for programs and tests.
///
/// ```
/// use memo_runtime::RunOptions;
///
/// let options = RunOptions::new().records(["base"]).set("rate", "0.2").force(["train"]).jobs(4);
/// ```
#[expect(clippy::struct_excessive_bools, reason = "an option each")]
#[derive(Clone, Default)]
pub struct RunOptions {
    pub(crate) store: Option<PathBuf>,
    pub(crate) read_only: bool,
    pub(crate) durable: bool,
    pub(crate) strict_files: bool,
    pub(crate) records: Vec<String>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) params: Option<serde_json::Value>,
    pub(crate) force: Option<Vec<String>>,
    pub(crate) no_cache: Option<Vec<String>>,
    pub(crate) check: Option<Vec<String>>,
    pub(crate) until: Option<String>,
    pub(crate) jobs: Option<usize>,
    pub(crate) memory: Option<u64>,
    pub(crate) machine_memory: Option<u64>,
    pub(crate) fail_fast: bool,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) interrupted: Arc<AtomicBool>,
    /// Whether the outcome is to list all calls.
    pub(crate) tells_calls: bool,
    /// Whether another process has decided what is made anew.
    pub(crate) is_worker: bool,
    /// Runs calls elsewhere than on threads.
    pub(crate) executor: Option<Arc<dyn Executor>>,
}

impl RunOptions {
    /// Starts with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the store's folder, in place of the experiment's.
    #[must_use]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(path.into());
        self
    }

    /// Writes nothing to the store.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Makes each entry safe against a power cut before it is reported as kept.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Reads every input file, and believes nothing that is remembered of it.
    #[must_use]
    pub fn strict_files(mut self, strict_files: bool) -> Self {
        self.strict_files = strict_files;
        self
    }

    /// Runs only these records. None means all. One that a pipeline function adds with
    /// [`Record::branch`](crate::Record::branch) can be named too: then all records are declared once more
    /// beforehand, on trial, to find out which of them adds it.
    #[must_use]
    pub fn records<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.records.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets a field of every record's params, by its path, to a value written as on the command line.
    #[must_use]
    pub fn set(mut self, field: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.push((field.into(), value.into()));
        self
    }

    /// Lays fields over every record's params, as `--params FILE` does.
    #[must_use]
    pub fn params(mut self, fields: serde_json::Value) -> Self {
        self.params = Some(fields);
        self
    }

    /// Computes these stages again, and keeps what they give. None named means all.
    #[must_use]
    pub fn force<N: Into<String>>(mut self, stages: impl IntoIterator<Item = N>) -> Self {
        self.force = Some(stages.into_iter().map(Into::into).collect());
        self
    }

    /// Neither looks these stages up nor keeps them. None named means all.
    #[must_use]
    pub fn no_cache<N: Into<String>>(mut self, stages: impl IntoIterator<Item = N>) -> Self {
        self.no_cache = Some(stages.into_iter().map(Into::into).collect());
        self
    }

    /// Runs the bodies of calls of these stages that are cached again, and compares what they give with
    /// what is kept. None named means all. Nothing in the store changes, and nothing else runs, but for
    /// what the calls read that lives in memory only.
    ///
    /// What a body does besides, such as writing a file that [`Referenced`](crate::Referenced) names, it
    /// does again.
    #[must_use]
    pub fn check<N: Into<String>>(mut self, stages: impl IntoIterator<Item = N>) -> Self {
        self.check = Some(stages.into_iter().map(Into::into).collect());
        self
    }

    /// Runs only what this stage needs, and the stage.
    #[must_use]
    pub fn until(mut self, stage: impl Into<String>) -> Self {
        self.until = Some(stage.into());
        self
    }

    /// Sets how many stages may run at a time. The default is the number of cores.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = Some(jobs.max(1));
        self
    }

    /// Sets how many bytes of values may be held in memory between stages. Those that were used longest ago
    /// leave it, and are read from their artifacts when they are needed again.
    ///
    /// A value counts with the size of its artifact. One without an artifact cannot be read again, so it
    /// stays until its last reader is done; it counts with the bytes of its own type, and texts and lists of
    /// numbers (`String`, `Vec<f64>`, `Vec<Vec<u8>>`) with what they hold. What other types point to is not
    /// known and does not count. Where values without an artifact alone are more than may be held, the run
    /// warns once and goes on. What running stages hold is theirs.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Sets how much memory stages with `resources(memory = ..)` share while they run. The default is that of
    /// the machine, or of the process's control group where that is less.
    #[must_use]
    pub fn machine_memory(mut self, bytes: u64) -> Self {
        self.machine_memory = Some(bytes);
        self
    }

    /// Starts no further stage after the first failure.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Tells `observer` all events.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Ends the run when `flag` is set: no further stage starts, running ones end.
    #[must_use]
    pub fn interrupted_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupted = flag;
        self
    }

    pub(crate) fn jobs_or_cores(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.unwrap_or_else(cores)
    }

    pub(crate) fn open_store(&self, default: &std::path::Path) -> Result<Store, Error> {
        let path = self.store.as_deref().unwrap_or(default);
        let options = Store::options().read_only(self.read_only).durable(self.durable);
        let options = options.strict_files(self.strict_files);
        let store = options.open(path)?;
        self.observers.iter().for_each(|observer| store.add_observer(Arc::clone(observer)));
        Ok(store)
    }
}
