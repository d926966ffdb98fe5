//! What code does beside computing, as far as its names tell.
//!
//! Two questions are asked. Of a stage: does it read files behind its key's back? That is worth a note, so
//! the list of names is short and sure. Of a validator: could it say something else tomorrow? Then an
//! entry is checked again whenever it is found, so the list is long, and a doubt costs a check.

use std::collections::BTreeSet;

use super::link::Linked;
use super::resolve::In;
use super::scan::{Names, Path};
use super::tree::ModuleId;

/// The effects of an item, or of the tokens of a stage.
#[derive(Default, Debug, Clone)]
pub struct Effects {
    /// Functions that it calls and that read files, as they are written.
    pub files: BTreeSet<String>,
    /// Functions that it calls and that read environment variables.
    pub variables: BTreeSet<String>,
    /// Whether it knows of files whose content is in the key.
    pub has_file_inputs: bool,
    /// Whether environment variables are in the key.
    pub has_variables: bool,
}

/// The last two names of functions that read what is at a path.
const FILES: &[(&str, &str)] = &[
    ("fs", "read"),
    ("fs", "read_to_string"),
    ("fs", "read_dir"),
    ("File", "open"),
    ("Reader", "from_path"),
];

const VARIABLES: &[(&str, &str)] =
    &[("env", "var"), ("env", "var_os"), ("env", "vars"), ("env", "vars_os")];

/// Types and methods of this crate's that stand for files whose content is in the key, or for a folder of
/// the stage's own.
const FILE_INPUTS: &[&str] = &["InputFile", "InputDir"];
const OWN_FOLDER: &str = "folder";

/// Names in paths that lead to state outside of the values at hand.
const UNSTEADY: &[&str] = &[
    "fs",
    "env",
    "net",
    "process",
    "thread",
    "io",
    "File",
    "OpenOptions",
    "Command",
    "SystemTime",
    "Instant",
    "Mutex",
    "RwLock",
    "Cell",
    "RefCell",
    "OnceCell",
    "OnceLock",
    "LazyLock",
    "LazyCell",
    "UnsafeCell",
    "atomic",
    "Ordering",
    "thread_local",
    "rand",
    "random",
    "thread_rng",
];

/// Methods that ask the file system.
const UNSTEADY_METHODS: &[&str] = &[
    "exists",
    "try_exists",
    "is_file",
    "is_dir",
    "is_symlink",
    "metadata",
    "symlink_metadata",
    "read_dir",
    "read_link",
    "canonicalize",
    "open",
    "path",
    "file",
];

impl Effects {
    /// Finds the effects of code that stands in a module.
    pub fn of(linked: &Linked, module: ModuleId, names: &Names) -> Self {
        let called = |table| called(linked, module, names, table);
        Self {
            files: called(FILES),
            variables: called(VARIABLES),
            has_file_inputs: names_file_inputs(names) || names.methods.contains(OWN_FOLDER),
            has_variables: false,
        }
    }
}

/// Whether anything is named that may be another the next time.
pub fn is_unsteady(names: &Names) -> bool {
    let is_unsteady =
        |name: &String| UNSTEADY.contains(&name.as_str()) || name.starts_with("Atomic");
    names.paths.iter().chain(&names.macros).flatten().any(is_unsteady)
        || UNSTEADY_METHODS.iter().any(|method| names.methods.contains(*method))
}

/// Whether names are those of files whose content is in the key.
pub fn names_file_inputs(names: &Names) -> bool {
    FILE_INPUTS.iter().any(|name| names.mention(name))
}

/// Which of the functions in a table are called, unless the workspace has its own of that name.
fn called(
    linked: &Linked,
    module: ModuleId,
    names: &Names,
    table: &[(&str, &str)],
) -> BTreeSet<String> {
    let is_in_table = |path: &&Path| match &path[..] {
        [.., home, name] => table.contains(&(home.as_str(), name.as_str())),
        _ => false,
    };
    let is_others = |path: &&Path| linked.resolver().path(module, path, In::Code).items.is_empty();
    let found = names.paths.iter().filter(is_in_table).filter(is_others);
    found.map(|path| path[path.len() - 2..].join("::")).collect()
}

/// Tells what a stage reads behind its key's back, as the end of "`stage` reads ..": each kind once, with
/// the first place where that happens, as `shown` writes it.
pub fn told<P: Copy>(found: &[(&Effects, P)], shown: impl Fn(P) -> String) -> Vec<String> {
    let mut told = Vec::new();
    let first = |of: fn(&Effects) -> Option<&String>| {
        found.iter().find_map(|(effects, place)| Some((of(effects)?, *place)))
    };
    if !found.iter().any(|(effects, _)| effects.has_file_inputs)
        && let Some((function, place)) = first(|effects| effects.files.first())
    {
        let place = shown(place);
        told.push(format!(
            "files (`{function}` in {place}): take them as `InputFile` or `InputDir`"
        ));
    }
    if !found.iter().any(|(effects, _)| effects.has_variables)
        && let Some((function, place)) = first(|effects| effects.variables.first())
    {
        let place = shown(place);
        told.push(format!(
            "environment variables (`{function}` in {place}): list them in `env = [..]`"
        ));
    }
    told
}
