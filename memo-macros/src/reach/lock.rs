//! Cargo.lock: which version of an external crate is compiled, and what that depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use super::toml::{Toml, string, strings};

/// The packages of a lock file.
#[derive(Default)]
pub struct Lock {
    packages: Vec<Package>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// One package.
#[derive(Default)]
pub struct Package {
    pub name: String,
    pub version: String,
    source: String,
    checksum: String,
    dependencies: Vec<String>,
}

impl Lock {
    /// Reads the file in the folder of a workspace.
    pub fn read(workspace: &Path) -> Self {
        let text = std::fs::read_to_string(workspace.join("Cargo.lock")).unwrap_or_default();
        Self::parse(&text)
    }

    /// Reads the text of a lock file.
    pub fn parse(text: &str) -> Self {
        let mut lock = Self::default();
        for table in Toml::parse(text).tables("package") {
            let of = |key: &str| string(table.get(key)).unwrap_or_default();
            let package = Package {
                name: of("name"),
                version: of("version"),
                source: of("source"),
                checksum: of("checksum"),
                dependencies: strings(table.get("dependencies")),
            };
            lock.by_name.entry(package.name.clone()).or_default().push(lock.packages.len());
            lock.packages.push(package);
        }
        lock
    }

    /// Returns the package that `owner` knows as `name`, and all that it depends on; nothing if the
    /// lock file does not have it.
    pub fn closure(&self, owner: &str, name: &str) -> Vec<&Package> {
        let mut reached = BTreeSet::new();
        let mut open = self.named(owner, name);
        while let Some(package) = open.pop() {
            if reached.insert(package) {
                let wanted = &self.packages[package].dependencies;
                open.extend(wanted.iter().flat_map(|wanted| self.find(wanted)));
            }
        }
        reached.into_iter().map(|package| &self.packages[package]).collect()
    }

    /// The package of that name that `owner` depends on; each of that name if that is not told.
    fn named(&self, owner: &str, name: &str) -> Vec<usize> {
        let owners = self.by_name.get(owner).into_iter().flatten();
        let wanted = owners.flat_map(|owner| &self.packages[*owner].dependencies);
        let wanted = wanted.filter(|wanted| wanted.split(' ').next() == Some(name));
        let found: Vec<usize> = wanted.flat_map(|wanted| self.find(wanted)).collect();
        if found.is_empty() { self.find(name) } else { found }
    }

    /// Finds `name`, `name version` or `name version (source)`.
    fn find(&self, wanted: &str) -> Vec<usize> {
        let mut words = wanted.splitn(3, ' ');
        let (name, version, source) = (words.next(), words.next(), words.next());
        let of_name = self.by_name.get(name.unwrap_or_default()).into_iter().flatten().copied();
        let fits = |at: &usize| {
            let package = &self.packages[*at];
            version.is_none_or(|version| version == package.version)
                && source.is_none_or(|source| source.trim_matches(['(', ')']) == package.source)
        };
        of_name.filter(fits).collect()
    }
}

impl Package {
    /// Returns the name and version, as people read them.
    pub fn shown(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Returns the digest of what decides its code.
    pub fn digest(&self) -> u128 {
        let mut digest = Xxh3Default::new();
        for part in [&self.name, &self.version, &self.source, &self.checksum] {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        digest.digest128()
    }
}
