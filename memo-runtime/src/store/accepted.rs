//! Which fingerprints of a stage give the same results as former ones, on the user's word: what
//! `memo accept` writes, and what a miss asks.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::look_up::open_to_read;
use super::put::{self, Clash};
use super::{Store, history};

/// No such file is larger: a name of a stage, two fingerprints, a time.
const LARGEST: u64 = 64 * 1024;

/// How many acceptances are followed one after the other.
const LONGEST: usize = 64;

/// What lies in the file of an acceptance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Acceptance {
    memo: u32,
    stage: String,
    /// The fingerprint that is asked for, 32 hexadecimal digits.
    code: String,
    /// The one whose entries serve it.
    from: String,
    /// When the user said so, in milliseconds since 1970.
    at: u64,
    /// The checksum of all that.
    sum: String,
}

impl Acceptance {
    fn new(stage: &str, code: u128, from: u128, at: u64) -> Self {
        let (stage, code, from) = (stage.to_owned(), digits(code), digits(from));
        let sum = String::new();
        let unsigned = Self { memo: 1, stage, code, from, at, sum };
        Self { sum: unsigned.checksum(), ..unsigned }
    }

    fn checksum(&self) -> String {
        let Self { memo, stage, code, from, at, .. } = self;
        digits(xxhash_rust::xxh3::xxh3_128(
            format!("{memo}\n{stage}\n{code}\n{from}\n{at}").as_bytes(),
        ))
    }

    /// Reads one, which must be whole, and that of this stage and fingerprint.
    fn read(path: &Path, stage: &str, code: u128) -> Option<Self> {
        let mut bytes = Vec::new();
        open_to_read(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let read: Self = serde_json::from_slice(&bytes).ok()?;
        let is_whole = read.memo == 1 && read.sum == read.checksum();
        (is_whole && read.stage == stage && read.code == digits(code)).then_some(read)
    }
}

/// Writes a fingerprint as it stands in files.
pub(crate) fn digits(code: u128) -> String {
    format!("{code:032x}")
}

/// Reads a fingerprint: 32 lowercase hexadecimal digits.
pub(crate) fn fingerprint(text: &str) -> Option<u128> {
    let is_one = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_one.then(|| u128::from_str_radix(text, 16).ok())?
}

impl Store {
    /// Returns the former fingerprints whose entries serve `code`, on the user's word: the latest first.
    /// What is damaged counts for nothing.
    pub(crate) fn accepted(&self, stage: &str, code: u128) -> Vec<u128> {
        let mut former: Vec<u128> = Vec::new();
        let mut current = code;
        while former.len() < LONGEST {
            let place = self.layout().acceptance(stage, &digits(current));
            let read = Acceptance::read(&place, stage, current);
            match read.and_then(|read| fingerprint(&read.from)) {
                Some(from) if from != code && !former.contains(&from) => {
                    former.push(from);
                    current = from;
                }
                _ => break,
            }
        }
        former
    }

    /// Notes that the entries of the fingerprint `from` serve `code`. An earlier word on `code` gives way.
    pub(crate) fn accept(&self, stage: &str, code: u128, from: u128) -> io::Result<()> {
        let place = self.layout().acceptance(stage, &digits(code));
        let bytes = serde_json::to_vec(&Acceptance::new(stage, code, from, history::now()))?;
        let scratch = self.scratch().map_err(|error| io::Error::other(error.chain()))?;
        put::bytes(scratch.path(), &bytes, &place, Clash::Replace, false).map(drop)
    }

    /// Lists the files of a stage's acceptances, whole ones or not.
    pub(crate) fn acceptances(&self, stage: &str) -> Vec<std::path::PathBuf> {
        let files = fs::read_dir(self.layout().acceptances(stage)).into_iter().flatten().flatten();
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        (folder, store)
    }

    #[test]
    fn acceptances_are_followed_one_after_the_other() {
        let (_folder, store) = store();
        assert_eq!(store.accepted("fit", 3), [], "nothing was accepted");
        assert!(!store.path().exists(), "asking makes nothing");
        store.accept("fit", 2, 1).unwrap();
        store.accept("fit", 3, 2).unwrap();
        assert_eq!(store.accepted("fit", 3), [2, 1]);
        assert_eq!(store.accepted("fit", 2), [1]);
        assert_eq!(store.accepted("fit", 1), []);
        assert_eq!(store.accepted("other", 3), []);
        store.accept("fit", 3, 9).unwrap();
        assert_eq!(store.accepted("fit", 3), [9], "the later word counts");
    }

    #[test]
    fn rings_and_long_chains_end() {
        let (_folder, store) = store();
        store.accept("fit", 1, 2).unwrap();
        store.accept("fit", 2, 3).unwrap();
        store.accept("fit", 3, 2).unwrap();
        assert_eq!(store.accepted("fit", 1), [2, 3]);
        store.accept("fit", 3, 1).unwrap();
        assert_eq!(store.accepted("fit", 1), [2, 3]);
        for code in 100..200 {
            store.accept("long", code, code + 1).unwrap();
        }
        assert_eq!(store.accepted("long", 100).len(), LONGEST);
    }

    #[test]
    fn what_is_damaged_or_belongs_elsewhere_counts_for_nothing() {
        let (_folder, store) = store();
        store.accept("fit", 2, 1).unwrap();
        let place = store.layout().acceptance("fit", &digits(2));
        let whole = fs::read_to_string(&place).unwrap();
        for index in 0..whole.len() {
            let mut bytes = whole.clone().into_bytes();
            bytes[index] ^= 1;
            fs::write(&place, &bytes).unwrap();
            assert_eq!(store.accepted("fit", 2), [], "byte {index}");
        }
        for hostile in ["", "{", "[]", "{\"memo\":1}", &"[".repeat(100_000)] {
            fs::write(&place, hostile).unwrap();
            assert_eq!(store.accepted("fit", 2), []);
        }
        fs::write(store.layout().acceptance("fit", &digits(3)), &whole).unwrap();
        assert_eq!(store.accepted("fit", 3), [], "it is that of another fingerprint");
        fs::write(&place, &whole).unwrap();
        assert_eq!(store.accepted("fit", 2), [1]);
        assert_eq!(store.accepted("../fit", 2), []);
    }
}
