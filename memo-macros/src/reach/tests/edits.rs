//! Edits, each of a fresh copy of one workspace, and whether they move the fingerprint of `fit`.

mod crates;
mod hits;
mod misses;

use super::sandbox::Sandbox;

/// An edit: what it is, the file, the old text and the new one.
pub type Edit = (&'static str, &'static str, &'static str, &'static str);

/// A crate, a path dependency of its workspace, and a lock file.
pub fn workspace() -> Sandbox {
    Sandbox::new(&[
        ("Cargo.toml", include_str!("edits/workspace/manifest.txt")),
        ("Cargo.lock", include_str!("edits/workspace/lock.txt")),
        ("src/lib.rs", include_str!("edits/workspace/lib.rs.txt")),
        ("src/geometry.rs", include_str!("edits/workspace/geometry.rs.txt")),
        ("src/deep/mod.rs", include_str!("edits/workspace/deep.rs.txt")),
        ("src/deep/er.rs", "pub fn third(x: f64) -> f64 { super::est::fourth(x) }"),
        (
            "src/deep/est.rs",
            "pub fn fourth(x: f64) -> f64 { fifth(x) }\nfn fifth(x: f64) -> f64 { x + 5.0 }",
        ),
        ("src/elsewhere/path.rs", "pub fn odd(x: f64) -> f64 { x + 0.5 }"),
        ("src/shapes.rs", include_str!("edits/workspace/shapes.rs.txt")),
        ("src/offset.txt", "1.5"),
        (
            "helpers/Cargo.toml",
            "[package]\nname = \"memo-helpers\"\nversion = \"0.1.0\"\n[lib]\nname = \"helpers\"\n[dependencies]\nrand_core = \"0.6\"\nleaf = { workspace = true }\n",
        ),
        (
            "helpers/src/lib.rs",
            "mod scale;\npub use scale::twice;\npub fn other() -> f64 { 1.0 }\npub fn random() -> f64 { rand_core::next() }\n#[macro_export]\nmacro_rules! tripled { ($x:expr) => { $crate::three() * $x } }\npub fn three() -> f64 { 3.0 }\n",
        ),
        (
            "helpers/src/scale.rs",
            "/// Twice.\npub fn twice(x: f64) -> f64 { x * factor() * leaf::leaf() }\nfn factor() -> f64 { 2.0 }\n",
        ),
        ("leaf/Cargo.toml", "[package]\nname = \"leaf\"\nversion = \"0.1.0\"\n"),
        ("leaf/src/lib.rs", "pub fn leaf() -> f64 { 1.0 }\npub fn fall() {}\n"),
        (
            "derive/Cargo.toml",
            "[package]\nname = \"derive\"\nversion = \"0.1.0\"\n[lib]\nproc-macro = true\n",
        ),
        ("derive/src/lib.rs", "// A comment.\npub fn expand() -> u8 { 1 }\n"),
    ])
}

/// Makes each edit in a copy of its own and compares the fingerprints.
pub fn check(edits: &[Edit], moves: bool) {
    let before = workspace().reach();
    assert_eq!(before.unseen, Vec::<String>::new());
    let mut wrong = Vec::new();
    for (what, file, old, new) in edits {
        let sandbox = workspace();
        sandbox.edit(file, old, new);
        let after = sandbox.reach();
        if (after.total != before.total) != moves {
            let verdict = if moves { "does not move" } else { "moves" };
            let items = after.items.iter().filter(|item| !before.items.contains(item));
            let items: Vec<&str> = items.map(|item| item.name.as_str()).collect();
            wrong.push(format!("{what}: {verdict} the fingerprint {items:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
