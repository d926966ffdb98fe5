//! The folder of one submission: what its workers are to do, and what became of it.
//!
//! ```text
//! job.json           what is to be done, and by which program
//! log/               the script, and what each task has written
//! failed/<n>.json    shard or call n has failed, and with what
//! done/<n>.json      call n is in the store
//! followed           its lock is held by each process that waits for what is made
//! ended              nothing more is expected of it
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::artifact::io_error;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::executor::asked::Asked;
use crate::stage::elsewhere::{Anew, MadeElsewhere};
use crate::store::put::{self, Clash};

/// The version of what a job's folder holds.
pub(crate) const FORMAT: u32 = 2;

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
    /// What each task was given.
    #[serde(default)]
    pub(crate) asked: Asked,
    /// How often its pieces were submitted before, for a reason that counts.
    #[serde(default)]
    pub(crate) tries: u32,
    /// The calls that the pieces are of, by number; of shards the one call.
    pub(crate) calls: BTreeMap<usize, JobCall>,
    /// The pieces of each task.
    pub(crate) tasks: Tasks,
}

/// A call that is to run, or shards of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobCall {
    /// What tells the call from all others of the plan.
    pub(crate) identity: Digest,
    /// Its key; of an array the part that all shards share.
    pub(crate) key: Digest,
    /// Whether it runs though there is an entry of it.
    #[serde(default, skip_serializing_if = "Anew::is_no")]
    pub(crate) anew: Anew,
}

/// The pieces of each task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tasks {
    /// Shards of the one call.
    Shards(Vec<Vec<JobShard>>),
    /// Whole calls, by their numbers.
    Calls(Vec<Vec<usize>>),
}

impl Tasks {
    /// Returns how many tasks there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Shards(tasks) => tasks.len(),
            Self::Calls(tasks) => tasks.len(),
        }
    }
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

/// What a worker writes down of a piece that has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) piece: usize,
    pub(crate) error: String,
    /// Whether a validator has refused what it gave.
    #[serde(default)]
    pub(crate) invalid: bool,
}

impl Failure {
    pub(crate) fn new(piece: usize, error: &Error) -> Self {
        let invalid = error.kind() == ErrorKind::Invalid;
        Self { piece, error: error.chain_without_place(), invalid }
    }

    /// Returns the error that the piece has failed with.
    pub(crate) fn error(&self) -> Error {
        let kind = if self.invalid { ErrorKind::Invalid } else { ErrorKind::Stage };
        Error::new(kind, self.error.clone())
    }
}

/// What a worker writes down of a call that is in the store. Of a shard its line tells enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) piece: usize,
    #[serde(flatten)]
    pub(crate) made: MadeElsewhere,
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
            fs::create_dir_all(self.0.join("done"))?;
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

    /// Notes that a piece has failed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if that cannot be written.
    pub(crate) fn fail(&self, failure: &Failure) -> Result<(), Error> {
        self.note("failed", failure.piece, failure)
    }

    /// Notes that a call is in the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] if that cannot be written.
    pub(crate) fn done(&self, done: &Done) -> Result<(), Error> {
        self.note("done", done.piece, done)
    }

    fn note(&self, kind: &str, piece: usize, note: &impl Serialize) -> Result<(), Error> {
        let place = self.0.join(kind).join(format!("{piece}.json"));
        let bytes = serde_json::to_vec(note).unwrap_or_default();
        put::bytes(&self.0, &bytes, &place, Clash::Replace, false)
            .map(drop)
            .map_err(|error| io_error("write", &place, error))
    }

    /// Lists the pieces that have failed, those that are `wanted`.
    pub(crate) fn failures(&self, wanted: impl Fn(usize) -> bool) -> Vec<Failure> {
        self.notes("failed", wanted)
    }

    /// Lists the calls that are in the store, those that are `wanted`.
    pub(crate) fn all_done(&self, wanted: impl Fn(usize) -> bool) -> Vec<Done> {
        self.notes("done", wanted)
    }

    /// Whether a call is noted to be in the store.
    pub(crate) fn is_done(&self, piece: usize) -> bool {
        self.0.join("done").join(format!("{piece}.json")).exists()
    }

    /// Whether a piece is noted to have failed.
    pub(crate) fn has_failed(&self, piece: usize) -> bool {
        self.0.join("failed").join(format!("{piece}.json")).exists()
    }

    fn notes<T: DeserializeOwned>(&self, kind: &str, wanted: impl Fn(usize) -> bool) -> Vec<T> {
        let files = fs::read_dir(self.0.join(kind)).into_iter().flatten().flatten();
        let is_wanted = |file: &fs::DirEntry| {
            let piece = Path::new(&file.file_name()).file_stem()?.to_str()?.parse().ok()?;
            Some(wanted(piece))
        };
        let read = |file: fs::DirEntry| serde_json::from_slice(&fs::read(file.path()).ok()?).ok();
        files.filter(|file| is_wanted(file) == Some(true)).filter_map(read).collect()
    }

    /// Tells others that this process waits for what is made, as long as it holds what this returns.
    pub(crate) fn follow(&self) -> Option<File> {
        let file = File::options().append(true).create(true).open(self.0.join("followed")).ok()?;
        // Without locks each does as if it were alone, at worst something is computed twice.
        file.try_lock_shared().ok().map(|()| file)
    }

    /// Whether another process waits for what is made, as far as can be told. This one must not.
    pub(crate) fn is_followed(&self) -> bool {
        let file = File::options().append(true).open(self.0.join("followed"));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
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
        let call = JobCall {
            identity: Digest::of(b"call"),
            key: Digest::of(b"shared"),
            anew: Anew::Always,
        };
        let mut job = Job {
            memo: FORMAT,
            name: "memo-1".into(),
            arguments: vec!["--record".into(), "base".into()],
            folder: "/here".into(),
            store: "/store".into(),
            program: Digest::of(b"program"),
            stage: "mining::encode".into(),
            asked: Asked { memory: 1 << 30, ..Asked::default() },
            tries: 1,
            calls: BTreeMap::from([(0, call), (7, JobCall { anew: Anew::Expired(5), ..call })]),
            tasks: Tasks::Shards(vec![vec![shard(3), shard(4)], vec![shard(7)]]),
        };
        place.write(&job).unwrap();
        assert_eq!(place.read().unwrap(), job);
        job.tasks = Tasks::Calls(vec![vec![7], vec![0]]);
        place.write(&job).unwrap();
        assert_eq!(place.read().unwrap(), job);
        assert!(place.failures(|_| true).is_empty());
        let failure = Failure { piece: 3, error: "no".into(), invalid: false };
        place.fail(&failure).unwrap();
        assert_eq!(place.failures(|shard| shard == 3), [failure]);
        assert!(place.failures(|shard| shard != 3).is_empty());
        let made = MadeElsewhere { completed: 7, outputs: vec![Digest::of(b"out")], seconds: 0.5 };
        let done = Done { piece: 1, made };
        place.done(&done).unwrap();
        assert!(place.is_done(1) && !place.is_done(0));
        assert_eq!(place.all_done(|_| true), [done]);
        assert!(!place.is_followed());
        let (mine, others) = (place.follow(), place.follow());
        drop(mine);
        assert!(place.is_followed());
        drop(others);
        assert!(!place.is_followed() && place.is_open());
        place.end();
        assert!(!place.is_open());
        place.remove();
        assert!(!place.path().exists());
    }
}
