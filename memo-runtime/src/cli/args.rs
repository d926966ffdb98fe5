//! [`Args`]: the command line as it is written.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};

use super::duration::parse_duration;
use super::size::parse_size;
use crate::plain::in_line;

/// Stands for a `--force`, `--no-cache` or `--check` that names no stage.
const ALL: &str = "*";

const WHAT: &str = "What to run";
const HOW: &str = "How";
const WHERE: &str = "Where";
const OUTPUT: &str = "Output";

/// The flags, each as it was written.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Args {
    /// Run only these records, or those that they add
    #[arg(long, value_name = "NAME", num_args = 1.., action = ArgAction::Append)]
    #[arg(help_heading = WHAT)]
    pub(super) record: Vec<String>,

    /// Run only this stage and what it needs
    #[arg(long, value_name = "STAGE", help_heading = WHAT)]
    pub(super) until: Option<String>,

    /// Set a field of all params: `train.rate=0.1`
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_setting)]
    #[arg(action = ArgAction::Append, help_heading = WHAT)]
    pub(super) set: Vec<(String, String)>,

    /// Lay a TOML or JSON file over all params
    #[arg(long, value_name = "FILE", help_heading = WHAT)]
    pub(super) params: Option<PathBuf>,

    /// Compute these stages again [none: all stages]
    #[arg(long, value_name = "STAGE", num_args = 0.., default_missing_value = ALL)]
    #[arg(action = ArgAction::Append, help_heading = WHAT)]
    pub(super) force: Option<Vec<String>>,

    /// Neither find nor keep these [none: all stages]
    #[arg(long, value_name = "STAGE", num_args = 0.., default_missing_value = ALL)]
    #[arg(action = ArgAction::Append, help_heading = WHAT)]
    pub(super) no_cache: Option<Vec<String>>,

    /// Run cached work again, and compare [none: all stages]
    #[arg(long, value_name = "STAGE", num_args = 0.., default_missing_value = ALL)]
    #[arg(action = ArgAction::Append, help_heading = WHAT)]
    #[arg(conflicts_with_all = ["force", "no_cache", "plan", "print_params"])]
    pub(super) check: Option<Vec<String>>,

    /// Say what would run, and why
    #[arg(long, conflicts_with = "print_params", help_heading = WHAT)]
    pub(super) plan: bool,

    /// Show all params, and in which keys they are
    #[arg(long, help_heading = WHAT)]
    pub(super) print_params: bool,

    /// Run so many stages at a time [default: cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(help_heading = HOW)]
    pub(super) jobs: Option<u32>,

    /// Hold no more than this between stages: `8GiB`
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = HOW)]
    pub(super) memory: Option<u64>,

    /// Run arrays, and stages with resources, on threads (local) or Slurm
    #[arg(long, value_enum, default_value_t = Where::Local, hide_possible_values = true)]
    #[arg(value_name = "WHERE", help_heading = HOW)]
    pub(super) executor: Where,

    /// Let so many tasks of an array run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(help_heading = HOW)]
    pub(super) max_running: Option<u32>,

    /// Pass an option to sbatch: `partition=long`
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append, help_heading = HOW)]
    pub(super) slurm: Vec<String>,

    /// Leave jobs running after an interrupt
    #[arg(long, help_heading = HOW)]
    pub(super) detach: bool,

    /// What a worker is started with
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub(super) worker: Option<PathBuf>,

    /// Start no further stage after the first failure
    #[arg(long, help_heading = HOW)]
    pub(super) fail_fast: bool,

    /// Time to finish after an interrupt
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    #[arg(help_heading = HOW)]
    pub(super) grace: Duration,

    /// Keep results in this folder
    #[arg(long, value_name = "DIR", help_heading = WHERE)]
    pub(super) store: Option<PathBuf>,

    /// Write nothing to the store
    #[arg(long, help_heading = WHERE)]
    pub(super) read_only: bool,

    /// Make results safe against a power cut
    #[arg(long, conflicts_with = "read_only", help_heading = WHERE)]
    pub(super) durable: bool,

    /// Read input files even if they look unchanged
    #[arg(long, help_heading = WHERE)]
    pub(super) strict_files: bool,

    /// For people (text) or programs (json)
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    #[arg(help_heading = OUTPUT)]
    pub(super) format: Format,

    /// Draw all calls, to a `.svg`, `.dot` or `.mmd`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "print_params"])]
    #[arg(help_heading = OUTPUT)]
    pub(super) graph: Option<PathBuf>,

    /// Show no progress and no tables
    #[arg(long, short, conflicts_with = "verbose", help_heading = OUTPUT)]
    pub(super) quiet: bool,

    /// Show every call, and why it runs
    #[arg(long, short, help_heading = OUTPUT)]
    pub(super) verbose: bool,

    /// Show this help
    #[arg(long, short, action = ArgAction::HelpShort, help_heading = OUTPUT)]
    help: Option<bool>,
}

