//! What Cargo.toml says of a package: its library and its dependencies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::toml::{Table, Toml, string};

/// The manifest of a package, and that of its workspace.
pub struct Manifest {
    /// The folder of its Cargo.toml.
    pub folder: PathBuf,
    /// The folder of the workspace's Cargo.toml, which Cargo.lock lies beside.
    pub workspace: PathBuf,
    pub package: String,
    own: Toml,
    shared: Toml,
}

/// A dependency as the manifest wants it.
pub struct Wanted {
    /// The name of the package, which may differ from that in code.
    pub package: String,
    /// The folder of a path dependency.
    pub path: Option<PathBuf>,
}

impl Manifest {
    /// Reads the manifest in `folder`; one that is missing is an empty one.
    pub fn read(folder: &Path) -> Self {
        let own = read(folder);
        let workspace = workspace(folder, &own);
        let shared = if workspace == folder { own.clone() } else { read(&workspace) };
        let package = string(own.table("package").get("name")).unwrap_or_default();
        Self { folder: folder.to_owned(), workspace, package, own, shared }
    }

    /// Returns the root file of the library.
    pub fn library(&self) -> PathBuf {
        let path = string(self.own.table("lib").get("path"));
        let path = self.folder.join(path.as_deref().unwrap_or("src/lib.rs"));
        path.canonicalize().unwrap_or(path)
    }

    /// Returns the name of the library in code.
    pub fn library_name(&self) -> String {
        let name = string(self.own.table("lib").get("name"));
        name.unwrap_or_else(|| self.package.clone()).replace('-', "_")
    }

    /// Returns whether its code runs in the compiler.
    pub fn is_proc_macro(&self) -> bool {
        let lib = self.own.table("lib");
        ["proc-macro", "proc_macro"].iter().any(|key| lib.get(*key).is_some_and(|v| v == "true"))
    }

    /// Lists the dependencies by their names in code, with those of tests and examples if asked for.
    pub fn dependencies(&self, with_dev: bool) -> Vec<(String, Wanted)> {
        let kinds: &[&str] =
            if with_dev { &["dependencies", "dev-dependencies"] } else { &["dependencies"] };
        let mut all = BTreeMap::new();
        for kind in kinds {
            for (name, table) in self.own.entries(kind) {
                all.entry(name.replace('-', "_")).or_insert_with(|| self.wanted(&name, table));
            }
        }
        all.into_iter().collect()
    }

    /// Tells what decides which features are on, here and in path dependencies, as far as manifests do.
    pub fn features(&self) -> String {
        let told = ["features", "default-features", "optional", "path", "package", "workspace"];
        let lists = [
            (&self.own, "dependencies"),
            (&self.own, "dev-dependencies"),
            (&self.own, "build-dependencies"),
            (&self.shared, "workspace.dependencies"),
        ];
        let mut text = format!("{} {:?}\n", self.package, self.own.table("features"));
        for (name, mut table) in lists.iter().flat_map(|(toml, heading)| toml.entries(heading)) {
            table.retain(|key, _| told.contains(&key.as_str()));
            let is_of_workspace = table.contains_key("path") || table.contains_key("workspace");
            // Where it lies differs from machine to machine.
            table.remove("path");
            if is_of_workspace {
                text.extend([name, format!(" {table:?}\n")]);
            }
        }
        text
    }

    fn wanted(&self, name: &str, table: Table) -> Wanted {
        let is_shared = table.get("workspace").is_some_and(|value| value == "true");
        let (table, base) = if is_shared {
            let mut shared = self.shared.entries("workspace.dependencies");
            (shared.remove(name).unwrap_or(table), &self.workspace)
        } else {
            (table, &self.folder)
        };
        Wanted {
            package: string(table.get("package")).unwrap_or_else(|| name.to_owned()),
            path: string(table.get("path")).map(|path| base.join(path)),
        }
    }
}

fn read(folder: &Path) -> Toml {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    Toml::parse(&text)
}

/// The nearest folder above with a `[workspace]`, or the package's own.
fn workspace(folder: &Path, own: &Toml) -> PathBuf {
    if let Some(told) = string(own.table("package").get("workspace")) {
        return folder.join(told);
    }
    let has_workspace = |above: &&Path| read(above).has("workspace");
    folder.ancestors().find(has_workspace).unwrap_or(folder).to_owned()
}
