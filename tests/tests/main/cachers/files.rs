//! Files and folders as outputs: taken over, referred to, and inside of values.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use memo_tests::change_behind_the_back;

use crate::common::*;

#[stage(outputs = [folder], cachers = [Copied])]
fn a_folder(ctx: &Context, text: &str) -> Result<PathBuf> {
    let folder = ctx.folder()?.join("model");
    fs::create_dir_all(folder.join("layers"))?;
    fs::write(folder.join("config.json"), "{}")?;
    fs::write(folder.join("layers/0.bin"), text)?;
    Ok(folder)
}

#[stage(outputs = [file], cachers = [Copied])]
fn a_file(path: &Path, text: &str) -> Result<PathBuf> {
    fs::write(path, text)?;
    Ok(path.to_owned())
}

#[stage(inputs = [folder], outputs = [length], cachers = [Json])]
fn length(folder: &Path) -> Result<u64> {
    Ok(fs::metadata(folder.join("layers/0.bin"))?.len())
}

#[stage(outputs = [nothing], cachers = [Copied])]
fn forgets_to_write(ctx: &Context) -> Result<PathBuf> {
    Ok(ctx.folder()?.join("not there"))
}

#[test]
fn a_folder_moves_into_the_store() {
    let lab = Lab::new();
    for _ in 0..2 {
        let mut record = lab.record(());
        let folder = a_folder(&mut record, "weights").unwrap().load().unwrap();
        assert!(folder.starts_with(lab.store_path()), "{}", folder.display());
        assert_eq!(fs::read_to_string(folder.join("layers/0.bin")).unwrap(), "weights");
        assert_eq!(fs::read_to_string(folder.join("config.json")).unwrap(), "{}");
        assert_eq!(*length(&mut record).unwrap().load().unwrap(), 7);
    }
    assert_eq!(lab.ran(), ["a_folder", "length"]);
}

#[test]
fn a_file_moves_into_the_store() {
    let lab = Lab::new();
    let path = lab.path("made.bin");
    let kept = a_file(&mut lab.record(()), &path, "content").unwrap();
    assert!(!path.exists(), "it has moved");
    let kept = kept.load().unwrap();
    assert_eq!(fs::read_to_string(&*kept).unwrap(), "content");
    let found = a_file(&mut lab.record(()), &path, "content").unwrap().load().unwrap();
    assert_eq!(found, kept);
    assert_eq!(lab.ran(), ["a_file"]);
}

#[test]
fn an_equal_file_made_again_stops_the_wave() {
    let lab = Lab::new();
    a_folder(&mut lab.record(()), "weights").unwrap();
    let first = a_file(&mut lab.record(()), &lab.path("a"), "x").unwrap().digest().unwrap();
    let second = a_file(&mut lab.record(()), &lab.path("b"), "x").unwrap().digest().unwrap();
    assert_eq!(first, second);
}

#[test]
fn a_kept_folder_that_lost_a_file_is_a_miss() {
    let lab = Lab::new();
    let folder = a_folder(&mut lab.record(()), "weights").unwrap().load().unwrap();
    fs::remove_file(folder.join("layers/0.bin")).unwrap();
    lab.lines();
    let folder = a_folder(&mut lab.record(()), "weights").unwrap().load().unwrap();
    assert_eq!(fs::read_to_string(folder.join("layers/0.bin")).unwrap(), "weights");
    assert_eq!(lab.ran(), ["a_folder"]);
}

#[test]
fn a_kept_folder_that_changed_is_not_served() {
    let lab = Lab::new();
    let folder = a_folder(&mut lab.record(()), "weights").unwrap().load().unwrap();
    fs::write(folder.join("layers/0.bin"), "WEIGHTS").unwrap();
    let folder = a_folder(&mut lab.record(()), "weights").unwrap().load().unwrap();
    assert_eq!(fs::read_to_string(folder.join("layers/0.bin")).unwrap(), "weights");
}

