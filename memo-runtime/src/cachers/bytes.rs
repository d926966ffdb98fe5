//! [`Bytes`]: bytes, as they are.

use std::io::Write;

use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;

/// Keeps a `Vec<u8>` as a file of just these bytes: an image, a compressed model, anything that has
/// a format of its own.
///
/// ```
/// use memo_runtime::cachers::{self, Bytes};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("plot.png");
/// cachers::save_at(&Bytes, &b"\x89PNG..".to_vec(), &path)?;
/// assert_eq!(std::fs::read(&path)?, b"\x89PNG..");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bytes;

publishable!(Bytes);

impl Cacheable<Vec<u8>> for Bytes {
    fn format(&self) -> Format {
        Format::new("bytes", 1)
    }

    fn save(&self, value: &Vec<u8>, artifact: &Artifact) -> Result<()> {
        Ok(artifact.writer()?.write_all(value)?)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<u8>> {
        Ok(artifact.bytes()?.to_vec())
    }

    fn looks_outside(&self) -> bool {
        false
    }
}
