//! Files that a body gets to by a value: one that an upstream stage made, or one that was inserted.

use std::fs;
use std::path::Path;

use memo_tests::change_behind_the_back;

use crate::common::*;

#[stage(outputs = [file], cachers = [Json])]
fn download(path: &Path, text: &str) -> Result<InputFile> {
    fs::write(path, text)?;
    Ok(InputFile::new(path))
}

#[stage(inputs = [file], outputs = [content], cachers = [Json])]
fn parse(file: &InputFile) -> Result<String> {
    Ok(fs::read_to_string(file)?)
}

#[stage(inputs = [file], outputs = [former], cachers = [Json])]
fn overwrites(file: &InputFile, text: &str) -> Result<String> {
    let former = fs::read_to_string(file)?;
    fs::write(file, text)?;
    Ok(former)
}

#[test]
fn another_content_behind_an_equal_path_reaches_the_consumer() {
    let lab = Lab::new();
    let path = lab.path("rows.csv");
    let run = |text: &str| {
        let mut record = lab.record(());
        download(&mut record, &path, text).unwrap();
        assert_eq!(*parse(&mut record).unwrap().load().unwrap(), text);
        lab.ran()
    };
    assert_eq!(run("one"), ["download", "parse"]);
    assert_eq!(run("two"), ["download", "parse"]);
    assert_eq!(run("two"), [""; 0]);
    assert_eq!(run("one"), ["download"], "the file is made again, and is what it was");
}

#[test]
fn an_edit_between_two_calls_of_one_process_is_seen() {
    let lab = Lab::new();
    let path = lab.path("rows.csv");
    let store = lab.store();
    let mut record = Record::new(&store, "base", ());
    download(&mut record, &path, "one").unwrap();
    download(&mut record, &path, "one").unwrap();
    assert_eq!(lab.ran(), ["download"]);
    // By the same record, and by another one on the same store.
    change_behind_the_back(&path, "two");
    download(&mut record, &path, "one").unwrap();
    assert_eq!((lab.ran().len(), fs::read_to_string(&path).unwrap().as_str()), (1, "one"));
    fs::remove_file(&path).unwrap();
    let mut other = Record::new(&store, "other", ());
    download(&mut other, &path, "one").unwrap();
    assert_eq!(*parse(&mut other).unwrap().load().unwrap(), "one");
    assert_eq!(lab.ran(), ["download", "parse"]);
}

#[test]
fn a_found_entry_is_checked_again_in_the_process_that_found_it() {
    let lab = Lab::new();
    let path = lab.path("rows.csv");
    download(&mut lab.record(()), &path, "one").unwrap();
    let mut record = lab.record(());
    download(&mut record, &path, "one").unwrap();
    assert_eq!(lab.ran().len(), 1);
    fs::write(&path, "edited").unwrap();
    download(&mut record, &path, "one").unwrap();
    assert_eq!(lab.ran().len(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "one");
}

#[test]
fn an_inserted_file_that_changes_while_the_stage_runs_keeps_nothing() {
    let lab = Lab::new();
    let path = lab.write("rows.csv", "one");
    let mut record = lab.record(());
    record.insert("file", InputFile::new(&path)).unwrap();
    let former = overwrites(&mut record, "two").unwrap();
    assert_eq!(*former.load().unwrap(), "one", "the value can be used");
    let warnings = lab.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("rows.csv"), "{warnings:?}");
    assert!(lab.entries().is_empty());
    // Put back, its content is that of the key: what was made of it is not served for it.
    fs::write(&path, "one").unwrap();
    let mut record = lab.record(());
    record.insert("file", InputFile::new(&path)).unwrap();
    overwrites(&mut record, "two").unwrap();
    assert_eq!(lab.ran(), ["overwrites"]);
}

#[test]
fn an_inserted_list_of_files_is_watched_as_well() {
    #[stage(inputs = [files], outputs = [size], cachers = [Json])]
    fn appends(files: &[InputFile]) -> Result<usize> {
        fs::write(&files[1], "longer than it was")?;
        Ok(files.len())
    }
    let lab = Lab::new();
    let files: Vec<_> = ["a", "b"].map(|name| InputFile::new(lab.write(name, name))).into();
    let mut record = lab.record(());
    record.insert("files", files).unwrap();
    appends(&mut record).unwrap();
    assert_eq!((lab.warnings().len(), lab.entries().len()), (1, 0));
}

#[test]
fn an_upstream_file_that_changes_while_the_stage_runs_keeps_nothing() {
    let lab = Lab::new();
    let path = lab.path("rows.csv");
    let run = || {
        let mut record = lab.record(());
        download(&mut record, &path, "one").unwrap();
        assert_eq!(*overwrites(&mut record, "two").unwrap().load().unwrap(), "one");
    };
    run();
    let warnings = lab.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("rows.csv"), "{warnings:?}");
    assert_eq!(lab.entries().len(), 1, "`download` alone");
    run();
    assert_eq!(lab.ran(), ["download", "overwrites"]);
}
