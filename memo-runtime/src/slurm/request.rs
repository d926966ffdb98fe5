//! [`Request`]: what is asked of Slurm, and the options of `sbatch` that say it.

use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::script::literally;
use super::{Error, Indices, JobId, Limits};

/// The longest list of indices on a command line; the system allows 128 kB for one argument.
const LONGEST_LIST: usize = 64_000;

/// The name of a submission: unlike any other, since it is how a submission is found whose answer was
/// lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Takes letters, digits, `.`, `_` and `-`: all commands take them literally, and in lists.
    pub(crate) fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if begins && name.len() <= 200 && name.bytes().all(is_fine) {
            Ok(Self(name))
        } else {
            Err(Error::Request(format!("`{name}` cannot be the name of a job")))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which variables tasks are given.
#[cfg_attr(not(test), expect(dead_code, reason = "workers are given all of it"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Environment {
    /// All of this process.
    All,
    /// None but Slurm's own.
    Nothing,
    /// These, and what a login sets.
    Only(Vec<String>),
}

/// One submission, as it is wanted. What is not set is left to the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) name: Name,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Lines of shell before the program.
    pub(crate) setup: Vec<String>,
    /// The tasks of an array; `None` for a job that is none.
    pub(crate) indices: Option<Indices>,
    /// The variable in which a task finds its index.
    pub(crate) index_variable: String,
    /// How many tasks may run at once.
    pub(crate) max_running: Option<NonZeroU32>,
    pub(crate) cpus: Option<NonZeroU32>,
    /// In bytes.
    pub(crate) memory: Option<u64>,
    pub(crate) time: Option<Duration>,
    pub(crate) gpus: Option<NonZeroU32>,
    /// Further options of `sbatch`, with their values: `("partition", Some("short"))`.
    pub(crate) options: Vec<(String, Option<String>)>,
    pub(crate) environment: Environment,
    /// Whether Slurm starts a task again that lost its node or was preempted.
    pub(crate) requeue: bool,
    /// How long before its time is over a task is told, by `SIGUSR1`.
    pub(crate) warning: Option<Duration>,
    /// Where tasks run.
    pub(crate) folder: PathBuf,
    /// Where the script is written, and the log of each task.
    pub(crate) logs: PathBuf,
}

/// What one `sbatch` submits of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: Name,
    /// Indices as Slurm knows them. The task's own is `base` more.
    pub(crate) indices: Option<Indices>,
    pub(crate) base: u32,
}

/// Options of `sbatch` that are set here, and what says them instead.
const OURS: &[(&str, &str)] = &[
    (
        "array",
        "the array is made of the shards that are missing; use `--max-running` to throttle it",
    ),
    ("job-name", "jobs are found by their names"),
    ("output", "logs lie in the store's folder of the run"),
    ("error", "logs lie in the store's folder of the run"),
    ("open-mode", "logs are appended to"),
    ("chdir", "tasks run where this program was started"),
    ("parsable", "the answer is read by this program"),
    ("quiet", "the answer is read by this program"),
    ("wait", "this program waits by itself"),
    ("test-only", "use `--plan` to see what would run"),
    ("wrap", "what is run is this program"),
    ("signal", "workers are told before their time is over"),
    ("ntasks", "a task is one process"),
    ("dependency", "this program submits what is ready"),
    ("clusters", "jobs of other clusters cannot be followed"),
    ("export-file", "the environment is that of this program"),
    ("help", "it submits nothing"),
    ("usage", "it submits nothing"),
    ("version", "it submits nothing"),
];

impl Request {
    /// Asks for `program` once, with what is usual.
    pub(crate) fn new(program: PathBuf, name: Name) -> Self {
        Self {
            name,
            program,
            arguments: Vec::new(),
            setup: Vec::new(),
            indices: None,
            index_variable: "MEMO_TASK".to_owned(),
            max_running: None,
            cpus: None,
            memory: None,
            time: None,
            gpus: None,
            options: Vec::new(),
            environment: Environment::All,
            requeue: true,
            warning: None,
            folder: PathBuf::from("/"),
            logs: PathBuf::from("/"),
        }
    }

