//! The program `memo`, which works on any store without the program that filled it.
//!
//! [`args`] is the command line, [`show`] tells what is kept, [`export`] writes it
//! to files, [`why`] tells why a stage ran last, [`accept`] carries entries over to a
//! new fingerprint, and takes that back.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::output::{Output, Paint};
use crate::cli::report;
use crate::error::{Error, ErrorKind};
use crate::policy::find_stage;
use crate::store::Store;

mod accept;
mod args;
mod clock;
mod contents;
mod export;
mod reasons;
mod show;
mod why;

use args::{Args, Command};

/// Does what the command line says, and returns the exit code: 0 done, 1 it could not be done, 2 wrong
/// usage.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let output = Output::default();
    let code = match Args::try_parse_from(args) {
        Ok(args) => match obey(args.command, &output) {
            Ok(()) => 0,
            Err(error) => {
                output.note(&report::error(&error, Paint::stderr()));
                if error.kind() == ErrorKind::Usage { 2 } else { 1 }
            }
        },
        Err(error) => {
            // The help goes to standard output; if nobody reads it, there is nobody to tell.
            let _ = error.print();
            u8::try_from(error.exit_code()).unwrap_or(2)
        }
    };
    match output.failure() {
        Some(error) => {
            output.note(&format!("error: standard output cannot be written: {error}"));
            ExitCode::from(if code == 0 { 1 } else { code })
        }
        None => ExitCode::from(code),
    }
}

fn obey(command: Command, output: &Output) -> Result<(), Error> {
    match command {
        Command::Show(args) => show::show(&args, output),
        Command::Export(args) => export::export(&args, output),
        Command::Why(args) => why::tell(&args, output),
        Command::Accept(args) if args.revert => accept::revert(&args, output),
        Command::Accept(args) => accept::accept(&args, output),
    }
}

/// Opens a store that is there.
fn open(path: &Path, read_only: bool) -> Result<Store, Error> {
    let store = Store::options().read_only(read_only).open(path)?;
    if store.layout().base().is_dir() {
        return Ok(store);
    }
    let message =
        format!("there is no store in `{}`; name its folder: `--store DIR`", path.display());
    Err(Error::new(ErrorKind::Usage, message))
}

/// Finds the full name of a stage of the store by any unique end of it.
fn stage(store: &Store, wanted: &str) -> Result<String, Error> {
    let names = store.stages();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = find_stage(wanted, &names).map(str::to_owned);
    found.map_err(|message| Error::new(ErrorKind::Usage, message))
}
