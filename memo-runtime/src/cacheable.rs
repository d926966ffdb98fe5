//! [`Cacheable`]: the contract between a value and its artifact.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::Layout;

/// A cacher: a value that writes values of type `T` as an artifact and reads them back.
///
/// The contract:
///
/// - **Round trip.** What [`load`](Self::load) gives is equal to what [`save`](Self::save) was
///   given. A value that the format cannot hold is an error of `save`, never a changed value.
/// - **Whole or absent.** `save` writes through the [`Artifact`] only. The store puts the artifact
///   in place once `save` has returned, so a killed program leaves nothing half written.
/// - **Versioned.** [`format`](Self::format) says what the bytes mean. It enters the key: whoever
///   changes the meaning of the bytes changes the version.
/// - **No trust.** `load` may be given bytes that `save` never wrote. It answers with an error; it
///   does not panic, and believes no length before checking it.
///
/// [`testing::conforms`](crate::testing::conforms) runs a cacher through the contract.
///
/// ```
/// use std::io::{Read, Write};
/// use memo_runtime::{Artifact, Cacheable, Format, Result};
///
/// /// Keeps a number as decimal text.
/// struct Decimal;
///
/// impl Cacheable<u64> for Decimal {
///     fn format(&self) -> Format {
///         Format::new("decimal", 1).extension("txt")
///     }
///     fn save(&self, value: &u64, artifact: &Artifact) -> Result<()> {
///         Ok(write!(artifact.writer()?, "{value}")?)
///     }
///     fn load(&self, artifact: &Artifact) -> Result<u64> {
///         let mut text = String::new();
///         artifact.reader()?.read_to_string(&mut text)?;
///         Ok(text.parse()?)
///     }
/// }
///
/// memo_runtime::testing::conforms(Decimal, [0, 7, u64::MAX]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep a `{T}`: name a cacher that can, or derive `serde::Serialize` and `serde::Deserialize` for it",
    label = "this is no `Cacheable<{T}>`",
    note = "`Json` and `Bincode` keep every type that derives `serde::Serialize` and `serde::Deserialize`, `Csv` keeps a `Vec` of such rows, `Text` a `String`, `Bytes` a `Vec<u8>`, `Copied` and `Referenced` a `PathBuf`",
    note = "or write `impl Cacheable<{T}>` for a cacher of your own"
)]
pub trait Cacheable<T>: Send + Sync + 'static {
    /// Says what the artifact is: a name, a version, options. Enters the key.
    fn format(&self) -> Format;

    /// Writes `value` to [`artifact.writer()`](Artifact::writer), or to files:
    /// [`artifact.path()`](Artifact::path) is the main one,
    /// [`artifact.file("weights.bin")`](Artifact::file) further ones.
    ///
    /// # Errors
    ///
    /// Whatever went wrong, or what the format cannot hold; the stage's result is then not kept.
    fn save(&self, value: &T, artifact: &Artifact) -> Result<()>;

    /// Reads what `save` wrote.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes; the artifact then counts as damaged.
    fn load(&self, artifact: &Artifact) -> Result<T>;

    /// Checks what lies outside the store, before a found artifact counts as a hit. The default
    /// finds nothing to check.
    ///
    /// # Errors
    ///
    /// What is gone or changed; the entry is then a miss.
    fn check(&self, artifact: &Artifact) -> Result<()> {
        let _ = artifact;
        Ok(())
    }

    /// Whether [`check`](Self::check) looks at anything. The default is `true`; where it does not, shards
    /// of an array are found without opening them one by one.
    fn looks_outside(&self) -> bool {
        true
    }

    /// Whether the value itself goes into the store, as a file does that [`Copied`] moves there: then
    /// the kept one is read in place of the one that was saved. The default is `false`.
    ///
    /// [`Copied`]: crate::Copied
    fn takes_over(&self) -> bool {
        false
    }

    /// Where the artifact also appears, as given to `publish`. The default is nowhere.
    fn published(&self) -> Option<&str> {
        None
    }
}

/// What an artifact is: the name and version of a format, its options, and the layout of the type.
///
/// ```
/// use memo_runtime::Format;
///
/// let format = Format::new("csv", 1).extension("csv").option("delimiter", ";");
/// assert_eq!(format.to_string(), "csv 1 delimiter=;");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    name: Cow<'static, str>,
    version: u32,
    extension: Cow<'static, str>,
    options: Vec<(Cow<'static, str>, String)>,
    layout: Option<Layout>,
}

impl Format {
    /// Makes the format `name` in its `version`. The files' extension is `bin` until said otherwise.
    pub fn new(name: impl Into<Cow<'static, str>>, version: u32) -> Self {
        let (name, extension) = (name.into(), Cow::Borrowed("bin"));
        Self { name, version, extension, options: Vec::new(), layout: None }
    }

    /// Sets the extension of the main file, without a dot. It enters no key.
    pub fn extension(mut self, extension: impl Into<Cow<'static, str>>) -> Self {
        self.extension = extension.into();
        self
    }

    /// Adds an option that changes the bytes, or what they mean.
    pub fn option(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl std::fmt::Display,
    ) -> Self {
        self.options.push((name.into(), value.to_string()));
        self
    }

    /// Adds the layout of a `serde` type, so that bytes are never read as another type.
    pub fn layout<T: DeserializeOwned + 'static>(mut self) -> Self {
        self.layout = Some(Layout::of::<T>());
        self
    }

    /// Returns the extension of the main file, without a dot.
    pub fn file_extension(&self) -> &str {
        &self.extension
    }

    /// Returns the layout of the type, where the cacher told one.
    pub fn type_layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// Returns the digest of all that enters a key: name, version, options and layout.
    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(self.name.as_bytes());
        field(&self.version.to_le_bytes());
        for (name, value) in &self.options {
            field(name.as_bytes());
            field(value.as_bytes());
        }
        field(&[0]);
        if let Some(layout) = &self.layout {
            field(layout.digest().as_bytes());
        }
        hasher.finalize().into()
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        self.options.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
