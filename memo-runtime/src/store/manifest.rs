//! The manifest of an entry: two lines of JSON.
//!
//! The first line, the head, is all that a hit needs: the key, the outputs with their digests, and
//! small values themselves. The second line tells how it came about: the components of the key, the
//! program, what the stage logged. A hit never parses it.
//!
//! The head begins with a checksum of every byte that follows it, so that a flipped bit anywhere is
//! found before anything else is believed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Component as PathPart, Path};

use serde::{Deserialize, Serialize};

use crate::artifact::Meta;
use crate::artifact::tree::Part;
use crate::digest::Digest;
use crate::file::{Input, InputKind};
use crate::key::Component;
use crate::key::files::{FileDigest, FileMemory};
use crate::stage::StageSpec;

pub(super) mod quick;

const PREFIX: &str = "{\"memo\":1,\"sum\":\"";
const SUM: usize = 32;

/// A text of a head. Those that a stage's calls have in common are not copied from each manifest.
pub(crate) type Text = Cow<'static, str>;

/// What a hit needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) key: Digest,
    pub(crate) stage: Text,
    pub(crate) outputs: Vec<Output>,
    /// How long the body took.
    pub(crate) seconds: f64,
    /// When it was done, in milliseconds since 1970.
    pub(crate) completed: u64,
    /// The run that made it.
    pub(crate) run: String,
    /// Whether the stage logged anything, which is then told again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) logged: bool,
    /// The validator that passed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validator: Option<String>,
}

/// One kept output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) name: Text,
    /// `None` for an output that was not kept, since it has no cacher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact: Option<Kept>,
}

/// Where an artifact's bytes are, and what they must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The digest of the format: name, version, options, layout.
    pub(crate) format: Digest,
    #[serde(rename = "ext")]
    pub(crate) extension: Text,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// The bytes themselves, where they are few and are text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The bytes themselves, where they are few and are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hex: Option<HexBytes>,
    /// The files of an artifact of several. Where this is empty too, the artifact is one file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
    /// Files outside the store that the value refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<Reference>,
}

/// Bytes that are shown as hexadecimal digits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HexBytes(pub(crate) Vec<u8>);

/// A file outside the store that an output refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) folder: bool,
    pub(crate) digest: Digest,
}

/// How an entry came about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) components: Vec<Component>,
    /// Format of each kept output, as people read it.
    pub(crate) formats: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) log: Vec<String>,
    pub(crate) attempts: u32,
    /// The stage's name when the body ran, for an entry that a renamed stage has taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) was: Option<String>,
    /// Where the entry comes from, if the user has accepted it for other code than the one that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) accepted: Option<Accepted>,
    /// The program, the host, the experiment, the version of this crate.
    pub(crate) made_by: BTreeMap<String, String>,
    /// Why the call was a miss, where that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<KeptReason>,
    /// The record that called it first; `None` for an aggregate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
}

/// Why a call was a miss, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptReason {
    /// As people read it.
    pub(crate) text: String,
    /// As events tell it.
    pub(crate) why: serde_json::Value,
}

/// The entry that another one repeats on the user's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// Its key.
    pub(crate) from: Digest,
    /// The fingerprint of the code that ran, as 32 hexadecimal digits.
    pub(crate) code: String,
}

/// Why the bytes of a manifest cannot be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAManifest {
    #[error("it does not begin as a manifest does")]
    Prefix,
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its content is no manifest")]
    Content,
}

/// No manifest is read that is larger. What a stage logs is the only part of it that may be long.
pub(crate) const LARGEST: u64 = 256 << 20;

/// Whether `bytes` are the beginning of a manifest.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(PREFIX.as_bytes())
}

/// Writes a manifest.
pub(crate) fn write(head: &Head, detail: &Detail) -> serde_json::Result<Vec<u8>> {
    let mut bytes = begun(head, 2048)?;
    bytes.extend_from_slice(b"}\n");
    serde_json::to_writer(&mut bytes, detail)?;
    bytes.push(b'\n');
    seal(&mut bytes);
    Ok(bytes)
}

/// Writes a head up to the brace that closes it, with room for the checksum.
pub(super) fn begun(head: &Head, capacity: usize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(capacity);
    bytes.extend_from_slice(PREFIX.as_bytes());
    bytes.extend_from_slice(&[b'0'; SUM]);
    bytes.extend_from_slice(b"\",");
    let body = bytes.len();
    serde_json::to_writer(&mut bytes, head)?;
    // The head's own opening brace is the one that PREFIX has written.
    bytes.remove(body);
    bytes.pop();
    Ok(bytes)
}

/// Writes the checksum of all that follows it.
pub(super) fn seal(bytes: &mut [u8]) {
    let (front, body) = bytes.split_at_mut(PREFIX.len() + SUM + 2);
    front[PREFIX.len()..PREFIX.len() + SUM].copy_from_slice(&checksum(body));
}

