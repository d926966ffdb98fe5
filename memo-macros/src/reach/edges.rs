//! What the names of an item lead to.

use std::collections::{BTreeMap, BTreeSet};

use super::effects::Effects;
use super::items::{Item, Kind};
use super::link::{Linked, Node, Targets};
use super::resolve::{Found, In};
use super::scan::{Names, Path};
use super::tree::{Dependency, ModuleId};

/// What stands outside of code, by its name and what that is a name of, with digests.
pub type Facts = BTreeMap<(String, &'static str), u128>;

/// All that an item leads to.
#[derive(Default, Debug)]
pub struct Edges {
    /// Items, by the name that leads to them.
    pub targets: Targets,
    pub crates: BTreeSet<Dependency>,
    /// Functions, methods and constants of whatever type is reached.
    pub called: BTreeSet<String>,
    /// What stands outside of code: files, variables, `cfg` values; with digests.
    pub facts: Facts,
    /// What nobody can follow, as the end of "the fingerprint does not see ..".
    pub unseen: BTreeSet<String>,
    /// What it does beside computing.
    pub effects: Effects,
}

impl Edges {
    /// Follows an item.
    pub fn of_item(linked: &Linked, (id, from): Node) -> Self {
        Self::of_names(linked, (id, from), linked.world.items[id].names())
    }

    /// Follows the names of an item, or some of them.
    pub fn of_names(linked: &Linked, (id, from): Node, names: &Names) -> Self {
        let item = &linked.world.items[id];
        let mut edges = Self::default();
        let is_macro = matches!(item.kind, Kind::MacroRules);
        if is_macro && from != item.module {
            edges.follow(linked, item.module, names, None);
        }
        let shown = linked.shown(id);
        edges.follow(linked, from, names, (!is_macro).then_some(shown.as_str()));
        edges.cfgs(linked, item.module, &linked.world.modules[item.module].cfgs);
        edges.outside(linked, item, names);
        edges.effects = Effects::of(linked, item.module, names);
        edges
    }

    /// Follows names from a module; `by` is who names them, where it is worth a mention if one
    /// leads nowhere.
    pub fn follow(&mut self, linked: &Linked, from: ModuleId, names: &Names, by: Option<&str>) {
        let resolver = linked.resolver();
        let opened = names.globs.iter().map(|glob| resolver.path(from, glob, In::Use));
        let opened: Vec<Found> = opened.collect();
        let modules: BTreeSet<ModuleId> =
            opened.iter().flat_map(|found| found.modules.clone()).chain([from]).collect();
        for found in &opened {
            self.add(linked, from, "*", found);
        }
        self.paths(linked, from, &modules, names, by);
        for path in &names.macros {
            for module in &modules {
                let found = resolver.macro_path(*module, path);
                self.add(linked, from, &format!("{}!", path.join("::")), &found);
            }
        }
        self.called.extend(names.methods.iter().cloned());
        self.methods(linked, from, &modules, names);
    }

    fn paths(
        &mut self,
        linked: &Linked,
        from: ModuleId,
        modules: &BTreeSet<ModuleId>,
        names: &Names,
        by: Option<&str>,
    ) {
        let resolver = linked.resolver();
        for (path, is_hint) in names
            .paths
            .iter()
            .map(|path| (path, false))
            .chain(names.hints.iter().map(|p| (p, true)))
        {
            if !linked.may_lead_somewhere(path) {
                continue;
            }
            let mut is_found = false;
            for module in modules {
                let found = resolver.path(*module, path, In::Code);
                is_found |= !found.is_nothing();
                self.add(linked, from, &path.join("::"), &found);
            }
            if path.len() > 1 {
                self.called.extend(path.last().cloned());
            }
            if let (false, false, Some(by)) = (is_found, is_hint, by) {
                self.report(linked, from, path, names, by);
            }
        }
    }

    /// Notes a path that leads nowhere, unless a glob or the prelude can explain it.
    fn report(&mut self, linked: &Linked, from: ModuleId, path: &Path, names: &Names, by: &str) {
        let behind_glob = linked.scope(from).crates.iter().any(|of| *of != Dependency::Memo);
        if !Linked::is_no_item(path, &names.declared) && !behind_glob {
            self.unseen.insert(format!("`{}`, which `{by}` names", path.join("::")));
        }
    }

    /// Traits whose methods can be called without naming them.
    fn methods(
        &mut self,
        linked: &Linked,
        from: ModuleId,
        modules: &BTreeSet<ModuleId>,
        names: &Names,
    ) {
        for module in modules {
            let scope = linked.scope(*module);
            for id in &scope.traits {
                let Kind::Trait { methods } = &linked.world.items[*id].kind else { continue };
                for method in methods.intersection(&self.called) {
                    let nodes = self.targets.entry(format!(".{method}")).or_default();
                    nodes.insert(linked.node(*id, from));
                }
            }
            if !names.methods.is_empty() || !names.paths.is_empty() {
                self.crates.extend(scope.crates.iter().cloned());
            }
        }
    }

    /// Adds all that a name means.
    pub fn add(&mut self, linked: &Linked, from: ModuleId, name: &str, found: &Found) {
        if !found.items.is_empty() {
            let nodes = found.items.iter().map(|item| linked.node(*item, from));
            self.targets.entry(name.to_owned()).or_default().extend(nodes);
        }
        self.crates.extend(found.crates.iter().cloned());
        self.called.extend(found.called.iter().cloned());
        self.cfgs(linked, from, &found.cfgs);
    }

    /// Adds all that others lead to.
    pub fn extend(&mut self, others: Self) {
        for (name, nodes) in others.targets {
            self.targets.entry(name).or_default().extend(nodes);
        }
        self.crates.extend(others.crates);
        self.called.extend(others.called);
        self.facts.extend(others.facts);
        self.unseen.extend(others.unseen);
        self.effects.has_file_inputs |= others.effects.has_file_inputs;
    }

    /// What an item takes from outside of the code.
    fn outside(&mut self, linked: &Linked, item: &Item, names: &Names) {
        if let Kind::Foreign = item.kind {
            self.unseen.insert(format!("the code behind the foreign item `{}`", item.name));
        }
        self.cfgs(linked, item.module, &names.cfgs);
        self.surroundings(linked, item.module, names);
    }

    /// Files and variables that become part of the code.
    pub fn surroundings(&mut self, linked: &Linked, module: ModuleId, names: &Names) {
        for include in &names.includes {
            let content = linked.world.included_file(module, include).map(std::fs::read);
            match content {
                Some(Ok(content)) => {
                    let digest = xxhash_rust::xxh3::xxh3_128(&content);
                    self.facts.insert((include.text(), "included file"), digest);
                }
                _ => {
                    self.unseen.insert(format!("the included file `{}`", include.text()));
                }
            }
        }
        for variable in &names.environment {
            self.variable(linked, module, variable);
        }
    }

    fn variable(&mut self, linked: &Linked, module: ModuleId, variable: &str) {
        let is_path = matches!(variable, "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "OUT_DIR");
        if variable.starts_with("CARGO_") && !linked.world.is_own(module) {
            self.unseen.insert(format!("the variable `{variable}` of a crate that it depends on"));
        } else if !is_path {
            let value = std::env::var(variable).unwrap_or_default();
            let digest = xxhash_rust::xxh3::xxh3_128(value.as_bytes());
            self.facts.insert((variable.to_owned(), "environment variable"), digest);
        }
    }

    /// The values of `cfg`s, those of features as far as the crate that is compiled is meant.
    pub fn cfgs(&mut self, linked: &Linked, module: ModuleId, cfgs: &BTreeSet<String>) {
        for cfg in cfgs {
            if cfg.starts_with("feature") && !linked.world.is_own(module) {
                let of = &linked.world.crates[linked.world.modules[module].of].package;
                self.facts.insert((format!("features of {of}"), "Cargo.toml"), linked.features());
                let sentence =
                    format!("features of `{of}` that are turned on outside of Cargo.toml");
                self.unseen.insert(sentence);
                continue;
            }
            let value = linked.cfgs.value(cfg);
            let digest = xxhash_rust::xxh3::xxh3_128(value.as_bytes());
            self.facts.insert((format!("cfg {cfg}"), ""), digest);
        }
    }
}
