//! The command line of an experiment binary: [`Experiment::main`].
//!
//! [`args`] is what was written, [`request`] what it means. While the run goes on, [`progress`] tells of
//! it on standard error; at its end the tables go to standard output. [`output`] is the only module that
//! writes there; [`graph`] draws the plan to a file.

use std::ffi::OsString;
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, did_you_mean};
use crate::experiment::{Experiment, overrides};
use crate::record::Params;

mod args;
mod duration;
mod graph;
mod json;
mod left;
mod live;
pub(crate) mod output;
mod params;
mod plan;
pub(crate) mod preview;
mod progress;
pub(crate) mod report;
mod request;
mod signals;
mod size;
mod table;
pub(crate) mod text;
#[cfg(unix)]
mod worker;

use args::{About, Args, Format};
use output::{Output, Paint};
use params::RecordParams;
use request::{Request, Task};

/// A stage failed, or something else that was wanted could not be done.
const FAILED: u8 = 1;
/// What was asked for makes no sense.
const USAGE: u8 = 2;

/// What comes after a command line.
#[derive(Clone, Copy)]
enum After {
    /// The end of the program.
    TheEnd,
    More,
}

impl<P: Params + Clone + DeserializeOwned> Experiment<P> {
    /// Does what the program's command line says, and returns the exit code: 0 done, 1 a stage failed
    /// or `--check` found a difference, 2 wrong usage or wiring, 3 results could not be kept, 130 or 143 interrupted.
    ///
    /// `--help` lists the flags. Results and tables go to standard output, progress to standard error.
    ///
    /// The program is expected to end then: of a run that found everything, what the calls were given is not
    /// dropped, since taking many calls apart takes longer than looking them up.
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    /// use memo_runtime::prelude::*;
    ///
    /// #[stage(outputs = [square], cachers = [Json])]
    /// fn square(params: &u32) -> u32 {
    ///     params * params
    /// }
    ///
    /// fn main() -> ExitCode {
    ///     let pipeline = |record: &mut Record<u32>| {
    ///         square(record)?;
    ///         Ok(())
    ///     };
    ///     Experiment::new("squares", pipeline).record("three", 3).main()
    /// }
    /// ```
    pub fn main(self) -> ExitCode {
        self.serve(std::env::args_os(), After::TheEnd)
    }

    /// Does what a command line says, as [`main`](Self::main) does. Like those of a program, the
    /// arguments begin with its name.
    ///
    /// ```
    /// use std::process::ExitCode;
    /// use memo_runtime::prelude::*;
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let store = folder.path().as_os_str();
    /// let experiment = Experiment::new("nothing", |_: &mut Record<()>| Ok(())).record("base", ());
    /// let arguments = ["nothing".as_ref(), "--plan".as_ref(), "--store".as_ref(), store];
    /// let code = experiment.main_with(arguments.map(ToOwned::to_owned));
    /// assert_eq!(code, ExitCode::SUCCESS);
    /// # Ok(())
    /// # }
    /// ```
    pub fn main_with(self, args: impl IntoIterator<Item = OsString>) -> ExitCode {
        self.serve(args, After::More)
    }

    fn serve(self, args: impl IntoIterator<Item = OsString>, after: After) -> ExitCode {
        let output = Output::default();
        let args: Vec<OsString> = args.into_iter().collect();
        let written = args.get(1..).unwrap_or_default().to_vec();
        let code = match Args::read(&self.about(), args) {
            Ok(args) => self.obey(args, written, &output, after).unwrap_or_else(|error| {
                output.note(&report::error(&error, Paint::stderr()));
                match error.kind() {
                    ErrorKind::Usage | ErrorKind::Wiring => USAGE,
                    _ => FAILED,
                }
            }),
            Err(error) => {
                // The help goes to standard output; if nobody reads it, there is nobody to tell.
                let _ = error.print();
                u8::try_from(error.exit_code()).unwrap_or(USAGE)
            }
        };
        match output.failure() {
            Some(error) => {
                output.note(&format!("error: standard output cannot be written: {error}"));
                ExitCode::from(if code == 0 { FAILED } else { code })
            }
            None => ExitCode::from(code),
        }
    }

    fn about(&self) -> About {
        About {
            experiment: self.name.clone(),
            records: self.records.iter().map(|record| record.name.clone()).collect(),
            store: self.store.clone(),
        }
    }

    fn obey(
        &self,
        args: Args,
        written: Vec<OsString>,
        output: &Output,
        after: After,
    ) -> Result<u8, Error> {
        #[cfg(unix)]
        if let Some(folder) = &args.worker {
            return Ok(self.work(folder, output));
        }
        let request = Request::new(args, written)?;
        match request.task {
            Task::Plan => self.print_plan(&request, output).map(|()| 0),
            Task::PrintParams => self.print_params(&request, output).map(|()| 0),
            Task::Run => self.run_and_report(request, output, after),
        }
    }

    fn print_plan(&self, request: &Request, output: &Output) -> Result<(), Error> {
        let plan = self.plan(&request.options)?;
        match request.format {
            Format::Json => json::plan(output, &plan),
            Format::Text => {
                output.result(&plan::text(&plan, request.is_verbose(), Paint::stdout()));
            }
        }
        match &request.graph {
            Some(graph) => graph.draw_plan(&plan),
            None => Ok(()),
        }
    }

    fn print_params(&self, request: &Request, output: &Output) -> Result<(), Error> {
        let options = &request.options;
        let is_declared = |name: &&String| self.records.iter().any(|record| record.name == **name);
        if let Some(added) = options.records.iter().find(|name| !is_declared(name)) {
            let names = self.records.iter().map(|record| record.name.as_str());
            let near = did_you_mean(added, names);
            let message = format!(
                "no record is declared as `{added}`{near} (params are printed of those only)"
            );
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let plan = self.plan(options)?;
        let wanted = |name| options.records.is_empty() || options.records.contains(name);
        for record in self.records.iter().filter(|record| wanted(&record.name)) {
            let overlay = options.params.as_ref();
            let params = overrides::apply(&record.params, overlay, &options.set, &record.varied)?;
            let params = RecordParams::new(&record.name, &overrides::params_text(&params)?, &plan);
            match request.format {
                Format::Json => json::params(output, &params),
                Format::Text => output.result(&params.text(Paint::stdout())),
            }
        }
        Ok(())
    }

    fn run_and_report(
        &self,
        mut request: Request,
        output: &Output,
        after: After,
    ) -> Result<u8, Error> {
        let (format, is_quiet) = (request.format, request.is_quiet());
        let graph = request.graph.take();
        let watch = request.watch(output)?;
        let outcome = self.run(&watch.options);
        watch.progress.clear();
        let outcome = outcome?;
        let code = match watch.signals.exit_code() {
            Some(code) if outcome.interrupted => code,
            _ => outcome.exit_code(),
        };
        match format {
            Format::Json => json::outcome(output, &outcome, code),
            Format::Text if is_quiet => output.result(&outcome.line()),
            Format::Text => output.result(&report::outcome(&outcome, Paint::stdout())),
        }
        if let Some(error) = graph.and_then(|graph| graph.draw_run(&self.name, &outcome).err()) {
            output.note(&report::error(&error, Paint::stderr()));
            return Ok(if code == 0 { FAILED } else { code });
        }
        if let After::TheEnd = after {
            outcome.leave();
        }
        Ok(code)
    }
}
