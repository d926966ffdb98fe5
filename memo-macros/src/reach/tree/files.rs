//! Where the file of a `mod name;` lies.

use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, Lit, Meta, Token, punctuated::Punctuated};

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
    pub fn outside(&self, name: &str, attrs: &[Attribute]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let near = match self.inline {
            0 => self.file.parent().unwrap_or(Path::new("")),
            _ => &self.folder,
        };
        for path in attrs.iter().flat_map(paths) {
            found.push(Self::root(near.join(path)));
        }
        let beside = self.folder.join(format!("{name}.rs"));
        found.push(Self { file: beside, folder: self.folder.join(name), inline: 0 });
        found.push(Self::root(self.folder.join(name).join("mod.rs")));
        found.retain(|place| place.file.is_file());
        if attrs.iter().any(|attr| attr.path().is_ident("path")) {
            found.truncate(1);
        }
        found
    }
}

/// The paths of `#[path = ".."]`, also behind a `cfg_attr`.
fn paths(attr: &Attribute) -> Vec<String> {
    of_meta(&attr.meta)
}

fn of_meta(meta: &Meta) -> Vec<String> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(path) => vec![path.value()],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            inner.map(|metas| metas.iter().skip(1).flat_map(of_meta).collect()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
