//! The folder of one submission: what its workers are to do, and which shards have failed.
//!
//! ```text
//! job.json           what is to be done, and by which program
//! log/               the script, and what each task has written
//! failed/<n>.json    shard n has failed, and with what
//! ended              nothing more is expected of it
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::artifact::io_error;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::store::put::{self, Clash};

/// What the workers of a submission are to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The version of this format.
    pub(crate) memo: u32,
    /// By which the submission is known to the scheduler.
    pub(crate) name: String,
    /// What the submitting program was called with, its name left out.
    pub(crate) arguments: Vec<String>,
    /// Where it was started.
    pub(crate) folder: PathBuf,
    pub(crate) store: PathBuf,
    /// The digest of the program: a worker that is another refuses.
    pub(crate) program: Digest,
    pub(crate) stage: String,
    /// What tells the call from all others of the plan.
    pub(crate) call: Digest,
    /// The part of their keys that all shards share.
    pub(crate) key: Digest,
    /// The shards of each task.
    pub(crate) tasks: Vec<Vec<JobShard>>,
}

/// One shard that is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobShard {
    pub(crate) shard: usize,
    pub(crate) key: Digest,
    /// How many results of it have given way to this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) generation: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What a worker writes down of a shard that has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) shard: usize,
    pub(crate) error: String,
    /// Whether a validator has refused what it gave.
    #[serde(default)]
    pub(crate) invalid: bool,
}

impl Failure {
    /// Returns the error that the shard has failed with.
    pub(crate) fn error(&self) -> Error {
        let kind = if self.invalid { ErrorKind::Invalid } else { ErrorKind::Stage };
        Error::new(kind, self.error.clone())
    }
}

/// A job's folder.
#[derive(Debug, Clone)]
pub(crate) struct JobFolder(PathBuf);

impl JobFolder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the logs are.
    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Makes the folder, and writes down what is to be done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if it cannot be written.
    pub(crate) fn write(&self, job: &Job) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            fs::create_dir_all(self.logs())?;
            fs::create_dir_all(self.0.join("failed"))?;
            let bytes = serde_json::to_vec(job)?;
            put::bytes(&self.0, &bytes, &self.0.join("job.json"), Clash::Replace, false).map(drop)
        };
        write().map_err(|error| io_error("write", &self.0, error))
    }

    /// Reads what is to be done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if it cannot be read.
    pub(crate) fn read(&self) -> Result<Job, Error> {
        let path = self.0.join("job.json");
        let bytes = fs::read(&path).map_err(|error| io_error("read", &path, error))?;
        serde_json::from_slice(&bytes).map_err(|error| io_error("read", &path, error.into()))
    }

    /// Notes that a shard has failed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if that cannot be written.
    pub(crate) fn fail(&self, failure: &Failure) -> Result<(), Error> {
        let place = self.0.join("failed").join(format!("{}.json", failure.shard));
        let bytes = serde_json::to_vec(failure).unwrap_or_default();
        put::bytes(&self.0, &bytes, &place, Clash::Replace, false)
            .map(drop)
            .map_err(|error| io_error("write", &place, error))
    }

    /// Lists the shards that have failed, those that are `wanted`.
    pub(crate) fn failures(&self, wanted: impl Fn(usize) -> bool) -> Vec<Failure> {
        let files = fs::read_dir(self.0.join("failed")).into_iter().flatten().flatten();
        let is_wanted = |file: &fs::DirEntry| {
            let shard = Path::new(&file.file_name()).file_stem()?.to_str()?.parse().ok()?;
            Some(wanted(shard))
        };
        let read = |file: fs::DirEntry| serde_json::from_slice(&fs::read(file.path()).ok()?).ok();
        files.filter(|file| is_wanted(file) == Some(true)).filter_map(read).collect()
    }

    /// Notes that nothing more is expected of it.
    pub(crate) fn end(&self) {
        // Without the note the scheduler is asked once more.
        let _ = fs::write(self.0.join("ended"), b"");
    }

    /// Removes it, as all that it was for is in the store.
    pub(crate) fn remove(&self) {
        // First the note: what is left of a folder that cannot be removed means nothing.
        self.end();
        let _ = fs::remove_dir_all(&self.0);
    }

    /// Whether something may be expected of it.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.join("ended").exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let place = JobFolder::new(folder.path().join("job"));
        let shard = |shard| JobShard { shard, key: Digest::of(b"key"), generation: 1 };
        let job = Job {
            memo: 1,
            name: "memo-1".into(),
            arguments: vec!["--record".into(), "base".into()],
            folder: "/here".into(),
            store: "/store".into(),
            program: Digest::of(b"program"),
            stage: "mining::encode".into(),
            call: Digest::of(b"call"),
            key: Digest::of(b"shared"),
            tasks: vec![vec![shard(3), shard(4)], vec![shard(7)]],
        };
        place.write(&job).unwrap();
        assert_eq!(place.read().unwrap(), job);
        assert!(place.failures(|_| true).is_empty());
        let failure = Failure { shard: 3, error: "no".into(), invalid: false };
        place.fail(&failure).unwrap();
        assert_eq!(place.failures(|shard| shard == 3), [failure]);
        assert!(place.failures(|shard| shard != 3).is_empty());
        assert!(place.is_open());
        place.end();
        assert!(!place.is_open());
        place.remove();
        assert!(!place.path().exists());
    }
}
