//! Files and folders as part of a key.

use std::fs;
use std::path::Path;

use memo_tests::change_behind_the_back;

use crate::common::*;

#[stage(outputs = [content], cachers = [Text])]
fn read(file: InputFile) -> Result<String> {
    Ok(fs::read_to_string(file)?)
}

#[stage(outputs = [names], cachers = [Json])]
fn list(folder: &InputDir) -> Result<Vec<String>> {
    let files = memo_tests::files_below(folder.path());
    let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
    Ok(files.iter().map(|path| name(path)).collect())
}

#[derive(Clone, Serialize)]
struct Params {
    corpus: Vec<Corpus>,
    other: InputFile,
}

#[derive(Clone, Serialize)]
struct Corpus {
    file: Option<InputFile>,
}

#[stage(outputs = [size], cachers = [Json])]
fn in_params(params: &Params) -> Result<u64> {
    let mut size = 0;
    for corpus in &params.corpus {
        size += corpus.file.as_ref().map_or(Ok(0), |file| fs::metadata(file).map(|m| m.len()))?;
    }
    Ok(size)
}

fn content(lab: &Lab, file: impl Into<InputFile>) -> String {
    (*read(&mut lab.record(()), file.into()).unwrap().load().unwrap()).clone()
}

#[test]
fn a_file_enters_by_its_content() {
    let lab = Lab::new();
    let path = lab.write("rows.csv", "one");
    assert_eq!(content(&lab, &path), "one");
    assert_eq!(content(&lab, &path), "one");
    assert_eq!(lab.ran().len(), 1);
    fs::write(&path, "other").unwrap();
    assert_eq!(content(&lab, &path), "other");
    fs::write(&path, "one").unwrap();
    assert_eq!(content(&lab, &path), "one");
    assert_eq!(lab.ran().len(), 1, "going back is a hit");
}

#[test]
fn equal_size_and_times_hide_no_change() {
    let lab = Lab::new();
    let path = lab.write("rows.csv", "one");
    assert_eq!(content(&lab, &path), "one");
    change_behind_the_back(&path, "two");
    assert_eq!(content(&lab, &path), "two");
    let store = lab.store();
    let mut record = Record::new(&store, "base", ());
    for text in ["six", "ten", "six"] {
        change_behind_the_back(&path, text);
        let handle = read(&mut record, InputFile::new(&path)).unwrap();
        assert_eq!(*handle.load().unwrap(), text, "within one process");
    }
}

#[test]
fn times_alone_change_nothing() {
    let lab = Lab::new();
    let path = lab.write("rows.csv", "one");
    content(&lab, &path);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    content(&lab, &path);
    assert_eq!(lab.ran().len(), 1);
}

#[test]
fn the_path_enters_unless_a_name_stands_for_it() {
    let lab = Lab::new();
    let (one, two) = (lab.write("a/rows.csv", "x"), lab.write("b/rows.csv", "x"));
    content(&lab, &one);
    content(&lab, &two);
    assert_eq!(lab.ran().len(), 2);
    content(&lab, InputFile::named(&one, "rows"));
    content(&lab, InputFile::named(&two, "rows"));
    assert_eq!(lab.ran().len(), 1);
}

#[test]
fn a_file_in_the_params_counts_where_it_is_read() {
    let lab = Lab::new();
    let (path, other) = (lab.write("corpus", "words"), lab.write("other", "x"));
    let params = || Params {
        corpus: vec![Corpus { file: None }, Corpus { file: Some((&path).into()) }],
        other: (&other).into(),
    };
    let size = || *in_params(&mut lab.record(params())).unwrap().load().unwrap();
    assert_eq!(size(), 5);
    fs::write(&other, "y").unwrap();
    assert_eq!(size(), 5);
    assert_eq!(lab.ran().len(), 1, "`other` is not read");
    fs::write(&path, "more words").unwrap();
    assert_eq!(size(), 10);
    assert_eq!(lab.ran().len(), 1);
}

#[test]
fn a_folder_enters_by_all_that_is_in_it() {
    let lab = Lab::new();
    lab.write("data/a/1.txt", "1");
    lab.write("data/b/2.txt", "2");
    let folder = InputDir::new(lab.path("data"));
    let names = || (*list(&mut lab.record(()), &folder).unwrap().load().unwrap()).clone();
    assert_eq!(names(), ["a/1.txt", "b/2.txt"]);
    names();
    assert_eq!(lab.ran().len(), 1);
    change_behind_the_back(&lab.path("data/a/1.txt"), "3");
    names();
    assert_eq!(lab.ran().len(), 1, "a content");
    fs::rename(lab.path("data/b/2.txt"), lab.path("data/b/3.txt")).unwrap();
    assert_eq!(names(), ["a/1.txt", "b/3.txt"]);
    fs::create_dir(lab.path("data/empty")).unwrap();
    names();
    fs::remove_file(lab.path("data/a/1.txt")).unwrap();
    assert_eq!(names(), ["b/3.txt"]);
    assert_eq!(lab.ran().len(), 3);
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let lab = Lab::new();
    let error = read(&mut lab.record(()), InputFile::new("/no/such/rows.csv")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    let text = error.chain();
    assert!(text.contains("/no/such/rows.csv") && text.contains("`file`"), "{text}");
    assert_eq!(lab.lines(), [""; 0]);
}

#[stage(outputs = [content], cachers = [Text])]
fn changes_its_input(file: InputFile, to: &str) -> Result<String> {
    let content = fs::read_to_string(&file)?;
    fs::write(&file, to)?;
    Ok(content)
}

#[test]
fn a_file_that_changes_while_the_stage_runs_keeps_nothing() {
    let lab = Lab::new();
    let path = lab.write("rows.csv", "one");
    let mut record = lab.record(());
    let handle = changes_its_input(&mut record, InputFile::new(&path), "two").unwrap();
    assert_eq!(*handle.load().unwrap(), "one", "the value can be used");
    let warnings = lab.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("rows.csv"), "{warnings:?}");
    assert!(lab.entries().is_empty());
    // Written, but with what was there: it is kept.
    changes_its_input(&mut lab.record(()), InputFile::new(&path), "two").unwrap();
    assert_eq!(lab.entries().len(), 1);
}

#[test]
fn a_consumer_runs_once_for_each_content_of_each_day() {
    let lab = Lab::new();
    let path = lab.path("today.csv");
    for (date, text) in [("monday", "a"), ("tuesday", "b"), ("wednesday", "a"), ("tuesday", "b")] {
        fs::write(&path, text).unwrap();
        assert_eq!(content(&lab, InputFile::new(&path)), text, "{date}");
    }
    assert_eq!(lab.ran().len(), 2);
}
