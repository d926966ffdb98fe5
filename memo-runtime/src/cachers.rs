//! The built-in cachers, one file each, and what they share.
//!
//! | cacher | keeps | for |
//! |---|---|---|
//! | [`Json`](struct@Json) | every `serde` type | reading by people and other programs |
//! | [`Csv`](struct@Csv) | `Vec` of flat rows | spreadsheets |
//! | [`Bincode`] | every `serde` type | speed: big vectors, models |
//! | [`Text`] | `String` | text |
//! | [`Bytes`] | `Vec<u8>` | bytes in a format of one's own |
//! | [`Copied`] | `PathBuf` | a file or folder that the stage made: it moves into the store |
//! | [`Referenced`] | `PathBuf` | a file or folder that stays where it is |
//!
//! A value that would not come back as it is, is refused while saving. `faithful` refuses by rule
//! what a format is known to change, and names the place; `checked` reads small artifacts, and the
//! first value of each type, back before they are written.

use std::path::Path;

use crate::artifact::Artifact;
use crate::cacheable::Cacheable;
use crate::error::{BoxError, Error, ErrorKind, Result};

/// Gives a cacher its `publish` as a method of its own, so that users import no trait for it.
macro_rules! publishable {
    ($cacher:ty) => {
        impl $cacher {
            /// Also puts the artifact at a path of one's own, such as
            /// `results/{record}/table.csv`.
            ///
            /// Names in braces stand for the record, stage, output and experiment, and for fields of
            /// the params. This changes no bytes and no key.
            pub fn publish(
                self,
                template: impl Into<std::borrow::Cow<'static, str>>,
            ) -> $crate::cachers::Published<Self> {
                $crate::cachers::Published::new(self, template)
            }
        }
    };
}

#[cfg(feature = "bincode")]
mod bincode;
mod bytes;
mod careful;
mod checked;
mod copied;
#[cfg(feature = "csv")]
mod csv;
mod faithful;
mod json;
mod published;
mod referenced;
mod template;
#[cfg(all(test, feature = "bincode", feature = "csv"))]
mod tests;
mod text;

#[cfg(feature = "bincode")]
pub use self::bincode::Bincode;
pub use self::bytes::Bytes;
pub use self::copied::Copied;
#[cfg(feature = "csv")]
pub use self::csv::Csv;
pub use self::json::Json;
pub use self::published::Published;
pub use self::referenced::Referenced;
pub use self::template::{TemplateError, expand_template, template_fields};
pub use self::text::Text;

/// Saves `value` at a path of one's own, outside any store.
///
/// ```
/// use memo_runtime::cachers::{self, Json};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scores.json");
/// cachers::save_at(&Json, &vec![0.5, 0.75], &path)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "[0.5,0.75]");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
///
/// # Errors
///
/// What the cacher refuses, and what goes wrong with the file; nothing is at `path` then that was not
/// there before.
pub fn save_at<T, C: Cacheable<T>>(cacher: &C, value: &T, path: impl AsRef<Path>) -> Result<()> {
    let artifact = Artifact::create_at(path)?;
    cacher.save(value, &artifact)?;
    Ok(artifact.finish()?)
}

/// Loads what [`save_at`] saved, or a file of that format from elsewhere.
///
/// ```
/// use memo_runtime::cachers::{self, Text};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// std::fs::write(&path, "written by hand")?;
/// let notes: String = cachers::load_from(&Text, &path)?;
/// assert_eq!(notes, "written by hand");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
///
/// # Errors
///
/// What is wrong with the file or its bytes.
pub fn load_from<T, C: Cacheable<T>>(cacher: &C, path: impl AsRef<Path>) -> Result<T> {
    cacher.load(&Artifact::open_at(path)?)
}

/// Makes the error of a cacher that cannot hold a value.
fn refused(message: impl Into<String>) -> BoxError {
    Error::new(ErrorKind::Cacher, message).into()
}

/// Makes the error of a cacher that was given bytes it did not write.
fn damaged(message: impl Into<String>, cause: impl Into<BoxError>) -> BoxError {
    Error::new(ErrorKind::Damaged, message).because(cause).into()
}
