//! Folders that somebody has prepared.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::*;
use crate::store::packs::record::{HEADER, header};

/// A store with one good shard, and the folder of its packs.
fn store() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let packs = packs(&Store::open(folder.path()).unwrap());
    packs.append(&head(1), &[], 1, 0).unwrap();
    let packs = packs.0.folder.clone();
    (folder, packs)
}

/// The good shard is there as ever, and nothing else is.
fn finds_the_good_one(store: &std::path::Path) {
    let packs = packs(&Store::open(store).unwrap());
    let keys: Vec<_> = (0..4).map(key).collect();
    let shards = packs.find(&keys);
    assert_eq!(shards.found(), 1);
    let place = shards.get(1).unwrap().place;
    assert_eq!(packs.read(&key(1), place).unwrap().head, head(1));
    assert!(packs.append(&head(2), &[], 2, 0).is_ok());
    assert_eq!(packs.find(&keys).found(), 2);
    let own = packs.0.folder.clone();
    // The next one begins as this one did.
    drop(packs);
    let names = fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        names.filter(|path| path.extension() == Some("jsonl".as_ref())).collect();
    names.retain(|path| fs::symlink_metadata(path).unwrap().is_file());
    names.retain(|path| {
        fs::read_to_string(path).is_ok_and(|text| text.contains(&key(2).to_string()))
    });
    for path in names {
        let _ = fs::remove_file(path.with_extension("index"));
        fs::remove_file(path).unwrap();
    }
}

/// An index of one record that is whole, and false.
fn index(pack: &str, offset: u64, length: u32, of: u64) -> Vec<u8> {
    let mut record = Record::of(&head(of), 9, 0, offset, length);
    record.key = key(of);
    let mut bytes = header(pack, 1).to_vec();
    record.write(0, &[key(7)], &mut bytes);
    bytes
}

#[test]
fn no_size_is_believed() {
    let (store, folder) = store();
    let numbers = [0, 1, 200, 1 << 40, u64::MAX];
    for offset in numbers {
        for length in [0, 127, 128, 1 << 20, u32::MAX] {
            // Of a pack that is empty, short, and endless.
            for size in [0, 300, 1 << 42] {
                if size > 300 && length % 3 == 0 && length > 0 {
                    continue;
                }
                let lines = folder.join("false.jsonl");
                File::create(&lines).unwrap().set_len(size).unwrap();
                let index = index("false", offset, length, 3);
                fs::write(folder.join("false.index"), index).unwrap();
                let packs = packs(&Store::open(store.path()).unwrap());
                let shards = packs.find(&[key(3), key(1)]);
                assert!(shards.is_found(1));
                if let Some(shard) = shards.get(0) {
                    assert!(packs.read(&key(3), shard.place).is_err());
                }
            }
        }
    }
}

#[test]
fn a_line_that_does_not_end_is_told_and_read_no_further() {
    let (store, folder) = store();
    File::create(folder.join("endless.jsonl")).unwrap().set_len(1 << 42).unwrap();
    finds_the_good_one(store.path());
    let packs = packs(&Store::open(store.path()).unwrap());
    let listed: Vec<_> = packs.all().filter_map(Result::err).collect();
    assert!(listed.len() == 1 && listed[0].what.contains("does not end"), "{listed:?}");
}

#[test]
fn an_endless_index_is_read_as_far_as_there_are_lines() {
    let (store, folder) = store();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() == Some("index".as_ref()) {
            File::options().write(true).open(path).unwrap().set_len(1 << 42).unwrap();
        }
    }
    finds_the_good_one(store.path());
}

#[test]
fn an_index_of_another_pack_is_not_believed() {
    let (store, folder) = store();
    let good = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let good = good.into_iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
    let text = fs::read(&good).unwrap();
    let length = u32::try_from(text.len()).unwrap();
    for bytes in [index("other", 0, length, 3), header("false", 2).to_vec(), vec![0; HEADER]] {
        fs::write(folder.join("false.jsonl"), &text).unwrap();
        fs::write(folder.join("false.index"), bytes).unwrap();
        finds_the_good_one(store.path());
    }
}

#[test]
fn a_record_that_leads_to_the_line_of_another_shard_gives_nothing() {
    let (store, folder) = store();
    let good = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let good = good.into_iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
    let length = u32::try_from(fs::metadata(&good).unwrap().len()).unwrap();
    let name = good.file_stem().unwrap().to_str().unwrap();
    fs::write(good.with_extension("index"), index(name, 0, length, 3)).unwrap();
    let packs = packs(&Store::open(store.path()).unwrap());
    let shards = packs.find(&[key(3)]);
    let damage = packs.read(&key(3), shards.get(0).unwrap().place).unwrap_err();
    assert!(damage.what.contains("another shard") && !damage.is_passing, "{damage}");
}

#[test]
fn what_is_no_file_is_left_alone() {
    let (store, folder) = store();
    let outside = store.path().join("outside.jsonl");
    fs::write(
        &outside,
        fs::read(fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path()).unwrap(),
    )
    .unwrap();
    fs::create_dir(folder.join("folder.jsonl")).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("link.jsonl")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.jsonl")).unwrap();
    let pipe = folder.join("pipe.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(folder.join(".jsonl"), "").unwrap();
    fs::write(folder.join(std::ffi::OsStr::from_bytes(b"\xff.jsonl")), "").unwrap();
    finds_the_good_one(store.path());
    // An index that is a pipe does not keep anybody waiting either.
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() == Some("index".as_ref()) {
            fs::remove_file(&path).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        }
    }
    finds_the_good_one(store.path());
}

#[test]
fn a_line_that_names_files_elsewhere_is_none() {
    let (store, folder) = store();
    let mut evil = head(3);
    let kept = evil.outputs[0].artifact.as_mut().unwrap();
    (kept.text, kept.extension) = (None, "/../../../../etc/passwd".into());
    let mut wrong_size = head(3);
    wrong_size.outputs[0].artifact.as_mut().unwrap().size = 1 << 60;
    let mut other = head(3);
    other.stage = "digits::other".into();
    let mut more = head(3);
    more.outputs.push(more.outputs[0].clone());
    for head in [evil, wrong_size, other, more] {
        let line = line::write(&head, &[], 3, 0).unwrap();
        let file = File::create(folder.join("false.jsonl")).unwrap();
        file.write_all_at(&line, 0).unwrap();
        finds_the_good_one(store.path());
        let listed: Vec<_> = packs(&Store::open(store.path()).unwrap()).all().collect();
        assert_eq!(listed.iter().filter(|line| line.is_err()).count(), 1);
    }
}
