//! [`InputFile`] and [`InputDir`]: files and folders that enter a key by their content.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{self, Serialize, Serializer};

use crate::key::files;

/// What the text of an input begins with where a plain path would not do.
const MARK: &str = "memo:";

/// The two kinds of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum InputKind {
    File,
    Dir,
}

impl InputKind {
    /// The name under which serializers see an input; the one of the key looks for it.
    const fn magic(self) -> &'static str {
        match self {
            Self::File => "$memo::InputFile",
            Self::Dir => "$memo::InputDir",
        }
    }

    /// Returns the kind of input that serde calls `name`.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "$memo::InputFile" => Some(Self::File),
            "$memo::InputDir" => Some(Self::Dir),
            _ => None,
        }
    }

    /// Returns the word for it in messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Dir => "folder",
        }
    }
}

/// A path, and the name that enters keys in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) name: Option<String>,
}

impl Input {
    fn named(path: PathBuf, name: String) -> Self {
        Self { path, name: Some(name).filter(|name| !name.is_empty()) }
    }

    /// Returns the one text that holds everything: the path as it is, wherever that will do, else
    /// `memo:NAME=PATH` with `%` escapes. A single text fits into every format.
    fn text(&self) -> Cow<'_, str> {
        match (self.path.to_str(), &self.name) {
            (Some(path), None) if !path.starts_with(MARK) => Cow::Borrowed(path),
            (_, name) => {
                let mut text = MARK.to_owned();
                escape(&mut text, name.as_deref().unwrap_or_default().as_bytes(), &['%', '=']);
                text.push('=');
                escape(&mut text, self.path.as_os_str().as_bytes(), &['%']);
                Cow::Owned(text)
            }
        }
    }

    /// Reads what [`text`](Self::text) wrote.
    pub(crate) fn parse(text: &str) -> Self {
        match text.strip_prefix(MARK).and_then(|marked| marked.split_once('=')) {
            Some((name, path)) => Self::named(
                OsString::from_vec(unescape(path)).into(),
                String::from_utf8_lossy(&unescape(name)).into_owned(),
            ),
            None => Self { path: text.into(), name: None },
        }
    }

    /// Returns what stands for it in keys and messages.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        self.name.as_deref().map_or_else(|| self.path.to_string_lossy(), Cow::Borrowed)
    }

    fn serialize<S: Serializer>(&self, kind: InputKind, serializer: S) -> Result<S::Ok, S::Error> {
        files::note_reference(kind, self).map_err(|error| ser::Error::custom(error.chain()))?;
        serializer.serialize_newtype_struct(kind.magic(), self.text().as_ref())
    }

    /// Reads the input of the public type `T`.
    fn deserialize<'de, T, D>(kind: InputKind, deserializer: D) -> Result<Self, D::Error>
    where
        D: Deserializer<'de>,
    {
        deserializer.deserialize_newtype_struct(kind.magic(), Text::<T>(kind, PhantomData))
    }
}

/// Writes bytes as text, with `%` and two digits for what is not UTF-8 or among `special`.
fn escape(text: &mut String, bytes: &[u8], special: &[char]) {
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                char if special.contains(&char) => push_escape(text, char as u8),
                char => text.push(char),
            }
        }
        chunk.invalid().iter().for_each(|byte| push_escape(text, *byte));
    }
}

fn push_escape(text: &mut String, byte: u8) {
    text.push('%');
    text.extend(
        [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or('0')),
    );
}

/// Reads what [`escape`] wrote; a `%` that no two digits follow is itself, as people write it.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        bytes.push(*first);
        if let [high, low, after @ ..] = more
            && *first == b'%'
            && let (Some(high), Some(low)) = (half(*high), half(*low))
        {
            bytes.pop();
            bytes.push(high << 4 | low);
            rest = after;
        }
    }
    bytes
}

fn half(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|half| u8::try_from(half).ok())
}

/// Takes the text of an input, inside the newtype or without it. There is one type of visitor for each
/// `T`, as with derived ones: a [`Layout`](crate::Layout) tells types apart by it.
struct Text<T>(InputKind, PhantomData<T>);

impl<'de, T> Visitor<'de> for Text<T> {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the path of a {}", self.0.word())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Input, E> {
        Ok(Input::parse(text))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Input, D::Error> {
        String::deserialize(inner).map(|text| Input::parse(&text))
    }
}

