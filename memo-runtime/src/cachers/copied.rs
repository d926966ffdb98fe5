//! [`Copied`]: a file or folder that the stage made, moved into the store.

use std::path::PathBuf;

use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;

/// Keeps the file or folder at a `PathBuf`, by moving it into the store.
///
/// A stage that calls another program, or writes something too big for memory, returns the path of
/// what it made. The store takes it over: from then on the output is the path of the kept one, also
/// in the run that made it. Whoever reads it must not change it.
///
/// ```
/// use memo_runtime::cachers::{self, Copied};
///
/// let folder = tempfile::tempdir()?;
/// let made = folder.path().join("made.bin");
/// std::fs::write(&made, "weights")?;
///
/// let kept = folder.path().join("kept.bin");
/// cachers::save_at(&Copied, &made, &kept)?;
/// assert!(!made.exists());
/// assert_eq!(std::fs::read_to_string(cachers::load_from(&Copied, &kept)?)?, "weights");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied;

publishable!(Copied);

impl Cacheable<PathBuf> for Copied {
    fn format(&self) -> Format {
        Format::new("copied", 1)
    }

    fn save(&self, value: &PathBuf, artifact: &Artifact) -> Result<()> {
        Ok(artifact.adopt(value)?)
    }

    fn load(&self, artifact: &Artifact) -> Result<PathBuf> {
        Ok(artifact.path()?)
    }

    fn takes_over(&self) -> bool {
        true
    }

    fn looks_outside(&self) -> bool {
        false
    }
}
