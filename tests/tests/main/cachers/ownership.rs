//! `Copied` moves what the stage has made, and copies what it has not.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::*;

#[derive(Clone, Serialize)]
struct Params {
    data: InputFile,
    folder: InputDir,
}

#[stage(outputs = [folder], cachers = [Copied])]
fn unpack(ctx: &Context) -> Result<PathBuf> {
    let folder = ctx.folder()?.join("made");
    fs::create_dir_all(folder.join("deep"))?;
    fs::write(folder.join("a.csv"), "a")?;
    fs::write(folder.join("deep/b.csv"), "b")?;
    Ok(folder)
}

#[stage(inputs = [folder], outputs = [picked], cachers = [Copied])]
fn pick(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

#[stage(inputs = [folder], outputs = [same], cachers = [Copied])]
fn same(folder: &Path) -> PathBuf {
    folder.to_owned()
}

#[stage(outputs = [own], cachers = [Copied])]
fn of_params(params: &Params) -> PathBuf {
    params.data.path().to_owned()
}

#[stage(outputs = [own], cachers = [Copied])]
fn inside_of_params(params: &Params) -> PathBuf {
    params.folder.path().join("inside.csv")
}

#[stage(outputs = [own], cachers = [Copied])]
fn around_an_argument(file: &InputFile) -> Result<PathBuf> {
    Ok(file.path().parent().ok_or("no folder")?.to_owned())
}

#[stage(inputs = [file], outputs = [own], cachers = [Copied])]
fn by_value(file: &InputFile) -> PathBuf {
    file.path().to_owned()
}

/// The content of the files of a folder.
fn content(folder: &Path) -> Vec<String> {
    let files = memo_tests::files_below(folder);
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn what_lies_in_an_upstream_folder_stays_there() {
    let lab = Lab::new();
    for _ in 0..2 {
        let mut record = lab.record(());
        let folder = unpack(&mut record).unwrap().load().unwrap();
        let picked = pick(&mut record, "a.csv").unwrap().load().unwrap();
        assert_eq!(fs::read_to_string(&*picked).unwrap(), "a");
        let deep = pick(&mut record, "deep").unwrap().load().unwrap();
        assert_eq!(content(&deep), ["b"]);
        assert_eq!(content(&folder), ["a", "b"]);
    }
    assert_eq!(lab.ran(), ["unpack", "pick", "pick"]);
}

#[test]
fn an_input_that_is_returned_as_it_is_stays() {
    let lab = Lab::new();
    for _ in 0..2 {
        let mut record = lab.record(());
        let folder = unpack(&mut record).unwrap();
        let same = same(&mut record).unwrap().load().unwrap();
        assert_eq!(content(&same), ["a", "b"]);
        assert_eq!(content(&folder.load().unwrap()), ["a", "b"]);
    }
    assert_eq!(lab.ran(), ["unpack", "same"]);
}

#[test]
fn files_of_the_user_stay_where_they_are() {
    let lab = Lab::new();
    let data = lab.write("data.csv", "data");
    let inside = lab.write("folder/inside.csv", "inside");
    let params = Params { data: InputFile::new(&data), folder: InputDir::new(lab.path("folder")) };
    for _ in 0..2 {
        let mut record = lab.record(params.clone());
        let kept = of_params(&mut record).unwrap().load().unwrap();
        assert!(kept.starts_with(lab.store_path()), "{}", kept.display());
        assert_eq!(fs::read_to_string(&*kept).unwrap(), "data");
        assert_eq!(fs::read_to_string(&data).unwrap(), "data");
        let kept = inside_of_params(&mut record).unwrap().load().unwrap();
        assert_eq!(fs::read_to_string(&*kept).unwrap(), "inside");
        assert_eq!(fs::read_to_string(&inside).unwrap(), "inside");
    }
    assert_eq!(lab.ran(), ["of_params", "inside_of_params"]);
}

#[test]
fn a_folder_around_an_argument_and_an_inserted_file_stay() {
    let lab = Lab::new();
    let file = lab.write("raw/file.csv", "raw");
    around_an_argument(&mut lab.record(()), &InputFile::new(&file)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "raw");
    let mut record = lab.record(());
    record.insert("file", InputFile::new(&file)).unwrap();
    by_value(&mut record).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "raw");
}

#[stage(outputs = [file], cachers = [Json])]
fn download(path: &Path) -> Result<InputFile> {
    fs::write(path, "raw")?;
    Ok(InputFile::new(path))
}

#[test]
fn a_file_that_an_upstream_stage_refers_to_stays() {
    let lab = Lab::new();
    let path = lab.path("raw.csv");
    for _ in 0..2 {
        let mut record = lab.record(());
        download(&mut record, &path).unwrap();
        let own = by_value(&mut record).unwrap().load().unwrap();
        assert!(own.starts_with(lab.store_path()), "{}", own.display());
        assert_eq!(fs::read_to_string(&path).unwrap(), "raw");
    }
    assert_eq!(lab.ran(), ["download", "by_value"]);
}

#[cfg(unix)]
#[test]
fn another_way_to_a_file_of_the_user_leaves_it_there() {
    #[stage(outputs = [own], cachers = [Copied])]
    fn by_a_link(file: &InputFile, link: &Path) -> PathBuf {
        let _ = file;
        link.to_owned()
    }
    let lab = Lab::new();
    let file = lab.write("raw/file.csv", "raw");
    std::os::unix::fs::symlink(lab.path("raw"), lab.path("link")).unwrap();
    by_a_link(&mut lab.record(()), &InputFile::new(&file), &lab.path("link/file.csv")).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "raw");
}
