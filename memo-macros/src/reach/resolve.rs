//! Where a path leads, as its module sees it.
//!
//! Types, values and macros share a name space here, and alternatives behind `cfg` are all taken:
//! whatever a name may mean is found.

mod globs;

use std::collections::BTreeSet;

use super::items::Kind;
use super::known::is_std;
use super::scan::Path;
use super::tree::{Dependency, ItemId, ModuleId, World};

pub use globs::Globs;

/// All that a path may mean.
#[derive(Default, Debug, Clone)]
pub struct Found {
    pub items: BTreeSet<ItemId>,
    pub modules: BTreeSet<ModuleId>,
    pub crates: BTreeSet<Dependency>,
    /// The `cfg`s that decide which of the imports on the way are there.
    pub cfgs: BTreeSet<String>,
    /// Names behind a type: functions, constants, variants.
    pub called: BTreeSet<String>,
    /// Whether it leads to std.
    pub is_std: bool,
}

impl Found {
    /// Returns whether the path leads nowhere.
    pub fn is_nothing(&self) -> bool {
        !self.is_std && self.items.is_empty() && self.modules.is_empty() && self.crates.is_empty()
    }

    fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
        self.modules.extend(other.modules);
        self.crates.extend(other.crates);
        self.cfgs.extend(other.cfgs);
        self.called.extend(other.called);
        self.is_std |= other.is_std;
    }
}

/// Where a path stands, which decides whether its first name may be a crate.
#[derive(Clone, Copy, PartialEq)]
pub enum In {
    /// In a `use`, where `serde` alone is a crate.
    Use,
    /// In code, where `serde` alone is a variable.
    Code,
}

/// The names that are being followed, to end at imports that go round in circles. They are few.
type Seen<'p> = Vec<(ModuleId, &'p str)>;

/// Follows paths.
pub struct Resolver<'a> {
    pub world: &'a World,
    pub globs: &'a [Globs],
}

