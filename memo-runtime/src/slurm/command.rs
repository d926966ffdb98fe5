//! [`Commands`]: runs one command of Slurm and returns what it wrote.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Error;

/// No answer is longer. A line tells of one task, in a hundred bytes.
const LONGEST_ANSWER: u64 = 256 << 20;

/// Variables that change what the commands do or write. Those of a job around us would leak into ours.
const STEERING: [&str; 8] =
    ["SLURM_", "SLURMD_", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SINFO_"];

/// Of those, the ones that say how the cluster is reached.
const KEPT: [&str; 4] = ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_SACK_SOCKET"];

/// Where Slurm's commands are, and how long one may take.
#[derive(Debug, Clone)]
pub(crate) struct Commands {
    folder: Option<PathBuf>,
    patience: Duration,
}

impl Default for Commands {
    /// Those found by `PATH`. One that does not end within two minutes is stopped: the commands give up
    /// by themselves after a few seconds where nobody answers.
    fn default() -> Self {
        Self { folder: None, patience: Duration::from_mins(2) }
    }
}

impl Commands {
    /// Takes the commands from `folder`.
    #[cfg(test)]
    pub(crate) fn within(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::default() }
    }

    /// Waits no longer than `patience` for a command.
    #[cfg(test)]
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs `program` and returns what it wrote to its standard output.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        program: &'static str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String, Error> {
        self.run_unless(program, arguments, &[])
    }

    /// Runs `program`, and stops it when it complains with one of these words: it would try again and again.
    pub(super) fn run_unless<A: AsRef<OsStr>>(
        &self,
        program: &'static str,
        arguments: impl IntoIterator<Item = A>,
        complaints: &[&str],
    ) -> Result<String, Error> {
        let mut command = self.command(program);
        command.args(arguments);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing { program },
            _ => Error::NotStarted { program, cause: error.to_string() },
        })?;
        let out = Pipe::read(child.stdout.take());
        let err = Pipe::read(child.stderr.take());
        let end = Instant::now() + self.patience;
        let Some(status) = wait(&mut child, end, || err.has(complaints)) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(if err.has(complaints) {
                Error::said(program, None, &err.so_far())
            } else {
                Error::TimedOut { program, after: self.patience }
            });
        };
        // Both end with the program, unless it left somebody behind who holds them.
        let out = out.all(end).ok_or(Error::TimedOut { program, after: self.patience })?;
        if status.success() {
            Ok(out)
        } else {
            Err(Error::said(program, status.code(), &err.all(end).unwrap_or_default()))
        }
    }

    fn command(&self, program: &'static str) -> Command {
        let path =
            self.folder.as_ref().map_or_else(|| program.into(), |folder| folder.join(program));
        let mut command = Command::new(path);
        for name in std::env::vars_os().map(|(name, _)| name).filter(is_steering) {
            command.env_remove(name);
        }
        // What `sbatch` is given, tasks are given too, so nothing is set there that they would see.
        if program != "sbatch" {
            command.envs([("LC_ALL", "C"), ("SLURM_TIME_FORMAT", "%s"), ("SLURM_BITSTR_LEN", "0")]);
        }
        // A Ctrl-C at the terminal is for this process to act on; a submission that it cut in two would
        // have to be looked up.
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn is_steering(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    STEERING.iter().any(|prefix| name.starts_with(prefix)) && !KEPT.contains(&&*name)
}

/// What a program writes. It is read on a thread of its own: both pipes have to be emptied at once.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Pipe {
    fn read(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (ends, ended) = mpsc::channel();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut pipe = pipe.map(|pipe| pipe.take(LONGEST_ANSWER));
            let mut part = [0; 8192];
            while let Some(pipe) = &mut pipe {
                match pipe.read(&mut part) {
                    Ok(0) => break,
                    Ok(count) => lock(&taken).extend_from_slice(&part[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            let _ = ends.send(());
        });
        Self { bytes, ended }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }

    /// Whether one of these words was written.
    fn has(&self, words: &[&str]) -> bool {
        !words.is_empty() && {
            let text = self.so_far();
            words.iter().any(|word| text.contains(word))
        }
    }

    /// Returns all that was written; `None` if that does not end before `end`.
    fn all(&self, end: Instant) -> Option<String> {
        // At least a moment: the program has ended, so what it wrote is there.
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        self.ended.recv_timeout(left).ok().map(|()| self.so_far())
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the end of `child`; `None` if it does not come before `end`, or is not to be waited for.
fn wait(child: &mut Child, end: Instant, gives_up: impl Fn() -> bool) -> Option<ExitStatus> {
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() >= end || gives_up() => return None,
            Ok(None) => std::thread::sleep(pause),
            Err(_) => return None,
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fake::Fake;
    use super::*;

    #[test]
    fn a_missing_command_is_told_with_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        let error = Commands::within(folder.path()).run("sbatch", ["x"]).unwrap_err();
        assert_eq!(error, Error::Missing { program: "sbatch" });
        assert!(error.to_string().contains("module load slurm"), "{error}");
    }

    #[test]
    fn a_command_that_hangs_is_stopped() {
        let fake = Fake::new("squeue", "echo begun; exec sleep 1000");
        let patience = Duration::from_millis(50);
        let error = fake.commands().patience(patience).run("squeue", ["-h"]).unwrap_err();
        assert_eq!(error, Error::TimedOut { program: "squeue", after: patience });
        assert!(error.passes());
    }

    #[test]
    fn a_long_answer_is_read_whole_while_it_complains() {
        let fake = Fake::new("squeue", "seq 100000; seq 100000 >&2");
        let answer = fake.commands().run("squeue", ["-h"]).unwrap();
        assert_eq!(answer.lines().count(), 100_000);
    }

    #[test]
    fn arguments_reach_it_as_they_are() {
        let fake = Fake::new("sbatch", r#"for a in "$@"; do printf '<%s>' "$a"; done"#);
        let answer = fake.commands().run("sbatch", ["a b", "$(id)", "", "it's", "--x=\n"]).unwrap();
        assert_eq!(answer, "<a b><$(id)><><it's><--x=\n>");
    }

    #[test]
    fn nothing_of_a_job_around_us_or_of_a_profile_steers_it() {
        for name in ["SLURM_ARRAY_TASK_ID", "SBATCH_PARTITION", "SQUEUE_FORMAT", "SQUEUE_STATES"] {
            assert!(is_steering(&name.into()), "{name}");
        }
        for name in ["SLURM_CONF", "PATH", "SLURMS", "HOME"] {
            assert!(!is_steering(&name.into()), "{name}");
        }
        // The variables of a process of its own: those of this one belong to all tests.
        let this = "nothing_of_a_job_around_us_or_of_a_profile_steers_it";
        if std::env::var_os("MEMO_STEERED").is_none() {
            let mut steered = Command::new(std::env::current_exe().unwrap());
            steered.args([this, "--test-threads=1"]).env("MEMO_STEERED", "1");
            steered.envs([
                ("SBATCH_PARTITION", "x"),
                ("SLURM_ARRAY_TASK_ID", "3"),
                ("SLURM_CONF", "c"),
            ]);
            let output = steered.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        } else {
            let fake = Fake::new("sbatch", "env");
            let variables = fake.commands().run("sbatch", ["x"]).unwrap();
            assert!(!variables.contains("SBATCH_PARTITION") && !variables.contains("SLURM_ARRAY"));
            assert!(variables.contains("SLURM_CONF=c\n"));
        }
        let fake = Fake::new("squeue", "echo $LC_ALL $SLURM_TIME_FORMAT $SLURM_BITSTR_LEN");
        assert_eq!(fake.commands().run("squeue", ["-h"]).unwrap(), "C %s 0\n");
        let fake = Fake::new("sbatch", "echo ${SLURM_TIME_FORMAT-unset}");
        assert_eq!(fake.commands().run("sbatch", ["-h"]).unwrap(), "unset\n");
    }
}
