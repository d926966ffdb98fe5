//! [`conforms`]: the contract of [`Cacheable`], as a test.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;

use crate::artifact::Artifact;
use crate::cacheable::Cacheable;
use crate::error::BoxError;

/// Runs a cacher through the contract of [`Cacheable`], with values of your own.
///
/// Give values at the edges: empty, large, with every variant. What is tried with each:
///
/// - what is loaded equals what was saved, each time that it is loaded, and `check` finds no fault;
/// - two threads save at once, and both values come back;
/// - saving twice gives equal bytes. Without that, a stage that runs again gives "another" result, and
///   all that depends on it runs too; a time or a random name inside a file does this;
/// - `format` says the same each time, and its extension is one;
/// - files that are empty, cut off, continued, or have a flipped bit are an error, or even another
///   value, but no panic. (Another value is no fault of the cacher: the store compares digests before
///   anybody sees the value. A panic is.)
///
/// A cacher that takes its values over, as [`Copied`](crate::cachers::Copied) does, gives other paths
/// back than it was given; it cannot be tried like this.
///
/// ```
/// use memo_runtime::cachers::{Csv, Json, Text};
/// use memo_runtime::testing::conforms;
///
/// conforms(Json.pretty(), [vec![], vec![Some(0.1), None]]);
/// conforms(Csv, [vec![], vec![("a,b".to_owned(), 1)]]);
/// conforms(Text, ["".to_owned(), "two\nlines".to_owned()]);
/// ```
///
/// # Panics
///
/// If the cacher breaks the contract, with a sentence that says how.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "cachers are small, and given as `Json` or `Csv`"
)]
pub fn conforms<T, C>(cacher: C, values: impl IntoIterator<Item = T>)
where
    C: Cacheable<T>,
    T: PartialEq + Debug + Sync,
{
    assert!(!cacher.takes_over(), "a cacher that takes its values over cannot be tried like this");
    let trial = Trial::new(&cacher);
    let mut values = values.into_iter().peekable();
    assert!(values.peek().is_some(), "give at least one value");
    for value in values {
        let same = &value;
        assert!(value == *same, "{} is not equal to itself; give another", shown(&value));
        trial.value_comes_back(&value);
        trial.bytes_are_equal(&value);
        trial.two_threads_save(&value);
        trial.damage_is_no_panic(&value);
    }
}

/// One cacher under trial.
struct Trial<'a, C> {
    cacher: &'a C,
    extension: String,
}

