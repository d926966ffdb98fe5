//! Aggregates: stages that run once, over all records.

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::key::digest_and_files_of;
use crate::key::files::FileMemory;
use crate::lazy::{Handle, Lazy, Origin};
use crate::plan::Declared;
use crate::record::{Frame, Params, Provides, Record, RecordState};
use crate::shards::Shards;
use crate::stage::call::without_paths;

/// The records of an experiment, as an aggregate's wrapper takes them.
pub struct Records<P> {
    pub(crate) frame: Frame,
    pub(crate) params: RowParams<P>,
}

/// The params of all records, in order.
#[derive(Debug)]
pub struct RowParams<P>(pub(crate) Vec<Arc<P>>);

impl<P: Params> Records<P> {
    pub(crate) fn new<'a>(mut frame: Frame, records: impl Iterator<Item = &'a Record<P>>) -> Self {
        let mut params = Vec::new();
        frame.rows.clear();
        for record in records {
            let ended = frame.session.declared().is_some_and(|declared| {
                declared.calls().records.get(record.frame.index).is_some_and(|r| r.ended.is_some())
            });
            let (name, state) = (record.name().into(), record.frame.state.clone());
            frame.rows.push(RecordState { name, state, ended });
            params.push(Arc::clone(&record.params));
        }
        Self { frame, params: RowParams(params) }
    }

    pub(crate) fn into_frame(self) -> Frame {
        self.frame
    }
}

/// An aggregate's input: one value for each record, in record order.
///
/// `Across<T>` wants the value of every record. `Across<Option<T>>` allows some to be absent, so that
/// one record that failed does not cost the aggregate. `Across<T, P>` also gives each record's params,
/// which then enter the key. `Across<Shards<T>>` is that of what array stages give: each item has
/// [`shards`](AcrossItem::shards), and the key takes each array as a whole.
///
/// ```
/// use memo_runtime::prelude::*;
///
/// #[aggregate(inputs = [score], outputs = [best], cachers = [Json])]
/// fn best(score: Across<f64>) -> Result<Option<String>> {
///     let mut best: Option<(f64, &str)> = None;
///     for item in &score {
///         let value = *item.load()?;
///         if best.is_none_or(|(highest, _)| value > highest) {
///             best = Some((value, item.record()));
///         }
///     }
///     Ok(best.map(|(_, record)| record.to_owned()))
/// }
/// ```
pub struct Across<T, P = ()> {
    input: AcrossInput,
    types: PhantomData<fn() -> (T, P)>,
}

/// One record's part of an aggregate's input.
pub struct AcrossItem<'a, T, P = ()> {
    row: &'a Row,
    project: Option<&'a Project<P>>,
    types: PhantomData<fn() -> T>,
}

/// Finds a `P` in a record's params.
type Project<P> = fn(&(dyn Any + Send + Sync)) -> Option<&P>;

/// An aggregate's input, whose types are not known.
#[derive(Clone)]
pub(crate) struct AcrossInput {
    rows: Arc<Vec<Row>>,
    /// A [`Project`] of the params that the aggregate takes.
    project: Option<Arc<dyn Any + Send + Sync>>,
    optional: bool,
    incomplete: bool,
}

pub(crate) struct Row {
    pub(crate) name: Arc<str>,
    pub(crate) handle: Option<Handle>,
    /// Whether the record ended early, so that nobody knows what it would hold.
    pub(crate) unknown: bool,
    pub(crate) params: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) params_digest: Option<Digest>,
}

impl AcrossInput {
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether the value of a record is missing that ended early, and cannot be done without.
    pub(crate) fn is_unknown(&self) -> bool {
        !self.optional && self.rows.iter().any(|row| row.unknown)
    }

    /// Whether a record ended early, so that nobody knows which others it would have added.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Whether a record whose call has failed counts as absent.
    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    pub(crate) fn handles(&self) -> impl Iterator<Item = &Handle> {
        self.rows.iter().filter_map(|row| row.handle.as_ref())
    }

