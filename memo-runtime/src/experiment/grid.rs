//! [`grid`]: records whose params differ in a few fields.

use std::collections::HashSet;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::overrides::{self, Tree};
use crate::error::{Error, ErrorKind};
use crate::record::Params;

/// A record to be: a name and its params. A [`Grid`] makes them.
#[derive(Debug, Clone)]
pub struct NamedParams<P> {
    pub(crate) name: String,
    pub(crate) params: P,
    /// The paths of the fields that vary in the grid this record is of.
    pub(crate) varied: Vec<String>,
}

impl<P> NamedParams<P> {
    /// Returns the record's name: `hidden=32,rate=0.1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the record's params.
    pub fn params(&self) -> &P {
        &self.params
    }
}

/// Params for many records: all combinations of some values of some fields. Made by [`grid`].
#[derive(Debug, Clone)]
#[must_use = "a grid does nothing until it is given to `Experiment::records`"]
pub struct Grid<P> {
    base: P,
    axes: Vec<Axis>,
}

/// One field and its values.
#[derive(Debug, Clone)]
struct Axis {
    field: String,
    values: Vec<Result<Tree, Error>>,
}

/// Starts a grid: every record has the params `base`, but for the fields that [`Grid::over`] names.
///
/// ```
/// use memo_runtime::grid;
/// # use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Params { hidden: usize, rate: f64, seed: u64 }
///
/// let base = Params { hidden: 16, rate: 0.5, seed: 7 };
/// let mut records = Vec::new();
/// for record in grid(base).over("hidden", [32, 64]).over("rate", [0.1, 0.01]) {
///     records.push(record?);
/// }
/// let names: Vec<_> = records.iter().map(|record| record.name()).collect();
/// assert_eq!(
///     names,
///     ["hidden=32,rate=0.1", "hidden=32,rate=0.01", "hidden=64,rate=0.1", "hidden=64,rate=0.01"]
/// );
/// assert_eq!((records[3].params().hidden, records[3].params().seed), (64, 7));
/// # Ok::<(), memo_runtime::Error>(())
/// ```
///
/// The params of each record are made through `serde`. A field that `serde` skips is not carried over;
/// it takes its default.
pub fn grid<P: Params + DeserializeOwned>(base: P) -> Grid<P> {
    Grid { base, axes: Vec::new() }
}

impl<P: Params + DeserializeOwned> Grid<P> {
    /// Varies a field, given by its `serde` name, or by a path of names: `train.rate`.
    ///
    /// The field that was named first varies slowest. What is wrong (no such field, a value that does
    /// not fit, no values, a field named twice) is told by the grid's iterator, and by
    /// [`Experiment::run`](crate::Experiment::run) before anything runs.
    ///
    /// ```
    /// use memo_runtime::{ErrorKind, grid};
    /// # use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    /// struct Params { train: Train }
    ///
    /// #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    /// struct Train { rate: f64 }
    ///
    /// let rates = grid(Params::default()).over("train.rate", [0.1, 0.01]);
    /// assert!(rates.into_iter().all(|record| record.is_ok()));
    ///
    /// let error = grid(Params::default()).over("train.rat", [0.1]).into_iter().next().unwrap();
    /// assert_eq!(error.unwrap_err().kind(), ErrorKind::Usage);
    /// ```
    pub fn over<V: Serialize>(
        mut self,
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let field = field.into();
        let tree = |value: V| {
            Tree::of(&value).map_err(|error| {
                usage(format!("a value of `{field}` in the grid cannot be serialised"))
                    .because(error)
            })
        };
        let values = values.into_iter().map(tree).collect();
        self.axes.push(Axis { field, values });
        self
    }

    fn records(&self) -> Vec<Result<NamedParams<P>, Error>> {
        let mut mistakes = self.mistakes();
        if mistakes.is_empty() {
            let records = self.combinations().map(|chosen| self.record(&chosen));
            let records: Vec<_> = records.collect();
            if records.iter().all(Result::is_ok) {
                return records;
            }
            mistakes = records.into_iter().filter_map(Result::err).collect();
        }
        let mut told = HashSet::new();
        mistakes.retain(|mistake| told.insert(mistake.chain()));
        mistakes.into_iter().map(Err).collect()
    }

    /// Lists what is wrong whatever the params are.
    fn mistakes(&self) -> Vec<Error> {
        if self.axes.is_empty() {
            return vec![usage("the grid varies nothing; call `over`, or add a single `record`")];
        }
        let mut mistakes = Vec::new();
        let mut fields = HashSet::new();
        for Axis { field, values } in &self.axes {
            if !fields.insert(field) {
                mistakes.push(usage(format!("the grid varies `{field}` twice")));
            }
            if values.is_empty() {
                mistakes.push(usage(format!("the grid has no values for `{field}`")));
            }
            mistakes.extend(values.iter().filter_map(|value| value.as_ref().err().cloned()));
        }
        if mistakes.is_empty() {
            mistakes.extend(self.repeated_names());
        }
        mistakes
    }