    /// Adds an option of `sbatch`, written `key=value` or `key`.
    pub(crate) fn option(&mut self, written: &str) -> Result<(), Error> {
        let (key, value) = match written.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (written, None),
        };
        let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !key.starts_with(|c: char| c.is_ascii_lowercase()) || !key.bytes().all(is_fine) {
            return Err(Error::Request(format!(
                "`--slurm {written}` is no option of `sbatch`: write its long name without dashes, as in \
                 `--slurm partition=short`"
            )));
        }
        // `sbatch` takes any beginning of a name that only one option has. `export` is a name itself.
        let is_short = key.len() > 2 && key != "export";
        let ours =
            OURS.iter().find(|(name, _)| *name == key || (is_short && name.starts_with(key)));
        if let Some((name, why)) = ours {
            return Err(Error::Request(format!(
                "`--slurm {written}` cannot be set: {why} (`{name}`)"
            )));
        }
        if value.is_some_and(|value| value.contains(['\0', '\n'])) {
            return Err(Error::Request(format!("`--slurm {key}=..` has a line break in it")));
        }
        self.options.push((key.to_owned(), value.map(str::to_owned)));
        Ok(())
    }

    /// Cuts an array into parts that the cluster takes: no index above its limit, no list too long.
    pub(crate) fn parts(&self, limits: &Limits) -> Vec<Part> {
        let Some(indices) = &self.indices else {
            return vec![Part { name: self.name.clone(), indices: None, base: 0 }];
        };
        let mut cuts: Vec<(u32, Vec<u32>)> = Vec::new();
        let mut length = 0;
        for index in indices.iter() {
            // Digits and a comma: the most that an index adds to the list.
            let digits = index.checked_ilog10().unwrap_or(0) as usize + 2;
            match cuts.last_mut() {
                Some((base, cut))
                    if index - *base < limits.max_array
                        && cut.len() < limits.most_tasks.max(1) as usize
                        && length + digits <= LONGEST_LIST =>
                {
                    cut.push(index - *base);
                    length += digits;
                }
                _ => {
                    // As long as they can, tasks have the number that Slurm shows.
                    let base = if index < limits.max_array { 0 } else { index };
                    cuts.push((base, vec![index - base]));
                    length = digits;
                }
            }
        }
        let is_one = cuts.len() == 1;
        let part = |(number, (base, cut)): (usize, (u32, Vec<u32>))| Part {
            name: if is_one { self.name.clone() } else { Name(format!("{}.{number}", self.name)) },
            indices: Some(cut.into_iter().collect()),
            base,
        };
        cuts.into_iter().enumerate().map(part).collect()
    }

    /// Returns the options of `sbatch` for `part`. Where the array is throttled, its parts run one after
    /// the other, each `after` the one before.
    pub(super) fn arguments(
        &self,
        part: &Part,
        after: Option<JobId>,
    ) -> Result<Vec<OsString>, Error> {
        let mut all: Vec<OsString> = Vec::new();
        let mut add = |option: String| all.push(option.into());
        add("--parsable".to_owned());
        add(format!("--job-name={}", part.name));
        if let Some(indices) = &part.indices {
            let throttle = self.max_running.map_or(String::new(), |count| format!("%{count}"));
            add(format!("--array={indices}{throttle}"));
            if let (Some(_), Some(after)) = (self.max_running, after) {
                add(format!("--dependency=afterany:{after}"));
            }
        }
        add("--nodes=1".to_owned());
        add("--ntasks=1".to_owned());
        if let Some(cpus) = self.cpus {
            add(format!("--cpus-per-task={cpus}"));
        }
        if let Some(memory) = self.memory.filter(|_| !self.asks_memory_otherwise()) {
            add(format!("--mem={}M", memory.div_ceil(1 << 20).max(1)));
        }
        if let Some(time) = self.time {
            add(format!("--time={}", minutes(time)));
        }
        if let Some(gpus) = self.gpus {
            add(format!("--gpus-per-node={gpus}"));
        }
        add(if self.requeue { "--requeue" } else { "--no-requeue" }.to_owned());
        add("--open-mode=append".to_owned());
        if let Some(warning) = self.warning {
            add(format!("--signal=B:USR1@{}", warning.as_secs().clamp(1, 65_535)));
        }
        add(match &self.environment {
            Environment::All => "--export=ALL".to_owned(),
            Environment::Nothing => "--export=NIL".to_owned(),
            Environment::Only(names) => format!("--export={}", list_of(names)?),
        });
        for (key, value) in &self.options {
            add(value.as_ref().map_or(format!("--{key}"), |value| format!("--{key}={value}")));
        }
        let mut output = OsString::from("--output=");
        output.push(literally(&self.logs)?);
        output.push(if part.indices.is_some() { "/%A_%a.out" } else { "/%j.out" });
        all.push(output);
        let mut folder = OsString::from("--chdir=");
        folder.push(&self.folder);
        all.push(folder);
        Ok(all)
    }

    /// Slurm refuses two ways of asking for memory.
    fn asks_memory_otherwise(&self) -> bool {
        self.options.iter().any(|(key, _)| key.starts_with("mem"))
    }

    /// Returns the value of an option that was added, where there is one.
    pub(super) fn value_of(&self, key: &str) -> Option<&str> {
        let last = self.options.iter().rev().find(|(name, _)| name == key)?;
        last.1.as_deref()
    }
}

/// Writes names of variables as a list; Slurm would take anything else for a word of its own, or a value.
fn list_of(names: &[String]) -> Result<String, Error> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let wrong = names.iter().find(|name| {
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        !begins || !name.bytes().all(is_fine) || ["ALL", "NONE", "NIL"].contains(&name.as_str())
    });
    match wrong {
        Some(name) => {
            Err(Error::Request(format!("`{name}` cannot be handed to tasks as a variable")))
        }
        None => Ok(names.join(",")),
    }
}

/// Slurm counts whole minutes.
pub(super) fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60).max(1)
}

#[cfg(test)]
mod tests;