impl Resolver<'_> {
    /// Follows a path from a module.
    pub fn path<'p>(&'p self, from: ModuleId, path: &'p Path, place: In) -> Found {
        self.follow(from, path, place, &mut Seen::new())
    }

    /// Follows the path of a macro, which may also be one of those without a module.
    pub fn macro_path(&self, from: ModuleId, path: &Path) -> Found {
        let mut found = self.path(from, path, In::Code);
        if let [name] = path.as_slice() {
            let own = &self.world.crates[self.world.modules[from].of];
            found.items.extend(own.macros.get(name).into_iter().flatten());
            if found.is_nothing() {
                let all = self.world.crates.iter();
                found.items.extend(all.filter_map(|other| other.macros.get(name)).flatten());
            }
        }
        found.items.retain(|item| {
            matches!(self.world.items[*item].kind, Kind::MacroRules | Kind::ItemMacro)
        });
        found
    }

    fn follow<'p>(
        &'p self,
        from: ModuleId,
        path: &'p [String],
        place: In,
        seen: &mut Seen<'p>,
    ) -> Found {
        let Some((first, rest)) = path.split_first() else {
            return Found { modules: [from].into(), ..Found::default() };
        };
        if first.is_empty() {
            return self.global(from, rest, seen);
        }
        let mut found = self.first(from, first, seen);
        if found.is_nothing() && (place == In::Use || !rest.is_empty()) {
            found = self.outside(from, first);
        }
        self.further(found, rest, seen)
    }

    /// Follows `::name::..`: a crate, or the root in code of before 2018.
    fn global<'p>(&'p self, from: ModuleId, path: &'p [String], seen: &mut Seen<'p>) -> Found {
        let Some((name, rest)) = path.split_first() else { return Found::default() };
        let mut found = self.outside(from, name);
        if found.is_nothing() {
            let root = self.world.crates[self.world.modules[from].of].root;
            found = self.step(root, name, seen);
        }
        self.further(found, rest, seen)
    }

    /// Follows the rest of a path from what its first name means.
    fn further<'p>(&'p self, found: Found, rest: &'p [String], seen: &mut Seen<'p>) -> Found {
        let mut found = found;
        for (at, name) in rest.iter().enumerate() {
            if found.modules.is_empty() {
                found.called.extend(rest[at..].iter().cloned());
                break;
            }
            let modules = std::mem::take(&mut found.modules);
            let is_end = found.is_nothing();
            for module in modules {
                let next = self.step(module, name, seen);
                found.extend(next);
            }
            if is_end && found.is_nothing() {
                break;
            }
            if !found.items.is_empty() {
                found.called.extend(rest[at + 1..].iter().cloned());
            }
        }
        found
    }

    fn first<'p>(&'p self, from: ModuleId, name: &'p str, seen: &mut Seen<'p>) -> Found {
        let module = &self.world.modules[from];
        match name {
            "crate" => {
                let root = self.world.crates[module.of].root;
                Found { modules: [root].into(), ..Found::default() }
            }
            _ => self.step(from, name, seen),
        }
    }

    /// Finds a name in a module.
    fn step<'p>(&'p self, module: ModuleId, name: &'p str, seen: &mut Seen<'p>) -> Found {
        let here = &self.world.modules[module];
        match name {
            "self" => return Found { modules: [module].into(), ..Found::default() },
            "super" => {
                let parent = here.parent.unwrap_or(module);
                return Found { modules: [parent].into(), ..Found::default() };
            }
            _ => {}
        }
        let mut found = self.direct(module, name);
        if seen.contains(&(module, name)) {
            return found;
        }
        seen.push((module, name));
        found.extend(self.imported(module, name, seen));
        let globs = self.globs.get(module);
        for other in globs.into_iter().flat_map(|globs| &globs.modules) {
            let mut behind = self.direct(*other, name);
            behind.extend(self.imported(*other, name, seen));
            if let (false, Some(globs)) = (behind.is_nothing(), globs) {
                found.cfgs.extend(globs.cfgs.iter().cloned());
            }
            found.extend(behind);
        }
        if let Some(globs) = globs {
            found.items.extend(globs.enums.iter().filter(|item| self.has_variant(**item, name)));
        }
        if found.is_nothing() {
            let opened = globs.into_iter().flat_map(|globs| &globs.modules);
            let written = opened.chain([&module]).flat_map(|m| self.made_by_macro(*m, name));
            found.items.extend(written);
        }
        found
    }

    fn direct(&self, module: ModuleId, name: &str) -> Found {
        let module = &self.world.modules[module];
        let items = module.items.get(name).into_iter().flatten().copied().collect();
        let modules = module.children.get(name).into_iter().flatten().copied().collect();
        Found { items, modules, ..Found::default() }
    }

    fn imported<'p>(&'p self, module: ModuleId, name: &'p str, seen: &mut Seen<'p>) -> Found {
        let mut found = Found::default();
        for import in self.world.modules[module].uses.get(name).into_iter().flatten() {
            let target = self.follow(module, &import.target, In::Use, seen);
            if !target.is_nothing() {
                found.cfgs.extend(import.cfgs.iter().cloned());
            }
            found.extend(target);
        }
        found
    }

    fn has_variant(&self, item: ItemId, name: &str) -> bool {
        match &self.world.items[item].kind {
            Kind::Enum { variants } => variants.contains(name),
            _ => false,
        }
    }

    /// The macros between the items that may have written one of that name.
    fn made_by_macro(&self, module: ModuleId, name: &str) -> Vec<ItemId> {
        let own = &self.world.crates[self.world.modules[module].of];
        let is_crate = is_std(name) || own.dependencies.contains_key(name);
        let mentions = |id: &&ItemId| {
            let item = &self.world.items[**id];
            let called = item.names().macros.iter().filter_map(|path| own.macros.get(path.last()?));
            let mut called = called.flatten();
            // A crate is named there; whoever makes a module of that name declares it.
            !is_crate && item.names().mention(name)
                || item.names().declared.contains(name)
                || called.any(|id| self.world.items[*id].names().declared.contains(name))
        };
        self.world.modules[module].item_macros.iter().filter(mentions).copied().collect()
    }

    /// Finds a crate by its name in code.
    fn outside(&self, from: ModuleId, name: &str) -> Found {
        let own = &self.world.crates[self.world.modules[from].of];
        match own.dependencies.get(name) {
            Some(Dependency::Parsed(other)) => {
                let root = self.world.crates[*other].root;
                Found { modules: [root].into(), ..Found::default() }
            }
            Some(other) => Found { crates: [other.clone()].into(), ..Found::default() },
            None => Found { is_std: is_std(name), ..Found::default() },
        }
    }
}
