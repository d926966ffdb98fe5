//! What `use a::*;` brings into a module, directly and through other globs.

use std::collections::BTreeSet;

use super::{Found, In, Resolver};
use crate::reach::items::Kind;
use crate::reach::tree::{Dependency, ItemId, World};

/// What the globs of a module open.
#[derive(Default, Clone, PartialEq)]
pub struct Globs {
    pub modules: BTreeSet<usize>,
    pub enums: BTreeSet<ItemId>,
    pub crates: BTreeSet<Dependency>,
    pub cfgs: BTreeSet<String>,
}

impl Globs {
    /// Follows the globs of every module, which may need each other: until nothing new is found.
    pub fn of_all(world: &World) -> Vec<Self> {
        let mut all = vec![Self::default(); world.modules.len()];
        for _ in 0..world.modules.len().min(8) {
            let resolver = Resolver { world, globs: &all };
            let mut next: Vec<Self> =
                (0..all.len()).map(|module| Self::of(&resolver, module)).collect();
            for module in 0..next.len() {
                next[module] = through(&next, module);
            }
            if next == all {
                break;
            }
            all = next;
        }
        all
    }

    /// The globs that stand in the module itself.
    fn of(resolver: &Resolver, module: usize) -> Self {
        let mut globs = Self::default();
        for glob in &resolver.world.modules[module].globs {
            let Found { items, modules, crates, .. } = resolver.path(module, &glob.target, In::Use);
            let is_enum =
                |item: &ItemId| matches!(resolver.world.items[*item].kind, Kind::Enum { .. });
            globs.enums.extend(items.into_iter().filter(is_enum));
            globs.modules.extend(modules);
            globs.crates.extend(crates);
            globs.cfgs.extend(glob.cfgs.iter().cloned());
        }
        globs
    }
}

/// Adds what the opened modules open themselves.
fn through(all: &[Globs], module: usize) -> Globs {
    let mut globs = all[module].clone();
    let mut open: Vec<usize> = globs.modules.iter().copied().collect();
    while let Some(next) = open.pop() {
        let other = &all[next];
        globs.enums.extend(&other.enums);
        globs.crates.extend(other.crates.iter().cloned());
        globs.cfgs.extend(other.cfgs.iter().cloned());
        open.extend(other.modules.iter().filter(|module| !globs.modules.contains(module)));
        globs.modules.extend(&other.modules);
    }
    globs.modules.remove(&module);
    globs
}
