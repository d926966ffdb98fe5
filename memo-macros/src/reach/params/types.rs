//! Params of which a stage reads single fields: their type does not count, those of the fields do.
//!
//! Adding a field that the stage does not read must not run it again, yet the methods of a field's
//! type are its code.

use super::through::Step;
use crate::reach::edges::Edges;
use crate::reach::effects::names_file_inputs;
use crate::reach::items::{Field, Kind};
use crate::reach::link::Linked;
use crate::reach::resolve::In;
use crate::reach::scan::Path;
use crate::reach::tree::ModuleId;

/// The fields of params that are read.
#[derive(Debug, Clone)]
pub struct ParamsRead {
    /// The type of the params.
    pub ty: Path,
    /// The fields, by the names on the way.
    pub fields: Vec<Vec<String>>,
    /// The calls that params are handed to, as far as all is known that these do with them.
    pub steps: Vec<Step>,
}

impl ParamsRead {
    /// Adds the types of the fields to the edges of a stage.
    pub fn follow(&self, linked: &Linked, module: ModuleId, edges: &mut Edges) {
        for field in &self.fields {
            let mut inner = Edges::default();
            let shown = format!("params.{}", field.join("."));
            follow(linked, module, &self.ty, (field, &shown), &mut inner);
            // What a name means there is told apart from what it means elsewhere.
            let targets = std::mem::take(&mut inner.targets).into_iter();
            inner.targets =
                targets.map(|(name, nodes)| (format!("{shown}: {name}"), nodes)).collect();
            edges.extend(inner);
        }
    }
}

/// Follows a field of a type; all of the type if the field is not found in it.
fn follow(
    linked: &Linked,
    from: ModuleId,
    ty: &Path,
    (fields, shown): (&[String], &str),
    edges: &mut Edges,
) {
    let found = linked.resolver().path(from, ty, In::Code);
    let structs = found.items.iter().map(|id| &linked.world.items[*id]);
    let mut read = Vec::new();
    for item in structs {
        if item.kind != Kind::Struct {
            continue;
        }
        let named = |field: &Field| fields.first() == Some(&field.name);
        read.extend(item.fields().into_iter().find(named).map(|field| (item.module, field)));
    }
    if read.is_empty() || read.len() < found.items.len() {
        edges.add(linked, from, &ty.join("::"), &found);
    }
    for (module, field) in read {
        if let (Some(path), inner @ [_, ..]) = (&field.path, &fields[1..]) {
            follow(linked, module, path, (inner, shown), edges);
        } else {
            edges.facts.insert((shown.to_owned(), "its type"), field.digest);
            edges.follow(linked, module, &field.names, None);
            edges.effects.has_file_inputs |= names_file_inputs(&field.names);
        }
    }
}
