//! [`Experiment`]: a pipeline, its records, aggregates over them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::de::DeserializeOwned;

use crate::aggregate::Records;
use crate::error::{BoxError, Error, ErrorKind};
use crate::event::Observer;
use crate::executor::Executor;
use crate::plan::Plan;
use crate::record::{Params, Record};
use crate::store::Store;

pub(crate) mod declare;
pub(crate) mod grid;
pub(crate) mod outcome;
pub(crate) mod overrides;

pub use grid::{Grid, NamedParams, grid};
pub use outcome::{Outcome, StageSummary};

/// What a pipeline function is.
type Pipeline<P> = Box<dyn Fn(&mut Record<P>) -> Result<(), BoxError> + Send + Sync>;
/// What declares an aggregate.
type Aggregate<P> = Box<dyn Fn(&mut Records<P>) -> Result<(), Error> + Send + Sync>;
/// Which records an aggregate sees.
type Filter<P> = Box<dyn Fn(&Record<P>) -> bool + Send + Sync>;

/// A pipeline, its records, aggregates over them, and a command line.
///
/// The pipeline function only declares: its calls become a plan, which is checked and then run.
///
/// ```
/// use memo_runtime::prelude::*;
/// # use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Params { exponent: u32 }
///
/// #[stage(outputs = [power], cachers = [Json])]
/// fn power(params: &Params) -> u64 {
///     2u64.pow(params.exponent)
/// }
///
/// #[aggregate(inputs = [power], outputs = [largest], cachers = [Json])]
/// fn largest(power: Across<u64>) -> Result<u64> {
///     let mut largest = 0;
///     for item in &power {
///         largest = largest.max(*item.load()?);
///     }
///     Ok(largest)
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let experiment = Experiment::new("powers", |record: &mut Record<Params>| {
///     power(record)?;
///     Ok(())
/// })
/// .records(grid(Params::default()).over("exponent", [3, 5]))
/// .aggregate(largest);
///
/// let options = RunOptions::new().store(folder.path());
/// let first = experiment.run(&options)?;
/// assert_eq!((first.ran, first.cached), (3, 0));
/// let second = experiment.run(&options)?;
/// assert_eq!((second.ran, second.cached), (0, 3));
/// assert_eq!(*second.aggregated::<u64>("largest")?.load()?, 32);
/// # Ok(())
/// # }
/// ```
pub struct Experiment<P> {
    pub(crate) name: String,
    pub(crate) pipeline: Pipeline<P>,
    pub(crate) records: Vec<NamedParams<P>>,
    pub(crate) aggregates: Vec<(Aggregate<P>, Option<Filter<P>>)>,
    pub(crate) cache: bool,
    pub(crate) store: PathBuf,
    /// Mistakes made while building, told before anything runs.
    pub(crate) mistakes: Vec<Error>,
}

impl<P: Params + Clone + DeserializeOwned> Experiment<P> {
    /// Makes an experiment of a pipeline function.
    pub fn new(
        name: impl Into<String>,
        pipeline: impl Fn(&mut Record<P>) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            pipeline: Box::new(pipeline),
            records: Vec::new(),
            aggregates: Vec::new(),
            cache: true,
            store: ".memo".into(),
            mistakes: Vec::new(),
        }
    }

    /// Adds a record.
    #[must_use]
    pub fn record(mut self, name: impl Into<String>, params: P) -> Self {
        self.records.push(NamedParams { name: name.into(), params, varied: Vec::new() });
        self
    }

    /// Adds records: a [`grid`], or any pairs of name and params.
    #[must_use]
    pub fn records<N: Into<NamedParamsOrMistake<P>>>(
        mut self,
        records: impl IntoIterator<Item = N>,
    ) -> Self {
        for record in records {
            match record.into().0 {
                Ok(record) => self.records.push(record),
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
        self
    }

    /// Adds an aggregate over all records.
    #[must_use]
    pub fn aggregate<R>(
        mut self,
        aggregate: impl Fn(&mut Records<P>) -> Result<R, Error> + Send + Sync + 'static,
    ) -> Self {
        self.aggregates.push((Box::new(move |records| aggregate(records).map(drop)), None));
        self
    }

    /// Adds an aggregate over those records that `filter` keeps.
    #[must_use]
    pub fn aggregate_where<R>(
        mut self,
        aggregate: impl Fn(&mut Records<P>) -> Result<R, Error> + Send + Sync + 'static,
        filter: impl Fn(&Record<P>) -> bool + Send + Sync + 'static,
    ) -> Self {
        let aggregate: Aggregate<P> = Box::new(move |records| aggregate(records).map(drop));
        self.aggregates.push((aggregate, Some(Box::new(filter))));
        self
    }

    /// Turns caching off for all stages of this experiment, unless a run says otherwise.
    #[must_use]
    pub fn cache(mut self, cache: bool) -> Self {
        self.cache = cache;
        self
    }

    /// Sets the store's folder. The default is `.memo`; `--store` beats it.
    #[must_use]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = path.into();
        self
    }

    /// Says what a run would do, and why. Nothing is run, and no result is written. That code changed is
    /// noted in a store that is there, for `memo accept`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) and [`ErrorKind::Wiring`](crate::ErrorKind::Wiring) as for [`run`](Self::run).
    pub fn plan(&self, options: &RunOptions) -> Result<Plan, Error> {
        let declared = declare::declare(self, options, true)?;
        let plan = declare::plan_of(&self.name, &declared);
        declare::note_changed_code(&declared, options);
        Ok(plan)
    }

    /// Plans and runs.
    ///
    /// Under [`RunOptions::check`], what is cached is checked, and nothing else is run.
    ///
    /// A stage that fails is no error of the run: it is told by [`Outcome::failures`], and everything
    /// that does not depend on it is computed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if `options` name a record, a stage or a field that does not exist;
    /// [`ErrorKind::Wiring`](crate::ErrorKind::Wiring) if stages do not fit together, all mistakes in one error;
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if the store cannot be opened.
    pub fn run(&self, options: &RunOptions) -> Result<Outcome, Error> {
        if let Some(stages) = &options.check {
            if options.force.is_some() || options.no_cache.is_some() {
                let message = "a check compares with what is cached: `check` goes with neither `force` nor `no_cache`";
                return Err(Error::new(ErrorKind::Usage, message));
            }
            let declared = declare::declare(self, options, true)?;
            return crate::run::check::check(&self.name, &declared, options, stages);
        }
        let declared = declare::declare(self, options, false)?;
        crate::run::run(&self.name, declared, options)
    }
}

/// What [`Experiment::records`] takes: a name and params, or what is wrong with them.
pub struct NamedParamsOrMistake<P>(pub(crate) Result<NamedParams<P>, Error>);

impl<P, N: Into<String>> From<(N, P)> for NamedParamsOrMistake<P> {
    fn from((name, params): (N, P)) -> Self {
        Self(Ok(NamedParams { name: name.into(), params, varied: Vec::new() }))
    }
}

impl<P> From<NamedParams<P>> for NamedParamsOrMistake<P> {
    fn from(record: NamedParams<P>) -> Self {
        Self(Ok(record))
    }
}

impl<P> From<Result<NamedParams<P>, Error>> for NamedParamsOrMistake<P> {
    fn from(record: Result<NamedParams<P>, Error>) -> Self {
        Self(record)
    }
}

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
    /// Runs calls elsewhere.
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

    /// Runs only these records. None means all.
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
    /// stays until its last reader is done, and does not count. What running stages hold is theirs.
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
