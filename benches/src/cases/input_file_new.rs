//! A large file as input that nobody has digested yet.

use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::SystemTime;

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_root};
use memo_runtime::prelude::*;
use memo_runtime::{Digest, InputFile, digest_of};

use crate::harness::{Bench, Case, Measured, timed};

pub const CASE: Case = Case {
    name: "input file, new",
    ours: "`digest_of` an `InputFile` of 512 MB in the page cache",
    floor: "BLAKE3 of the same file, read and digested by two threads",
    bound: Some(1.3),
    measure,
};

/// Two halves of this are subtrees of BLAKE3.
const SIZE: u64 = 512 << 20;

fn measure(bench: &Bench) -> Result<Measured> {
    let path = bench.folder().join("input.bin");
    let bytes: Vec<u8> = (0..SIZE / 8).flat_map(|n| (n * n).to_le_bytes()).collect();
    fs::write(&path, &bytes)?;
    let right = Digest::from_bytes(*blake3::hash(&bytes).as_bytes());
    drop(bytes);
    assert_eq!(floor(&path)?, *right.as_bytes());
    let input = InputFile::new(&path);
    let floor = || {
        let (seconds, digest) = timed(|| floor(&path));
        black_box(digest?);
        Ok(seconds)
    };
    let ours = || {
        // What was changed a moment ago is not remembered.
        File::options().append(true).open(&path)?.set_modified(SystemTime::now())?;
        let (seconds, digest) = timed(|| digest_of(&input));
        black_box(digest?);
        Ok(seconds)
    };
    bench.pairs(9, floor, ours)
}

/// Digests both halves of a file at once.
fn floor(path: &Path) -> io::Result<[u8; 32]> {
    let file = File::open(path)?;
    let half = |offset: u64| -> io::Result<_> {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset);
        let mut buffer = vec![0; 256 * 1024];
        for at in (offset..offset + SIZE / 2).step_by(buffer.len()) {
            file.read_exact_at(&mut buffer, at)?;
            hasher.update(&buffer);
        }
        Ok(hasher.finalize_non_root())
    };
    let (left, right) = thread::scope(|scope| {
        let other = scope.spawn(|| half(SIZE / 2));
        (half(0), other.join())
    });
    let right = right.map_err(|_| io::Error::other("a thread died"))?;
    Ok(*merge_subtrees_root(&left?, &right?, Mode::Hash).as_bytes())
}
