//! Reads a crate: its module tree from the root file on, then the crates it depends on.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::files::Place;
use super::uses::{Import, imports};
use super::{Crate, CrateId, Dependency, Module, ModuleId, Use, World};
use crate::reach::items::{self, Entry, Kind, Parsed, What, entries, inner_attributes};
use crate::reach::manifest::{Manifest, Wanted};
use crate::reach::quick::Map;
use crate::reach::scan::{self, scan};
use crate::tokens::{Source, Tokens, Word};

/// How deep inline modules may lie in each other.
const DEEPEST: usize = 64;

impl World {
    /// Reads the crate whose root file this is, of the package in `folder`, and all of the same
    /// workspace that it can reach.
    pub fn load(root: &Path, folder: &Path) -> Self {
        let mut world = Self::default();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let manifest = Manifest::read(&folder);
        world.workspace.clone_from(&manifest.workspace);
        world.lock = super::Lock::read(&manifest.workspace);
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut known = Map::default();
        world.load_crate(&manifest, &root, "", true, &mut known);
        world
    }

    fn load_crate(
        &mut self,
        manifest: &Manifest,
        root: &Path,
        shown: &str,
        is_own: bool,
        known: &mut Map<PathBuf, CrateId>,
    ) -> CrateId {
        let id = self.crates.len();
        known.insert(root.to_owned(), id);
        self.crates.push(Crate {
            package: manifest.package.clone(),
            folder: manifest.folder.clone(),
            root: 0,
            dependencies: Map::default(),
            macros: Map::default(),
        });
        let module = self.add_module(id, None, shown.to_owned(), BTreeSet::new());
        self.crates[id].root = module;
        self.load_file(module, &Place::root(root.to_owned()));
        let library = manifest.library();
        if is_own && library != root && library.is_file() {
            let name = manifest.library_name();
            let library = self.load_crate(manifest, &library, &name, true, known);
            self.crates[id].dependencies.insert(name, Dependency::Parsed(library));
        }
        for (name, wanted) in manifest.dependencies(is_own) {
            let found = self.dependency(manifest, &name, wanted, known);
            self.crates[id].dependencies.insert(name, found);
        }
        id
    }

    fn dependency(
        &mut self,
        of: &Manifest,
        name: &str,
        wanted: Wanted,
        known: &mut Map<PathBuf, CrateId>,
    ) -> Dependency {
        if matches!(wanted.package.as_str(), "memo-runtime" | "memo-macros") {
            return Dependency::Memo;
        }
        let Some(folder) = wanted.path.and_then(|path| path.canonicalize().ok()) else {
            return Dependency::Locked(of.package.clone(), wanted.package);
        };
        let manifest = Manifest::read(&folder);
        if manifest.is_proc_macro() {
            return Dependency::ProcMacro(folder);
        }
        let root = manifest.library();
        match known.get(&root) {
            Some(id) => Dependency::Parsed(*id),
            None => Dependency::Parsed(self.load_crate(&manifest, &root, name, false, known)),
        }
    }

    fn add_module(
        &mut self,
        of: CrateId,
        parent: Option<ModuleId>,
        path: String,
        cfgs: BTreeSet<String>,
    ) -> ModuleId {
        self.modules.push(Module { path, of, parent, cfgs, ..Module::default() });
        self.modules.len() - 1
    }

    fn load_file(&mut self, module: ModuleId, place: &Place) {
        self.modules[module].file =
            place.file.canonicalize().unwrap_or_else(|_| place.file.clone());
        self.modules[module].lines = (0, usize::MAX);
        self.load_items_of(module, place);
    }

    fn load_items_of(&mut self, module: ModuleId, place: &Place) {
        let Ok(source) = Source::read(&place.file) else {
            return self.report(place, "which cannot be read");
        };
        let source = source.map(Rc::new);
        let loaded = source.and_then(|source| {
            let all = 0..source.tokens().len();
            self.load_list(module, place, &source, all)
        });
        if loaded.is_none() {
            self.report(place, "which cannot be parsed");
        }
    }

    /// Reads the items of a file or of an inline module; nothing if some of them are none.
    fn load_list(
        &mut self,
        module: ModuleId,
        place: &Place,
        source: &Rc<Source>,
        list: Range<usize>,
    ) -> Option<()> {
        let tokens = source.tokens();
        let (inner, _) = inner_attributes(tokens, list.start);
        let inner: Vec<Tokens> = inner.into_iter().map(|all| tokens.part(all)).collect();
        self.modules[module].cfgs.extend(cfgs(&inner));
        for entry in entries(tokens, list)? {
            self.load_entry(module, place, source, &entry)?;
        }
        Some(())
    }

    fn report(&mut self, place: &Place, what: &str) {
        let file = place.file.strip_prefix(&self.workspace).unwrap_or(&place.file);
        self.problems.insert(format!("the file `{}`, {what}", file.display()));
    }

