//! The bytes of an index: what is written is read, and nothing else is believed.

use std::collections::BTreeMap;
use std::fs::File;

use proptest::prelude::*;

use super::super::format::{self, Block, Folders};
use super::*;
use crate::key::files::Identity;
use crate::stage::OutputSpec;

static EMBED: StageSpec = StageSpec {
    outputs: &[OutputSpec { name: "vector", lazy: false }],
    ..StageSpec::new("digits::embed")
};
static OTHER: StageSpec = StageSpec::new("digits::other");

fn line(head: &Head) -> Vec<u8> {
    let bytes = manifest::write(head, &Detail::default()).unwrap();
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    bytes[..=end].to_vec()
}

fn written(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::new();
    heads::write(head, &line(head), &mut bytes);
    bytes
}

fn part() -> Part {
    Part { name: "a/b".into(), size: 4, digest: Digest::of(b"part") }
}

fn file() -> Reference {
    Reference { path: "/a".into(), folder: true, digest: Digest::of(b"file") }
}

/// Heads of all kinds.
fn kinds() -> Vec<Head> {
    let base = || head(1, "0.96");
    let with = |change: &dyn Fn(&mut Head)| {
        let mut head = base();
        change(&mut head);
        head
    };
    let kept = |change: fn(&mut Kept)| {
        with(&|head: &mut Head| change(head.outputs[0].artifact.as_mut().unwrap()))
    };
    vec![
        base(),
        head(2, ""),
        head(3, "\"ä\\\n\u{1}"),
        with(&|head| head.outputs.clear()),
        with(&|head| head.outputs[0].artifact = None),
        with(&|head| head.outputs.push(head.outputs[0].clone())),
        with(&|head| head.logged = true),
        with(&|head| head.validator = Some("v".repeat(200))),
        with(&|head| head.seconds = 5e-324),
        with(&|head| head.seconds = -0.0),
        with(&|head| head.completed = u64::MAX),
        kept(|kept| kept.hex = kept.text.take().map(|_| HexBytes(vec![255, 0, 1, 200]))),
        kept(|kept| (kept.text, kept.size) = (None, u64::MAX)),
        kept(|kept| kept.extension = "parquet".into()),
        kept(|kept| kept.extension = "".into()),
        kept(|kept| (kept.text, kept.parts) = (None, vec![part()])),
        kept(|kept| drop(kept.meta.insert("rows".into(), serde_json::json!(0.1)))),
        kept(|kept| kept.references.push(file())),
    ]
}

#[test]
fn what_is_written_is_read() {
    for head in kinds() {
        let bytes = written(&head);
        for asked in [None, Some(&EMBED), Some(&OTHER)] {
            let read = heads::read(&bytes, STAGE, &head.key, asked);
            assert_eq!(read.as_ref(), Some(&head));
            assert_eq!(read.unwrap().seconds.to_bits(), head.seconds.to_bits());
        }
    }
    assert!(written(&head(1, &"x".repeat(2000))).is_empty());
}

