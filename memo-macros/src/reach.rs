//! The code that a stage reaches: everything of its workspace that its tokens lead to, and the
//! external crates that this code names.
//!
//! The macro parses the crate itself, once for a rustc process, since a macro is only given the
//! tokens it stands on. Everything but [`of_stage`] and [`of_validator`] works on files and text
//! alone. What nobody can follow (functions held in data, C libraries, what proc macros write) is
//! told as [`Reach::unseen`] where it can be noticed at all.

mod closure;
mod crate_root;
mod edges;
mod effects;
mod items;
mod known;
mod link;
mod lock;
mod manifest;
mod outside;
mod own_lexer;
mod params;
mod quick;
mod resolve;
mod scan;
mod session;
mod toml;
mod total;
mod tree;

use std::collections::BTreeSet;
use std::path::Path as FilePath;

use proc_macro2::TokenStream;

use crate::fingerprint::fingerprint;
use crate::tokens::{Lexed, Tokens};
use closure::{Closure, Opaque};
use edges::Edges;
use effects::{Effects, is_unsteady};
use link::Linked;
use resolve::In;
use scan::{Path, scan};
use tree::{Dependency, ItemId, ModuleId};

use params::narrowed;
pub use params::{Body, Handed, HandedAt, Led, ParamsRead, Step};
pub use session::of_validator;
pub use session::{are_of_the_workspace, of_params, of_stage};

/// Something that was reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeItem {
    /// `geometry::norm`, or `serde 1.0.229`.
    pub name: String,
    /// The file, from the folder of the package; `Cargo.lock` for a crate.
    pub place: String,
    pub digest: u128,
}

/// All that a stage reaches.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// The fingerprint, the stage's own tokens included.
    pub total: u128,
    pub items: Vec<CodeItem>,
    /// Names and what they lead to, where that alone may be what changes.
    pub leads: Vec<CodeItem>,
    /// What the fingerprint does not see, each as the end of that sentence.
    pub unseen: Vec<String>,
    /// What is read behind the key's back, as the end of "the stage reads ..".
    pub behind: Vec<String>,
}

/// A stage as its attribute gives it.
#[derive(Default)]
pub struct Request {
    /// The name of the function.
    pub name: String,
    /// The fingerprint of its own tokens.
    pub own: u128,
    /// The tokens whose names are followed; the type of `params` is none of them where `params` is
    /// told.
    pub code: TokenStream,
    /// The params, if only single fields of them are read.
    pub params: Option<ParamsRead>,
    /// Whether an input of the stage is a path, so that files of its are in the key.
    pub takes_paths: bool,
    /// Whether the stage lists environment variables; which of them it reads is not looked into.
    pub takes_variables: bool,
    /// Paths that the user adds.
    pub depends: Vec<Path>,
    /// Paths that the user leaves out.
    pub opaque: Vec<Path>,
}

/// A path of `depends` or `opaque` that leads nowhere, by its place there.
#[derive(Debug, PartialEq, Eq)]
pub enum Mistake {
    Depends(usize),
    Opaque(usize),
}

