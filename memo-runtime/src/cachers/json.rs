//! [`Json`]: every `serde` type, for people and other programs.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::careful::Shallow;
use super::checked::{self, Codec};
use super::{damaged, faithful};
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;

/// Keeps any `serde` type as JSON.
///
/// JSON has no NaN and no infinities, `null` for both `None` and `Some(None)`, and only text as keys
/// of maps: such a value is refused, with the place where it is.
///
/// ```
/// use memo_runtime::cachers::{self, Json};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("score.json");
/// cachers::save_at(&Json, &(1, "a".to_owned()), &path)?;
/// assert_eq!(std::fs::read_to_string(&path)?, r#"[1,"a"]"#);
///
/// let error = cachers::save_at(&Json, &vec![0.5, f64::NAN], &path).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`Json` cannot hold the value at `[1]`: JSON has no form for NaN; use `Bincode`"
/// );
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json {
    pretty: bool,
}

/// [`Json`](struct@Json) as it comes: on one line.
#[expect(non_upper_case_globals, reason = "`Json` alone is a cacher, and `Json.pretty()` another")]
pub const Json: Json = Json { pretty: false };

publishable!(Json);

impl Json {
    /// Spreads the text over indented lines.
    ///
    /// ```
    /// use memo_runtime::cachers::{self, Json};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("score.json");
    /// cachers::save_at(&Json.pretty(), &[1, 2], &path)?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "[\n  1,\n  2\n]");
    /// # Ok::<(), memo_runtime::BoxError>(())
    /// ```
    #[must_use]
    pub const fn pretty(self) -> Self {
        Self { pretty: true }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Cacheable<T> for Json {
    fn format(&self) -> Format {
        let format = Format::new("json", 1).extension("json").layout::<T>();
        if self.pretty { format.option("pretty", true) } else { format }
    }

    fn save(&self, value: &T, artifact: &Artifact) -> Result<()> {
        checked::save(self, value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<T> {
        self.decode(&artifact.bytes()?)
    }

    fn looks_outside(&self) -> bool {
        false
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> for Json {
    const NAME: &'static str = "Json";
    const INSTEAD: &'static str = "Bincode";

    fn encode(&self, value: &T, out: impl Write) -> Result<()> {
        faithful::check::<Rules, _>(|notes| {
            let value = notes.checked(value);
            if self.pretty {
                serde_json::to_writer_pretty(out, &value)
            } else {
                serde_json::to_writer(out, &value)
            }
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes)
            .map(|Shallow::<_, false>(value)| value)
            .map_err(|error| damaged("this is not the JSON of such a value", error))
    }
}

/// What JSON, and `serde_json`, would change or not read again.
struct Rules;

impl faithful::Rules for Rules {
    const NAME: &'static str = "Json";
    const INSTEAD: &'static str = "Bincode";
    const FINITE: bool = true;
    const NULL_IN_SOME: bool = false;
    const KEYS: bool = false;
    // `serde_json` reads up to 127 brackets.
    const DEPTH: u16 = 127;
}
