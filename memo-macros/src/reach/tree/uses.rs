//! The imports of a `use` tree, one by one.

use syn::UseTree;
use syn::ext::IdentExt;

use crate::reach::scan::Path;

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import {
    /// `use a::b as c;`: the name and what it stands for. A name `_` brings in methods only.
    Name(String, Path),
    /// `use a::*;`
    Glob(Path),
}

/// Takes a tree apart.
pub fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    gather(tree, &mut Vec::new(), &mut found);
    found
}

fn gather(tree: &UseTree, before: &mut Path, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.unraw().to_string());
            gather(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) => {
            let name = name.ident.unraw().to_string();
            found.extend(import(None, name, before));
        }
        UseTree::Rename(rename) => {
            let (name, to) = (rename.ident.unraw().to_string(), rename.rename.unraw().to_string());
            found.extend(import(Some(to), name, before));
        }
        UseTree::Glob(_) => found.push(Import::Glob(before.clone())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| gather(tree, before, found)),
    }
}

/// `use a::b::{self}` is `use a::b`.
fn import(to: Option<String>, name: String, before: &Path) -> Option<Import> {
    let mut target = before.clone();
    if name != "self" || before.is_empty() {
        target.push(name);
    }
    let to = to.or_else(|| target.last().cloned())?;
    Some(Import::Name(to, target))
}