#[test]
fn a_file_that_was_not_written_is_an_error() {
    let lab = Lab::new();
    let outcome = forgets_to_write(&mut lab.record(()));
    let lines = lab.lines();
    let told = outcome.is_err() || lines.iter().any(|line| line.contains("not kept"));
    assert!(told, "{lines:?}");
    assert!(lab.entries().is_empty());
}

#[stage(outputs = [corpus], cachers = [Referenced])]
fn refers(path: &Path, text: &str) -> Result<PathBuf> {
    fs::create_dir_all(path.parent().ok_or("no folder")?)?;
    fs::write(path, text)?;
    Ok(path.to_owned())
}

#[stage(outputs = [corpus], cachers = [Referenced])]
fn refers_to_a_folder(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path)?;
    fs::write(path.join("a.txt"), "aaa")?;
    fs::write(path.join("b.txt"), "bbb")?;
    Ok(path.to_owned())
}

#[test]
fn a_referenced_file_stays_and_is_a_miss_when_gone_or_changed() {
    let lab = Lab::new();
    let path = lab.path("data/corpus.txt");
    let run = || {
        let found = refers(&mut lab.record(()), &path, "words").unwrap().load().unwrap();
        assert_eq!(*found, path);
        assert_eq!(fs::read_to_string(&path).unwrap(), "words");
        lab.ran().len()
    };
    assert_eq!((run(), run()), (1, 0));
    fs::remove_file(&path).unwrap();
    assert_eq!((run(), run()), (1, 0));
    fs::write(&path, "other words").unwrap();
    assert_eq!((run(), run()), (1, 0));
    change_behind_the_back(&path, "sword");
    assert_eq!((run(), run()), (1, 0));
}

#[test]
fn a_referenced_folder_is_a_miss_when_anything_in_it_changed() {
    let lab = Lab::new();
    let path = lab.path("data");
    let run = || {
        refers_to_a_folder(&mut lab.record(()), &path).unwrap();
        lab.ran().len()
    };
    assert_eq!((run(), run()), (1, 0));
    change_behind_the_back(&path.join("b.txt"), "ccc");
    assert_eq!((run(), run()), (1, 0));
    fs::remove_file(path.join("a.txt")).unwrap();
    assert_eq!((run(), run()), (1, 0));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shards {
    files: Vec<InputFile>,
    by_name: HashMap<String, Option<InputFile>>,
    folder: InputDir,
}

#[stage(outputs = [shards], cachers = [Json])]
fn shards(folder: &Path) -> Result<Shards> {
    fs::create_dir_all(folder.join("more"))?;
    for name in ["0.txt", "1.txt", "2.txt", "more/3.txt"] {
        fs::write(folder.join(name), name)?;
    }
    let file = |name: &str| InputFile::new(folder.join(name));
    Ok(Shards {
        files: vec![file("0.txt"), file("1.txt")],
        by_name: HashMap::from([("two".to_owned(), Some(file("2.txt"))), ("no".to_owned(), None)]),
        folder: InputDir::new(folder.join("more")),
    })
}

#[stage(inputs = [shards], outputs = [count], cachers = [Bincode])]
fn count(shards: &Shards) -> (usize, InputFile) {
    (shards.files.len(), shards.files[0].clone())
}

#[test]
fn an_output_that_names_files_is_a_miss_when_one_is_gone_or_changed() {
    let lab = Lab::new();
    let folder = lab.path("shards");
    let run = || {
        let mut record = lab.record(());
        shards(&mut record, &folder).unwrap();
        assert_eq!(count(&mut record).unwrap().load().unwrap().0, 2);
        lab.ran()
    };
    assert_eq!(run(), ["shards", "count"]);
    assert_eq!(run(), [""; 0]);
    for name in ["0.txt", "1.txt", "2.txt", "more/3.txt"] {
        fs::remove_file(folder.join(name)).unwrap();
        let ran = run();
        assert!(ran.contains(&"shards".to_owned()), "{name} is gone, {ran:?}");
        fs::write(folder.join(name), "changed").unwrap();
        let ran = run();
        assert!(ran.contains(&"shards".to_owned()), "{name} has changed, {ran:?}");
        assert_eq!(run(), [""; 0]);
    }
}