    pub(crate) fn into_handles(self) -> Vec<Handle> {
        let rows = Arc::into_inner(self.rows).unwrap_or_default();
        rows.into_iter().filter_map(|row| row.handle).collect()
    }

    /// Finds `name` in the state of all records.
    pub(crate) fn bind<T: Send + Sync + 'static>(
        frame: &Frame,
        name: &'static str,
        optional: bool,
    ) -> Result<Self, Error> {
        let mut rows = Vec::with_capacity(frame.rows.len());
        let mut absent = Vec::new();
        for RecordState { name: record, state, ended } in &frame.rows {
            let handle = state.get(name).map(|bound| bound.handle.clone());
            match &handle {
                None if !optional && !ended => absent.push(record),
                Some(handle)
                    if !matches!(handle.origin, Origin::Broken)
                        && handle.slot.type_of_value() != TypeId::of::<T>() =>
                {
                    let message = format!(
                        "the input `{name}` is a `{}`, but record `{record}` holds a `{}`",
                        without_paths(std::any::type_name::<T>()),
                        without_paths(handle.slot.type_name())
                    );
                    return Err(Error::new(ErrorKind::Wiring, message));
                }
                _ => {}
            }
            let (name, unknown) = (Arc::clone(record), *ended && handle.is_none());
            rows.push(Row { name, handle, unknown, params: None, params_digest: None });
        }
        if let Some(first) = absent.first() {
            let row = frame.rows.iter().find(|row| row.name == **first);
            let names = row.into_iter().flat_map(|row| row.state.names());
            let more = match absent.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "the input `{name}` is not in the state of record `{first}`{more}{}; if it may be absent, take `Across<Option<..>>`",
                did_you_mean(name, names)
            );
            return Err(Error::new(ErrorKind::Wiring, message));
        }
        let incomplete = frame.session.declared().is_some_and(Declared::is_incomplete);
        Ok(Self { rows: Arc::new(rows), project: None, optional, incomplete })
    }

    /// Adds the params of each record.
    pub(crate) fn with_params<P, Q>(
        mut self,
        params: &RowParams<Q>,
        memory: &Arc<FileMemory>,
    ) -> Result<Self, Error>
    where
        P: Serialize + 'static,
        Q: Provides<P> + Send + Sync + 'static,
    {
        let mut rows = Arc::into_inner(self.rows).unwrap_or_default();
        for (row, params) in rows.iter_mut().zip(&params.0) {
            row.params_digest =
                Some(digest_and_files_of(Provides::<P>::provide(&**params), memory)?.0);
            row.params = Some(Arc::clone(params) as Arc<dyn Any + Send + Sync>);
        }
        let project: Project<P> = |params| params.downcast_ref::<Q>().map(Provides::provide);
        self.rows = Arc::new(rows);
        self.project = Some(Arc::new(project));
        Ok(self)
    }
}

impl<T, P: 'static> Across<T, P> {
    pub(crate) fn new(input: AcrossInput) -> Self {
        Self { input, types: PhantomData }
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.input.rows.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.input.rows.is_empty()
    }

    /// Iterates over the records. A value is loaded only when it is asked for.
    pub fn iter(&self) -> AcrossIter<'_, T, P> {
        let project = self.input.project.as_deref();
        let project = project.and_then(|project| project.downcast_ref::<Project<P>>());
        AcrossIter { rows: self.input.rows.iter(), project, types: PhantomData }
    }
}

impl<'a, T, P: 'static> IntoIterator for &'a Across<T, P> {
    type Item = AcrossItem<'a, T, P>;
    type IntoIter = AcrossIter<'a, T, P>;

    fn into_iter(self) -> AcrossIter<'a, T, P> {
        self.iter()
    }
}

/// Iterates over the records of an [`Across`].
pub struct AcrossIter<'a, T, P> {
    rows: std::slice::Iter<'a, Row>,
    project: Option<&'a Project<P>>,
    types: PhantomData<fn() -> T>,
}

