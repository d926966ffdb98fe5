//! [`Request`]: what a command line means.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal as _};
#[cfg(unix)]
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Map, Value};

use super::args::{Args, Format, Where, named};
use super::graph::GraphFile;
use super::json;
use super::output::Output;
use super::progress::{Detail, Progress};
use super::signals::Signals;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Observer};
use crate::executor::Executor;
#[cfg(unix)]
use crate::executor::on_slurm::{OnSlurm, SlurmOptions};
use crate::experiment::RunOptions;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Run,
    Plan,
    PrintParams,
}

/// What a command line asks for.
pub(super) struct Request {
    pub(super) task: Task,
    pub(super) format: Format,
    pub(super) options: RunOptions,
    pub(super) graph: Option<GraphFile>,
    /// Set when the run is to end.
    interrupted: Arc<AtomicBool>,
    detail: Detail,
    grace: Duration,
}

impl Request {
    /// Makes sense of the flags, and reads the file of `--params`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if the file cannot be read, a graph not be drawn to where it is wanted, or there is
    /// no Slurm where it is asked for.
    pub(super) fn new(mut args: Args, written: Vec<OsString>) -> Result<Self, Error> {
        let task = match (args.plan, args.print_params) {
            (true, _) => Task::Plan,
            (_, true) => Task::PrintParams,
            _ => Task::Run,
        };
        let detail = match (args.quiet, args.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        let (format, grace) = (args.format, args.grace);
        let graph = args.graph.take().map(GraphFile::new).transpose()?;
        let interrupted = Arc::<AtomicBool>::default();
        let executor = executor(&mut args, written, task, &interrupted)?;
        let mut options = options(args)?;
        options.executor = executor;
        options.tells_calls = graph.is_some();
        Ok(Self { task, format, options, graph, interrupted, detail, grace })
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.detail == Detail::Quiet
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.detail == Detail::Verbose
    }

    /// Begins to watch a run: its events, and the signals that come meanwhile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if the system does not let us listen for signals.
    pub(super) fn watch(self, output: &Output) -> Result<Watch, Error> {
        let is_text = self.format == Format::Text;
        let live = is_text && self.detail != Detail::Quiet && io::stderr().is_terminal();
        let progress = Arc::new(Progress::new(output.clone(), self.detail, live));
        progress.make_way_for_panics();
        let flag = self.interrupted;
        let told = Arc::clone(&progress);
        let signals = Signals::listen(Arc::clone(&flag), self.grace, Arc::clone(&progress));
        let signals = signals.map_err(|error| {
            Error::new(ErrorKind::Usage, "signals cannot be listened for").because(error)
        })?;
        let lines = (!is_text).then(|| output.clone());
        let options = self.options.interrupted_by(flag).observer(Watching { told, lines });
        Ok(Watch { options, progress, signals })
    }
}

/// Hears the events of a run.
struct Watching {
    told: Arc<Progress>,
    /// Where events are written as they come.
    lines: Option<Output>,
}

impl Observer for Watching {
    fn event(&self, event: &Event) {
        self.told.hear(event, self.lines.is_none());
        if let Some(lines) = &self.lines {
            json::event(lines, event);
        }
    }

