//! What fingerprints are made of, kept once for each: manifests name the fingerprint alone.

use std::fs;
use std::io;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::Store;
use super::put::{self, Clash};
use crate::stage::CodeItem;

/// One item of a fingerprint, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptItem {
    pub(crate) name: String,
    pub(crate) place: String,
    /// 32 hexadecimal digits.
    pub(crate) digest: String,
}

impl From<&CodeItem> for KeptItem {
    fn from(item: &CodeItem) -> Self {
        let digest = format!("{:032x}", item.digest);
        Self { name: item.name.to_owned(), place: item.place.to_owned(), digest }
    }
}

impl Store {
    /// Keeps what a fingerprint is made of, unless it is kept already. Only explanations need it, so
    /// trouble with it harms no result.
    pub(crate) fn keep_code(&self, fingerprint: u128, items: impl FnOnce() -> Vec<CodeItem>) {
        let is_first =
            || self.0.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint);
        if self.is_read_only() || !is_first() {
            return;
        }
        let place = self.layout().code(&format!("{fingerprint:032x}"));
        if place.exists() {
            return;
        }
        let items = items();
        if items.is_empty() {
            return;
        }
        let kept: Vec<KeptItem> = items.iter().map(KeptItem::from).collect();
        let write = |bytes: Vec<u8>| -> io::Result<bool> {
            let scratch = self.scratch().map_err(|error| io::Error::other(error.to_string()))?;
            put::bytes(scratch.path(), &bytes, &place, Clash::KeepFirst, false)
        };
        // A list that is not there is missed by nobody but `--plan`, which then tells less.
        let _ = serde_json::to_vec(&kept).map_err(io::Error::from).and_then(write);
    }

    /// Reads what a fingerprint is made of, given as 32 digits; nothing if that is not known.
    pub(crate) fn code(&self, fingerprint: &str) -> Option<Vec<KeptItem>> {
        let is_name = fingerprint.len() == 32 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit());
        let bytes = is_name.then(|| fs::read(self.layout().code(fingerprint)).ok())??;
        serde_json::from_slice(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: &[CodeItem] =
        &[CodeItem { name: "geometry::norm", place: "src/geometry.rs", digest: 0x2a }];

    #[test]
    fn what_is_kept_is_read_and_the_first_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep_code(7, || ITEMS.to_vec());
        store.keep_code(7, || unreachable!("this process has kept it"));
        let other = Store::open(folder.path()).unwrap();
        other.keep_code(7, || unreachable!("another process has kept it"));
        let kept: Vec<KeptItem> = ITEMS.iter().map(KeptItem::from).collect();
        assert_eq!(store.code(&format!("{:032x}", 7)), Some(kept));
        assert_eq!(store.code(&format!("{:032x}", 8)), None);
    }

    #[test]
    fn damage_and_hostile_names_give_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep_code(7, || ITEMS.to_vec());
        fs::write(store.layout().code(&format!("{:032x}", 7)), "[{").unwrap();
        assert_eq!(store.code(&format!("{:032x}", 7)), None);
        assert_eq!(store.code("../../../../../../../etc/passwd"), None);
    }

    #[test]
    fn a_stage_that_reaches_nothing_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep_code(7, Vec::new);
        assert!(!store.layout().code(&format!("{:032x}", 7)).exists());
    }
}
