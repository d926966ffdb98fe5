//! [`Error`]: what can go wrong, with the stage and record it went wrong in.

use std::fmt;

/// What a stage's body or a cacher may fail with: any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// `Result` with any error as its default, for bodies of stages, cachers and pipelines.
pub type Result<T, E = BoxError> = std::result::Result<T, E>;

/// Whether `error`, or what caused it, says nothing about a file, but that this process may not read
/// it, or cannot now: no permission, too many open files, no memory.
pub(crate) fn is_trouble_of_ours(error: &(dyn std::error::Error + 'static)) -> bool {
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    let ours = |error: &std::io::Error| {
        use std::io::ErrorKind::{Interrupted, OutOfMemory, PermissionDenied};
        matches!(error.kind(), PermissionDenied | OutOfMemory | Interrupted)
            || error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code))
    };
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(ours) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Returns what a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// The kinds of [`Error`], for callers that act on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Stages do not fit together: an input that the record's state does not hold, a type that
    /// differs, an output produced twice, two stages of one name.
    Wiring,
    /// What was asked for does not exist or does not fit: a record, a stage, a field of the params.
    Usage,
    /// A value cannot enter a key: its `Serialize` failed, a file is not readable, a skipped field
    /// is not there.
    Key,
    /// The body of a stage returned an error, or panicked.
    Stage,
    /// A validator refused a fresh result.
    Invalid,
    /// A cacher could not save or load a value.
    Cacher,
    /// Kept bytes are not what was written.
    Damaged,
    /// The store's folder could not be read or written.
    Store,
    /// The run was interrupted, or the call cancelled, before this was computed.
    Interrupted,
    /// Under `--plan`, a value was asked for that is not cached.
    NotCached,
}

/// An error of `memo`, with the stage and the record where they are known.
///
/// ```
/// use memo_runtime::{ErrorKind, Record, Store};
///
/// let folder = tempfile::tempdir()?;
/// let record = Record::new(&Store::open(folder.path())?, "base", ());
/// let error = record.get::<u32>("score").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Wiring);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Error(std::sync::Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    stage: Option<String>,
    record: Option<String>,
    source: Option<std::sync::Arc<BoxError>>,
}

impl Error {
    /// Makes an error of `kind` that says `message`.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(std::sync::Arc::new(Inner { kind, message, stage: None, record: None, source: None }))
    }

    /// Adds the error that caused this one; it is told by `source()` only, not in the message.
    pub(crate) fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.inner().source = Some(std::sync::Arc::new(source.into()));
        self
    }

    /// Adds the stage, unless one is known already.
    pub(crate) fn in_stage(mut self, stage: &str) -> Self {
        self.inner().stage.get_or_insert_with(|| stage.to_owned());
        self
    }

    /// Adds the record, unless one is known already.
    pub(crate) fn in_record(mut self, record: &str) -> Self {
        self.inner().record.get_or_insert_with(|| record.to_owned());
        self
    }

    /// Adds further errors that are told together with this one.
    pub(crate) fn and_also(mut self, others: &[String]) -> Self {
        let causes = self.causes();
        let inner = self.inner();
        // After the others its causes would be taken for those of the last one.
        inner.message.push_str(&causes);
        inner.source = None;
        for other in others {
            inner.message.push('\n');
            inner.message.push_str(other);
        }
        self
    }

    /// Makes one error of several, if there are any. Those that differ in their record alone are told as one.
    pub(crate) fn together(errors: Vec<Self>) -> Option<Self> {
        let mut alike: Vec<(Self, Vec<String>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for error in errors {
            let next = alike.len();
            match *places.entry(error.anywhere()).or_insert(next) {
                place if place == next => alike.push((error, Vec::new())),
                place => alike[place].1.extend(error.record().map(str::to_owned)),
            }
        }
        let mut errors = alike.into_iter().map(|(error, others)| error.also_in(&others));
        let first = errors.next()?;
        let rest: Vec<String> = errors.map(|error| error.chain()).collect();
        Some(if rest.is_empty() { first } else { first.and_also(&rest) })
    }

    /// What the error says but for its record.
    fn anywhere(&self) -> String {
        let mut elsewhere = self.clone();
        elsewhere.inner().record = None;
        elsewhere.chain()
    }

    /// Adds that the same is wrong in other records.
    fn also_in(mut self, others: &[String]) -> Self {
        const NAMED: usize = 3;
        let mut names: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
        names.dedup();
        let count = names.len();
        let (records, more) = match count {
            0 => return self,
            1 => ("record", ""),
            _ => ("records", if count > NAMED { ", .." } else { "" }),
        };
        names.truncate(NAMED);
        let names = names.join(", ");
        let told = format!(" (and so in {count} other {records}: {names}{more})");
        self.inner().message.push_str(&told);
        self
    }

    fn inner(&mut self) -> &mut Inner {
        std::sync::Arc::make_mut(&mut self.0)
    }

    /// Returns what kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the name of the stage it happened in, where there is one.
    pub fn stage(&self) -> Option<&str> {
        self.0.stage.as_deref()
    }

    /// Returns the name of the record it happened in, where there is one.
    pub fn record(&self) -> Option<&str> {
        self.0.record.as_deref()
    }

    /// Returns the message and, after colons, those of all causes.
    ///
    /// `Display` gives the message alone, as reports that walk `source()` expect.
    pub fn chain(&self) -> String {
        self.to_string() + &self.causes()
    }

    fn causes(&self) -> String {
        let mut text = String::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }

    /// Returns the same without the stage and the record.
    pub(crate) fn chain_without_place(&self) -> String {
        let place = self.place();
        let chain = self.chain();
        chain.strip_prefix(&place).unwrap_or(&chain).to_owned()
    }

    /// Returns what stands before the message: the stage and the record.
    fn place(&self) -> String {
        match (&self.0.stage, &self.0.record) {
            (Some(stage), Some(record)) => format!("stage `{stage}` of record `{record}`: "),
            (Some(stage), None) => format!("stage `{stage}`: "),
            (None, Some(record)) => format!("record `{record}`: "),
            (None, None) => String::new(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())?;
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &***source as &(dyn std::error::Error + 'static))
    }
}

/// Ends a message with the nearest of `known`, if one is near: "; did you mean `rate`?", else with
/// the list of what there is.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|name| (likeness(wrong, name), name))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((likeness, name)) if likeness > 0.6 => format!("; did you mean `{name}`?"),
        Some(_) => {
            let quoted: Vec<_> = known.iter().take(12).map(|name| format!("`{name}`")).collect();
            let more = known.len().saturating_sub(12);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("; there are {}{rest}", quoted.join(", "))
        }
        None => "; there are none".to_owned(),
    }
}

