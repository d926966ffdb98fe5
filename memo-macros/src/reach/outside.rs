//! What lies beside the module trees: included files, proc macros of the workspace, locked crates.

use std::path::{Path, PathBuf};

use super::CodeItem;
use super::scan::{Include, Part};
use super::tree::{Dependency, ModuleId, World};
use crate::fingerprint::fingerprint_of;
use crate::tokens::Lexed;

impl World {
    /// Returns whether a module belongs to the package that is compiled.
    pub fn is_own(&self, module: ModuleId) -> bool {
        let folder = |of: usize| &self.crates[of].folder;
        folder(self.modules[module].of) == folder(0)
    }

    /// Finds the file that `include_str!` and its relatives mean in a module.
    pub fn included_file(&self, module: ModuleId, include: &Include) -> Option<PathBuf> {
        if include.parts.is_empty() {
            return None;
        }
        let mut path = String::new();
        for part in &include.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Variable(name) if name == "CARGO_MANIFEST_DIR" => {
                    let folder = &self.crates[self.modules[module].of].folder;
                    path.push_str(&folder.to_string_lossy());
                }
                Part::Variable(name) if self.is_own(module) => {
                    path.push_str(&std::env::var(name).ok()?);
                }
                Part::Variable(_) => return None,
            }
        }
        let beside = self.modules[module].file.parent()?;
        Some(beside.join(path)).filter(|file| file.is_file())
    }

    /// Lists a crate and all that it depends on; nothing if Cargo.lock does not know it.
    pub fn items_of(&self, dependency: &Dependency) -> Vec<CodeItem> {
        match dependency {
            Dependency::Locked(owner, name) => {
                let packages = self.lock.closure(owner, name).into_iter();
                let item = |package: &super::lock::Package| CodeItem {
                    name: package.shown(),
                    place: "Cargo.lock".to_owned(),
                    digest: package.digest(),
                };
                packages.map(item).collect()
            }
            Dependency::ProcMacro(folder) => {
                let shown = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let place = folder.strip_prefix(&self.workspace).unwrap_or(Path::new(&shown));
                let place = place.to_string_lossy().replace('\\', "/");
                vec![CodeItem { name: shown, place, digest: whole(folder) }]
            }
            Dependency::Parsed(_) | Dependency::Memo => Vec::new(),
        }
    }
}

/// The digest of all files of a package that may be code.
fn whole(folder: &Path) -> u128 {
    let mut digests = Vec::new();
    let mut open = vec![folder.join("src")];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if let Ok(content) = std::fs::read(&path) {
                digests.push(of_file(&path, &content));
            }
        }
    }
    let manifest = std::fs::read(folder.join("Cargo.toml")).unwrap_or_default();
    digests.push(xxhash_rust::xxh3::xxh3_128(&manifest));
    digests.sort_unstable();
    let bytes: Vec<u8> = digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
    xxhash_rust::xxh3::xxh3_128(&bytes)
}

/// Code counts by its tokens, anything else by its bytes.
fn of_file(path: &Path, content: &[u8]) -> u128 {
    let is_code = path.extension().is_some_and(|extension| extension == "rs");
    let text = std::str::from_utf8(content).ok().filter(|_| is_code);
    match text.and_then(|text| Lexed::of_file(text.to_owned())) {
        Some(lexed) => fingerprint_of(lexed.tokens()),
        None => xxhash_rust::xxh3::xxh3_128(content),
    }
}
