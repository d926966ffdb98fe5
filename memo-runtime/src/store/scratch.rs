//! The folder in which a process writes before anything is put in its place.
//!
//! A lock file beside it is held while the process lives. A folder whose lock is free was left by a
//! process that was killed; the next one that writes removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::lock::is_at;

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
        super::lock::sweep(layout);
        // The lock comes before the folder: a sweep removes no folder whose lock it cannot have.
        let (lock, lock_path) = make_lock(&all)?;
        let folder = lock_path.with_extension("");
        make_folder(&folder)?;
        Ok(Self { folder, lock_path, _lock: lock })
    }

    /// Makes the folder again, if somebody has removed it, or the store, while this process was at work: what it
    /// computes from now on is kept all the same.
    pub(crate) fn stay(&self, layout: &Layout) -> io::Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        if !layout.base().exists() {
            prepare(layout)?;
        }
        make_folder(&self.folder)
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

/// What the names of lock files and their folders begin with on this machine. Another machine that shares the
/// store may not see whose locks are held, so each removes what is its own.
fn prefix() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = host.chars().filter(char::is_ascii_alphanumeric).take(32);
    format!("run-{}-", plain.collect::<String>())
}

/// Makes a lock file that this process holds.
fn make_lock(all: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let mut builder = tempfile::Builder::new();
        let made = builder.prefix(&prefix()).suffix(".lock").tempfile_in(all)?;
        let (lock, path) = made.keep()?;
        // Where the file system knows no locks, sweeping is left to `gc`.
        let held = lock.lock();
        // A sweep may have had the lock first, and then it has removed the file.
        if held.is_err() || is_at(&lock, &path)? {
            return Ok((lock, path));
        }
    }
}

/// Removes the folders of processes that are no more. What cannot be removed is left: it harms nobody.
///
/// A lock that is free belongs to nobody, or to a process that has made its file and not locked it
/// yet; that one finds the file gone, and makes another.
fn sweep(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    let prefix = prefix();
    for entry in entries.flatten() {
        // Other names are not ours, and what they lead to is none of our business.
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| {
            let stem = name.strip_prefix(&*prefix).and_then(|name| name.strip_suffix(".lock"));
            stem.is_some_and(|stem| stem.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        });
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let lock_path = entry.path();
        let Ok(lock) = File::options().read(true).write(true).open(&lock_path) else { continue };
        if lock.try_lock().is_ok() {
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
        // One that is empty was left by a process that was killed, or by a disk that was full.
        if fs::metadata(&path).map_or(0, |meta| meta.len()) == 0 {
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
