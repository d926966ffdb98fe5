//! Which fingerprint of a stage was asked for last and not found: `memo accept` has no other way to
//! know of code that has not run yet.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::accepted::{digits, fingerprint};
use super::look_up::open_to_read;
use super::put::{self, Clash};
use super::{Store, history};
use crate::stage::CodeItem;

/// No such file is larger.
const LARGEST: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Seen {
    memo: u32,
    code: String,
    /// In milliseconds since 1970.
    at: u64,
}

impl Store {
    /// Notes that a fingerprint was asked for, and what it is made of. Trouble with it harms no result.
    pub(crate) fn note_seen(&self, stage: &str, code: u128, items: impl FnOnce() -> Vec<CodeItem>) {
        /// In milliseconds: a run with many misses writes once.
        const FRESH: u64 = 60_000;
        let is_noted = |(seen, at): (u128, u64)| {
            seen == code && (at..at.saturating_add(FRESH)).contains(&history::now())
        };
        if self.is_read_only() || self.seen(stage).is_some_and(is_noted) {
            return;
        }
        self.keep_code(code, items);
        let seen = Seen { memo: 1, code: digits(code), at: history::now() };
        let (Ok(bytes), Ok(scratch)) = (serde_json::to_vec(&seen), self.scratch()) else { return };
        let place = self.layout().seen(stage);
        let _ = put::bytes(scratch.path(), &bytes, &place, Clash::Replace, false);
    }

    /// Returns the fingerprint of a stage that was asked for last, and when.
    pub(crate) fn seen(&self, stage: &str) -> Option<(u128, u64)> {
        let mut bytes = Vec::new();
        let file = open_to_read(&self.layout().seen(stage)).ok()?;
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let seen: Seen = serde_json::from_slice(&bytes).ok()?;
        (seen.memo == 1).then_some((fingerprint(&seen.code)?, seen.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.seen("fit"), None);
        store.note_seen("fit", 7, Vec::new);
        store.note_seen("fit", 8, Vec::new);
        assert_eq!(store.seen("fit").map(|(code, _)| code), Some(8));
        let read_only = Store::options().read_only(true).open(folder.path()).unwrap();
        read_only.note_seen("fit", 9, Vec::new);
        assert_eq!(read_only.seen("fit").map(|(code, _)| code), Some(8));
        std::fs::write(store.layout().seen("fit"), "{").unwrap();
        assert_eq!(store.seen("fit"), None);
    }
}
