//! [`Record`]: one run of a pipeline for one `params`; its state maps output names to handles.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, ErrorKind, did_you_mean};
use crate::key::digest_and_files_of;
use crate::lazy::{Handle, Lazy, Origin};
use crate::session::Session;
use crate::shards::Shards;
use crate::slot::Slot;
use crate::stage::node::Node;
use crate::started::{Begun, Start};
use crate::store::Store;
use crate::store::results;

mod state;

pub(crate) use state::{Bound, State};

/// What a record's params may be: any `serde` type of one's own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the params of a record: derive `serde::Serialize` for it",
    label = "params are `Serialize + Send + Sync`"
)]
pub trait Params: Serialize + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<P: Serialize + Send + Sync + 'static> Params for P {}

/// Says that params contain a `P`, for stages that take `params: &P`.
///
/// Every type provides itself. Write an `impl` to hand out a part, so that stages which need only that
/// part can be shared by experiments with different params.
///
/// ```
/// use memo_runtime::prelude::*;
/// # use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Train { rate: f64 }
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Params { train: Train, seed: u64 }
///
/// impl Provides<Train> for Params {
///     fn provide(&self) -> &Train {
///         &self.train
///     }
/// }
///
/// #[stage(outputs = [doubled], cachers = [Json])]
/// fn doubled(params: &Train) -> f64 {
///     params.rate * 2.0
/// }
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let params = Params { train: Train { rate: 0.5 }, seed: 7 };
/// let mut record = Record::new(&Store::open(folder.path())?, "base", params);
/// assert_eq!(*doubled(&mut record)?.load()?, 1.0);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the record's params `{Self}` do not provide `{P}`, which this stage takes: write `impl Provides<{P}> for {Self}`",
    label = "a record with these params cannot call the stage",
    note = "it returns the part of the params that the stage needs",
    note = "a type that is `serde::Serialize + Send + Sync` provides itself"
)]
pub trait Provides<P: ?Sized>: Params {
    /// Returns the part.
    fn provide(&self) -> &P;
}

impl<P: Params> Provides<P> for P {
    fn provide(&self) -> &P {
        self
    }
}

/// One run of a pipeline for one `params`.
///
/// Stages take their inputs from its state by name, and put their outputs there.
///
/// ```
/// use memo_runtime::prelude::*;
///
/// #[stage(outputs = [numbers], cachers = [Json])]
/// fn numbers(params: &u32) -> Vec<u32> {
///     (1..=*params).collect()
/// }
///
/// #[stage(inputs = [numbers], outputs = [total], cachers = [Json])]
/// fn total(numbers: &[u32]) -> u32 {
///     numbers.iter().sum()
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path())?;
/// let mut record = Record::new(&store, "base", 4);
/// numbers(&mut record)?;
/// assert_eq!(*total(&mut record)?.load()?, 10);
/// assert_eq!(*record.get::<u32>("total")?.load()?, 10);
/// # Ok(())
/// # }
/// ```
pub struct Record<P> {
    pub(crate) frame: Frame,
    pub(crate) params: Arc<P>,
}

/// The part of a record that does not depend on the type of its params.
pub struct Frame {
    pub(crate) session: Arc<Session>,
    /// `None` for the frame of aggregates.
    pub(crate) name: Option<Arc<str>>,
    /// The position among the experiment's records.
    pub(crate) index: usize,
    pub(crate) state: State,
    /// The records, for the frame of aggregates.
    pub(crate) rows: Vec<RecordState>,
    /// Gives fields of the params, for the templates of `publish`.
    pub(crate) fields: Option<Fields>,
    /// Whether the next call waits.
    pub(crate) start: Start,
    pub(crate) tells: Tells,
}

/// When the plan is told what the names of a record are bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    /// Never: there is no plan, or it knows.
    Never,
    /// As they are bound: the record may live longer than the pipeline function.
    AtOnce,
    /// When the pipeline function is done with the record.
    AtEnd,
}

