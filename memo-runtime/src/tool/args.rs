//! The command line of `memo`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum};

/// Looks at a store of results, and tells of it
///
/// A store is a folder that experiments keep their results in; `.memo` unless they say otherwise.
#[derive(Debug, Parser)]
#[command(name = "memo", version, max_term_width = 90)]
#[command(after_help = "Exit codes: 0 done, 1 it could not be done, 2 wrong usage")]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what is kept of a stage, or show values
    Show(Show),
    /// Write what is kept of a stage as files, one for each value
    ///
    /// Shards are named by their position and key, entries by their key. Nothing is written outside DIR,
    /// and nothing that is there is written over.
    Export(Export),
    /// Say why a stage ran last, for each record
    Why(Why),
    /// Carry entries over to code that changed without changing any result
    ///
    /// After a refactoring, start the experiment with `--plan`: it notes which code is asked for now. Then
    /// `memo accept STAGE` lets the entries of the former code be found again. What is carried over says
    /// so in its manifest, and `--revert` takes it all back.
    Accept(Accept),
}

/// What `show` takes.
#[derive(Debug, ArgGroup)]
pub(super) struct Show {
    /// The stage: any end of its name that only it has
    pub(super) stage: String,

    /// Show what has a key that begins so: an entry, an array, or a shard
    #[arg(value_name = "KEY")]
    pub(super) keys: Vec<String>,

    /// Show the shard of the element at this position, counted from 0 [default: of the latest array]
    #[arg(long, value_name = "N")]
    pub(super) shard: Option<u64>,

    /// The store's folder
    #[arg(long, value_name = "DIR", default_value = ".memo")]
    pub(super) store: PathBuf,

    /// For people (text) or programs (json)
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub(super) format: Format,
}

/// What `export` takes.
#[derive(Debug, ArgGroup)]
pub(super) struct Export {
    /// The stage: any end of its name that only it has
    pub(super) stage: String,

    /// Export only what has a key that begins so: an entry, an array, or a shard
    #[arg(value_name = "KEY")]
    pub(super) keys: Vec<String>,

    /// Export only the shard of the element at this position [default: of the latest array]
    #[arg(long, value_name = "N")]
    pub(super) shard: Option<u64>,

    /// The folder to write to; it is made if need be
    #[arg(long, value_name = "DIR")]
    pub(super) to: PathBuf,

    /// The store's folder
    #[arg(long, value_name = "DIR", default_value = ".memo")]
    pub(super) store: PathBuf,
}

/// What `why` takes.
#[derive(Debug, ArgGroup)]
pub(super) struct Why {
    /// The stage: any end of its name that only it has
    pub(super) stage: String,

    /// Tell of this record only
    #[arg(long, value_name = "NAME")]
    pub(super) record: Option<String>,

    /// The store's folder
    #[arg(long, value_name = "DIR", default_value = ".memo")]
    pub(super) store: PathBuf,

    /// For people (text) or programs (json)
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub(super) format: Format,
}

/// What `accept` takes.
#[derive(Debug, ArgGroup)]
pub(super) struct Accept {
    /// The stage: any end of its name that only it has
    pub(super) stage: String,

    /// The former code, by the first digits of its fingerprint [default: that of the latest entry]
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "revert")]
    pub(super) from: Option<String>,

    /// Take back all that was accepted for the stage
    #[arg(long)]
    pub(super) revert: bool,

    /// Say what would be done, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// The store's folder
    #[arg(long, value_name = "DIR", default_value = ".memo")]
    pub(super) store: PathBuf,
}

/// Whom the output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        super::Args::command().debug_assert();
    }
}