/// How like two names are, from 0 to 1. Mistyped letters count, and so does a common beginning.
fn likeness(one: &str, other: &str) -> f64 {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let edits = strsim::normalized_damerau_levenshtein(&one, &other);
    // A common beginning, as of `hiden_size` and `hidden`, makes up for letters that are left.
    let beginning = strsim::jaro_winkler(&one, &other) - 0.2;
    edits.max(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_told_if_one_is_near() {
        let known = ["fit", "score", "hidden", "rate"];
        for (wrong, near) in
            [("it", "fit"), ("scroe", "score"), ("hiden", "hidden"), ("Rate", "rate")]
        {
            let told = did_you_mean(wrong, known);
            assert!(told.contains(&format!("did you mean `{near}`?")), "{wrong}{told}");
        }
        assert_eq!(did_you_mean("xyz", ["fit", "score"]), "; there are `fit`, `score`");
        assert_eq!(did_you_mean("xyz", []), "; there are none");
    }

    #[test]
    fn what_is_wrong_in_many_records_is_told_once() {
        let mistake = |message: &str, record: usize| {
            let error = Error::new(ErrorKind::Wiring, message).in_stage("fit");
            error.in_record(&format!("r{record}"))
        };
        assert!(Error::together(Vec::new()).is_none());
        let one = Error::together(vec![mistake("no input", 0)]).unwrap();
        assert_eq!(one.to_string(), "stage `fit` of record `r0`: no input");
        let mut many: Vec<Error> = (0..1000).map(|record| mistake("no input", record)).collect();
        many.insert(1, mistake("no output", 0));
        many.push(mistake("no output", 7));
        assert_eq!(
            Error::together(many).unwrap().chain(),
            "stage `fit` of record `r0`: no input (and so in 999 other records: `r1`, `r2`, `r3`, ..)\n\
             stage `fit` of record `r0`: no output (and so in 1 other record: `r7`)"
        );
    }

    #[test]
    fn causes_stand_behind_the_error_that_they_caused() {
        let error = |message: &str, cause: &str| {
            Error::new(ErrorKind::Wiring, message).because(cause.to_owned())
        };
        let both = vec![error("no input", "a typo"), error("no output", "a whim")];
        let told = Error::together(both).unwrap();
        assert_eq!(told.to_string(), "no input: a typo\nno output: a whim");
        assert_eq!(told.chain(), told.to_string());
        let one = Error::together(vec![error("no input", "a typo")]).unwrap();
        assert_eq!(std::error::Error::source(&one).unwrap().to_string(), "a typo");
    }
}
