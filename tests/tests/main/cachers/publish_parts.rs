//! Artifacts of several files at a path of the user's choice.

use std::fs;
use std::path::{Path, PathBuf};

use memo_runtime::cachers::Published;

use crate::common::*;

struct TwoFiles;

impl Cacheable<Vec<u8>> for TwoFiles {
    fn format(&self) -> Format {
        Format::new("two", 1).extension("txt")
    }

    fn save(&self, weights: &Vec<u8>, artifact: &Artifact) -> Result<()> {
        fs::write(artifact.path()?, weights.len().to_string())?;
        Ok(fs::write(artifact.file("weights.bin")?, weights)?)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<u8>> {
        Ok(fs::read(artifact.file("weights.bin")?)?)
    }
}

#[stage(
    outputs = [model],
    cachers = [Published::new(TwoFiles, format!("{out}/{{record}}.txt"))],
    skip = [out]
)]
fn two_files(out: &str) -> Vec<u8> {
    let _ = out;
    b"weights".to_vec()
}

#[stage(outputs = [folder], cachers = [Copied.publish(format!("{out}/{{record}}"))], skip = [out])]
fn a_folder(ctx: &Context, out: &str) -> Result<PathBuf> {
    let _ = out;
    let folder = ctx.folder()?.join("made");
    fs::create_dir_all(folder.join("a"))?;
    fs::write(folder.join("a/b.txt"), "b")?;
    fs::write(folder.join("main.txt"), "c")?;
    Ok(folder)
}

/// The files below a folder, by name, with their content.
fn files(folder: &Path) -> Vec<(String, String)> {
    let name = |file: &Path| file.strip_prefix(folder).unwrap().display().to_string();
    let files = memo_tests::files_below(folder);
    files.iter().map(|file| (name(file), fs::read_to_string(file).unwrap())).collect()
}

/// Runs a stage, spoils each file in turn, and looks whether all are there again.
fn restores(stage: impl Fn(&mut Record<()>, &str), expected: &[(&str, &str)]) {
    let lab = Lab::new();
    let folder = lab.path("out");
    let run = || stage(&mut lab.record(()), folder.to_str().unwrap());
    let all: Vec<_> =
        expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    run();
    assert_eq!(files(&folder), all);
    for (name, text) in expected {
        fs::remove_file(folder.join(name)).unwrap();
        run();
        assert_eq!(files(&folder), all, "`{name}` was gone");
        fs::write(folder.join(name), "x".repeat(text.len())).unwrap();
        run();
        assert_eq!(files(&folder), all, "`{name}` was another");
    }
    assert_eq!(lab.ran().len(), 1);
    // Nothing is written where all is there.
    let times = || {
        let files = memo_tests::files_below(&folder);
        files.iter().map(|file| fs::metadata(file).unwrap().created().ok()).collect::<Vec<_>>()
    };
    let before = times();
    run();
    assert_eq!(times(), before);
}

#[test]
fn all_files_of_an_artifact_are_published_and_restored() {
    let stage = |record: &mut Record<()>, out: &str| drop(two_files(record, out).unwrap());
    restores(stage, &[("base.txt", "7"), ("base.txt.weights.bin", "weights")]);
}

#[test]
fn all_files_of_a_folder_are_published_and_restored() {
    let stage = |record: &mut Record<()>, out: &str| drop(a_folder(record, out).unwrap());
    restores(stage, &[("base/a/b.txt", "b"), ("base/main.txt", "c")]);
}

#[test]
fn what_is_published_can_be_read_by_hand() {
    let lab = Lab::new();
    let folder = lab.path("out");
    two_files(&mut lab.record(()), folder.to_str().unwrap()).unwrap();
    let found = memo_runtime::cachers::load_from(&TwoFiles, folder.join("base.txt")).unwrap();
    assert_eq!(found, b"weights");
}
