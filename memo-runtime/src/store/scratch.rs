//! The folder in which a process writes before anything is put in its place.
//!
//! A lock file beside it is held while the process lives. A folder whose lock is free was left by a
//! process that was killed; the next one that writes removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::layout::Layout;

/// The scratch folder of this process; removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes the folder, the store around it, and removes what killed processes have left.
    pub(crate) fn make(layout: &Layout) -> io::Result<Self> {
        if !layout.base().exists() {
            prepare(layout)?;
        }
        let all = layout.temporary();
        make_folder(&all)?;
        sweep(&all);
        // The lock comes before the folder: a sweep removes no folder whose lock it cannot have.
        let (lock, lock_path) =
            tempfile::Builder::new().suffix(".lock").tempfile_in(&all)?.keep()?;
        // Where the file system knows no locks, sweeping is left to `gc`.
        let _ = lock.lock();
        let folder = lock_path.with_extension("");
        make_folder(&folder)?;
        Ok(Self { folder, lock_path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Removes the folders of processes that are no more. What cannot be removed is left: it harms nobody.
fn sweep(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    for lock_path in entries.flatten().map(|entry| entry.path()) {
        if lock_path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let Ok(lock) = File::options().read(true).write(true).open(&lock_path) else { continue };
        // A lock file that is so young may belong to a process that is about to lock it.
        let young = lock
            .metadata()
            .and_then(|meta| meta.modified())
            .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age.as_secs() < 5));
        if !young && lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(lock_path.with_extension(""));
            let _ = fs::remove_file(&lock_path);
        }
    }
}

/// Makes the store's folder, and tells backup programs and git to leave it alone.
fn prepare(layout: &Layout) -> io::Result<()> {
    make_folder(layout.root())?;
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder holds results that `memo` can compute again.\n";
    for (name, content) in [("CACHEDIR.TAG", tag), (".gitignore", "*\n")] {
        let path = layout.root().join(name);
        if !path.exists() {
            fs::write(path, content)?;
        }
    }
    make_folder(layout.base())
}

/// Makes a folder that only its owner can look into, and what leads to it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
