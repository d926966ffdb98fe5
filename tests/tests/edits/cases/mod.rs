//! The cases, and the workspace that they stand in.

mod crates;
mod functions;
mod hidden;
mod hits;
mod options;
mod types;

use crate::table::Case;

pub(crate) fn all() -> Vec<Case> {
    let groups = [
        functions::cases(),
        types::cases(),
        crates::cases(),
        options::cases(),
        hits::cases(),
        hidden::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// What all cases share.
pub(crate) const FRAME: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("frame/workspace.toml.txt")),
    (".cargo/config.toml", include_str!("frame/config.toml.txt")),
    ("app/Cargo.toml", include_str!("frame/app.toml.txt")),
    ("app/build.rs", include_str!("frame/build.rs.txt")),
    ("app/src/lib.rs", include_str!("frame/lib.rs.txt")),
    ("app/src/main.rs", include_str!("frame/main.rs.txt")),
];