#[test]
fn what_a_stage_says_itself_is_not_copied() {
    let head = heads::read(&written(&head(1, "0.96")), STAGE, &key(1), Some(&EMBED)).unwrap();
    let output = &head.outputs[0];
    for text in [&head.stage, &output.name, &output.artifact.as_ref().unwrap().extension] {
        assert!(matches!(text, std::borrow::Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn every_cut_of_a_head_is_found() {
    for head in kinds() {
        let mut bytes = written(&head);
        for end in 0..bytes.len() {
            assert_eq!(heads::read(&bytes[..end], STAGE, &head.key, None), None, "{end}");
        }
        bytes.push(0);
        if bytes[0] == 1 {
            assert_eq!(heads::read(&bytes, STAGE, &head.key, None), None);
        }
    }
}

fn identity(inode: u64) -> Identity {
    Identity { device: 1, inode, size: 4096, modified: (7, -8), changed: (i64::MIN, 10) }
}

fn folders() -> Folders {
    let block = |numbers: std::ops::Range<u64>| {
        let heads: BTreeMap<_, _> =
            numbers.map(|number| (key(number), written(&head(number, "1")))).collect();
        Block::of(heads.iter().map(|(key, head)| (key, &**head))).unwrap()
    };
    [
        (0, (identity(1), block(0..3))),
        (9, (identity(2), block(3..4))),
        (255, (identity(3), block(0..0))),
    ]
    .into()
}

/// Reads all that is believed of an index.
fn believed(bytes: &[u8]) -> Vec<(u8, Identity, Block)> {
    let rows = format::read_table(bytes, STAGE).unwrap_or_default();
    let block = |row: &format::Row| {
        let start = usize::try_from(row.offset).ok()?;
        let block = bytes.get(start..start + row.length as usize)?;
        Some((row.number, row.identity, row.block(&Arc::new(block.to_vec()), 0..block.len())?))
    };
    rows.iter().filter_map(block).collect()
}

#[test]
fn no_flipped_bit_and_no_cut_is_believed() {
    let folders = folders();
    let bytes = format::write(STAGE, &folders).unwrap();
    let whole: Vec<_> = folders
        .iter()
        .map(|(number, (identity, block))| (*number, *identity, block.clone()))
        .collect();
    assert_eq!(believed(&bytes), whole);
    assert!(format::read_table(&bytes, "digits::other").is_none());
    let is_true = |bytes: &[u8]| believed(bytes).iter().all(|folder| whole.contains(folder));
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << bit;
            assert!(is_true(&flipped), "bit {bit} of byte {index}");
            assert!(believed(&flipped).len() < whole.len(), "bit {bit} of byte {index}");
        }
        assert!(is_true(&bytes[..index]), "cut to {index}");
    }
}

#[test]
fn an_endless_index_is_read_as_far_as_it_tells() {
    let kit = Kit::new(40);
    kit.run();
    for change in [|file: &File| file.set_len(1 << 42), |file: &File| file.set_len(100)] {
        let whole = fs::read(kit.index()).unwrap();
        change(&File::options().write(true).open(kit.index()).unwrap()).unwrap();
        all_are_found(&kit.store(), 40);
        File::options().write(true).open(kit.index()).unwrap().set_len(0).unwrap();
        fs::write(kit.index(), whole).unwrap();
    }
}

#[test]
fn a_false_index_with_right_checksums_gives_no_entry_of_another_key_or_place() {
    let kit = Kit::new(40);
    let stage = kit.stage();
    let mut evil = head(1, "1");
    evil.outputs[0].artifact.as_mut().unwrap().text = None;
    evil.outputs[0].artifact.as_mut().unwrap().extension = "/../../../etc/passwd".into();
    let mut size = head(1, "1");
    size.outputs[0].artifact.as_mut().unwrap().size = 1 << 60;
    let mut rare = head(2, "2");
    rare.outputs[0].artifact.as_mut().unwrap().meta.insert("a".into(), 1.into());
    let huge = [&[1; 17][..], &[255; 30]].concat();
    for bytes in [written(&evil), written(&size), written(&rare), huge, vec![2], vec![9; 50]] {
        let mut folders = Folders::new();
        for number in 0..4 {
            let keys: BTreeMap<_, _> = (number..40).step_by(4).map(|n| (key(n), &bytes)).collect();
            let block = Block::of(keys.iter().map(|(key, head)| (key, &head[..]))).unwrap();
            let number = view::number(&key(number));
            folders.insert(number, (view::identity_of(&stage, number).unwrap(), block));
        }
        fs::write(kit.index(), format::write(STAGE, &folders).unwrap()).unwrap();
        let store = kit.store();
        all_are_found(&store, 40);
        assert_eq!(opened(&store), 40);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..4_u8) {
        let bytes = [&[kind][..], &bytes].concat();
        let _ = heads::read(&bytes, STAGE, &key(1), Some(&EMBED));
        let _ = format::read_table(&bytes, STAGE);
        // A block with a right checksum.
        let mut folders = folders();
        let block = Block::whole(bytes);
        folders.insert(0, (identity(1), block.clone()));
        let index = format::write(STAGE, &folders).unwrap();
        let _ = believed(&index);
        let _ = (block.find(&key(1)), block.lists(&key(1)), block.heads().count(), block.len());
    }

    #[test]
    fn any_change_of_a_head_is_survived(head in prop::sample::select(kinds()), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = written(&head);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = heads::read(&bytes, STAGE, &head.key, Some(&EMBED));
    }
}