/// Where the shards of array stages run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Where {
    Local,
    Slurm,
}

/// Whom the output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

impl Args {
    /// Reads a command line; the first argument is the program's name.
    pub(super) fn read(
        about: &About,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let command = Self::command()
            .name(about.experiment.clone())
            .about(about.line())
            .after_help(about.records_text());
        let matches = command.try_get_matches_from(args)?;
        Self::from_arg_matches(&matches)
    }
}

/// What the help says of the experiment.
pub(super) struct About {
    pub(super) experiment: String,
    pub(super) records: Vec<String>,
    pub(super) store: PathBuf,
}

impl About {
    fn line(&self) -> String {
        let records = super::text::counted(self.records.len(), "record");
        format!(
            "Runs the experiment `{}` ({records}): only what changed is computed\n\
             again. Results are kept in `{}`.",
            self.experiment,
            self.store.display()
        )
    }

    fn records_text(&self) -> String {
        const SHOWN: usize = 8;
        let shown = self.records.iter().take(SHOWN);
        let mut lines: Vec<_> = shown.map(|name| format!("\n  {}", in_line(name))).collect();
        if self.records.len() > SHOWN {
            lines.push(format!("\n  and {} more", self.records.len() - SHOWN));
        }
        let records = if lines.is_empty() {
            String::new()
        } else {
            format!("Records:{}\n\n", lines.concat())
        };
        format!(
            "{records}Exit codes: 0 done, 1 a stage failed or a check found a difference,\n\
             2 wrong usage or wiring, 3 results could not be kept, 130 or 143 interrupted"
        )
    }
}

/// Which stages `--force`, `--no-cache` or `--check` names; none means all.
pub(super) fn named(stages: Vec<String>) -> Vec<String> {
    if stages.iter().any(|stage| stage == ALL) { Vec::new() } else { stages }
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err("write a field, an equals sign, and its value: `rate=0.1`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        let records = (0..10).map(|index| format!("hidden={index}")).collect();
        About { experiment: "digits".into(), records, store: ".memo".into() }
    }

    fn read(line: &str) -> Result<Args, clap::Error> {
        let words = std::iter::once("digits").chain(line.split_whitespace());
        Args::read(&about(), words.map(OsString::from))
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_take_several_values_and_may_be_repeated() {
        let args = read("--record a b --set x=1 --record c --set y.z=a=b").unwrap();
        assert_eq!(args.record, ["a", "b", "c"]);
        assert_eq!(args.set, [("x".into(), "1".into()), ("y.z".into(), "a=b".into())]);
    }

    #[test]
    fn stages_are_all_or_those_that_are_named() {
        let forced = |line| read(line).unwrap().force.map(named);
        assert_eq!(forced(""), None);
        assert_eq!(forced("--force"), Some(Vec::new()));
        assert_eq!(forced("--force --plan"), Some(Vec::new()));
        assert_eq!(
            forced("--force train evaluate --plan"),
            Some(vec!["train".into(), "evaluate".into()])
        );
        assert_eq!(
            forced("--force train --force evaluate"),
            Some(vec!["train".into(), "evaluate".into()])
        );
        assert_eq!(forced("--force train --force"), Some(Vec::new()));
    }

    #[test]
    fn mistakes_are_refused() {
        for (line, expected) in [
            ("--recrod a", "--record"),
            ("--set rate", "write a field, an equals sign, and its value"),
            ("--jobs 0", "0 is not in 1.."),
            ("--grace soon", "a duration is"),
            ("--quiet --verbose", "cannot be used with"),
            ("--check fit --force", "cannot be used with"),
            ("--check --plan", "cannot be used with"),
            ("train", "unexpected argument 'train'"),
        ] {
            let error = read(line).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn the_help_tells_of_the_experiment() {
        let help = read("--help").unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let help = help.to_string();
        for part in [
            "experiment `digits` (10 records)",
            "What to run:",
            "  hidden=7\n",
            "  and 2 more",
            "--force [<STAGE>...]",
        ] {
            assert!(help.contains(part), "{part} in {help}");
        }
    }
}
