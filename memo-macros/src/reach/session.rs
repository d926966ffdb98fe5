//! Real expansions: the crate is found from rustc's command line, and parsed once.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};

use super::crate_root::{CommandLine, guess};
use super::link::Linked;
use super::own_lexer::OwnLexer;
use super::params::{Handed, Led, Sources, through};
use super::tree::World;
use super::{Mistake, Reach, Request, follow, follow_validator};

/// What there is to follow.
enum Loaded {
    Crates(Box<Linked>),
    /// rust-analyzer, a doctest, or a test of ours.
    NoRustc,
}

thread_local! {
    /// The parsed crates. rustc expands all macros of a crate in
    /// one process and on one thread.
    static LINKED: OnceCell<Loaded> = const { OnceCell::new() };
    /// Files of functions that are handed params.
    static SOURCES: Sources = Sources::default();
}

/// Follows a stage whose name has this span. Nothing outside of rustc, as in rust-analyzer.
pub fn of_stage(request: &Request, span: Span) -> Option<Result<Reach, Vec<Mistake>>> {
    let (file, line) = place(span)?;
    with_linked(|linked| follow(linked, &file, line, request))
}

/// Returns where each place of a stage leads that hands params on. Nothing where that cannot be told.
pub fn of_params(handed: &Handed, span: Span) -> Option<Led> {
    let (file, line) = place(span)?;
    let follow = |linked: &Linked| {
        let _own_lexer = OwnLexer::new();
        SOURCES.with(|sources| through(linked, sources, &file, line, handed))
    };
    with_linked(follow)?
}

/// Returns the fingerprint of a validator and all that it reaches, which is in no key; nothing where its
/// code does not decide all that it says.
pub fn of_validator(stage: &str, tokens: &TokenStream, span: Span) -> Option<u128> {
    let (file, line) = place(span)?;
    with_linked(|linked| {
        let module = linked.world.module_at(&file, line)?;
        follow_validator(linked, (module, line), stage, tokens)
    })?
}

/// Whether one of these macros is defined in the workspace, as seen from the module of a stage.
pub fn are_of_the_workspace(macros: &BTreeSet<String>, span: Span) -> bool {
    if macros.is_empty() {
        return false;
    }
    let Some((file, line)) = place(span) else { return false };
    let is_ours = |linked: &Linked| {
        let module = linked.world.module_at(&file, line)?;
        Some(linked.defines_any(module, macros))
    };
    with_linked(is_ours).flatten().unwrap_or(false)
}

fn place(span: Span) -> Option<(PathBuf, usize)> {
    if !proc_macro::is_available() {
        return None;
    }
    let span = span.unwrap();
    Some((span.local_file()?, span.line()))
}

fn with_linked<T>(then: impl FnOnce(&Linked) -> T) -> Option<T> {
    LINKED.with(|linked| match linked.get_or_init(load) {
        Loaded::Crates(linked) => Some(then(linked)),
        Loaded::NoRustc => None,
    })
}

fn load() -> Loaded {
    read().map_or(Loaded::NoRustc, |linked| Loaded::Crates(Box::new(linked)))
}

fn read() -> Option<Linked> {
    let line = CommandLine::read(std::env::args())?;
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let root = line.root.clone().or_else(|| guess(&folder))?;
    let _own_lexer = OwnLexer::new();
    Some(Linked::new(World::load(&root, &folder), line.cfgs))
}
