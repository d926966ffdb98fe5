//! What is read, what is remembered, and what counts as a change.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::thread;

use serde::Serialize as _;
use tempfile::TempDir;

use super::*;
use crate::{InputDir, InputFile};

/// A folder for one test.
struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn file(&self, name: &str) -> FileDigest {
        digest_at(InputKind::File, &self.path(name)).unwrap()
    }

    fn folder(&self) -> FileDigest {
        digest_at(InputKind::Dir, self.0.path()).unwrap()
    }
}

fn digest_at(kind: InputKind, path: &Path) -> Result<FileDigest, Error> {
    FileDigest::of(kind, &Input { path: path.to_owned(), name: None }, None)
}

/// Lets a file written just now come to rest.
fn rest() {
    thread::sleep(REST + Duration::from_millis(100));
}

#[test]
fn the_digest_is_blake3_of_the_bytes_at_every_size() {
    let sandbox = Sandbox::new();
    let bytes: Vec<u8> = (0..251).cycle().take(5 * GROUP + 77).collect();
    let around = |size: usize| [size - 1, size, size + 1];
    let sizes = [1, 1024, GROUP, 2 * GROUP, 3 * GROUP].into_iter().flat_map(around);
    for size in sizes.chain([bytes.len()]) {
        let path = sandbox.write("file", &bytes[..size]);
        let expected = Digest::of(&bytes[..size]);
        assert_eq!(read_file(&path, None).unwrap().0, expected, "{size}");
        if size > GROUP {
            for threads in [1, 2, 7] {
                let file = File::open(&path).unwrap();
                let digest = hash_groups(&file, size as u64, threads).unwrap();
                assert_eq!(digest, expected, "{size} bytes, {threads} threads");
            }
        }
    }
}

#[test]
fn a_large_file_is_hashed_as_a_whole() {
    let sandbox = Sandbox::new();
    let bytes: Vec<u8> = (0..253).cycle().take(33 * GROUP + 5).collect();
    let path = sandbox.write("file", &bytes);
    assert!(bytes.len() as u64 > LARGE);
    assert_eq!(read_file(&path, None).unwrap().0, Digest::of(&bytes));
}

#[test]
fn a_made_up_file_is_read_to_its_end_and_not_trusted() {
    let path = Path::new("/proc/self/status");
    if path.exists() {
        let (_, length) = hash(&File::open(path).unwrap(), 0).unwrap();
        assert!(length > 100, "{length}");
        assert!(!read_file(path, None).unwrap().2);
    }
}

#[test]
fn only_a_file_at_rest_is_trusted() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "content");
    let mut identity = Identity::of(&fs::metadata(sandbox.path("file")).unwrap());
    let now = SystemTime::now();
    assert!(!identity.is_settled(now));
    assert!(identity.is_settled(now + REST + Duration::from_secs(1)));
    // The clock was put back, or the file is from a machine with another one.
    assert!(!identity.is_settled(now - Duration::from_secs(1000)));
    assert!(!identity.is_settled(UNIX_EPOCH));
    identity.modified = (0, 0);
    assert!(!identity.is_settled(now), "the time of modification can be set by anybody");
    identity.changed = (0, 0);
    assert!(identity.is_settled(now));
    identity.modified = (i64::MAX, 0);
    assert!(!identity.is_settled(now));
}

#[test]
fn a_file_at_rest_is_read_once() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "content");
    sandbox.write("empty", "");
    let young = sandbox.file("file");
    assert!(!young.settled);
    assert!(!memory::of_process().contains_key(&young.identity));
    rest();
    let file = sandbox.file("file");
    assert!(file.settled);
    assert_eq!(file.digest, young.digest);
    assert_eq!(memory::of_process().get(&file.identity), Some(&file.digest));
    assert!(young.unchanged().unwrap() && file.unchanged().unwrap());

    // From here on the memory is believed.
    memory::of_process().insert(file.identity, Digest::of(b"something else"));
    assert_eq!(sandbox.file("file").digest, Digest::of(b"something else"));
    assert!(file.unchanged().unwrap());
    assert!(!sandbox.file("empty").settled);

    // The same size and time of modification, but another content.
    let modified = fs::metadata(&file.path).unwrap().modified().unwrap();
    sandbox.write("file", "CONTENT");
    File::options().append(true).open(&file.path).unwrap().set_modified(modified).unwrap();
    assert_eq!(sandbox.file("file").digest, Digest::of(b"CONTENT"));
    assert!(!file.unchanged().unwrap());
}

