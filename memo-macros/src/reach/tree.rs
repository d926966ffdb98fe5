//! The crates of the workspace as far as a stage may reach them: modules, their items and imports.

mod files;
mod krate;
mod load;
pub mod uses;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};

use super::items::Item;
use super::lock::Lock;
use super::quick::Map;
use super::scan::Path;

pub use krate::{Crate, Dependency};

/// The place of a crate in [`World::crates`].
pub type CrateId = usize;
/// The place of a module in [`World::modules`].
pub type ModuleId = usize;
/// The place of an item in [`World::items`].
pub type ItemId = usize;

/// Everything that was parsed, once for a rustc process.
#[derive(Default)]
pub struct World {
    /// The crate that is compiled comes first.
    pub crates: Vec<Crate>,
    pub modules: Vec<Module>,
    pub items: Vec<Item>,
    pub lock: Lock,
    /// Files that could not be read, in words.
    pub problems: BTreeSet<String>,
    /// The folder that paths are shown from.
    pub workspace: PathBuf,
}

/// A module: its names, and where they lead.
#[derive(Default)]
pub struct Module {
    /// `geometry::shapes`; the root of the crate that is compiled has an empty path.
    pub path: String,
    pub of: CrateId,
    pub parent: Option<ModuleId>,
    pub file: PathBuf,
    /// The lines of its file, for an inline module.
    pub lines: (usize, usize),
    pub children: Map<String, Vec<ModuleId>>,
    pub items: Map<String, Vec<ItemId>>,
    pub uses: Map<String, Vec<Use>>,
    pub globs: Vec<Use>,
    /// `name! { .. }` between the items: it may define anything.
    pub item_macros: Vec<ItemId>,
    /// The file as people read it, once somebody asks.
    shown: OnceCell<String>,
    /// The `cfg`s that it and the modules around it depend on.
    pub cfgs: BTreeSet<String>,
}

/// Where an import leads, and the `cfg`s that decide whether it is there.
pub struct Use {
    pub target: Path,
    pub cfgs: BTreeSet<String>,
}

impl World {
    /// Finds the innermost module around a line of a file.
    pub fn module_at(&self, file: &FilePath, line: usize) -> Option<ModuleId> {
        let file = file.canonicalize().ok()?;
        let around = |module: &Module| module.lines.0 <= line && line <= module.lines.1;
        (0..self.modules.len())
            .filter(|id| self.modules[*id].file == file && around(&self.modules[*id]))
            .min_by_key(|id| self.modules[*id].lines.1 - self.modules[*id].lines.0)
    }

    /// Finds the item of a module around a line: a function that a stage is nested in, or itself.
    pub fn item_at(&self, module: ModuleId, line: usize) -> Option<ItemId> {
        let around = |item: &Item| {
            item.module == module && {
                let (first, last) = item.lines();
                first <= line && line <= last
            }
        };
        (0..self.items.len()).find(|id| around(&self.items[*id]))
    }

    /// Returns the path of a file as people read it, without the place of the checkout.
    pub fn place(&self, item: &Item) -> &str {
        let module = &self.modules[item.module];
        module.shown.get_or_init(|| self.shown(module))
    }

    fn shown(&self, module: &Module) -> String {
        let own = self.crates.first().map(|own| own.folder.as_path());
        let file = module.file.as_path();
        let shown = own
            .and_then(|own| file.strip_prefix(own).ok())
            .or_else(|| file.strip_prefix(&self.workspace).ok());
        let shown = shown.map_or_else(|| file.file_name().map(FilePath::new), Some);
        shown.unwrap_or(file).to_string_lossy().replace('\\', "/")
    }
}
