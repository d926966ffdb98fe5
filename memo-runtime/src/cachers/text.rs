//! [`Text`]: a string, as it is.

use std::io::Write;

use super::damaged;
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;

/// Keeps a `String` as a UTF-8 text file, byte for byte.
///
/// ```
/// use memo_runtime::cachers::{self, Text};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.txt");
/// cachers::save_at(&Text, &"two\nlines".to_owned(), &path)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "two\nlines");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Text;

publishable!(Text);

impl Cacheable<String> for Text {
    fn format(&self) -> Format {
        Format::new("text", 1).extension("txt")
    }

    fn save(&self, value: &String, artifact: &Artifact) -> Result<()> {
        Ok(artifact.writer()?.write_all(value.as_bytes())?)
    }

    fn load(&self, artifact: &Artifact) -> Result<String> {
        // From a map: its length is the file's, whatever a manifest says of it.
        let bytes = artifact.bytes()?;
        let text = str::from_utf8(&bytes).map_err(|error| damaged("this is no text", error))?;
        Ok(text.to_owned())
    }

    fn looks_outside(&self) -> bool {
        false
    }
}
