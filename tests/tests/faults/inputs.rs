//! Input files that change, or go, while a stage works with them.

use std::fs;
use std::path::Path;

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;
use memo_runtime::{ErrorKind, InputDir, InputFile};

use crate::support::files;

/// What the body does to its input before it ends.
fn meddle(how: &str, path: &Path) -> Result<()> {
    match how {
        "rewrite" => fs::write(path, "after!")?,
        "same size" => fs::write(path, "BEFORE")?,
        "remove" => fs::remove_file(path)?,
        "replace by a folder" => {
            fs::remove_file(path)?;
            fs::create_dir(path)?;
        }
        "touch" => {
            fs::File::options().append(true).open(path)?.set_modified(std::time::UNIX_EPOCH)?;
        }
        "add a file" => fs::write(path.join("new"), "")?,
        "remove a file" => fs::remove_file(path.join("one"))?,
        _ => {}
    }
    Ok(())
}

#[stage(outputs = [length], cachers = [Json])]
fn read_file(file: &InputFile, how: &str) -> Result<usize> {
    let length = fs::read(file)?.len();
    meddle(how, file.path())?;
    Ok(length)
}

#[stage(outputs = [count], cachers = [Json])]
fn read_folder(folder: &InputDir, how: &str) -> Result<usize> {
    let count = fs::read_dir(folder)?.count();
    meddle(how, folder.path())?;
    Ok(count)
}

fn opened(path: &Path) -> (Store, Recorder) {
    let recorder = Recorder::new();
    (Store::options().observer(recorder.clone()).open(path).unwrap(), recorder)
}

fn is_said(lines: &[String]) -> bool {
    lines.iter().any(|line| line.starts_with("warning: ") && line.contains("changed while"))
}

#[test]
fn a_file_that_changes_while_it_is_read_keeps_nothing() {
    for how in ["rewrite", "same size", "remove", "replace by a folder"] {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("store"), folder.path().join("input"));
        let (store, recorder) = opened(&path);
        for _ in 0..2 {
            let _ = fs::remove_dir(&file);
            fs::write(&file, "before").unwrap();
            let mut record = Record::new(&store, "base", ());
            let input = InputFile::from(&file);
            let value = read_file(&mut record, &input, how).unwrap();
            assert_eq!(*value.load().unwrap(), 6, "{how}: the value is used");
            let lines = recorder.lines();
            assert!(lines[0].starts_with("ran read_file"), "{how}: {lines:?}");
            assert!(is_said(&lines), "{how}: {lines:?}");
            assert!(files(&path.join("v1/entries")).is_empty(), "{how}");
        }
    }
}

#[test]
fn a_folder_that_changes_while_it_is_read_keeps_nothing() {
    for how in ["add a file", "remove a file"] {
        let folder = tempfile::tempdir().unwrap();
        let (path, input) = (folder.path().join("store"), folder.path().join("input"));
        fs::create_dir(&input).unwrap();
        fs::write(input.join("one"), "").unwrap();
        let (store, recorder) = opened(&path);
        let mut record = Record::new(&store, "base", ());
        let value = read_folder(&mut record, &InputDir::from(&input), how).unwrap();
        assert_eq!(*value.load().unwrap(), 1, "{how}");
        assert!(is_said(&recorder.lines()), "{how}");
        assert!(files(&path.join("v1/entries")).is_empty(), "{how}");
    }
}

#[test]
fn a_file_that_is_touched_only_is_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path().join("store"), folder.path().join("input"));
    fs::write(&file, "before").unwrap();
    let (store, recorder) = opened(&path);
    for word in ["ran ", "hit "] {
        let mut record = Record::new(&store, "base", ());
        read_file(&mut record, &InputFile::from(&file), "touch").unwrap();
        let lines = recorder.lines();
        assert!(lines.len() == 1 && lines[0].starts_with(word), "{lines:?}");
    }
}

#[test]
fn a_file_that_is_gone_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    fs::write(&file, "before").unwrap();
    let (store, _) = opened(&folder.path().join("store"));
    let call = || read_file(&mut Record::new(&store, "base", ()), &InputFile::from(&file), "");
    call().unwrap();
    fs::remove_file(&file).unwrap();
    let error = call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.chain().contains("input"), "{}", error.chain());
    fs::write(&file, "before").unwrap();
    call().unwrap();
}

#[test]
fn a_changed_input_fails_the_exit_code_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    fs::write(&file, "before").unwrap();
    let input = InputFile::from(&file);
    let pipeline = move |record: &mut Record<u8>| {
        read_file(record, &input, "rewrite")?;
        Ok(())
    };
    let experiment = Experiment::new("inputs", pipeline).record("base", 0);
    let outcome = experiment.run(&RunOptions::new().store(folder.path().join("store"))).unwrap();
    assert_eq!((outcome.ran, outcome.lost, outcome.exit_code()), (1, 1, 3));
}
