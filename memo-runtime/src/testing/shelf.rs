//! A door to the packs of shards, for the benches and the fault tests of this workspace, which add and find
//! more of them than arrays of a test would. No part of the library.

#![allow(clippy::missing_errors_doc, reason = "it is for this workspace alone")]

use crate::artifact::Meta;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::manifest::{Head, Kept, Output};
use crate::store::packs::Packs;

const STAGE: &str = "tests::tiny";

/// The packs of shards that are numbers, each with itself as its value.
pub struct Shelf(Packs);

impl Shelf {
    /// Returns the shards of a store.
    pub fn of(store: &Store) -> Self {
        Self(store.packs(STAGE, &Digest::of(b"shared"), 1))
    }

    /// Returns the key of a number.
    pub fn key(number: u64) -> Digest {
        Digest::of(&number.to_le_bytes())
    }

    /// Adds the shard of a number.
    pub fn add(&self, number: u64) -> Result<(), Error> {
        self.0.append(&head(number), &[], number, 0).map(drop)
    }

    /// Returns how many keys are found.
    pub fn find(&self, keys: &[Digest]) -> usize {
        self.0.find(keys).found()
    }

    /// Whether a key is found by whoever is about to compute it.
    pub fn find_now(&self, key: &Digest) -> bool {
        self.0.find_now(key).is_some()
    }

    /// Reads the line of a number, if it is found. Fails if it is damaged, or another one's.
    pub fn read(&self, number: u64) -> Result<bool> {
        let key = Self::key(number);
        let Some(shard) = self.0.find_one(&key) else { return Ok(false) };
        let line = self.0.read(&key, shard.place)?;
        let expected = head(number);
        let same = line.head.outputs == expected.outputs && line.index == number;
        if same { Ok(true) } else { Err(format!("{number} is {line:?}").into()) }
    }

    /// Counts the whole lines and the damaged ones.
    pub fn lines(&self) -> [usize; 2] {
        let mut counts = [0; 2];
        self.0.all().for_each(|line| counts[usize::from(line.is_err())] += 1);
        counts
    }

    /// Merges packs, and returns how many.
    pub fn compact(&self) -> Result<usize, Error> {
        self.0.compact()
    }
}

fn head(number: u64) -> Head {
    let text = number.to_string();
    let kept = Kept {
        format: Digest::from_bytes([7; 32]),
        extension: "json".into(),
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        text: Some(text),
        hex: None,
        parts: vec![],
        meta: Meta::new(),
        references: vec![],
    };
    Head {
        key: Shelf::key(number),
        stage: STAGE.into(),
        outputs: vec![Output { name: "number".into(), artifact: Some(kept) }],
        seconds: 0.25,
        completed: crate::store::history::now(),
        run: "r1".into(),
        logged: false,
        validator: None,
    }
}
