//! The folders of what was submitted elsewhere, and the programs that workers run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Store;
use super::put::{self, Clash};
use super::scratch::make_folder;
use crate::artifact::io_error;
use crate::artifact::tree::digest_file;
use crate::digest::Digest;
use crate::error::Error;
use crate::executor::job::JobFolder;

/// How much of a key stands in the name of a folder. The job itself holds the whole.
const DIGITS: usize = 16;

/// Submissions of a stage that could make the same.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Family {
    /// Those of shards that share this part of their keys.
    Shards(Digest),
    /// Those of whole calls.
    Calls,
}

impl Family {
    /// How the names of its folders begin.
    fn prefix(&self) -> String {
        match self {
            Self::Shards(key) => format!("{}-", &key.to_string()[..DIGITS]),
            Self::Calls => "calls-".to_owned(),
        }
    }
}

impl Store {
    /// Copies a program into the store, unless it is there and undamaged, and returns where.
    pub(crate) fn keep_program(&self, program: &Path, digest: &Digest) -> io::Result<PathBuf> {
        let place = self.layout().program(digest);
        if digest_file(&place).is_ok_and(|(there, _)| there == *digest) {
            return Ok(place);
        }
        let scratch = self.scratch().map_err(io::Error::other)?;
        let file = tempfile::Builder::new().prefix("program-").tempfile_in(scratch.path())?;
        // The copy can be started, as the program can.
        fs::copy(program, file.path())?;
        put::file(file.into_temp_path(), &place, Clash::Replace, true)?;
        Ok(place)
    }

    /// Returns a folder for what is only asked for, not submitted. It goes with this process.
    pub(crate) fn trial_folder(&self) -> Result<PathBuf, Error> {
        Ok(self.scratch()?.path().join("trial"))
    }

    /// Makes a folder for a submission, and returns its name, which no other has.
    pub(crate) fn new_job(
        &self,
        stage: &str,
        family: &Family,
    ) -> Result<(String, JobFolder), Error> {
        let jobs = self.layout().jobs(stage);
        let failed = |error| io_error("write", &jobs, error);
        make_folder(&jobs).map_err(failed)?;
        let prefix = family.prefix();
        let folder = tempfile::Builder::new().prefix(&prefix).rand_bytes(8).tempdir_in(&jobs);
        let path = folder.map_err(failed)?.keep();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let stage: String = stage.chars().map(plain).take(32).collect();
        let folder = path.file_name().unwrap_or_default().to_string_lossy();
        Ok((format!("memo-{stage}-{folder}"), JobFolder::new(path)))
    }

    /// Lists the folders of what was submitted of a family.
    pub(crate) fn jobs_of(&self, stage: &str, family: &Family) -> Vec<JobFolder> {
        let prefix = family.prefix();
        let folders = fs::read_dir(self.layout().jobs(stage)).into_iter().flatten().flatten();
        let ours = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&prefix);
        let mut paths: Vec<PathBuf> = folders.filter(ours).map(|entry| entry.path()).collect();
        paths.sort_unstable();
        paths.into_iter().map(JobFolder::new).collect()
    }
}
