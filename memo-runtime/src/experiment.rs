//! [`Experiment`]: a pipeline, its records, aggregates over them.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use crate::aggregate::Records;
use crate::error::{BoxError, Error, ErrorKind};
use crate::plan::{Plan, told};
use crate::record::{Params, Record};

pub(crate) mod declare;
pub(crate) mod grid;
mod options;
pub(crate) mod outcome;
pub(crate) mod overrides;

pub use grid::{Grid, NamedParams, grid};
pub use options::RunOptions;
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
        let plan = told::plan_of(&self.name, &declared);
        told::note_changed_code(&declared, options);
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
