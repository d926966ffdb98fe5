//! The least that a cached run of an experiment's binary could do: it parses the same command line
//! with `clap`, and opens, reads and closes as many small files. The paths come in `FLOOR_FILES`,
//! separated as those in `PATH` are, or in the file that `FLOOR_LIST` names.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use clap::Parser;

/// Has the options of an experiment's binary.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "a flag each")]
#[command(version, about)]
struct Arguments {
    /// Say what would run and why; run nothing.
    #[arg(long)]
    plan: bool,
    /// Run these records only.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    record: Vec<String>,
    /// Set a field of the params.
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Take params from a file.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Compute again, and keep.
    #[arg(long, value_name = "STAGE", num_args = 0..)]
    force: Option<Vec<String>>,
    /// Neither read nor keep.
    #[arg(long, value_name = "STAGE", num_args = 0..)]
    no_cache: Option<Vec<String>>,
    /// Only what this stage needs.
    #[arg(long, value_name = "STAGE")]
    until: Option<String>,
    /// How many stages run at a time.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Start nothing after the first failure.
    #[arg(long)]
    fail_fast: bool,
    /// Where results are kept.
    #[arg(long, value_name = "DIR", default_value = ".memo")]
    store: PathBuf,
    /// Write nothing.
    #[arg(long)]
    read_only: bool,
    /// Make each entry safe against a power cut.
    #[arg(long)]
    durable: bool,
    /// How results are told.
    #[arg(long, value_parser = ["text", "json"], default_value = "text")]
    format: String,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let mut buffer = vec![0; 16 * 1024];
    let mut size = 0;
    let files = match std::env::var_os("FLOOR_LIST") {
        Some(list) => std::fs::read_to_string(list)?.into(),
        None => std::env::var_os("FLOOR_FILES").unwrap_or_default(),
    };
    for path in std::env::split_paths(&files).filter(|path| !path.as_os_str().is_empty()) {
        size += File::open(path)?.read(&mut buffer)?;
    }
    let store = arguments.store.display();
    writeln!(std::io::stdout().lock(), "{store}: {size} bytes")
}