/// Follows a stage at a line of a file.
fn follow(
    linked: &Linked,
    file: &FilePath,
    line: usize,
    request: &Request,
) -> Result<Reach, Vec<Mistake>> {
    let Some(module) = linked.world.module_at(file, line) else {
        let sentence = "anything but its own tokens: no module of the crate holds them".to_owned();
        let unseen = vec![sentence];
        return Ok(Reach { total: request.own, unseen, ..Reach::default() });
    };
    let mut mistakes = Vec::new();
    let opaque = opaque(linked, module, &request.opaque, &mut mistakes);
    let code = Lexed::of_stream(request.code.clone());
    let mut edges = start(linked, module, line, request, code.tokens());
    depends(linked, module, &request.depends, &mut edges, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let steps = request.params.as_ref().map_or(&[][..], |params| &params.steps);
    let closure = narrowed(linked, code.tokens(), &mut edges, steps, &opaque);
    Ok(finish(linked, (&request.name, request.own), &edges, &closure))
}

/// Follows a validator. Nothing where its code does not decide all that it says: then what it has passed
/// once may not pass again.
fn follow_validator(
    linked: &Linked,
    (module, line): (ModuleId, usize),
    stage: &str,
    tokens: &TokenStream,
) -> Option<u128> {
    let names = scan(Lexed::of_stream(tokens.clone()).tokens());
    let mut edges = Edges::default();
    edges.follow(linked, module, &names, Some("validate"));
    around(linked, module, line, stage, &mut edges);
    let closure = Closure::of(linked, &edges, &Opaque::default());
    let mut reached = closure.nodes.keys().map(|(id, _)| linked.world.items[*id].names());
    let is_unsteady = is_unsteady(&names) || reached.any(is_unsteady);
    let reach = finish(linked, (stage, fingerprint([tokens.clone()])), &edges, &closure);
    (!is_unsteady && reach.unseen.is_empty()).then_some(reach.total)
}

/// What the stage's own tokens lead to.
fn start(linked: &Linked, module: ModuleId, line: usize, request: &Request, code: Tokens) -> Edges {
    let mut names = scan(code);
    names.cfgs.extend(linked.world.modules[module].cfgs.iter().cloned());
    let mut edges = Edges::default();
    edges.follow(linked, module, &names, Some(&request.name));
    edges.cfgs(linked, module, &names.cfgs);
    edges.surroundings(linked, module, &names);
    edges.effects = Effects::of(linked, module, &names);
    edges.effects.has_file_inputs |= request.takes_paths;
    edges.effects.has_variables = request.takes_variables;
    if let Some(params) = &request.params {
        params.follow(linked, module, &mut edges);
    }
    around(linked, module, line, &request.name, &mut edges);
    edges
}

/// A function that the stage is nested in, or a macro that has written it.
fn around(linked: &Linked, module: ModuleId, line: usize, stage: &str, edges: &mut Edges) {
    let around = linked.world.item_at(module, line);
    if let Some(around) = around.filter(|item| linked.world.items[*item].name != stage) {
        let nodes = edges.targets.entry("around".to_owned()).or_default();
        nodes.insert(linked.node(around, module));
    }
}

fn opaque(
    linked: &Linked,
    module: ModuleId,
    paths: &[Path],
    mistakes: &mut Vec<Mistake>,
) -> Opaque {
    let mut opaque = Opaque::default();
    for (at, path) in paths.iter().enumerate() {
        let found = linked.resolver().path(module, path, In::Use);
        if found.is_nothing() || found.is_std {
            mistakes.push(Mistake::Opaque(at));
        }
        let members = linked.members_named(&found);
        opaque.items.extend(members.unwrap_or(found.items));
        opaque.modules.extend(found.modules);
        opaque.crates.extend(found.crates);
    }
    opaque
}

fn depends(
    linked: &Linked,
    module: ModuleId,
    paths: &[Path],
    edges: &mut Edges,
    mistakes: &mut Vec<Mistake>,
) {
    for (at, path) in paths.iter().enumerate() {
        let mut found = linked.resolver().path(module, path, In::Use);
        if found.is_nothing() || found.is_std {
            mistakes.push(Mistake::Depends(at));
        }
        let inside = found.modules.iter().flat_map(|module| linked.items_inside(*module));
        found.items.extend(inside.collect::<BTreeSet<_>>());
        edges.add(linked, module, &format!("depends {}", path.join("::")), &found);
    }
}

/// Counts all that was followed.
fn finish(linked: &Linked, (stage, own): (&str, u128), edges: &Edges, closure: &Closure) -> Reach {
    let mut items: BTreeSet<CodeItem> = BTreeSet::new();
    let mut unseen = closure.unseen.clone();
    unseen.extend(linked.world.problems.iter().cloned());
    for dependency in &closure.crates {
        let found = linked.world.items_of(dependency);
        if let (Dependency::Locked(_, name), true) = (dependency, found.is_empty()) {
            unseen.insert(format!("the version of `{name}`: Cargo.lock does not have it"));
        }
        items.extend(found);
    }
    let crates: BTreeSet<u128> = items.iter().map(|item| item.digest).collect();
    let crates: Vec<u128> = crates.into_iter().collect();
    let total = total::total(own, &edges.targets, closure, linked, &crates);
    items.extend(closure.nodes.keys().map(|(id, _)| {
        let item = &linked.world.items[*id];
        CodeItem {
            name: linked.shown(*id),
            place: linked.world.place(item).to_owned(),
            digest: item.digest(),
        }
    }));
    let facts = closure.facts.iter().map(|((name, of), digest)| CodeItem {
        name: name.clone(),
        place: (*of).to_owned(),
        digest: *digest,
    });
    items.extend(facts);
    let (items, unseen) = (items.into_iter().collect(), unseen.into_iter().collect());
    let leads = leads(linked, stage, edges, closure);
    Reach { total, items, leads, unseen, behind: behind(linked, edges, closure) }
}

/// Tells what names lead to which could lead to another item as well that is reached: those that an
/// import gives to an item, and those that several items have.
fn leads(linked: &Linked, stage: &str, edges: &Edges, closure: &Closure) -> Vec<CodeItem> {
    let mut counts: quick::Map<&str, usize> = quick::Map::default();
    for (id, _) in closure.nodes.keys() {
        *counts.entry(linked.world.items[*id].name.as_str()).or_default() += 1;
    }
    let own = std::iter::once((None, edges));
    let nodes = closure.nodes.iter().map(|((id, _), reached)| (Some(*id), &*reached.edges));
    let mut leads = Vec::new();
    for (by, edges) in own.chain(nodes) {
        for (name, nodes) in &edges.targets {
            let found = nodes.iter().filter(|node| closure.nodes.contains_key(node));
            for (id, _) in found {
                let item = linked.world.items[*id].name.as_str();
                let is_clear = name == item && counts.get(item) == Some(&1);
                if is_clear || item.ends_with(['!', '>']) || name.contains(['.', ' ', '*']) {
                    continue;
                }
                let to = linked.shown(*id);
                let by = by.map_or_else(|| stage.to_owned(), |by| linked.shown(by));
                leads.push(CodeItem {
                    name: format!("{name} in {by}"),
                    digest: xxhash_rust::xxh3::xxh3_128(to.as_bytes()),
                    place: format!("→ {to}"),
                });
            }
        }
    }
    leads
}

/// Tells what the stage and all that it reaches read behind the key's back.
fn behind(linked: &Linked, edges: &Edges, closure: &Closure) -> Vec<String> {
    let place = |id: Option<ItemId>| match id {
        Some(id) => {
            let file = linked.world.place(&linked.world.items[id]);
            format!("`{}`, {file}", linked.shown(id))
        }
        None => "its body".to_owned(),
    };
    let nodes = closure.nodes.iter().map(|((id, _), reached)| (&reached.edges.effects, Some(*id)));
    let all: Vec<(&Effects, Option<ItemId>)> =
        [(&edges.effects, None)].into_iter().chain(nodes).collect();
    effects::told(&all, place)
}

#[cfg(test)]
mod tests;
