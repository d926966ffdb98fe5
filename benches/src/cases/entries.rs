//! A stage with a tiny result, its entries, and their files: what the cases of hits and misses share.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// How many entries a round of hits finds.
pub const ENTRIES: u32 = 100;

#[derive(Clone, Serialize, Deserialize)]
pub struct Params {
    pub rate: f64,
    pub seed: u64,
    /// Read by no stage.
    pub threads: usize,
}

pub const PARAMS: Params = Params { rate: 0.05, seed: 7, threads: 2 };

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Score {
    pub accuracy: f64,
    pub mistakes: u32,
}

/// Two fields of the params and two arguments enter the key.
#[stage(outputs = [score], cachers = [Json])]
pub fn evaluate(params: &Params, top_k: u32, metric: &str) -> Score {
    let mistakes = top_k + u32::from(metric.is_empty());
    #[expect(clippy::cast_precision_loss, reason = "a made-up number")]
    let accuracy = params.rate * f64::from(mistakes) + params.seed as f64;
    Score { accuracy, mistakes }
}

/// Keeps [`ENTRIES`] entries in the store at `folder`, and returns the files of their manifests.
pub fn make(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut record = Record::new(&Store::open(folder)?, "base", PARAMS);
    for top_k in 0..ENTRIES {
        evaluate(&mut record, top_k, "accuracy")?;
    }
    let mut files = Vec::new();
    find(&folder.join("v1/entries"), &mut files)?;
    assert_eq!(files.len(), ENTRIES as usize, "an entry is one file");
    Ok(files)
}

/// Lists all files below `folder`.
pub fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { find(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Opens, reads and closes each file: the floor of hits.
pub fn read(files: &[PathBuf], buffer: &mut [u8]) -> Result<()> {
    for file in files {
        let length = File::open(file)?.read(buffer)?;
        std::hint::black_box(&buffer[..length]);
    }
    Ok(())
}