    fn wants_hits(&self) -> bool {
        self.lines.is_some() || !self.told.is_quiet()
    }
}

/// A run that is watched.
pub(super) struct Watch {
    pub(super) options: RunOptions,
    pub(super) progress: Arc<Progress>,
    pub(super) signals: Signals,
}

/// Returns what runs array stages elsewhere, where that is asked for. `written` are the arguments as they were
/// written, without the program's name: workers are given the same.
#[cfg(unix)]
fn executor(
    args: &mut Args,
    written: Vec<OsString>,
    task: Task,
    interrupted: &Arc<AtomicBool>,
) -> Result<Option<Arc<dyn Executor>>, Error> {
    let options = std::mem::take(&mut args.slurm);
    if args.executor == Where::Local {
        let of_slurm = [
            (!options.is_empty(), "--slurm"),
            (args.max_running.is_some(), "--max-running"),
            (args.detach, "--detach"),
        ];
        return match of_slurm.iter().find(|(is_there, _)| *is_there) {
            Some((_, flag)) => {
                let message = format!("`{flag}` has no effect without `--executor slurm`");
                Err(Error::new(ErrorKind::Usage, message))
            }
            None => Ok(None),
        };
    }
    if task != Task::Run || args.check.is_some() {
        return Ok(None);
    }
    let text = |argument: OsString| {
        argument.into_string().map_err(|argument| {
            let message = format!(
                "workers are given the same arguments, and `{}` is no UTF-8",
                argument.display()
            );
            Error::new(ErrorKind::Usage, message)
        })
    };
    let arguments = written.into_iter().map(text).collect::<Result<_, _>>()?;
    let max_running = args.max_running.and_then(NonZeroU32::new);
    let options = SlurmOptions { options, max_running, detach: args.detach, arguments };
    Ok(Some(Arc::new(OnSlurm::connect(options, Arc::clone(interrupted))?)))
}

#[cfg(not(unix))]
fn executor(
    args: &mut Args,
    _: Vec<OsString>,
    _: Task,
    _: &Arc<AtomicBool>,
) -> Result<Option<Arc<dyn Executor>>, Error> {
    if args.executor == Where::Local {
        return Ok(None);
    }
    Err(Error::new(ErrorKind::Usage, "there is no Slurm on this system"))
}

fn options(args: Args) -> Result<RunOptions, Error> {
    let mut options = RunOptions::new()
        .records(args.record)
        .read_only(args.read_only)
        .durable(args.durable)
        .strict_files(args.strict_files)
        .fail_fast(args.fail_fast);
    for (field, value) in args.set {
        options = options.set(field, value);
    }
    if let Some(path) = &args.params {
        options = options.params(read_params(path)?);
    }
    if let Some(stages) = args.force {
        options = options.force(named(stages));
    }
    if let Some(stages) = args.no_cache {
        options = options.no_cache(named(stages));
    }
    if let Some(stages) = args.check {
        options = options.check(named(stages));
    }
    if let Some(stage) = args.until {
        options = options.until(stage);
    }
    if let Some(bytes) = args.memory {
        options = options.memory(bytes);
    }
    if let Some(jobs) = args.jobs {
        options = options.jobs(jobs as usize);
    }
    if let Some(store) = args.store {
        options = options.store(store);
    }
    Ok(options)
}

/// Reads a file of params, by its extension.
fn read_params(path: &Path) -> Result<Value, Error> {
    let wrong = |what: &str| Error::new(ErrorKind::Usage, format!("`{}` {what}", path.display()));
    let text = || fs::read_to_string(path).map_err(|error| wrong("cannot be read").because(error));
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("json") => {
            serde_json::from_str(&text()?).map_err(|error| wrong("is not JSON").because(error))
        }
        Some("toml") => {
            let table = text()?.parse::<toml::Table>();
            table.map(json_table).map_err(|error| wrong("is not TOML").because(error))
        }
        _ => Err(wrong("is neither `.toml` nor `.json`")),
    }
}

fn json_table(table: toml::Table) -> Value {
    let entries = table.into_iter().map(|(key, value)| (key, json_of(value)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Turns TOML into JSON. Floats that JSON has no form for, and dates, become texts.
fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) if number.is_finite() => number.into(),
        toml::Value::Float(number) => number.to_string().into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => json_table(table),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(name: &str, text: &str) -> Result<Value, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read_params(&path).map_err(|error| error.chain())
    }

    #[test]
    fn params_are_read_by_extension() {
        let toml = "hidden = 3\nclip = inf\nday = 2024-01-02\n[train]\nrates = [0.5, 1.0]";
        assert_eq!(
            read("p.toml", toml),
            Ok(
                json!({"hidden": 3, "clip": "inf", "day": "2024-01-02", "train": {"rates": [0.5, 1.0]}})
            )
        );
        assert_eq!(read("p.JSON", r#"{"a": null}"#), Ok(json!({"a": null})));
    }

    #[test]
    fn unreadable_params_are_told() {
        for (name, text, expected) in [
            ("p.toml", "a = ", "is not TOML: "),
            ("p.json", "{", "is not JSON: "),
            ("p.yaml", "a: 1", "is neither `.toml` nor `.json`"),
        ] {
            let error = read(name, text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let error = read_params(Path::new("/nowhere/p.toml")).unwrap_err().chain();
        assert!(error.starts_with("`/nowhere/p.toml` cannot be read: No such file"), "{error}");
    }
}
