//! [`Bincode`]: every `serde` type, fast and small.
//!
//! The one place that names the `bincode` crate. Its encoding with integers of fixed width is that of
//! bincode 1 and of maintained crates, so artifacts outlive the crate.

use std::io::Write;
use std::marker::PhantomData;

use bincode::config::{Configuration, Fixint, LittleEndian, standard};
use bincode::error::EncodeError;
use bincode::serde::{encode_into_std_write, seed_decode_from_slice};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::careful::{self, Limits};
use super::checked::{self, Codec};
use super::{damaged, faithful};
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;

/// Keeps any `serde` type in the binary form of `bincode`, with integers of fixed width.
///
/// The fastest for big vectors and models. The bytes do not describe themselves, so what bends the
/// shape of a type (`skip_serializing_if`, `flatten`, `tag`, `untagged`) is refused.
///
/// ```
/// use memo_runtime::cachers::{self, Bincode};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("weights.bin");
/// let weights = vec![0.25, -0.0, f64::INFINITY];
/// cachers::save_at(&Bincode, &weights, &path)?;
/// assert_eq!(std::fs::metadata(&path)?.len(), 8 + 3 * 8);
/// assert_eq!(cachers::load_from::<Vec<f64>, _>(&Bincode, &path)?, weights);
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bincode;

publishable!(Bincode);

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Cacheable<T> for Bincode {
    fn format(&self) -> Format {
        Format::new("bincode", 1).layout::<T>()
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

impl<T: Serialize + DeserializeOwned> Codec<T> for Bincode {
    const NAME: &'static str = "Bincode";
    const INSTEAD: &'static str = "Json";

    fn encode(&self, value: &T, mut out: impl Write) -> Result<()> {
        faithful::check::<Rules, _>(|notes| {
            let encoded = encode_into_std_write(notes.checked(value), &mut out, CONFIGURATION);
            encoded.map(drop).map_err(told)
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T> {
        let limits = Limits::new(DEPTH, bytes.len());
        let seed = careful::Seed::new(PhantomData::<T>, &limits);
        let (value, used) = seed_decode_from_slice(seed, bytes, CONFIGURATION)
            .map_err(|error| damaged("these are not the bytes of such a value", error))?;
        match bytes.len() - used {
            0 => Ok(value),
            more => Err(damaged("these are not the bytes of such a value", TooLong(more))),
        }
    }
}

/// Returns what a type's `Serialize` says, without the error that `bincode` puts around it.
fn told(error: EncodeError) -> String {
    match error {
        EncodeError::OtherString(message) => message,
        other => other.to_string(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} bytes follow it")]
struct TooLong(usize);

const CONFIGURATION: Configuration<LittleEndian, Fixint> = standard().with_fixed_int_encoding();

/// How deep values may be nested. Reading is recursive, and a few bytes can ask for any depth.
const DEPTH: u16 = 256;

/// What `bincode` would not read again.
struct Rules;

impl faithful::Rules for Rules {
    const NAME: &'static str = "Bincode";
    const INSTEAD: &'static str = "Json";
    const HOLES: bool = false;
    const DEPTH: u16 = DEPTH;
    const WRAPPERS_ARE_DEEP: bool = true;
}
