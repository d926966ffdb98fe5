//! Cachers of paths.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::tempdir;

use crate::artifact::Artifact;
use crate::cacheable::Cacheable;
use crate::cachers::{Copied, Json, Referenced, load_from, save_at};

#[test]
fn a_copied_file_or_folder_moves() {
    let folder = tempdir().unwrap();
    let made = folder.path().join("made");
    fs::create_dir_all(made.join("sub")).unwrap();
    fs::write(made.join("sub/a.txt"), "a").unwrap();
    let kept = folder.path().join("kept");
    save_at(&Copied, &made, &kept).unwrap();
    assert!(!made.exists());
    let back: PathBuf = load_from(&Copied, &kept).unwrap();
    assert_eq!(fs::read_to_string(back.join("sub/a.txt")).unwrap(), "a");

    assert!(save_at(&Copied, &made, folder.path().join("other")).is_err(), "it is gone");
    assert!(Cacheable::<PathBuf>::takes_over(&Copied.publish("x")));
    assert!(!Cacheable::<PathBuf>::takes_over(&Referenced));
}

/// References `path`, lets `change` happen, and returns what the check says then.
fn check_after(path: &Path, change: impl FnOnce()) -> Result<(), String> {
    let folder = tempdir().unwrap();
    let reference = folder.path().join("reference.json");
    save_at(&Referenced, &path.to_owned(), &reference).unwrap();
    let artifact = Artifact::open_at(&reference).unwrap();
    assert_eq!(Referenced.load(&artifact).unwrap(), path);
    Referenced.check(&artifact).unwrap();
    change();
    let artifact = Artifact::open_at(&reference).unwrap();
    Referenced.check(&artifact).map_err(|error| error.to_string())
}

#[test]
fn a_referenced_file_is_checked_by_content() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "12345").unwrap();
    assert_eq!(check_after(&file, || fs::write(&file, "12345").unwrap()), Ok(()));
    let changed = Err(format!("`{}` changed since it was referenced", file.display()));
    assert_eq!(check_after(&file, || fs::write(&file, "1234").unwrap()), changed);
    assert_eq!(check_after(&file, || fs::write(&file, "9999").unwrap()), changed);
    let gone = check_after(&file, || fs::remove_file(&file).unwrap());
    assert!(gone.unwrap_err().starts_with("could not read"));
}

#[test]
fn a_referenced_folder_is_checked_by_its_listing_and_contents() {
    let folder = tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("empty")).unwrap();
    fs::write(root.join("a"), "a").unwrap();
    fs::write(root.join("b"), "b").unwrap();
    symlink("../root", root.join("loop")).unwrap();
    let differs = |name: &str, how: &str| {
        Err(format!("`{}` {how} since it was referenced", root.join(name).display()))
    };
    assert_eq!(check_after(&root, || ()), Ok(()));
    assert_eq!(
        check_after(&root, || fs::write(root.join("a"), "A").unwrap()),
        differs("a", "changed")
    );
    assert_eq!(
        check_after(&root, || fs::write(root.join("c"), "c").unwrap()),
        differs("c", "was added")
    );
    assert_eq!(
        check_after(&root, || fs::remove_file(root.join("b")).unwrap()),
        differs("b", "is gone")
    );
    assert_eq!(
        check_after(&root, || fs::remove_dir(root.join("empty")).unwrap()),
        differs("empty", "is gone")
    );
    assert_eq!(
        check_after(&root, || {
            fs::remove_file(root.join("loop")).unwrap();
            symlink("elsewhere", root.join("loop")).unwrap();
        }),
        differs("loop", "changed")
    );
}

#[test]
fn what_cannot_be_referenced_is_refused() {
    use std::os::unix::ffi::OsStrExt;

    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    assert!(save_at(&Referenced, &folder.path().join("absent"), &out).is_err());
    let error = save_at(&Referenced, &PathBuf::from("/dev/null"), &out).unwrap_err();
    assert!(error.to_string().contains("neither a file nor a folder"), "{error}");
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::write(&odd, "").unwrap();
    let error = save_at(&Referenced, &odd, &out).unwrap_err();
    assert!(error.to_string().contains("the name is not Unicode"), "{error}");
    fs::write(&out, "{}").unwrap();
    assert!(load_from::<PathBuf, _>(&Referenced, &out).is_err());
}

#[test]
fn publishing_passes_everything_on() {
    let cacher = Json.pretty().publish("results/{record}.json");
    let folder = tempdir().unwrap();
    let path = folder.path().join("value.json");
    save_at(&cacher, &vec![1, 2], &path).unwrap();
    assert_eq!(load_from::<Vec<i32>, _>(&cacher, &path).unwrap(), [1, 2]);
    assert_eq!(Cacheable::<u8>::published(&cacher), Some("results/{record}.json"));
    assert_eq!(Cacheable::<u8>::published(&Json), None);
}