/// Reads the head of a manifest, all of whose bytes are checked. It is most likely one of the stage
/// `asked`, and is read a little faster then.
pub(crate) fn read_head(
    bytes: &[u8],
    asked: Option<&'static StageSpec>,
) -> Result<Head, NotAManifest> {
    checked_body(bytes)?;
    checked_head(bytes, asked)
}

/// Reads the head at the beginning of a manifest that was checked before.
pub(super) fn checked_head(
    bytes: &[u8],
    asked: Option<&'static StageSpec>,
) -> Result<Head, NotAManifest> {
    if let Some(head) = quick::head(bytes, asked) {
        return Ok(head);
    }
    let mut lines = serde_json::Deserializer::from_slice(bytes).into_iter();
    let head = lines.next().and_then(Result::ok).ok_or(NotAManifest::Content)?;
    let ends = bytes.get(lines.byte_offset()) == Some(&b'\n');
    if ends { Ok(head) } else { Err(NotAManifest::Content) }
}

/// Reads the second line of a manifest.
pub(crate) fn read_detail(bytes: &[u8]) -> Result<Detail, NotAManifest> {
    let body = checked_body(bytes)?;
    let end = body.iter().position(|byte| *byte == b'\n').ok_or(NotAManifest::Content)?;
    serde_json::from_slice(&body[end + 1..]).map_err(|_| NotAManifest::Content)
}

/// Returns what the checksum is of, if it is right.
pub(super) fn checked_body(bytes: &[u8]) -> Result<&[u8], NotAManifest> {
    let rest = bytes.strip_prefix(PREFIX.as_bytes()).ok_or(NotAManifest::Prefix)?;
    let (sum, rest) = rest.split_at_checked(SUM).ok_or(NotAManifest::Prefix)?;
    let body = rest.strip_prefix(b"\",").ok_or(NotAManifest::Prefix)?;
    if *sum == checksum(body) { Ok(body) } else { Err(NotAManifest::Checksum) }
}

/// Returns the checksum of a manifest's body, in hexadecimal digits. Digits are compared, as reading
/// them takes longer than writing them.
fn checksum(body: &[u8]) -> [u8; SUM] {
    let sum = xxhash_rust::xxh3::xxh3_128(body).to_be_bytes();
    std::array::from_fn(|index| {
        let half = if index % 2 == 0 { sum[index / 2] >> 4 } else { sum[index / 2] & 15 };
        b"0123456789abcdef"[usize::from(half)]
    })
}

impl Head {
    /// Returns the artifacts of all outputs that were kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.outputs.iter().filter_map(|output| output.artifact.as_ref())
    }

    /// Names a file that an output refers to and that is gone or changed.
    pub(crate) fn broken_reference(&self, memory: &FileMemory) -> Option<&str> {
        let mut references = self.kept().flat_map(|kept| &kept.references);
        references.find(|file| !file.holds(memory)).map(|file| &*file.path)
    }

    /// Whether all names stay inside the folders that they are joined to. A manifest is not trusted.
    pub(crate) fn stays_inside(&self) -> bool {
        let plain = |name: &str| {
            Path::new(name).components().all(|part| matches!(part, PathPart::Normal(_)))
        };
        self.kept().all(|kept| {
            let extension = &kept.extension;
            !extension.contains(['/', '\\', '\0'])
                && kept.parts.iter().all(|part| plain(&part.name) && !part.name.contains('\\'))
        })
    }
}

impl Kept {
    /// Whether the sizes that are told agree with each other. No size is believed before.
    pub(crate) fn sizes_agree(&self) -> bool {
        let sum = |sum: u64, part: &Part| sum.checked_add(part.size);
        match self.inline() {
            Some(bytes) => bytes.len() as u64 == self.size,
            None if self.parts.is_empty() => true,
            None => self.parts.iter().try_fold(0, sum) == Some(self.size),
        }
    }

    /// The digest by which this artifact enters the keys of what reads it: the bytes, what they mean,
    /// the facts beside them, and the content of the files they refer to.
    pub(crate) fn identity(&self) -> Digest {
        let mut bytes = [*self.format.as_bytes(), *self.digest.as_bytes()].concat();
        if !self.meta.is_empty() {
            let meta = serde_json::Value::Object(self.meta.clone()).to_string();
            bytes.extend_from_slice(meta.as_bytes());
        }
        for file in &self.references {
            bytes.extend_from_slice(&(file.path.len() as u64).to_le_bytes());
            bytes.extend_from_slice(file.path.as_bytes());
            bytes.extend_from_slice(file.digest.as_bytes());
        }
        Digest::of(&bytes)
    }

