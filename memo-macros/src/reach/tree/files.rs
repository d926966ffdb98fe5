//! Where the file of a `mod name;` lies.

use std::path::{Path, PathBuf};

use crate::reach::scan::first_string;
use crate::tokens::{Tokens, Word};

/// The file and folder that modules inside of the current one are looked for in.
#[derive(Clone)]
pub struct Place {
    pub file: PathBuf,
    /// Where `mod name;` looks: the folder of `mod.rs`, or the folder named like the file.
    pub folder: PathBuf,
    /// How many inline modules lie around.
    pub inline: usize,
}

impl Place {
    /// The root file of a crate.
    pub fn root(file: PathBuf) -> Self {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Self { file, folder, inline: 0 }
    }

    /// An inline module.
    pub fn inside(&self, name: &str) -> Self {
        Self { file: self.file.clone(), folder: self.folder.join(name), inline: self.inline + 1 }
    }

    /// Returns the files that `mod name;` with these attributes may mean, of those that exist.
    pub fn outside(&self, name: &str, attributes: &[Tokens]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let near = match self.inline {
            0 => self.file.parent().unwrap_or(Path::new("")),
            _ => &self.folder,
        };
        for path in attributes.iter().flat_map(|attribute| paths(attribute.inside(1))) {
            found.push(Self::root(near.join(path)));
        }
        let beside = self.folder.join(format!("{name}.rs"));
        found.push(Self { file: beside, folder: self.folder.join(name), inline: 0 });
        found.push(Self::root(self.folder.join(name).join("mod.rs")));
        found.retain(|place| place.file.is_file());
        if attributes.iter().any(|attribute| is_path(attribute.inside(1))) {
            found.truncate(1);
        }
        found
    }
}

fn is_path(attribute: Tokens) -> bool {
    attribute.word(0) == Word::Path && attribute.is(1, b'=')
}

/// The paths of `path = ".."`, also behind a `cfg_attr`.
fn paths(attribute: Tokens) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![attribute];
    while let Some(next) = open.pop() {
        if is_path(next) {
            found.extend(first_string(next.part(2..next.len())));
        } else if next.word(0) == Word::CfgAttr && next.opens_any(1) {
            let parts = next.inside(1).split(b',');
            open.extend(parts.into_iter().skip(1).rev());
        }
    }
    found
}
