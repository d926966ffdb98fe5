//! The world with what can be said of it before any stage is looked at.

use std::cell::{LazyCell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::crate_root::Cfgs;
use super::edges::Edges;
use super::items::{Item, Kind};
use super::known::{is_known, is_primitive};
use super::manifest::Manifest;
use super::quick::{Map, Set};
use super::resolve::{Globs, In, Resolver};
use super::scan::Path;
use super::tree::{Dependency, ItemId, ModuleId, World};

/// An item as it is reached: a macro means what its names mean where it is called.
pub type Node = (ItemId, ModuleId);

/// The parsed crates, and who belongs to whom.
pub struct Linked {
    pub world: World,
    pub cfgs: Cfgs,
    globs: Vec<Globs>,
    /// Every name that may lead somewhere: most identifiers are local variables.
    names: Set<String>,
    /// The members of inherent `impl`s, by type.
    pub members: Map<ItemId, Vec<ItemId>>,
    /// Implementations: of a trait of the workspace by the trait, of other traits by their types;
    /// and macros between items that name a type or trait.
    pub implementations: Map<ItemId, Vec<ItemId>>,
    edges: RefCell<Map<Node, Rc<Edges>>>,
    scopes: RefCell<Map<ModuleId, Rc<Scope>>>,
    features: OnceCell<u128>,
    told: OnceCell<Told>,
}

/// What all items together tell.
#[derive(Default)]
pub struct Told {
    /// All names in macros, and in what is given to macros between items.
    pub written: Set<String>,
    /// The types that say themselves how they enter keys.
    pub own_keys: Set<String>,
    /// Whether a type is made `Copy` by an `impl`.
    pub has_copy: bool,
}

/// What a module brings into scope without naming it in code.
#[derive(Default)]
pub struct Scope {
    /// Traits of the workspace.
    pub traits: BTreeSet<ItemId>,
    /// Crates behind globs, and behind imports that only methods can need.
    pub crates: BTreeSet<Dependency>,
}

impl Linked {
    /// Links a world.
    pub fn new(world: World, cfgs: Cfgs) -> Self {
        let globs = Globs::of_all(&world);
        let names = names(&world);
        let mut linked = Self {
            names,
            world,
            cfgs,
            globs,
            members: Map::default(),
            implementations: Map::default(),
            edges: RefCell::default(),
            scopes: RefCell::default(),
            features: OnceCell::new(),
            told: OnceCell::new(),
        };
        for item in 0..linked.world.items.len() {
            linked.link(item);
        }
        linked
    }

    /// Returns what follows paths.
    pub fn resolver(&self) -> Resolver<'_> {
        Resolver { world: &self.world, globs: &self.globs }
    }

    /// Digests what the manifests of all parsed crates say of features.
    pub fn features(&self) -> u128 {
        *self.features.get_or_init(|| {
            let crates = self.world.crates.iter();
            let texts: BTreeSet<String> =
                crates.map(|krate| Manifest::read(&krate.folder).features()).collect();
            let text: String = texts.into_iter().collect();
            xxhash_rust::xxh3::xxh3_128(text.as_bytes())
        })
    }

    /// Returns what all items together tell.
    pub fn told(&self) -> &Told {
        self.told.get_or_init(|| {
            let mut told = Told::default();
            for item in &self.world.items {
                match &item.kind {
                    Kind::ItemMacro | Kind::MacroRules => {
                        let names = item.names();
                        let paths = names.paths.iter().flatten();
                        told.written.extend(paths.chain(&names.declared).cloned());
                    }
                    Kind::Impl { of_trait, of } => {
                        let last = of_trait.last().map(String::as_str);
                        told.has_copy |= last == Some("Copy");
                        if last == Some("CacheKey") {
                            told.own_keys.extend(of.iter().filter_map(|of| of.last().cloned()));
                        }
                    }
                    _ => {}
                }
            }
            told
        })
    }

    /// Whether the workspace defines one of these macros, as seen from a module.
    pub fn defines_any(&self, module: ModuleId, macros: &BTreeSet<String>) -> bool {
        let found = |name: &String| self.resolver().macro_path(module, &vec![name.clone()]);
        macros.iter().any(|name| !found(name).items.is_empty())
    }

    /// Returns whether a path is worth following.
    pub fn may_lead_somewhere(&self, path: &Path) -> bool {
        path.len() > 1 || path.first().is_some_and(|name| self.names.contains(name))
    }

    fn link(&mut self, id: ItemId) {
        let item = &self.world.items[id];
        match &item.kind {
            Kind::Member { of, .. } => {
                for owner in self.types(item.module, of) {
                    self.members.entry(owner).or_default().push(id);
                }
            }
            Kind::Impl { of_trait, of } => {
                let found = self.resolver().path(item.module, of_trait, In::Code).items;
                let is_trait =
                    |id: &ItemId| matches!(self.world.items[*id].kind, Kind::Trait { .. });
                let traits: Vec<ItemId> = found.into_iter().filter(is_trait).collect();
                let owners = if traits.is_empty() { self.types(item.module, of) } else { traits };
                for owner in owners {
                    self.implementations.entry(owner).or_default().push(id);
                }
            }
            Kind::ItemMacro => {
                for owner in self.named_by_macro(id) {
                    self.implementations.entry(owner).or_default().push(id);
                }
            }
            _ => {}
        }
    }

    /// The types that paths lead to, also through aliases.
    fn types(&self, module: ModuleId, paths: &BTreeSet<Path>) -> Vec<ItemId> {
        let mut found = BTreeSet::new();
        let mut open: Vec<Node> = Vec::new();
        let mut seen = BTreeSet::new();
        let resolver = self.resolver();
        let follow = |module: ModuleId, paths: &BTreeSet<Path>| -> Vec<Node> {
            let paths = paths.iter().filter(|path| self.may_lead_somewhere(path));
            let items = paths.flat_map(|path| resolver.path(module, path, In::Code).items);
            items.map(|item| (item, self.world.items[item].module)).collect()
        };
        open.extend(follow(module, paths));
        while let Some((id, module)) = open.pop() {
            let item = &self.world.items[id];
            let is_new = seen.insert(id);
            if item.is_type() || matches!(item.kind, Kind::Trait { .. }) {
                found.insert(id);
            } else if is_new && item.kind == Kind::Alias {
                open.extend(follow(module, &item.names().paths));
            }
        }
        found.into_iter().collect()
    }

    /// The types and traits that a macro between items may implement something for.
    fn named_by_macro(&self, id: ItemId) -> BTreeSet<ItemId> {
        let item = &self.world.items[id];
        let resolver = self.resolver();
        let mut found = self.types(item.module, &item.names().paths);
        for path in &item.names().macros {
            for called in resolver.macro_path(item.module, path).items {
                let called = &self.world.items[called];
                found.extend(self.types(called.module, &called.names().paths));
                found.extend(self.types(item.module, &called.names().paths));
            }
        }
        found.into_iter().filter(|owner| *owner != id).collect()
    }

    /// Returns what a module brings into scope.
    pub fn scope(&self, module: ModuleId) -> Rc<Scope> {
        if let Some(scope) = self.scopes.borrow().get(&module) {
            return Rc::clone(scope);
        }
        let scope = Rc::new(self.find_scope(module));
        self.scopes.borrow_mut().insert(module, Rc::clone(&scope));
        scope
    }

    fn find_scope(&self, module: ModuleId) -> Scope {
        let resolver = self.resolver();
        let mut scope = Scope::default();
        let globs = &self.globs[module];
        scope.crates.extend(globs.crates.iter().cloned());
        let mentioned = LazyCell::new(|| self.mentioned(module));
        for part in globs.modules.iter().chain([&module]) {
            let here = &self.world.modules[*part];
            scope.traits.extend(here.items.values().flatten());
            for (name, import) in
                here.uses.iter().flat_map(|(n, all)| all.iter().map(move |i| (n, i)))
            {
                let found = resolver.path(*part, &import.target, In::Use);
                scope.traits.extend(found.items);
                let is_crate = *part == module && !found.crates.is_empty();
                if is_crate && !mentioned.contains(name.as_str()) {
                    scope.crates.extend(found.crates);
                }
            }
        }
        scope.traits.retain(|item| matches!(self.world.items[*item].kind, Kind::Trait { .. }));
        scope
    }

    /// The names that the code of a module begins its paths with.
    fn mentioned(&self, module: ModuleId) -> BTreeSet<&str> {
        let items = self.world.items.iter().filter(|item| item.module == module);
        let paths = items
            .map(Item::names)
            .flat_map(|names| names.paths.iter().chain(&names.hints).chain(&names.macros));
        paths.filter_map(|path| path.first()).map(String::as_str).collect()
    }

    /// Returns what an item leads to.
    pub fn edges(&self, node: Node) -> Rc<Edges> {
        if let Some(edges) = self.edges.borrow().get(&node) {
            return Rc::clone(edges);
        }
        let edges = Rc::new(Edges::of_item(self, node));
        self.edges.borrow_mut().insert(node, Rc::clone(&edges));
        edges
    }

    /// Returns an item as it is reached from a module.
    pub fn node(&self, item: ItemId, from: ModuleId) -> Node {
        match self.world.items[item].kind {
            Kind::MacroRules => (item, from),
            _ => (item, self.world.items[item].module),
        }
    }

    /// Returns the name of an item with its module.
    pub fn shown(&self, item: ItemId) -> String {
        let item = &self.world.items[item];
        let module = &self.world.modules[item.module];
        match module.path.as_str() {
            "" => item.name.clone(),
            path => format!("{path}::{}", item.name),
        }
    }

    /// Returns the functions of the types that were found, if the path goes on behind them.
    pub fn members_named(&self, found: &super::resolve::Found) -> Option<BTreeSet<ItemId>> {
        let of_types = found.items.iter().filter_map(|item| self.members.get(item)).flatten();
        let is_named = |id: &&ItemId| match &self.world.items[**id].kind {
            Kind::Member { name: Some(name), .. } => found.called.contains(name),
            _ => false,
        };
        let named: BTreeSet<ItemId> = of_types.filter(is_named).copied().collect();
        (!named.is_empty()).then_some(named)
    }

    /// Returns the items of a module and of the modules in it.
    pub fn items_inside(&self, module: ModuleId) -> Vec<ItemId> {
        let mut open = vec![module];
        let mut found = Vec::new();
        while let Some(module) = open.pop() {
            let here = &self.world.modules[module];
            found.extend(here.items.values().flatten());
            found.extend(&here.item_macros);
            open.extend(here.children.values().flatten());
        }
        found
    }

    /// Returns whether a path that leads nowhere needs no mention: its head is no item.
    pub fn is_no_item(path: &Path, declared: &BTreeSet<String>) -> bool {
        path.len() < 2 || is_known(&path[0]) || declared.contains(&path[0])
    }
}

/// Gathers the names of items, modules, imports and variants, and all that macros may define.
fn names(world: &World) -> Set<String> {
    let mut names: Set<String> = Set::default();
    for module in &world.modules {
        names.extend(module.items.keys().cloned());
        names.extend(module.children.keys().cloned());
        names.extend(module.uses.keys().cloned());
    }
    for item in &world.items {
        match &item.kind {
            Kind::Enum { variants } => names.extend(variants.iter().cloned()),
            Kind::ItemMacro | Kind::MacroRules => {
                names.extend(item.names().declared.iter().cloned());
                // Nobody writes a type `u64` of their own by a macro, and most code names that of all.
                let paths = item.names().paths.iter().flatten();
                names.extend(paths.filter(|name| !is_primitive(name)).cloned());
            }
            _ => {}
        }
    }
    names
}

/// Names with all that each of them means.
pub type Targets = BTreeMap<String, BTreeSet<Node>>;
