//! Results where people look for them: published artifacts, and links in the store.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::io_error;
use crate::artifact::saving::{beside, copy_all, main_name};
use crate::artifact::tree::digest_file;
use crate::cachers::expand_template;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::record::Frame;
use crate::stage::node::Node;
use crate::store::manifest::Kept;

/// Puts the published artifacts of a call where the record wants them, unless they are there.
pub(crate) fn publish(node: &Node, frame: &Frame) -> Result<(), Error> {
    for (index, slot) in node.outputs.iter().enumerate() {
        let Some(template) = slot.published() else { continue };
        let place = place(template, node, index, frame)?;
        let Some(kept) = node.kept(index) else { continue };
        if !is_there(&kept, &place) && !node.session.store.is_read_only() {
            let source = node.path(index)?;
            put(&kept, &source, &place)
                .map_err(|error| node.blame(io_error("publish", &place, error)))?;
        }
    }
    Ok(())
}

/// Whether every file of an artifact is at its place, with its content.
fn is_there(kept: &Kept, place: &Path) -> bool {
    let holds = |path: &Path, size: u64, digest: &Digest| {
        fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == size)
            && digest_file(path).is_ok_and(|(found, _)| found == *digest)
    };
    match &kept.parts[..] {
        [] => holds(place, kept.size, &kept.digest),
        parts => parts
            .iter()
            .all(|part| holds(&part_place(kept, place, &part.name), part.size, &part.digest)),
    }
}

/// Returns where a file of an artifact of several is published: the main one, or folder, at the place
/// itself, the others beside it, as [`Artifact::create_at`](crate::Artifact::create_at) has it.
fn part_place(kept: &Kept, place: &Path, name: &str) -> PathBuf {
    match name.strip_prefix(&main_name(&kept.extension)) {
        Some("") => place.to_owned(),
        Some(below) if below.starts_with('/') => place.join(&below[1..]),
        _ => beside(place, name),
    }
}

fn put(kept: &Kept, source: &Path, place: &Path) -> std::io::Result<()> {
    if kept.parts.is_empty() {
        return copy_to(source, place);
    }
    for entry in fs::read_dir(source.parent().unwrap_or(source))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        copy_to(&entry.path(), &part_place(kept, place, &name))?;
    }
    Ok(())
}

/// Checks that every template of a call leads somewhere, before its body runs.
pub(crate) fn check(node: &Node, frame: &Frame) -> Result<(), Error> {
    let templates = node.outputs.iter().enumerate();
    let mut templates = templates.filter_map(|(index, slot)| Some((index, slot.published()?)));
    templates.try_for_each(|(index, template)| place(template, node, index, frame).map(drop))
}

/// Returns where a template leads for a record.
pub(crate) fn place(
    template: &str,
    node: &Node,
    output: usize,
    frame: &Frame,
) -> Result<PathBuf, Error> {
    let name = node.spec.outputs[output].name;
    let known = |field: &str| match field {
        "record" => frame.name.as_deref().map(in_path),
        "stage" => Some(node.spec.short_name().to_owned()),
        "output" => Some(name.to_owned()),
        "experiment" => frame.session.experiment.clone(),
        _ => {
            let path = field.strip_prefix("params.").unwrap_or(field);
            frame.fields.as_ref().and_then(|fields| fields.field(path)).map(|text| in_path(&text))
        }
    };
    expand_template(template, known).map(PathBuf::from).map_err(|error| {
        let message = format!("the output `{name}` cannot be published to `{template}`");
        node.blame(Error::new(ErrorKind::Wiring, message).because(error.to_string()))
    })
}

/// Makes one part of a path of a name: it opens no folder of its own, and leads nowhere else.
fn in_path(name: &str) -> String {
    let plain = name.replace(['/', '\\', '\0'], "-");
    if plain.chars().all(|character| character == '.') { plain.replace('.', "-") } else { plain }
}

/// Writes a field of the params as it stands in a path: text as it is, all else as JSON.
pub(crate) fn field_text<P: Serialize>(params: &P, path: &str) -> Option<String> {
    let mut value = serde_json::to_value(params).ok()?;
    for name in path.split('.') {
        value = value.get_mut(name)?.take();
    }
    match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// Copies beside the place, then renames: what people look at is whole.
fn copy_to(source: &Path, place: &Path) -> std::io::Result<()> {
    let folder = place.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let scratch = tempfile::Builder::new().prefix(".publish-").tempdir_in(folder)?;
    let copy = scratch.path().join("copy");
    copy_all(source, &copy)?;
    if place.is_dir() {
        fs::remove_dir_all(place)?;
    }
    fs::rename(&copy, place)
}