#[test]
fn an_edit_within_one_tick_of_the_clock_is_seen() {
    let sandbox = Sandbox::new();
    for round in 0..200 {
        let path = sandbox.write("file", format!("{round:04} before"));
        let file = sandbox.file("file");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        sandbox.write("file", format!("{round:04} behind"));
        File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert!(!file.unchanged().unwrap(), "round {round}");
        assert_ne!(sandbox.file("file").digest, file.digest, "round {round}");
    }
}

#[test]
fn a_touch_is_no_change_and_a_lost_file_is_one() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "content");
    let file = sandbox.file("file");
    let touched = File::options().append(true).open(&path).unwrap();
    touched.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    assert!(file.unchanged().unwrap());
    sandbox.write("copy", "content");
    fs::rename(sandbox.path("copy"), &path).unwrap();
    assert!(file.unchanged().unwrap());
    sandbox.write("file", "content ");
    assert!(!file.unchanged().unwrap());
    fs::remove_file(&path).unwrap();
    assert!(!file.unchanged().unwrap());
    fs::create_dir(&path).unwrap();
    assert!(!file.unchanged().unwrap_or(false));
}

#[test]
fn what_is_no_file_or_folder_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "content");
    let _socket = UnixListener::bind(sandbox.path("socket")).unwrap();
    for (kind, name) in [
        (InputKind::File, ""),
        (InputKind::File, "absent"),
        (InputKind::File, "socket"),
        (InputKind::Dir, "file"),
        (InputKind::Dir, "absent"),
    ] {
        let path = sandbox.path(name);
        let error = digest_at(kind, &path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    let error = digest_at(InputKind::Dir, sandbox.0.path()).unwrap_err();
    assert!(error.chain().contains("socket"), "{}", error.chain());
    let input = Input { path: "absent".into(), name: Some("rows".to_owned()) };
    let error = FileDigest::of(InputKind::File, &input, None).unwrap_err();
    assert!(error.to_string().contains("`rows`"), "{error}");
}

#[test]
fn everything_in_a_folder_counts() {
    let sandbox = Sandbox::new();
    sandbox.write("a/one", "1");
    sandbox.write("b", "2");
    let mut seen = HashSet::from([sandbox.folder().digest]);
    let mut last = sandbox.folder();
    let mut changes = |what: &str| {
        assert!(!last.unchanged().unwrap(), "{what}");
        last = sandbox.folder();
        assert!(seen.insert(last.digest), "{what}");
        assert!(last.unchanged().unwrap(), "{what}");
    };
    sandbox.write("a/two", "");
    changes("a new file");
    sandbox.write("a/two", "2");
    changes("a new content");
    fs::rename(sandbox.path("a/two"), sandbox.path("a/three")).unwrap();
    changes("a new name");
    fs::rename(sandbox.path("a/three"), sandbox.path("three")).unwrap();
    changes("a new place");
    fs::create_dir(sandbox.path("c")).unwrap();
    changes("an empty folder");
    fs::rename(sandbox.path("c"), sandbox.path("a/c")).unwrap();
    changes("an empty folder elsewhere");
    fs::set_permissions(sandbox.path("b"), fs::Permissions::from_mode(0o755)).unwrap();
    changes("an executable file");
    fs::write(sandbox.0.path().join(OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    changes("a name that is not UTF-8");
    fs::rename(
        sandbox.0.path().join(OsStr::from_bytes(b"\xff\xfe")),
        sandbox.0.path().join(OsStr::from_bytes(b"\xff\xfd")),
    )
    .unwrap();
    changes("another one");
    symlink("nowhere", sandbox.path("link")).unwrap();
    changes("a dead link");
    fs::remove_file(sandbox.path("link")).unwrap();
    symlink("nothing", sandbox.path("link")).unwrap();
    changes("another dead link");
    fs::remove_file(sandbox.path("link")).unwrap();
    symlink("b", sandbox.path("link")).unwrap();
    changes("a link to a file");
    sandbox.write("b", "3");
    changes("the file that a link leads to");
    fs::remove_dir_all(sandbox.path("a")).unwrap();
    changes("a removed folder");
    fs::remove_dir_all(sandbox.0.path()).unwrap();
    assert!(!last.unchanged().unwrap());
}

#[test]
fn times_and_other_folders_do_not_count() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    for (sandbox, names) in [(&one, ["b/x", "a", "c"]), (&other, ["c", "a", "b/x"])] {
        for name in names {
            sandbox.write(name, "content");
        }
    }
    let time = UNIX_EPOCH + Duration::from_secs(1);
    let touched = File::options().append(true).open(one.path("a")).unwrap();
    touched.set_modified(time).unwrap();
    assert_eq!(one.folder().digest, other.folder().digest);
    fs::remove_file(one.path("c")).unwrap();
    symlink(other.path("c"), one.path("c")).unwrap();
    assert_eq!(one.folder().digest, other.folder().digest, "a link is what it leads to");
}

#[test]
fn a_walk_with_loops_ends() {
    let sandbox = Sandbox::new();
    sandbox.write("a/file", "1");
    let plain = sandbox.folder().digest;
    symlink("..", sandbox.path("a/up")).unwrap();
    symlink(".", sandbox.path("a/self")).unwrap();
    symlink("me", sandbox.path("me")).unwrap();
    let looping = sandbox.folder().digest;
    assert_ne!(looping, plain);
    fs::remove_file(sandbox.path("a/up")).unwrap();
    symlink(".", sandbox.path("a/up")).unwrap();
    assert_ne!(sandbox.folder().digest, looping);
}

#[test]
fn a_walk_with_many_ways_is_short() {
    // Every folder leads to every other: there are more ways than could ever be walked.
    let sandbox = Sandbox::new();
    for from in 0..30 {
        sandbox.write(&format!("{from}/file"), from.to_string());
        for to in 0..30 {
            symlink(format!("../{to}"), sandbox.path(&format!("{from}/{to}"))).unwrap();
        }
    }
    let before = sandbox.folder();
    assert!(before.unchanged().unwrap());
    sandbox.write("29/file", "else");
    assert!(!before.unchanged().unwrap());
}

#[test]
fn a_chain_of_links_is_followed_to_its_end() {
    let (sandbox, chain) = (Sandbox::new(), Sandbox::new());
    for link in 0..100 {
        fs::create_dir(chain.path(&link.to_string())).unwrap();
        symlink(chain.path(&(link + 1).to_string()), chain.path(&format!("{link}/next"))).unwrap();
    }
    chain.write("100/file", "1");
    symlink(chain.path("0"), sandbox.path("first")).unwrap();
    let before = sandbox.folder();
    chain.write("100/file", "2");
    assert!(!before.unchanged().unwrap());
}

#[test]
fn references_are_collected_by_any_serializer() {
    let sandbox = Sandbox::new();
    let (one, other) = (sandbox.write("one", "1"), sandbox.write("other", "2"));
    let value = (vec![InputFile::from(&one), InputFile::from(&other)], Some(InputFile::from(&one)));
    let (text, outer) = collect_references(None, || {
        let (_, inner) = collect_references(None, || serde_json::to_string(&value.0[1]).unwrap());
        assert_eq!(inner.len(), 1);
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        text
    });
    assert!(text.starts_with("[["));
    let paths: Vec<_> = outer.iter().map(|file| &file.path).collect();
    assert_eq!(paths, [&one, &other]);
    assert_eq!(outer[1].digest, Digest::of(b"2"));
    assert!(!outer[1].is_folder());
    assert!(outer[1].unchanged().unwrap());

    let dir = InputDir::named(sandbox.0.path(), "all");
    let (_, references) = collect_references(None, || serde_json::to_string(&dir).unwrap());
    assert_eq!(references[0].shown, "all");
    assert!(references[0].is_folder());
}

#[test]
fn a_reference_to_nothing_is_not_written() {
    let absent = vec![InputFile::from("no/such/file")];
    let (result, references) = collect_references(None, || serde_json::to_string(&absent));
    assert!(result.unwrap_err().to_string().contains("no/such/file"));
    assert!(references.is_empty());
    assert!(serde_json::to_string(&absent).is_ok(), "nobody asked");
}

#[test]
fn a_scope_ends_with_a_panic_in_it() {
    let result = std::panic::catch_unwind(|| {
        collect_references(None, || -> () { std::panic::resume_unwind(Box::new("stop")) })
    });
    assert!(result.is_err());
    assert!(REFERENCES.take().is_none());
    let absent = InputFile::from("no/such/file");
    assert!(absent.serialize(serde_json::value::Serializer).is_ok());
}

/// Returns what a store in `folder` remembers, as a process has it that has not met the file.
fn memory_in(folder: &Path, file: &Path) -> FileMemory {
    memory::of_process().remove(&Identity::of(&fs::metadata(file).unwrap()));
    let layout = crate::store::layout::Layout::new(folder);
    fs::create_dir_all(layout.base()).unwrap();
    FileMemory::with(crate::store::digests::KeptDigests::new(&layout, false))
}

#[test]
fn a_new_process_reads_a_large_file_only_if_it_has_changed_or_must() {
    let (sandbox, store) = (Sandbox::new(), tempfile::tempdir().unwrap());
    let large = sandbox.write("large", vec![1; 100_000]);
    let small = sandbox.write("small", vec![1; 1000]);
    let kept = store.path().join("v1/digests");
    let digest = |path: &Path, memory: &FileMemory| read_file(path, Some(memory)).unwrap();
    digest(&large, &memory_in(store.path(), &large));
    assert!(!kept.exists(), "a file that was changed just now is not believed later");
    rest();
    digest(&large, &FileMemory::STRICT);
    assert!(!kept.exists());
    let (truth, identity, _) = digest(&large, &memory_in(store.path(), &large));
    digest(&small, &memory_in(store.path(), &small));
    assert_eq!(fs::read_to_string(&kept).unwrap().lines().count(), 2, "a line break and a line");

    // What is kept is believed: so nothing was read.
    let planted = Digest::of(b"planted");
    let layout = crate::store::layout::Layout::new(store.path());
    crate::store::digests::KeptDigests::new(&layout, false).add(identity, planted);
    assert_eq!(digest(&large, &memory_in(store.path(), &large)).0, planted);
    // Who is strict believes neither what is kept nor what this process has met.
    memory::of_process().insert(identity, planted);
    assert_eq!(read_file(&large, None).unwrap().0, planted);
    assert_eq!(digest(&large, &FileMemory::STRICT).0, truth);
    let strict = FileDigest::of(
        InputKind::File,
        &Input { path: large.clone(), name: None },
        Some(&FileMemory::STRICT),
    );
    assert!(strict.unwrap().unchanged().unwrap());

    // Another byte, with size and time as they were.
    let modified = fs::metadata(&large).unwrap().modified().unwrap();
    fs::write(&large, vec![2; 100_000]).unwrap();
    File::options().write(true).open(&large).unwrap().set_modified(modified).unwrap();
    rest();
    let (changed, after, settled) = digest(&large, &memory_in(store.path(), &large));
    assert!(settled && after.modified == identity.modified && after.size == identity.size);
    assert_eq!(changed, Digest::of(&vec![2; 100_000]));
}