/// Params whose fields are looked up by their paths.
pub(crate) trait Fielded: Send + Sync {
    /// Returns a field, as it stands in a path.
    fn field(&self, path: &str) -> Option<String>;
}

impl<P: Params> Fielded for P {
    fn field(&self, path: &str) -> Option<String> {
        results::field_text(self, path)
    }
}

/// Gives fields of the params.
pub(crate) type Fields = Arc<dyn Fielded>;

/// What an aggregate sees of a record.
pub(crate) struct RecordState {
    pub(crate) name: Arc<str>,
    pub(crate) state: State,
    /// Whether its pipeline function ended early, so that some names are not bound.
    pub(crate) ended: bool,
}

impl Frame {
    pub(crate) fn new(session: Arc<Session>, name: Option<Arc<str>>, index: usize) -> Self {
        let (state, rows, fields, start) = (State::default(), Vec::new(), None, Start::Waits);
        Self { session, name, index, state, rows, fields, start, tells: Tells::Never }
    }

    /// Returns what is needed to publish results of the record.
    pub(crate) fn outline(&self) -> Self {
        let mut outline = Self::new(Arc::clone(&self.session), self.name.clone(), self.index);
        outline.fields.clone_from(&self.fields);
        outline
    }

    /// Notes what a call has begun that is not waited for.
    pub(crate) fn has_begun(&mut self, begun: impl FnOnce() -> Begun) {
        if let Start::Asked = self.start {
            self.start = Start::Begun(begun());
        }
    }

    /// Whether both are of one record.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.session, &other.session) && self.name == other.name
    }

    /// Binds a name. What was inserted wins; in an experiment a name is bound once.
    pub(crate) fn bind(
        &mut self,
        name: Cow<'static, str>,
        handle: Handle,
    ) -> Result<Handle, Error> {
        if let Some(bound) = self.state.get(&name) {
            match (&bound.handle.origin, &handle.origin) {
                (Origin::Inserted(_), _)
                    if bound.handle.slot.type_name() == handle.slot.type_name() =>
                {
                    return Ok(bound.handle.clone());
                }
                (Origin::Node(first, _), Origin::Node(second, _))
                    if self.session.declared().is_some()
                        && !bound.inherited
                        && !Arc::ptr_eq(first, second) =>
                {
                    let message = format!(
                        "the output `{name}` is produced twice, by `{}` and by `{}`; call one of them with `::named` to give its output another name",
                        first.spec.name, second.spec.name
                    );
                    return Err(Error::new(ErrorKind::Wiring, message));
                }
                _ => {}
            }
        }
        self.set(name, Bound::new(handle.clone()));
        Ok(handle)
    }

    /// Binds a name, whatever it was bound to.
    fn set(&mut self, name: Cow<'static, str>, bound: Bound) {
        if let (Tells::AtOnce, Some(declared)) = (self.tells, self.session.declared()) {
            declared.bound(self.index, name.clone(), bound.clone());
        }
        self.state.insert(name, bound);
    }

    /// Binds a name to a call that does not fit, so that what follows is not reported as well.
    pub(crate) fn bind_broken(&mut self, name: Cow<'static, str>, handle: Handle) {
        if self.state.get(&name).is_none() {
            self.set(name, Bound::new(handle));
        }
    }

    /// Puts published artifacts of a call where the record wants them.
    pub(crate) fn publish(&self, node: &Node) -> Result<(), Error> {
        results::publish(node, self)
    }
}

/// The plan keeps what the names are bound to.
impl Drop for Frame {
    fn drop(&mut self) {
        if let (Tells::AtEnd, Some(declared)) = (self.tells, self.session.declared()) {
            declared.all_bound(self.index, std::mem::take(&mut self.state));
        }
    }
}

impl<P: Params> Record<P> {
    /// Makes a record of one's own: calls on it run, or find their result, at once.
    pub fn new(store: &Store, name: impl Into<String>, params: P) -> Self {
        let session = Arc::new(Session::at_once(store));
        Self::in_session(session, name.into().into(), Arc::new(params), 0)
    }

