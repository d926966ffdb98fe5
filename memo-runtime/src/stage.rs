//! The life of a call: [`call`] gathers it, [`look_up`] finds it, [`execute`] runs it, [`commit`] keeps
//! what it made.
//!
//! A call of an annotated function becomes a [`node::Node`], whether it is resolved at once (on a
//! record of one's own) or planned first (in an experiment).

pub(crate) mod ahead;
pub(crate) mod array;
pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod commit;
#[cfg(all(feature = "slurm", unix))]
pub(crate) mod elsewhere;
pub(crate) mod execute;
pub(crate) mod explain;
pub(crate) mod fixed;
pub(crate) mod former;
pub(crate) mod inputs;
pub(crate) mod look_up;
pub(crate) mod node;
pub(crate) mod retry;
pub(crate) mod validate;

use once_cell::race::OnceRef;

pub use retry::Attempt;

/// What the macro knows of a stage. One static of it stands in each annotated function's wrapper.
#[derive(Debug)]
pub struct StageSpec {
    /// The identity: module path and name, or `name = ".."`.
    pub name: &'static str,
    /// The fingerprint of the code; `None` under `code = manual`.
    pub code: Option<u128>,
    /// What the fingerprint is made of beside the function itself: a line for each item, its
    /// digest, place and name between tabs. One literal, for rustc would take longer over thousands of
    /// structs than over all else that the macro does.
    pub reach: &'static str,
    /// What the fingerprint does not see, each as the end of that sentence.
    pub unseen: &'static [&'static str],
    /// What the code reads that is in no key, each as the end of "the stage reads ..".
    pub behind: &'static [&'static str],
    /// `version = ..`, as written; empty where none is.
    pub version: &'static str,
    /// The inputs, in the order in which `inputs` lists them.
    pub inputs: &'static [InputSpec],
    /// The outputs, in the order of the returned values.
    pub outputs: &'static [OutputSpec],
    /// The environment variables that enter the key.
    pub env: &'static [&'static str],
    /// What `cache = ..` says; it beats the experiment's word.
    pub cache: Option<bool>,
    /// True under `rerun = true`.
    pub rerun: bool,
    /// For how long a kept entry is served, in milliseconds.
    pub expires: Option<u64>,
    /// Names that the stage had before: as a stage in this module, and as written.
    pub was: &'static [(&'static str, &'static str)],
    /// True under `done = true`.
    pub done: bool,
    /// How often a failed body is tried again.
    pub retries: u32,
    /// What it takes of the machine while it runs. It enters no key.
    pub resources: Resources,
    /// What it is given after that was too little. It enters no key.
    pub more: MoreResources,
    /// Whether it is an array stage: the body runs for each element of `each = [..]`.
    pub each: bool,
    /// How many shards make a task of an executor, at least 1; 0 where nothing is said.
    pub batch: u32,
    /// Where the function stands, to tell two stages of one name apart.
    pub file: &'static str,
    /// The line of [`file`](Self::file).
    pub line: u32,
    /// The column of [`line`](Self::line).
    pub column: u32,
    /// What is the same for all calls; found out by the first.
    #[doc(hidden)]
    pub calls: OnceRef<'static, fixed::Fixed>,
}

impl StageSpec {
    /// Returns a stage with nothing but a name.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            code: None,
            reach: "",
            unseen: &[],
            behind: &[],
            version: "",
            inputs: &[],
            outputs: &[],
            env: &[],
            cache: None,
            rerun: false,
            expires: None,
            was: &[],
            done: false,
            retries: 0,
            resources: Resources::NONE,
            more: MoreResources::NONE,
            each: false,
            batch: 0,
            file: "",
            line: 0,
            column: 0,
            calls: OnceRef::new(),
        }
    }

    /// Lists what the fingerprint is made of beside the function itself.
    pub(crate) fn code_items(&self) -> Vec<CodeItem> {
        let item = |line: &'static str| {
            let mut parts = line.splitn(3, '\t');
            let digest = u128::from_str_radix(parts.next()?, 16).ok()?;
            Some(CodeItem { digest, place: parts.next()?, name: parts.next()? })
        };
        self.reach.lines().filter_map(item).collect()
    }

    /// Returns the last part of the name, which is what people call the stage.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.rsplit("::").next().unwrap_or(self.name)
    }
}

/// What a stage takes of the machine while it runs: `resources(cpus = 4, memory = "8GiB", ..)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// How many of the jobs it takes; 0 where nothing is said.
    pub cpus: u32,
    /// How much memory, in bytes; 0 where nothing is said.
    pub memory: u64,
    /// For how long it may run, in milliseconds; 0 where nothing is said. Threads of this process cannot be
    /// stopped, so only other executors hold a stage to it.
    pub time: u64,
    /// How many graphics processors, for other executors.
    pub gpus: u32,
    /// Where other executors put it; empty where nothing is said.
    pub partition: &'static str,
}

impl Resources {
    /// What a stage takes that says nothing: one job.
    pub const NONE: Self = Self { cpus: 0, memory: 0, time: 0, gpus: 0, partition: "" };
}

/// What a stage is given once it has run out of time or memory: `retry_resources(memory = "x2", ..)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoreResources {
    /// How many processors; 0 where nothing is said.
    pub cpus: u32,
    /// How much memory, after it has run out of it.
    pub memory: More,
    /// For how long it may run, after its time was over.
    pub time: More,
    /// How many graphics processors; 0 where nothing is said.
    pub gpus: u32,
    /// Where it is put; empty where nothing is said.
    pub partition: &'static str,
}

impl MoreResources {
    /// What a stage is given that says nothing: the same as before.
    pub const NONE: Self =
        Self { cpus: 0, memory: More::Nothing, time: More::Nothing, gpus: 0, partition: "" };
}

/// How much more of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// As much as before.
    Nothing,
    /// So many hundredths of what was asked for before.
    Times(u32),
    /// So much: bytes of memory, milliseconds of time.
    To(u64),
}

/// Code that a stage reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeItem {
    /// `geometry::norm`, or `serde 1.0.229`.
    pub name: &'static str,
    /// The file it stands in, from the folder of its package; `Cargo.lock` for a crate.
    pub place: &'static str,
    /// The digest of its tokens, or of the lines of Cargo.lock.
    pub digest: u128,
}

/// One input, as the macro knows it.
#[derive(Debug)]
pub struct InputSpec {
    /// The name in the record's state.
    pub name: &'static str,
    /// The name of the parameter.
    pub parameter: &'static str,
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether the body takes the handle, and loads it when it wants to.
    pub lazy: bool,
}

/// One output, as the macro knows it.
#[derive(Debug)]
pub struct OutputSpec {
    /// The name in the record's state.
    pub name: &'static str,
    /// Whether it was written as `Lazy(name)`.
    pub lazy: bool,
}