impl<'a, T, P> Iterator for AcrossIter<'a, T, P> {
    type Item = AcrossItem<'a, T, P>;

    fn next(&mut self) -> Option<Self::Item> {
        let (row, project) = (self.rows.next()?, self.project);
        Some(AcrossItem { row, project, types: PhantomData })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl<T, P> ExactSizeIterator for AcrossIter<'_, T, P> {}

impl<'a, T, P> AcrossItem<'a, T, P> {
    /// Returns the record's name.
    pub fn record(&self) -> &'a str {
        &self.row.name
    }

    /// Returns the record's params, for an `Across<T, P>`.
    ///
    /// # Panics
    ///
    /// Never where the aggregate was called through its wrapper.
    pub fn params(&self) -> &'a P {
        let params = self.row.params.as_deref();
        let found = self.project.zip(params).and_then(|(project, params)| project(params));
        match found {
            Some(params) => params,
            None => unreachable!("an `Across<T, P>` is bound together with its params"),
        }
    }
}

impl<T: Send + Sync + 'static, P> AcrossItem<'_, T, P> {
    /// Returns the handle of the record's value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wiring`] if the value may be absent: ask for it with `present`; and if it is an array, which
    /// `shards` gives.
    pub fn lazy(&self) -> Result<Lazy<T>, Error> {
        let typed = self.row.handle.as_ref().and_then(Handle::typed);
        typed.ok_or_else(|| {
            match self.row.handle.as_ref().map(|handle| handle.slot.type_of_value()) {
                Some(held) if held == TypeId::of::<T>() => self.row.is_an_array(),
                _ => {
                    let message = "the value may be absent; ask for it with `present()`";
                    Error::new(ErrorKind::Wiring, message).in_record(&self.row.name)
                }
            }
        })
    }

    /// Returns the record's value.
    ///
    /// # Errors
    ///
    /// Those of [`Lazy::load`], and [`ErrorKind::Wiring`] as for [`lazy`](Self::lazy).
    pub fn load(&self) -> Result<Arc<T>, Error> {
        self.lazy()?.load()
    }
}

impl<T: Send + Sync + 'static, P> AcrossItem<'_, Option<T>, P> {
    /// Returns the record's value, or `None` if the record has none or its call has failed.
    ///
    /// # Errors
    ///
    /// Those of [`Lazy::load`].
    pub fn present(&self) -> Result<Option<Arc<T>>, Error> {
        let Some(handle) = self.row.present() else { return Ok(None) };
        match handle.typed::<T>() {
            Some(handle) => handle.load().map(Some),
            None => Err(self.row.is_an_array()),
        }
    }
}

impl<T: Send + Sync + 'static, P> AcrossItem<'_, Shards<T>, P> {
    /// Returns the record's array.
    ///
    /// # Errors
    ///
    /// None where the aggregate was called through its wrapper.
    pub fn shards(&self) -> Result<Shards<T>, Error> {
        let shards = self.row.handle.as_ref().and_then(Handle::shards);
        shards.ok_or_else(|| {
            Error::new(ErrorKind::Wiring, "an array is not bound").in_record(&self.row.name)
        })
    }
}

impl<T: Send + Sync + 'static, P> AcrossItem<'_, Option<Shards<T>>, P> {
    /// Returns the record's array, or `None` if the record has none or any shard of it has failed.
    pub fn shards(&self) -> Option<Shards<T>> {
        self.row.present().and_then(Handle::shards)
    }
}

impl Row {
    /// Returns what the record holds, unless its call has failed.
    fn present(&self) -> Option<&Handle> {
        let has_failed = |handle: &&Handle| handle.node().is_some_and(|node| node.has_failed());
        self.handle.as_ref().filter(|handle| !has_failed(handle))
    }

    fn is_an_array(&self) -> Error {
        let message = "it is an array; ask for it with `shards()`";
        Error::new(ErrorKind::Wiring, message).in_record(&self.name)
    }
}