    pub(crate) fn in_session(
        session: Arc<Session>,
        name: Arc<str>,
        params: Arc<P>,
        index: usize,
    ) -> Self {
        let mut frame = Frame::new(session, Some(name), index);
        frame.fields = Some(Arc::clone(&params) as Fields);
        Self { frame, params }
    }

    /// Returns the record's name.
    pub fn name(&self) -> &str {
        self.frame.name.as_deref().unwrap_or_default()
    }

    /// Returns the params.
    pub fn params(&self) -> &P {
        &self.params
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.frame.session.store
    }

    /// Puts a value from outside into the state. It wins over what a stage produces under this name,
    /// and enters keys by its content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`] if the value cannot enter a key.
    pub fn insert<T: Serialize + Send + Sync + 'static>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: T,
    ) -> Result<Lazy<T>, Error> {
        let name = name.into();
        let (digest, files) =
            digest_and_files_of(&value, self.store().files()).map_err(|error| {
                Error::new(ErrorKind::Key, format!("the inserted `{name}` cannot enter a key"))
                    .because(error)
                    .in_record(self.name())
            })?;
        let slot = Arc::new(Slot::inserted(value, files));
        let lazy = Lazy { slot: Arc::clone(&slot), origin: Origin::Inserted(digest) };
        let handle = Handle { slot, origin: Origin::Inserted(digest) };
        self.frame.set(name, Bound::new(handle));
        Ok(lazy)
    }

    /// Gives a name in the state a second one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wiring`] if the state holds nothing named `name`.
    pub fn alias(&mut self, new: impl Into<Cow<'static, str>>, name: &str) -> Result<(), Error> {
        let bound = self.bound(name)?.clone();
        self.frame.set(new.into(), bound);
        Ok(())
    }

    /// Returns the handle of a value in the state.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wiring`] if the state holds nothing of that name, or a value of another type.
    pub fn get<T: Send + Sync + 'static>(&self, name: &str) -> Result<Lazy<T>, Error> {
        let handle = &self.bound(name)?.handle;
        let other = || handle.is_no::<T>(name).in_record(self.name());
        handle.typed().ok_or_else(other)
    }

    /// Returns the handle of what an array stage gave.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Wiring`] if the state holds nothing of that name, or something else than shards of this
    /// type.
    pub fn shards<T: Send + Sync + 'static>(&self, name: &str) -> Result<Shards<T>, Error> {
        let handle = &self.bound(name)?.handle;
        let other = || handle.is_no::<Shards<T>>(name).in_record(self.name());
        handle.shards().ok_or_else(other)
    }

    /// Lists the names in the state, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.frame.state.names()
    }

    fn bound(&self, name: &str) -> Result<&Bound, Error> {
        self.frame.state.get(name).ok_or_else(|| {
            let near = did_you_mean(name, self.names());
            let message = format!("nothing is named `{name}` in the record's state{near}");
            Error::new(ErrorKind::Wiring, message).in_record(self.name())
        })
    }

    /// Makes a record with other params that shares the state so far.
    ///
    /// In an experiment it is planned like those that were declared, and aggregates see it after the
    /// record it branched off. A run that names records takes those along which they add, and can name one
    /// of those alone. Two records of one name are an error.
    pub fn branch(&mut self, name: impl Into<String>, params: P) -> Self {
        let session = Arc::clone(&self.frame.session);
        let name: Arc<str> = name.into().into();
        let params = Arc::new(params);
        let parent = Some(self.frame.index);
        let index =
            session.declared().map_or(0, |declared| declared.add_record(&name, &params, parent));
        let mut record = Self::in_session(session, name, params, index);
        record.frame.tells = Tells::AtOnce;
        for (name, bound) in self.frame.state.iter() {
            record.frame.set(name.clone(), Bound { inherited: true, ..bound.clone() });
        }
        record
    }
}

impl<P> std::fmt::Debug for Record<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("name", &self.frame.name)
            .field("state", &self.frame.state.names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