impl<'a, C> Trial<'a, C> {
    #[track_caller]
    fn new<T>(cacher: &'a C) -> Self
    where
        C: Cacheable<T>,
    {
        let (format, again) = (cacher.format(), cacher.format());
        assert!(format == again, "`format` says `{format}`, and then `{again}`");
        let extension = format.file_extension();
        let is_plain = |part: &str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric())
        };
        assert!(
            extension.len() <= 16 && extension.split('.').all(is_plain),
            "`{extension}` is no extension of a file; give letters and digits, as in `tar.gz`"
        );
        Self { cacher, extension: extension.to_owned() }
    }

    #[track_caller]
    fn value_comes_back<T: PartialEq + Debug>(&self, value: &T)
    where
        C: Cacheable<T>,
    {
        let folder = folder();
        let path = self.path_in(folder.path());
        self.save(value, &path);
        let artifact = open(&path);
        if let Err(error) = self.cacher.check(&artifact) {
            panic!("`check` finds fault with {}, just saved: {}", shown(value), chain(&error));
        }
        self.loads(&artifact, value, "");
        self.loads(&open(&path), value, ", loaded a second time,");
    }

    #[track_caller]
    fn bytes_are_equal<T: Debug>(&self, value: &T)
    where
        C: Cacheable<T>,
    {
        let (one, other) = (folder(), folder());
        self.save(value, &self.path_in(one.path()));
        self.save(value, &self.path_in(other.path()));
        let (one, other) = (files_in(one.path()), files_in(other.path()));
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        assert!(
            names(&one) == names(&other),
            "{} was saved twice, and gave other files: {:?} and {:?}",
            shown(value),
            names(&one),
            names(&other)
        );
        for (name, bytes) in &one {
            assert!(
                other.get(name) == Some(bytes),
                "{} was saved twice, and `{}` has other bytes",
                shown(value),
                name.display()
            );
        }
    }

    #[track_caller]
    fn two_threads_save<T: PartialEq + Debug + Sync>(&self, value: &T)
    where
        C: Cacheable<T>,
    {
        let folder = folder();
        let paths = ["one", "two"].map(|name| self.path_in(&folder.path().join(name)));
        let saved = thread::scope(|scope| {
            let threads = paths.each_ref().map(|path| scope.spawn(|| self.try_save(value, path)));
            threads.map(|thread| thread.join().map_err(|_| "it panicked".to_owned()).flatten())
        });
        for (saved, path) in saved.iter().zip(&paths) {
            if let Err(error) = saved {
                panic!("two threads saved {} at once, and one failed: {error}", shown(value));
            }
            self.loads(&open(path), value, ", saved by two threads at once,");
        }
    }

    #[track_caller]
    fn damage_is_no_panic<T: Debug>(&self, value: &T)
    where
        C: Cacheable<T>,
    {
        let folder = folder();
        let path = self.path_in(folder.path());
        self.save(value, &path);
        for (name, whole) in files_in(folder.path()) {
            let file = folder.path().join(&name);
            for (how, bytes) in damages(&whole) {
                put(&file, &bytes);
                // The artifact may be refused before the cacher sees it.
                let Ok(artifact) = Artifact::open_at(&path) else { continue };
                let load = AssertUnwindSafe(|| self.cacher.load(&artifact).map(drop));
                assert!(
                    catch_unwind(load).is_ok(),
                    "`load` panicked, where an error is wanted: `{}` of {} {how}",
                    name.display(),
                    shown(value)
                );
            }
            put(&file, &whole);
        }
    }

    fn path_in(&self, folder: &Path) -> PathBuf {
        folder.join("value").with_extension(&self.extension)
    }

    fn try_save<T>(&self, value: &T, path: &Path) -> Result<(), String>
    where
        C: Cacheable<T>,
    {
        crate::cachers::save_at(self.cacher, value, path).map_err(|error| chain(&error))
    }

    #[track_caller]
    fn save<T: Debug>(&self, value: &T, path: &Path)
    where
        C: Cacheable<T>,
    {
        if let Err(error) = self.try_save(value, path) {
            panic!("{} could not be saved: {error}", shown(value));
        }
    }

    #[track_caller]
    fn loads<T: PartialEq + Debug>(&self, artifact: &Artifact, value: &T, how: &str)
    where
        C: Cacheable<T>,
    {
        match self.cacher.load(artifact) {
            Ok(back) => {
                assert!(back == *value, "{}{how} came back as {}", shown(value), shown(&back));
            }
            Err(error) => panic!("{}{how} did not come back: {}", shown(value), chain(&error)),
        }
    }
}

/// The files of an artifact, by their names.
type Files = BTreeMap<PathBuf, Vec<u8>>;

#[track_caller]
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"))
}

#[track_caller]
fn open(path: &Path) -> Artifact {
    Artifact::open_at(path).unwrap_or_else(|error| panic!("nothing was saved: {error}"))
}

#[track_caller]
fn put(path: &Path, bytes: &[u8]) {
    let put = fs::write(path, bytes);
    put.unwrap_or_else(|error| panic!("could not write `{}`: {error}", path.display()));
}

#[track_caller]
fn files_in(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if let Ok(entries) = fs::read_dir(&path) {
            open.extend(entries.flatten().map(|entry| entry.path()));
        } else if let (Ok(bytes), Ok(name)) = (fs::read(&path), path.strip_prefix(folder)) {
            files.insert(name.to_owned(), bytes);
        }
    }
    files
}

/// Damages bytes in the ways that disks, crashes and strangers do.
fn damages(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    // Small files everywhere, large ones at some places.
    let step = whole.len() / 64 + 1;
    let places = || (0..whole.len()).step_by(step);
    let mut damages = vec![
        ("was emptied".to_owned(), Vec::new()),
        ("was replaced by 0xff".to_owned(), vec![0xff; 64]),
        ("was replaced by zeros".to_owned(), vec![0; 64]),
        ("was continued".to_owned(), [whole, b"\0more"].concat()),
    ];
    damages.extend(places().map(|at| (format!("was cut at byte {at}"), whole[..at].to_vec())));
    damages.extend(places().map(|at| {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (format!("had a bit flipped in byte {at}"), flipped)
    }));
    damages
}

/// Returns a value as text, for messages.
fn shown(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("`{}..`", &text[..end]),
        None => format!("`{text}`"),
    }
}

fn chain(error: &BoxError) -> String {
    let first: &(dyn std::error::Error + 'static) = &**error;
    let errors = std::iter::successors(Some(first), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
