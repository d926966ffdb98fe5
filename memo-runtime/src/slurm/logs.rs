//! [`Logs`]: where the log of a task lies, and its last lines.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::Task;

/// The folder of the logs of one request.
#[derive(Debug, Clone)]
pub(crate) struct Logs(pub(crate) PathBuf);

impl Logs {
    /// Returns the file that `task` writes to, in all its runs.
    pub(crate) fn of(&self, task: Task) -> PathBuf {
        self.0.join(format!("{task}.out"))
    }
}

/// Returns the last `lines` of a log, of at most `bytes`; a line that is longer is cut at its beginning.
/// Nothing if there is no log (yet).
///
/// # Errors
///
/// Fails if the log is there and cannot be read.
pub(crate) fn tail(path: &Path, lines: usize, bytes: u32) -> io::Result<String> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let begin = file.metadata()?.len().saturating_sub(bytes.into());
    file.seek(SeekFrom::Start(begin))?;
    let mut end = Vec::new();
    file.take(bytes.into()).read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end);
    let text = text.trim_end();
    // Where it begins in the middle of a line, that line goes, if there is another.
    let whole = text.split_once('\n').filter(|_| begin > 0).map_or(text, |(_, rest)| rest);
    let skip = whole.lines().count().saturating_sub(lines);
    let last: Vec<&str> = whole.lines().skip(skip).collect();
    Ok(crate::plain::plain(&last.join("\n")).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::JobId;
    use super::*;

    #[test]
    fn each_task_has_its_log() {
        let logs = Logs("/run/log".into());
        assert_eq!(logs.of(Task { job: JobId(3), index: Some(7) }), Path::new("/run/log/3_7.out"));
        assert_eq!(logs.of(Task { job: JobId(3), index: None }), Path::new("/run/log/3.out"));
    }

    #[test]
    fn the_end_of_a_log_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(tail(&path, 5, 100).unwrap(), "");
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&path, 5, 100).unwrap(), "one\ntwo\nthree");
        assert_eq!(tail(&path, 2, 100).unwrap(), "two\nthree");
        assert_eq!(tail(&path, 5, 8).unwrap(), "three");
        assert_eq!(tail(&path, 5, 3).unwrap(), "ee");
        fs::write(&path, [b"\x1b[31mred \xff\n".repeat(1000), b"x".repeat(50)].concat()).unwrap();
        let told = tail(&path, 3, 80).unwrap();
        assert!(told.len() < 400 && !told.contains('\u{1b}'), "{told:?}");
    }
}