    fn repeated_names(&self) -> Vec<Error> {
        let repeated = self.axes.iter().filter_map(|Axis { field, values }| {
            let mut seen = HashSet::new();
            let text =
                values.iter().flatten().map(Tree::text).find(|text| !seen.insert(text.clone()));
            text.map(|text| {
                usage(format!("the grid has `{text}` twice among the values of `{field}`"))
            })
        });
        repeated.collect()
    }

    /// Chooses one value of each axis in every possible way; the last axis varies fastest.
    fn combinations(&self) -> impl Iterator<Item = Vec<&Tree>> {
        let counts: Vec<usize> = self.axes.iter().map(|axis| axis.values.len()).collect();
        (0..counts.iter().product()).map(move |mut number| {
            let mut chosen = Vec::with_capacity(self.axes.len());
            for axis in self.axes.iter().rev() {
                chosen.extend(&axis.values[number % axis.values.len()]);
                number /= axis.values.len();
            }
            chosen.reverse();
            chosen
        })
    }

    fn record(&self, chosen: &[&Tree]) -> Result<NamedParams<P>, Error> {
        let fields = || self.axes.iter().map(|axis| axis.field.clone());
        let parts: Vec<_> = fields()
            .zip(chosen)
            .map(|(field, value)| format!("{field}={}", value.text()))
            .collect();
        let values = chosen.iter().map(|value| (*value).clone());
        let params = overrides::with(&self.base, fields().zip(values))?;
        Ok(NamedParams { name: parts.join(","), params, varied: fields().collect() })
    }
}

impl<P: Params + DeserializeOwned> IntoIterator for Grid<P> {
    type Item = Result<NamedParams<P>, Error>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// Makes the records; or, if anything is wrong, nothing but the mistakes.
    fn into_iter(self) -> Self::IntoIter {
        self.records().into_iter()
    }
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Settings {
        hidden: usize,
        rate: f64,
        limit: Option<u32>,
        kind: Kind,
    }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    enum Kind {
        Plain,
        Wide,
    }

    fn base() -> Grid<Settings> {
        grid(Settings { hidden: 1, rate: f64::NAN, limit: None, kind: Kind::Plain })
    }

    fn names(grid: Grid<Settings>) -> Vec<String> {
        grid.into_iter().map(|record| record.unwrap().name).collect()
    }

    fn mistakes(grid: Grid<Settings>) -> Vec<String> {
        grid.into_iter().map(|record| record.unwrap_err().chain()).collect()
    }

    #[test]
    fn the_first_field_varies_slowest() {
        assert_eq!(
            names(base().over("hidden", [1, 2]).over("kind", [Kind::Plain, Kind::Wide])),
            [
                "hidden=1,kind=Plain",
                "hidden=1,kind=Wide",
                "hidden=2,kind=Plain",
                "hidden=2,kind=Wide"
            ]
        );
    }

    #[test]
    fn names_hold_the_values_as_people_write_them() {
        let rates = [0.1, 1.0, 1e-5, f64::INFINITY];
        assert_eq!(
            names(base().over("rate", rates)),
            ["rate=0.1", "rate=1.0", "rate=1e-5", "rate=inf"]
        );
        assert_eq!(names(base().over("rate", [0.1_f32, 2.0])), ["rate=0.1", "rate=2.0"]);
        assert_eq!(names(base().over("limit", [None, Some(3)])), ["limit=null", "limit=3"]);
        assert_eq!(names(base().over("kind", ["Wide"])), ["kind=Wide"]);
    }

    #[test]
    fn records_know_what_varies() {
        let record = base().over("hidden", [5]).into_iter().next().unwrap().unwrap();
        assert_eq!((record.params.hidden, record.varied), (5, vec!["hidden".to_owned()]));
        assert!(record.params.rate.is_nan(), "another field changed");
    }

    #[test]
    fn what_is_wrong_is_told_once() {
        let none: [usize; 0] = [];
        for (grid, expected) in [
            (base(), "the grid varies nothing; call `over`, or add a single `record`"),
            (base().over("hidden", none), "the grid has no values for `hidden`"),
            (base().over("hidden", [1]).over("hidden", [2]), "the grid varies `hidden` twice"),
            (
                base().over("hidden", [1, 2, 1]),
                "the grid has `1` twice among the values of `hidden`",
            ),
            (
                base().over("hiden", [1, 2]).over("rate", [0.5, 0.25]),
                "the params have no field `hiden`; did you mean `hidden`?",
            ),
            (
                base().over("hidden", [-1]).over("rate", [0.5, 0.25]),
                "`hidden` does not take `-1`: invalid value: integer `-1`, expected usize",
            ),
            (
                base().over("rate", ["fast"]),
                "`rate` does not take `fast`: invalid type: string \"fast\", expected f64",
            ),
        ] {
            assert_eq!(mistakes(grid), [expected]);
        }
    }
}
