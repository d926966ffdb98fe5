//! A line of a pack: one shard. It is the first line of a manifest, and what its element was.

use serde::Deserialize;

use crate::store::manifest::{self, Head, Kept, NotAManifest, quick};

/// No line is written or read that is longer. What a body logs is the only part that may be long.
pub(crate) const LONGEST: usize = 16 << 20;

/// No line is shorter: it holds a checksum and a key.
pub(super) const SHORTEST: usize = 128;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) head: Head,
    /// Where its element was in the array when it was computed, for people.
    pub(crate) index: u64,
    /// How often the shard was computed anew on purpose before.
    pub(crate) generation: u32,
    /// What the body logged.
    pub(crate) log: Vec<String>,
}

/// What follows the head.
#[derive(Deserialize)]
struct Rest {
    index: u64,
    #[serde(default)]
    generation: u32,
    #[serde(default)]
    log: Vec<String>,
}

/// Writes a line.
pub(super) fn write(
    head: &Head,
    log: &[String],
    index: u64,
    generation: u32,
) -> serde_json::Result<Vec<u8>> {
    let mut bytes = manifest::begun(head, 512)?;
    bytes.extend_from_slice(b",\"index\":");
    serde_json::to_writer(&mut bytes, &index)?;
    if generation > 0 {
        bytes.extend_from_slice(b",\"generation\":");
        serde_json::to_writer(&mut bytes, &generation)?;
    }
    if !log.is_empty() {
        bytes.extend_from_slice(b",\"log\":");
        serde_json::to_writer(&mut bytes, log)?;
    }
    bytes.extend_from_slice(b"}\n");
    manifest::seal(&mut bytes);
    Ok(bytes)
}

/// Reads a line with its line break, all of whose bytes are checked.
pub(super) fn read(bytes: &[u8]) -> Result<Line, NotAManifest> {
    manifest::checked_body(bytes)?;
    if let Some((head, index, generation)) = quick::line(bytes, None) {
        return Ok(Line { head, index, generation, log: Vec::new() });
    }
    let head = serde_json::from_slice(bytes).map_err(|_| NotAManifest::Content)?;
    let rest = serde_json::from_slice(bytes).map_err(|_| NotAManifest::Content)?;
    let Rest { index, generation, log } = rest;
    Ok(Line { head, index, generation, log })
}

/// Reads a line of a pack of `stage`. Where a line break was lost, it is the last of several. Returns also
/// how many bytes precede it.
pub(super) fn judge(
    bytes: &[u8],
    stage: &str,
    outputs: usize,
) -> Result<(usize, Line), &'static str> {
    let (start, line) = match read(bytes) {
        Ok(line) => (0, line),
        Err(error) => {
            // No text inside a line looks like the beginning of one: its quotes are escaped.
            let begins = |start: &usize| manifest::begins(&bytes[*start..]);
            let last = (1..bytes.len()).rev().find(begins);
            let why = match error {
                NotAManifest::Prefix => "it does not begin as a line does",
                NotAManifest::Checksum => "its checksum is wrong",
                NotAManifest::Content => "it has no meaning",
            };
            let start = last.ok_or(why)?;
            (start, read(&bytes[start..]).map_err(|_| why)?)
        }
    };
    wrong(&line.head, stage, outputs)?;
    Ok((start, line))
}

/// Says why a shard is none of this pack.
pub(super) fn wrong(head: &Head, stage: &str, outputs: usize) -> Result<(), &'static str> {
    if head.stage != stage || head.outputs.len() != outputs {
        return Err("it belongs to another stage");
    }
    if !head.stays_inside() {
        return Err("it names files outside the store");
    }
    let agree = head.kept().all(Kept::sizes_agree);
    if agree { Ok(()) } else { Err("it tells sizes that cannot be") }
}
