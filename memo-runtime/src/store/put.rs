//! The one way to put a file or folder in its place: complete, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::TempPath;

use super::scratch::make_folder;

/// Whether what lies at a place already stays, or is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash {
    KeepFirst,
    Replace,
}

/// Writes `bytes` below `scratch` and puts the file at `place`. Returns false if another was there
/// and stays.
pub(crate) fn bytes(
    scratch: &Path,
    bytes: &[u8],
    place: &Path,
    clash: Clash,
    durable: bool,
) -> io::Result<bool> {
    file(written(scratch, bytes, durable)?, place, clash, durable)
}

/// Writes `bytes` to a file below `scratch`.
pub(crate) fn written(scratch: &Path, bytes: &[u8], durable: bool) -> io::Result<TempPath> {
    let mut file = tempfile::Builder::new().prefix("entry-").tempfile_in(scratch)?;
    file.write_all(bytes)?;
    if durable {
        file.as_file().sync_data()?;
    }
    Ok(file.into_temp_path())
}

/// Puts a file that is written already at `place`. Returns false if another was there and stays.
pub(crate) fn file(
    mut written: TempPath,
    place: &Path,
    clash: Clash,
    durable: bool,
) -> io::Result<bool> {
    let put = |written: TempPath| match clash {
        Clash::Replace => written.persist(place).map(|()| true),
        Clash::KeepFirst => written.persist_noclobber(place).map(|()| true),
    };
    if let Err(error) = put(written) {
        match error.error.kind() {
            io::ErrorKind::AlreadyExists if clash == Clash::KeepFirst => return Ok(false),
            io::ErrorKind::NotFound => {
                // The first entry of a folder: most times it is there, so nobody looks beforehand.
                make_folder(place.parent().unwrap_or(place))?;
                written = error.path;
                match put(written) {
                    Ok(_) => {}
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                        return Ok(false);
                    }
                    Err(error) => return Err(error.error),
                }
            }
            _ => return Err(error.error),
        }
    }
    if durable {
        sync_folder(place)?;
    }
    Ok(true)
}

/// Puts a folder at `place`. An equal one that is there already stays.
pub(crate) fn folder(written: &Path, place: &Path, durable: bool) -> io::Result<()> {
    if durable {
        sync_all(written)?;
    }
    make_folder(place.parent().unwrap_or(place))?;
    match fs::rename(written, place) {
        Err(_) if place.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) if durable => sync_folder(place),
        Ok(()) => Ok(()),
    }
}

fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_all(&path)? } else { File::open(&path)?.sync_data()? }
    }
    File::open(folder)?.sync_all()
}

fn sync_folder(place: &Path) -> io::Result<()> {
    File::open(place.parent().unwrap_or(place))?.sync_all()
}
