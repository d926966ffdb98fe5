//! Memoization for experiments: annotate the functions of a pipeline, and from then on only what changed
//! is computed again.
//!
//! A pipeline of two steps, written plainly, computes everything each time it is started:
//!
//! ```
//! fn words(text: &str) -> Vec<String> {
//!     text.split_whitespace().map(str::to_owned).collect()
//! }
//!
//! fn longest(words: &[String]) -> String {
//!     words.iter().max_by_key(|word| word.len()).cloned().unwrap_or_default()
//! }
//!
//! let words = words("the results of yesterday are still here");
//! assert_eq!(longest(&words), "yesterday");
//! ```
//!
//! Annotated, each step is a *stage*. It looks for its result first, and runs only where there is none:
//!
//! ```
//! use memo_runtime::prelude::*;
//! use memo_runtime::testing::Recorder;
//!
//! #[stage(outputs = [words], cachers = [Json])]
//! fn words(text: &str) -> Vec<String> {
//!     text.split_whitespace().map(str::to_owned).collect()
//! }
//!
//! #[stage(inputs = [words], outputs = [longest], cachers = [Json])]
//! fn longest(words: &[String]) -> String {
//!     words.iter().max_by_key(|word| word.len()).cloned().unwrap_or_default()
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let recorder = Recorder::new();
//! let store = Store::options().observer(recorder.clone()).open(folder.path())?;
//!
//! let mut record = Record::new(&store, "base", ());
//! words(&mut record, "the results of yesterday are still here")?;
//! assert_eq!(*longest(&mut record)?.load()?, "yesterday");
//! assert_eq!(recorder.ran(), ["words", "longest"]);
//!
//! // The same again, as a second start of the program would do it: nothing runs.
//! let mut record = Record::new(&store, "base", ());
//! words(&mut record, "the results of yesterday are still here")?;
//! assert_eq!(*longest(&mut record)?.load()?, "yesterday");
//! assert!(recorder.ran().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! | noun | is |
//! |---|---|
//! | [stage](macro@stage) | an annotated function |
//! | [record](Record) | one run of a pipeline for one value of your params; its state maps output names to [handles](Lazy) |
//! | [experiment](Experiment) | a pipeline, its records, [aggregates](macro@aggregate) over them, a command line |
//! | key | the digest that says "the same work", made of named [components](Component) |
//! | [cacher](Cacheable) | writes a value as an artifact and reads it back: [`Json`](struct@Json), [`Csv`](struct@Csv), [`Bincode`], [`Text`], [`Bytes`], [`Copied`], [`Referenced`], or your own |
//! | [shard](Shards) | one element of an array stage, `#[stage(each = [page in pages])]`: found, run and kept by itself |
//! | [started call](Call) | a call that nobody waits for, made by `fit::start(&mut record)` |
//! | [store](Store) | a folder of entries: a manifest and the artifacts of each |
//!
//! # What decides a hit
//!
//! A hit means: running it again would give the same. The key holds the stage's name, the tokens of its
//! function and of [all that it reaches](docs::code), the params fields that it reads, its call
//! arguments, the content of its inputs and of the files they name, the formats of its cachers, and the
//! environment variables it declares. Nothing else: no times, no hosts, no paths of the checkout, no
//! number of threads, no name of a record.
//!
//! # What is promised about files
//!
//! An entry appears complete or not at all, whenever the program is killed. Every read is checked
//! against a digest; damage is a miss that says so, and the damaged files are set aside. Where a result
//! cannot be kept (the disk is full, the store is read-only), it is used for the rest of the run, and a
//! warning tells. The folder can be browsed, copied, and removed.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `bincode` | yes | the [`Bincode`] cacher, and `Lazy(..)` outputs without `cachers` |
//! | `csv` | yes | the [`Csv`](struct@Csv) cacher |
//! | `cli` | yes | [`Experiment::main`]: command line, progress, tables |
//! | `slurm` | with `cli` | `--executor slurm`: array stages, and stages with `resources(..)`, run as jobs of a Slurm cluster |
//! | `tracing` | no | every [event](Event) also goes out through `tracing`, with target `memo`; each body runs in a span `stage` |
//! | `testing` | no | [`testing`]: a recorder of events, the conformance suite for cachers |

#![cfg_attr(not(feature = "cli"), allow(dead_code))]

// The macros write `::memo_runtime`, also in this crate's own tests.
extern crate self as memo_runtime;

mod aggregate;
mod artifact;
mod cacheable;
pub mod cachers;
#[cfg(feature = "cli")]
mod cli;
mod context;
mod digest;
mod error;
mod event;
mod executor;
mod experiment;
mod file;
mod key;
mod layout;
mod lazy;
mod plain;
mod plan;
mod policy;
mod private;
mod record;
mod run;
mod session;
mod shards;
mod slot;
#[cfg(all(feature = "slurm", unix))]
mod slurm;
mod stage;
mod started;
mod store;
#[cfg(any(feature = "testing", doc))]
pub mod testing;
#[cfg(feature = "cli")]
mod tool;
mod trace;

pub use aggregate::{Across, AcrossItem, AcrossIter, Records};
pub use artifact::{Artifact, ArtifactBytes};
pub use cacheable::{Cacheable, Format};
#[cfg(feature = "bincode")]
pub use cachers::Bincode;
#[cfg(feature = "csv")]
pub use cachers::Csv;
pub use cachers::{Bytes, Copied, Json, Published, Referenced, Text};
pub use context::Context;
pub use digest::{Digest, NotADigest};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use event::{Change, Difference, Event, MissReason, Observer, Producer};
pub use experiment::{
    Experiment, Grid, NamedParams, NamedParamsOrMistake, Outcome, RunOptions, StageSummary, grid,
};
pub use file::{InputDir, InputFile};
pub use key::{CacheKey, Component, ComponentKind, KeyHasher, digest_of};
pub use layout::Layout;
pub use lazy::Lazy;
#[doc = include_str!("../docs/aggregate.md")]
pub use memo_macros::aggregate;
#[doc = include_str!("../docs/stage.md")]
pub use memo_macros::stage;
pub use plan::{Plan, PlannedCall, PlannedInput, PlannedOutput, PlannedShards, Source, Verdict};
pub use record::{Params, Provides, Record};
pub use shards::Shards;
pub use stage::Attempt;
pub use started::{Call, CallStatus};
pub use store::{Store, StoreOptions};

#[doc(hidden)]
pub mod __private {
    pub use crate::private::*;
}

/// Pages to read.
pub mod docs {
    #[doc = include_str!("../docs/events.md")]
    pub mod events {}

    #[doc = include_str!("../docs/code.md")]
    pub mod code {}

    #[doc = include_str!("../docs/canonical-digest.md")]
    pub mod canonical_digest {}

    #[doc = include_str!("../docs/slurm.md")]
    pub mod slurm {}
}

/// What most programs need: `use memo_runtime::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "bincode")]
    pub use crate::Bincode;
    #[cfg(feature = "csv")]
    pub use crate::Csv;
    pub use crate::{
        Across, Artifact, Bytes, Cacheable, Context, Copied, Experiment, Format, InputDir,
        InputFile, Json, Lazy, Provides, Record, Referenced, Result, RunOptions, Shards, Store,
        Text, aggregate, grid, stage,
    };
}
