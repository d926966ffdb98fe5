//! Reads a crate: its module tree from the root file on, then the crates it depends on.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Item, ItemMod, ItemUse};

use super::files::Place;
use super::uses::{Import, imports};
use super::{Crate, CrateId, Dependency, Module, ModuleId, Use, World};
use crate::reach::items::{self, Kind, Parsed};
use crate::reach::manifest::{Manifest, Wanted};
use crate::reach::scan::{self, scan};

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
        let mut known = HashMap::new();
        world.load_crate(&manifest, &root, "", true, &mut known);
        world
    }

    fn load_crate(
        &mut self,
        manifest: &Manifest,
        root: &Path,
        shown: &str,
        is_own: bool,
        known: &mut HashMap<PathBuf, CrateId>,
    ) -> CrateId {
        let id = self.crates.len();
        known.insert(root.to_owned(), id);
        self.crates.push(Crate {
            package: manifest.package.clone(),
            folder: manifest.folder.clone(),
            root: 0,
            dependencies: HashMap::new(),
            macros: HashMap::new(),
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
        known: &mut HashMap<PathBuf, CrateId>,
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
        let Ok(text) = std::fs::read_to_string(&place.file) else {
            return self.report(place, "which cannot be read");
        };
        match super::hollow::parse(&text) {
            Ok(file) => {
                let cfgs = cfgs(&file.attrs);
                self.modules[module].cfgs.extend(cfgs);
                for item in file.items {
                    self.load_item(module, place, item);
                }
            }
            Err(_) => self.report(place, "which cannot be parsed"),
        }
    }

    fn report(&mut self, place: &Place, what: &str) {
        let file = place.file.strip_prefix(&self.workspace).unwrap_or(&place.file);
        self.problems.insert(format!("the file `{}`, {what}", file.display()));
    }

    fn load_item(&mut self, module: ModuleId, place: &Place, item: Item) {
        match item {
            Item::Mod(item) => self.load_module(module, place, item),
            Item::Use(item) => self.load_use(module, &item),
            Item::ExternCrate(item) => {
                let name = item.ident.unraw().to_string();
                let to = item.rename.map_or_else(|| name.clone(), |(_, to)| to.unraw().to_string());
                let target = if name == "self" { "crate".to_owned() } else { name };
                self.add_use(module, to, vec![target], cfgs(&item.attrs));
            }
            Item::Macro(item) if item.mac.path.is_ident("include") => {
                self.load_included(module, place, item.mac.tokens);
            }
            item => {
                let is_exported = matches!(&item, Item::Macro(item) if is_exported(&item.attrs));
                for parsed in items::parse(item) {
                    self.add(module, parsed, is_exported);
                }
            }
        }
    }

    fn load_module(&mut self, parent: ModuleId, place: &Place, item: ItemMod) {
        let name = item.ident.unraw().to_string();
        let Module { path, of, cfgs: around, .. } = &self.modules[parent];
        let path = if path.is_empty() { name.clone() } else { format!("{path}::{name}") };
        let (of, all) = (*of, around | &cfgs(&item.attrs));
        let places = match &item.content {
            Some(_) => vec![place.inside(&name)],
            None => place.outside(&name, &item.attrs),
        };
        let lines = items::lines(&item.to_token_stream());
        let mut content = item.content.map(|(_, items)| items);
        for place in places {
            let module = self.add_module(of, Some(parent), path.clone(), all.clone());
            self.modules[parent].children.entry(name.clone()).or_default().push(module);
            match content.take() {
                Some(items) => {
                    let file = self.modules[parent].file.clone();
                    self.modules[module].file = file;
                    self.modules[module].lines = lines;
                    for item in items {
                        self.load_item(module, &place, item);
                    }
                }
                None => self.load_file(module, &place),
            }
        }
    }

    fn load_use(&mut self, module: ModuleId, item: &ItemUse) {
        let cfgs = cfgs(&item.attrs);
        for import in imports(&item.tree) {
            match import {
                Import::Name(name, target) => self.add_use(module, name, target, cfgs.clone()),
                Import::Glob(target) => {
                    self.modules[module].globs.push(Use { target, cfgs: cfgs.clone() });
                }
            }
        }
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
    fn load_included(&mut self, module: ModuleId, place: &Place, tokens: TokenStream) {
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
fn cfgs(attrs: &[Attribute]) -> BTreeSet<String> {
    let decides = |attr: &&Attribute| {
        let tokens = attr.to_token_stream();
        attr.path().is_ident("cfg")
            || (attr.path().is_ident("cfg_attr") && tokens.to_string().contains("path ="))
    };
    attrs.iter().filter(decides).flat_map(|attr| scan(attr.to_token_stream()).cfgs).collect()
}

fn is_exported(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("macro_export"))
}
