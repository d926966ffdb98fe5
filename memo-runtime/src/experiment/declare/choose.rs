//! Which records a run is about: those that were named, and those that they add while they declare.
//!
//! A record that another one adds is known only once that one was declared. So where a name is nobody's, all
//! records are declared on trial first, to find out whose it is.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::{Declaring, policy, usage};
use crate::error::Error;
use crate::experiment::{Experiment, NamedParams, RunOptions, overrides};
use crate::plan::{Calls, unknown};
use crate::record::Params;

/// What is to be declared.
pub(super) struct Chosen<P> {
    /// The records whose pipeline function runs.
    pub(super) records: Vec<NamedParams<P>>,
    /// The records that the run is about, where those are not all that are declared. What they add belongs to
    /// them.
    pub(super) names: Option<Vec<String>>,
}

/// Applies `--record`, `--params` and `--set`.
pub(super) fn chosen<P: Params + Clone + DeserializeOwned>(
    experiment: &Experiment<P>,
    options: &RunOptions,
) -> Result<Chosen<P>, Error> {
    let mut known = HashSet::new();
    let names = || experiment.records.iter().map(|record| record.name.as_str());
    if let Some(twice) = names().find(|name| !known.insert(*name)) {
        return Err(usage(format!("two records are named `{twice}`")));
    }
    if experiment.records.is_empty() {
        let message = "the experiment has no records; add one with `.record(\"base\", params)`";
        return Err(usage(message.to_owned()));
    }
    let mut wanted: HashSet<&str> = options.records.iter().map(String::as_str).collect();
    let others: Vec<&str> =
        options.records.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
    if others.is_empty() {
        let records = overlaid(experiment, options, |name| {
            options.records.is_empty() || wanted.contains(name)
        })?;
        return Ok(Chosen { records, names: None });
    }
    let trial = Trial::of(experiment, options)?;
    let mut missing = others.iter().filter(|name| !trial.added.iter().any(|(of, _)| of == *name));
    let is_missing = missing.next();
    if let Some(wanted) = is_missing
        && trial.ended.is_empty()
    {
        let all = names().chain(trial.added.iter().map(|(name, _)| name.as_str()));
        return Err(unknown(wanted, all));
    }
    let by_others = trial.added.iter().filter(|(name, _)| wanted.contains(name.as_str()));
    let mut adding: HashSet<&str> = by_others.map(|(_, by)| by.as_str()).collect();
    if is_missing.is_some() {
        adding.extend(trial.ended.iter().map(String::as_str));
    }
    wanted.extend(adding);
    let records = overlaid(experiment, options, |name| wanted.contains(name))?;
    Ok(Chosen { records, names: Some(options.records.clone()) })
}

/// Returns the records that are wanted, with the params that the options ask for.
fn overlaid<P: Params + Clone + DeserializeOwned>(
    experiment: &Experiment<P>,
    options: &RunOptions,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<NamedParams<P>>, Error> {
    let wanted = experiment.records.iter().filter(|record| is_wanted(&record.name));
    let overlaid = wanted.map(|record| {
        let overlay = options.params.as_ref();
        let params = overrides::apply(&record.params, overlay, &options.set, &record.varied)
            .map_err(|error| error.in_record(&record.name))?;
        Ok(NamedParams { name: record.name.clone(), params, varied: record.varied.clone() })
    });
    overlaid.collect()
}

/// What came of declaring all records without running anything.
#[derive(Default)]
struct Trial {
    /// The records that were added, and the declared one by which each was.
    added: Vec<(String, String)>,
    /// The declared records that ended early, so that they may add others.
    ended: Vec<String>,
}

impl Trial {
    fn of<P: Params + Clone + DeserializeOwned>(
        experiment: &Experiment<P>,
        options: &RunOptions,
    ) -> Result<Self, Error> {
        let records = overlaid(experiment, options, |_| true)?;
        // What is told would be told once more.
        let options = RunOptions { observers: Vec::new(), read_only: true, ..options.clone() };
        let store = options.open_store(&experiment.store)?;
        let policy = policy(experiment, &options);
        let declaring = Declaring { experiment, options: &options, store, policy, dry: true };
        let (session, _) = declaring.pipelines(records);
        Ok(session.declared().map_or(Self::default(), |declared| Self::read(&declared.calls())))
    }

    fn read(calls: &Calls) -> Self {
        let mut trial = Self::default();
        let mut by = String::new();
        for record in &calls.records {
            match record.parent {
                None => by = record.name.to_string(),
                Some(_) => trial.added.push((record.name.to_string(), by.clone())),
            }
            if record.ended.is_some() && record.parent.is_none() {
                trial.ended.push(record.name.to_string());
            }
        }
        trial
    }
}
