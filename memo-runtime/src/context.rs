//! [`Context`]: what a body may know of the call it runs in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};

/// What a body may know of its call: the parameter `ctx: &Context`.
///
/// It shows nothing that is not in the key (no record, no run), since equal calls are one.
///
/// ```
/// use memo_runtime::prelude::*;
///
/// #[stage(outputs = [report], cachers = [Copied])]
/// fn write_report(ctx: &Context, lines: usize) -> Result<std::path::PathBuf> {
///     ctx.log(format!("writing {lines} lines"));
///     let path = ctx.folder()?.join("report.txt");
///     std::fs::write(&path, "line\n".repeat(lines))?;
///     Ok(path)
/// }
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let mut record = Record::new(&Store::open(folder.path())?, "base", ());
/// # assert_eq!(std::fs::read_to_string(&*write_report(&mut record, 2)?.load()?)?, "line\nline\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Context {
    pub(crate) stage: &'static str,
    pub(crate) attempt: u32,
    pub(crate) interrupted: std::sync::Arc<AtomicBool>,
    pub(crate) log: Mutex<Vec<String>>,
    /// Why there was nothing to do, if the body says so.
    skipped: Mutex<Option<String>>,
    pub(crate) folder: Mutex<Option<tempfile::TempDir>>,
    /// Where the folder is made: near the store, so that files need not be copied.
    pub(crate) place: PathBuf,
}

impl Context {
    pub(crate) fn new(
        stage: &'static str,
        attempt: u32,
        interrupted: std::sync::Arc<AtomicBool>,
        place: PathBuf,
    ) -> Self {
        let (log, skipped, folder) = Default::default();
        Self { stage, attempt, interrupted, log, skipped, folder, place }
    }

    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the name of the stage.
    pub fn stage(&self) -> &str {
        self.stage
    }

    /// Returns which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Keeps a line with the entry. It is told again on each hit.
    pub fn log(&self, line: impl Into<String>) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// Says that there was nothing to do, and why: the value that the body returns is kept as any other, and
    /// events tell that the shard of an array stage was skipped.
    ///
    /// ```
    /// use memo_runtime::prelude::*;
    ///
    /// #[stage(each = [page in pages], outputs = [words], cachers = [Json])]
    /// fn words(page: &str, ctx: &Context) -> Vec<String> {
    ///     if page.is_empty() {
    ///         ctx.skip("an empty page");
    ///         return Vec::new();
    ///     }
    ///     page.split_whitespace().map(str::to_owned).collect()
    /// }
    /// ```
    pub fn skip(&self, why: impl Into<String>) {
        let why = why.into();
        self.log(format!("skipped: {why}"));
        *self.skipped.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    pub(crate) fn skipped(&self) -> Option<String> {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the run is to end. A body that looks at this may return early, with an error.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Returns a folder that is removed when the call is over, for files that `Copied` takes over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if it cannot be made.
    pub fn folder(&self) -> Result<PathBuf, Error> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if folder.is_none() {
            let made = tempfile::tempdir_in(&self.place).map_err(|error| {
                let message = format!("no folder could be made in `{}`", self.place.display());
                Error::new(ErrorKind::Store, message).because(error)
            })?;
            *folder = Some(made);
        }
        Ok(folder.as_ref().map_or(Path::new("."), tempfile::TempDir::path).to_owned())
    }
}