    /// The bytes that lie inside the manifest.
    pub(crate) fn inline(&self) -> Option<&[u8]> {
        self.text.as_ref().map(String::as_bytes).or(self.hex.as_ref().map(|hex| &hex.0[..]))
    }
}

impl Reference {
    /// Names a file that a value refers to.
    pub(crate) fn of(file: &FileDigest) -> Self {
        let path = file.path.to_string_lossy().into_owned();
        Self { path, folder: file.is_folder(), digest: file.digest }
    }

    /// Whether the file is there, with the content that it had.
    pub(crate) fn holds(&self, memory: &FileMemory) -> bool {
        let kind = if self.folder { InputKind::Dir } else { InputKind::File };
        let input = Input { path: self.path.clone().into(), name: None };
        FileDigest::of(kind, &input, Some(memory)).is_ok_and(|found| found.digest == self.digest)
    }
}

impl Serialize for HexBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        let digits: String =
            self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("not hexadecimal digits");
        if !text.len().is_multiple_of(2) || !text.is_ascii() {
            return Err(wrong());
        }
        let pairs = text.as_bytes().chunks_exact(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()
            })
            .collect();
        Ok(Self(bytes.ok_or_else(wrong)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::OutputSpec;

    static EVALUATE: StageSpec = StageSpec {
        outputs: &[
            OutputSpec { name: "score", lazy: false },
            OutputSpec { name: "another", lazy: false },
        ],
        ..StageSpec::new("digits::evaluate")
    };
    static OTHER: StageSpec = StageSpec::new("digits::evaluat");

    fn example() -> (Head, Detail) {
        let output = |text: Option<&str>, hex| Output {
            name: "score".into(),
            artifact: Some(Kept {
                format: Digest::of(b"json"),
                extension: "json".into(),
                digest: Digest::of(b"0.96"),
                size: 4,
                text: text.map(str::to_owned),
                hex,
                parts: vec![],
                meta: Meta::new(),
                references: vec![],
            }),
        };
        let head = Head {
            key: Digest::of(b"key"),
            stage: "digits::evaluate".into(),
            outputs: vec![
                output(Some("0.96"), None),
                output(None, Some(HexBytes(vec![255, 0, 1, 2]))),
                output(None, None),
            ],
            seconds: 0.25,
            completed: 1_700_000_000_000,
            run: "r1".into(),
            logged: true,
            validator: None,
        };
        (head, Detail::default())
    }

    #[test]
    fn what_is_written_is_read() {
        let (head, detail) = example();
        let bytes = write(&head, &detail).unwrap();
        assert_eq!(read_head(&bytes, None).unwrap(), head);
        assert_eq!(read_detail(&bytes).unwrap(), detail);
        let lines: Vec<_> = std::str::from_utf8(&bytes).unwrap().lines().collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let (head, detail) = example();
        let bytes = write(&head, &detail).unwrap();
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                assert!(read_head(&flipped, None).is_err(), "bit {bit} of byte {index}");
            }
        }
    }

    #[test]
    fn what_most_entries_look_like_is_read_quickly_and_as_always() {
        let (mut head, detail) = example();
        head.outputs.remove(1);
        for text in ["0.96", "", "{\"a\\b\":[1,\"ä\"]}", "\\\\\"\\"] {
            head.outputs[0].artifact.as_mut().unwrap().text = Some(text.to_owned());
            for seconds in [0.0, 0.25, 1.37e-7, 5e-324, 1e21, f64::MAX] {
                head.seconds = seconds;
                head.logged = !head.logged;
                let bytes = write(&head, &detail).unwrap();
                for asked in [None, Some(&EVALUATE), Some(&OTHER)] {
                    assert_eq!(quick::head(&bytes, asked).as_ref(), Some(&head));
                }
            }
        }
    }

    #[test]
    fn what_is_rare_is_left_to_serde() {
        let (head, detail) = example();
        let bytes = write(&head, &detail).unwrap();
        assert_eq!(quick::head(&bytes, None), None, "an output in hexadecimal digits");
        let (mut head, _) = example();
        head.outputs.remove(1);
        head.outputs[0].artifact.as_mut().unwrap().text = Some("a\nb\u{1}".to_owned());
        let bytes = write(&head, &detail).unwrap();
        assert_eq!(quick::head(&bytes, None), None, "a line break");
        assert_eq!(read_head(&bytes, None).unwrap(), head);
        for end in 0..bytes.len() {
            assert_eq!(quick::head(&bytes[..end], None), None);
        }
    }

    #[test]
    fn every_cut_is_found() {
        let (head, detail) = example();
        let bytes = write(&head, &detail).unwrap();
        for length in 0..bytes.len() {
            assert!(read_head(&bytes[..length], None).is_err());
        }
    }
}
