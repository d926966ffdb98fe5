//! Keeping what gives way: entries that a newer result replaces, and what was found damaged.

use std::fs;
use std::io;
use std::path::Path;

use super::history;
use super::scratch::make_folder;

/// Moves a file to a folder under a name that is free; what is not there need not be moved.
pub(super) fn move_to(path: &Path, folder: &Path) -> io::Result<()> {
    bring_to(path, folder, |path, place| fs::rename(path, place))
}

/// Gives a file a second name in a folder, or moves it where a file can have but one.
pub(super) fn link_to(path: &Path, folder: &Path) -> io::Result<()> {
    bring_to(path, folder, |path, place| {
        fs::hard_link(path, place).or_else(|_| fs::rename(path, place))
    })
}

fn bring_to(
    path: &Path,
    folder: &Path,
    bring: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    make_folder(folder)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{stem}-{}", history::run_name());
    match bring(path, &folder.join(name).with_extension(extension)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
