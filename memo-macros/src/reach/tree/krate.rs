//! A crate of the workspace, and what its code may name.

use std::path::PathBuf;

use super::{CrateId, ItemId, ModuleId};
use crate::reach::quick::Map;

/// A crate.
pub struct Crate {
    /// The name of its package, as Cargo.lock has it.
    pub package: String,
    /// The folder of its Cargo.toml.
    pub folder: PathBuf,
    pub root: ModuleId,
    /// What other crates it names, by the name in code.
    pub dependencies: Map<String, Dependency>,
    /// Its `macro_rules!` by name: their scope is textual, so no module holds them.
    pub macros: Map<String, Vec<ItemId>>,
}

/// A crate that code may name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dependency {
    /// One whose code is parsed.
    Parsed(CrateId),
    /// A proc macro of the workspace: its code runs in the compiler, so all of it counts.
    ProcMacro(PathBuf),
    /// One of Cargo.lock: the package that names it, and its own name.
    Locked(String, String),
    /// `memo` itself: its store knows which version wrote it.
    Memo,
}