/// Defines the public type of one kind of inputs.
macro_rules! input {
    ($(#[$doc:meta])* $type:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Input);

        impl $type {
            /// Makes the input at `path`. Nothing is read before a key needs it.
            pub fn new(path: impl Into<PathBuf>) -> Self {
                Self(Input { path: path.into(), name: None })
            }

            /// Makes the input at `path` that enters keys as `name`, for what lies in different
            /// folders on different machines. An empty name is none.
            pub fn named(path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
                Self(Input::named(path.into(), name.into()))
            }

            /// Returns the path, as it was given.
            pub fn path(&self) -> &Path {
                &self.0.path
            }

            /// Returns the name that enters keys in place of the path.
            pub fn name(&self) -> Option<&str> {
                self.0.name.as_deref()
            }
        }

        impl<P: Into<PathBuf>> From<P> for $type {
            fn from(path: P) -> Self {
                Self::new(path)
            }
        }

        impl AsRef<Path> for $type {
            fn as_ref(&self) -> &Path {
                self.path()
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize($kind, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Input::deserialize::<Self, D>($kind, deserializer).map(Self)
            }
        }
    };
}

input! {
    /// A file that a stage reads: it enters keys by its path, as given, and its content.
    ///
    /// It can be a field of the params or of a call argument, at any depth; a part of an output too,
    /// which is then a hit only while the file is there and unchanged. In JSON, TOML and elsewhere it
    /// is a plain text: the path, or `memo:NAME=PATH` for a [`named`](Self::named) one.
    ///
    /// ```
    /// use memo_runtime::{InputFile, digest_of};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("rows.csv");
    /// std::fs::write(&path, "1,2\n")?;
    /// let input = InputFile::named(&path, "rows");
    /// let before = digest_of(&input)?;
    ///
    /// std::fs::write(&path, "1,3\n")?;
    /// assert_ne!(digest_of(&input)?, before);
    /// assert!(digest_of(&InputFile::from("absent.csv")).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    InputFile, InputKind::File
}

input! {
    /// A folder that a stage reads: it enters keys by its path, as given, and all that is in it.
    ///
    /// What counts is the names of all files and folders in it, at any depth, empty folders included,
    /// the content of the files, and whether they are executable; times do not. Symbolic links are
    /// followed, and those that lead back end there. Otherwise it is as [`InputFile`] is.
    ///
    /// ```
    /// use memo_runtime::{InputDir, digest_of};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let input = InputDir::from(folder.path());
    /// let before = digest_of(&input)?;
    ///
    /// std::fs::write(folder.path().join("0001.png"), b"..")?;
    /// assert_ne!(digest_of(&input)?, before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    InputDir, InputKind::Dir
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    fn there_and_back<T>(input: &T) -> (String, T)
    where
        T: Serialize + de::DeserializeOwned,
    {
        let text = serde_json::to_string(input).unwrap();
        let back = serde_json::from_str(&text).unwrap();
        (text, back)
    }

    #[test]
    fn a_path_is_a_plain_text_in_json() {
        for path in ["data/rows.csv", "", "100 %", "a=b", "memo", "C:\\rows"] {
            let (text, back) = there_and_back(&InputFile::from(path));
            assert_eq!(text, serde_json::to_string(path).unwrap());
            assert_eq!(back, InputFile::from(path));
        }
        let dir: InputDir = serde_json::from_str("\"data/faces\"").unwrap();
        assert_eq!(dir.path(), Path::new("data/faces"));
        assert!(serde_json::from_str::<InputDir>("17").is_err());
    }

    #[test]
    fn a_name_is_written_before_the_path() {
        let file = InputFile::named("/mnt/a/rows.csv", "rows");
        let (text, back) = there_and_back(&file);
        assert_eq!((text.as_str(), &back), ("\"memo:rows=/mnt/a/rows.csv\"", &file));
        assert_eq!((back.name(), back.path()), (Some("rows"), Path::new("/mnt/a/rows.csv")));
        assert_eq!(InputFile::named("rows.csv", ""), InputFile::from("rows.csv"));
    }

    #[test]
    fn people_need_not_escape() {
        let read = |text: &str| serde_json::from_value::<InputFile>(text.into()).unwrap();
        assert_eq!(read("memo:rows=/a/100%/x=y"), InputFile::named("/a/100%/x=y", "rows"));
        assert_eq!(read("memo:rows"), InputFile::from("memo:rows"));
    }

    #[test]
    fn a_deserializer_without_newtypes_will_do() {
        let text: StrDeserializer<'_, Error> = de::IntoDeserializer::into_deserializer("rows.csv");
        assert_eq!(InputFile::deserialize(text), Ok(InputFile::from("rows.csv")));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_path_and_name_come_back(
            path in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                "(memo:)?[%=a0é]{0,8}".prop_map(String::into_bytes),
            ],
            name in "[%=a0:é]{0,6}|.{0,9}",
        ) {
            let path = PathBuf::from(OsString::from_vec(path));
            for input in [InputDir::named(path.clone(), name), InputDir::from(path)] {
                prop_assert_eq!(there_and_back(&input).1, input);
            }
        }
    }
}