    fn load_entry(
        &mut self,
        module: ModuleId,
        place: &Place,
        source: &Rc<Source>,
        entry: &Entry,
    ) -> Option<()> {
        let tokens = source.tokens();
        let attributes = entry.attributes.iter().map(|all| tokens.part(all.clone()));
        let attributes: Vec<Tokens> = attributes.collect();
        match entry.what {
            What::Mod => return self.load_module(module, place, source, entry, &attributes),
            What::Use => {
                let tree = tokens.part(entry.word + 1..entry.whole.end - 1);
                self.load_use(module, tree, &cfgs(&attributes))?;
            }
            What::ExternCrate => {
                let name = tokens.text(entry.name?);
                let to = tokens.name(entry.name? + 2).unwrap_or(name).to_owned();
                let target = if name == "self" { "crate" } else { name }.to_owned();
                self.add_use(module, to, vec![target], cfgs(&attributes));
            }
            What::MacroCall if is_include(tokens, entry) => {
                self.load_included(module, place, tokens.inside(entry.body?));
            }
            _ => {
                let is_exported = entry.what == What::MacroRules && is_exported(&attributes);
                for parsed in items::parse(source, entry)? {
                    self.add(module, parsed, is_exported);
                }
            }
        }
        Some(())
    }

    fn load_module(
        &mut self,
        parent: ModuleId,
        place: &Place,
        source: &Rc<Source>,
        entry: &Entry,
        attributes: &[Tokens],
    ) -> Option<()> {
        let tokens = source.tokens();
        let name = tokens.text(entry.name?);
        let Module { path, of, cfgs: around, .. } = &self.modules[parent];
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") };
        let (of, all) = (*of, around | &cfgs(attributes));
        let Some(body) = entry.body else {
            for place in place.outside(name, attributes) {
                let module = self.add_child(parent, name, of, &path, &all);
                self.load_file(module, &place);
            }
            return Some(());
        };
        let place = place.inside(name);
        if place.inline > DEEPEST {
            self.report(&place, "whose modules lie too deep in each other");
            return Some(());
        }
        let module = self.add_child(parent, name, of, &path, &all);
        let file = self.modules[parent].file.clone();
        self.modules[module].file = file;
        self.modules[module].lines = source.lines(&entry.whole);
        self.load_list(module, &place, source, body + 1..tokens.close(body))
    }

    fn add_child(
        &mut self,
        parent: ModuleId,
        name: &str,
        of: CrateId,
        path: &str,
        cfgs: &BTreeSet<String>,
    ) -> ModuleId {
        let module = self.add_module(of, Some(parent), path.to_owned(), cfgs.clone());
        self.modules[parent].children.entry(name.to_owned()).or_default().push(module);
        module
    }

    fn load_use(&mut self, module: ModuleId, tree: Tokens, cfgs: &BTreeSet<String>) -> Option<()> {
        for import in imports(tree)? {
            match import {
                Import::Name(name, target) => self.add_use(module, name, target, cfgs.clone()),
                Import::Glob(target) => {
                    self.modules[module].globs.push(Use { target, cfgs: cfgs.clone() });
                }
            }
        }
        Some(())
    }

    fn add_use(
        &mut self,
        module: ModuleId,
        name: String,
        target: scan::Path,
        cfgs: BTreeSet<String>,
    ) {
        self.modules[module].uses.entry(name).or_default().push(Use { target, cfgs });
    }

    /// `include!` between items: the file's items are the module's.
    fn load_included(&mut self, module: ModuleId, place: &Place, tokens: Tokens) {
        let include = scan::Include::of(true, tokens);
        match self.included_file(module, &include) {
            Some(file) => {
                let place = Place { file, ..place.clone() };
                self.load_items_of(module, &place);
            }
            None => drop(self.problems.insert(format!("the included file `{}`", include.text()))),
        }
    }

    fn add(&mut self, module: ModuleId, parsed: Parsed, is_exported: bool) {
        let id = self.items.len();
        let Parsed { key, mut item } = parsed;
        item.module = module;
        if matches!(item.kind, Kind::ItemMacro) {
            self.modules[module].item_macros.push(id);
        }
        let of = self.modules[module].of;
        if let Some(key) = key {
            if matches!(item.kind, Kind::MacroRules) {
                self.crates[of].macros.entry(key.clone()).or_default().push(id);
                if is_exported {
                    let root = self.crates[of].root;
                    self.modules[root].items.entry(key.clone()).or_default().push(id);
                }
            }
            self.modules[module].items.entry(key).or_default().push(id);
        }
        self.items.push(item);
    }
}

/// The `cfg`s that decide whether something is there, or which file it is. Those of lints do not
/// count: they would make all of a crate depend on `test`.
fn cfgs(attributes: &[Tokens]) -> BTreeSet<String> {
    let decides = |attribute: &&Tokens| {
        let inner = attribute.inside(if attribute.is(1, b'!') { 2 } else { 1 });
        let is_path = |at: usize| inner.word(at) == Word::Path && inner.is(at + 1, b'=');
        inner.word(0) == Word::Cfg
            || inner.word(0) == Word::CfgAttr && (0..inner.len()).any(is_path)
    };
    attributes.iter().filter(decides).flat_map(|attribute| scan(*attribute).cfgs).collect()
}

fn is_exported(attributes: &[Tokens]) -> bool {
    attributes.iter().any(|attribute| attribute.word(2) == Word::MacroExport)
}

fn is_include(tokens: Tokens, entry: &Entry) -> bool {
    tokens.text(entry.head) == "include" && tokens.is(entry.head + 1, b'!')
}
