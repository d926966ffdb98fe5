//! What rustc's own command line says: a macro runs inside of rustc, so it is the process's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The part of a command line of rustc that fingerprints need.
#[derive(Default, Clone)]
pub struct CommandLine {
    /// The root file of the crate.
    pub root: Option<PathBuf>,
    pub cfgs: Cfgs,
}

/// The `cfg` values of the crate that is compiled.
#[derive(Default, Clone)]
pub struct Cfgs {
    told: BTreeSet<String>,
    is_test: bool,
    debug_assertions: Option<bool>,
    is_optimised: bool,
    target: Option<String>,
}

impl CommandLine {
    /// Reads the arguments of a process; nothing if that is no rustc at work on a crate.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Option<Self> {
        let arguments: Vec<String> = arguments.into_iter().skip(1).collect();
        let is_rustc = arguments.iter().any(|argument| argument == "--crate-name");
        // A doctest comes from the standard input and lies in no file.
        if !is_rustc || arguments.iter().any(|argument| argument == "-") {
            return None;
        }
        let mut line = Self::default();
        for (at, argument) in arguments.iter().enumerate() {
            let next = arguments.get(at + 1).map(String::as_str).unwrap_or_default();
            match argument.as_str() {
                "--cfg" => drop(line.cfgs.told.insert(next.to_owned())),
                "--test" => line.cfgs.is_test = true,
                "--target" => line.cfgs.target = Some(next.to_owned()),
                "-O" => line.cfgs.is_optimised = true,
                "-C" => line.cfgs.codegen(next),
                _ => line.joined(argument),
            }
        }
        Some(line)
    }

    /// An argument that holds its value: `--cfg=unix`, `-Copt-level=3`; or the root file.
    fn joined(&mut self, argument: &str) {
        if let Some(cfg) = argument.strip_prefix("--cfg=") {
            self.cfgs.told.insert(cfg.to_owned());
        } else if let Some(target) = argument.strip_prefix("--target=") {
            self.cfgs.target = Some(target.to_owned());
        } else if let Some(option) = argument.strip_prefix("-C") {
            self.cfgs.codegen(option);
        } else if !argument.starts_with('-')
            && Path::new(argument).extension().is_some_and(|extension| extension == "rs")
        {
            self.root = Some(argument.into());
        }
    }
}

impl Cfgs {
    fn codegen(&mut self, option: &str) {
        let is_on = |value: &str| matches!(value, "on" | "yes" | "y" | "true");
        match option.split_once('=') {
            Some(("opt-level", level)) => self.is_optimised = level != "0",
            Some(("debug-assertions", value)) => self.debug_assertions = Some(is_on(value)),
            None if option == "debug-assertions" => self.debug_assertions = Some(true),
            _ => {}
        }
    }

    /// Returns the value of a `cfg` as code names it: `test`, `feature="fast"`.
    pub fn value(&self, cfg: &str) -> String {
        let name = cfg.split('=').next().unwrap_or(cfg);
        if self.told.contains(cfg) {
            return "true".to_owned();
        }
        match name {
            "test" => self.is_test.to_string(),
            "debug_assertions" | "overflow_checks" => {
                self.debug_assertions.unwrap_or(!self.is_optimised).to_string()
            }
            "unix" | "windows" => self.target(),
            name if name.starts_with("target_") => self.target(),
            _ => "false".to_owned(),
        }
    }

    /// The architecture and system that the crate is compiled for, however they are told.
    fn target(&self) -> String {
        use std::env::consts::{ARCH, OS};
        let Some(target) = &self.target else { return format!("{ARCH} {OS}") };
        let architecture = target.split('-').next().unwrap_or_default();
        let known = [("linux", "linux"), ("darwin", "macos"), ("windows", "windows")];
        let system = known.iter().find(|(part, _)| target.contains(part));
        match system {
            Some((_, system)) => format!("{architecture} {system}"),
            None => target.clone(),
        }
    }
}

/// Returns the root file of a package where the command line does not tell it.
pub fn guess(package: &Path) -> Option<PathBuf> {
    ["src/lib.rs", "src/main.rs"].iter().map(|root| package.join(root)).find(|root| root.is_file())
}
