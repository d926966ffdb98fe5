//! Costs beside the floors of this machine: each case is measured in turn with the least work that any
//! cache would have to do, and the ratio is what counts. `README.md` says what each floor is made of.

mod cases;
mod harness;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use memo_runtime::prelude::Result;

use harness::Bench;

/// Measures `memo` beside the floors of this machine.
#[derive(Parser)]
struct Arguments {
    /// Only the cases whose names contain one of these.
    cases: Vec<String>,
    /// Measure this many rounds in place of each case's own number.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Where files are written and read. The default is a temporary folder.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Exit with 1 if a bound is exceeded, by the median of the ratios.
    #[arg(long)]
    check: bool,
    /// List the cases.
    #[arg(long)]
    list: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    if arguments.list {
        for case in cases::ALL {
            writeln!(out, "{}: {}; floor: {}", case.name, case.ours, case.floor)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut exceeded = false;
    table::head(&mut out)?;
    for case in cases::ALL {
        let wanted = &arguments.cases;
        if !wanted.is_empty() && !wanted.iter().any(|part| case.name.contains(part.as_str())) {
            continue;
        }
        let folder = match &arguments.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let bench = Bench::new(folder.path(), arguments.rounds);
        match (case.measure)(&bench) {
            Ok(measured) => {
                exceeded |= case.bound.is_some_and(|bound| measured.ratio() > bound);
                table::line(&mut out, case, &measured)?;
            }
            Err(error) => table::failed(&mut out, case, &*error)?,
        }
    }
    Ok(if arguments.check && exceeded { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
