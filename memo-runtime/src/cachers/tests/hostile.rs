//! Bytes that no cacher wrote are errors: no panic, no endless work, no memory beyond the bytes.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Line, Model, encode};
use crate::cachers::checked::Codec;
use crate::cachers::{Bincode, Csv, Json};

/// Set where the tests of this file have a process to themselves, so that they can measure its memory.
const ALONE: &str = "MEMO_TESTS_ALONE";

/// How much address space decoding a few bytes may take. Zeroed memory that is never touched counts
/// here, though not as used.
const MOST: u64 = 128 << 20;

/// Returns the most address space that this process ever had, where that is told.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes.map_or(0, |kilobytes: u64| kilobytes << 10)
}

/// Fails if `decode` takes more memory than it should, where nothing else takes any meanwhile.
fn frugally<R>(decode: impl FnOnce() -> R) -> R {
    if std::env::var_os(ALONE).is_none() {
        return decode();
    }
    let before = peak();
    let result = decode();
    let grown = peak() - before;
    assert!(grown < MOST, "{grown} bytes for a few");
    result
}

/// Other tests take memory as they like, so this runs those of this file once more in a process of
/// their own, one after the other.
#[test]
fn a_few_bytes_take_little_memory() {
    if std::env::var_os(ALONE).is_some() {
        return;
    }
    let tests = module_path!().split_once("::").expect("a module in a crate").1;
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([tests, "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("repeated_bytes_do_no_harm ... ok"), "{told}");
}

/// Whether the bytes are those of a value.
fn decode<T, C: Codec<T>>(codec: &C, bytes: &[u8]) -> bool {
    codec.decode(bytes).is_ok()
}

fn decode_with_all<T: Serialize + DeserializeOwned + 'static>(bytes: &[u8]) {
    decode::<T, _>(&Json, bytes);
    decode::<T, _>(&Bincode, bytes);
    decode::<Vec<T>, _>(&Csv, bytes);
}

#[derive(Debug, Serialize, Deserialize)]
struct List(Option<Box<List>>);

#[derive(Debug, Serialize, Deserialize)]
struct Bush(Vec<Bush>);

#[derive(Debug, Serialize, Deserialize)]
enum Endless {
    Again(Box<Endless>),
    End,
}

fn decode_as_everything(bytes: &[u8]) {
    frugally(|| decode_as_all_types(bytes));
}

fn decode_as_all_types(bytes: &[u8]) {
    decode_with_all::<u64>(bytes);
    decode_with_all::<String>(bytes);
    decode_with_all::<Vec<String>>(bytes);
    decode_with_all::<Vec<()>>(bytes);
    decode_with_all::<Vec<Vec<f64>>>(bytes);
    decode_with_all::<HashMap<String, Option<bool>>>(bytes);
    decode_with_all::<BTreeMap<(), u8>>(bytes);
    decode_with_all::<(char, bool, i128)>(bytes);
    decode_with_all::<Model>(bytes);
    decode_with_all::<Line>(bytes);
    decode_with_all::<List>(bytes);
    decode_with_all::<Bush>(bytes);
    decode_with_all::<Endless>(bytes);
    decode_with_all::<serde_json::Value>(bytes);
}

/// Decodes a table of which a byte is changed, or all from there cut off.
fn harm<C: Codec<Vec<Line>>>(codec: &C, lines: &Vec<Line>, at: Index, byte: u8, cut: bool) {
    let mut bytes = encode(codec, lines).unwrap();
    let at = at.index(bytes.len());
    if cut {
        bytes.truncate(at);
    } else {
        bytes[at] = byte;
    }
    decode(codec, &bytes);
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_as_everything(&bytes);
    }

    /// Lengths of up to 2^64 are likely here.
    #[test]
    fn repeated_bytes_do_no_harm(byte in prop_oneof![Just(0), Just(1), Just(0xff), any::<u8>()], length in 0..4096_usize) {
        decode_as_everything(&vec![byte; length]);
    }

    #[test]
    fn random_text_does_no_harm(text in "[\\[\\]{}\",:0-9a-z.\\-\n]{0,200}") {
        decode_as_everything(text.as_bytes());
    }

    #[test]
    fn a_changed_or_missing_byte_does_no_harm(at in any::<Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let lines = vec![Line {
            name: "a,b".to_owned(),
            loss: 0.5,
            rank: Some(1),
            best: true,
            kind: super::Plain::Second,
        }; 3];
        harm(&Json, &lines, at, byte, cut);
        harm(&Csv, &lines, at, byte, cut);
        harm(&Bincode, &lines, at, byte, cut);
    }
}

#[test]
fn a_length_that_lies_is_an_error() {
    frugally(|| {
        for length in [1_u64, 1 << 20, 1 << 32, 1 << 40, 1 << 60, u64::MAX / 2, u64::MAX] {
            let mut bytes = length.to_le_bytes().to_vec();
            assert!(!decode::<String, _>(&Bincode, &bytes), "{length}");
            assert!(!decode::<Vec<u8>, _>(&Bincode, &bytes), "{length}");
            assert!(!decode::<Vec<f64>, _>(&Bincode, &bytes), "{length}");
            assert!(!decode::<HashMap<String, u8>, _>(&Bincode, &bytes), "{length}");
            bytes.extend([b'a'; 16]);
            assert!(!decode::<String, _>(&Bincode, &bytes), "{length}");
            assert!(!decode::<Vec<String>, _>(&Bincode, &bytes), "{length}");
        }
    });
}

#[test]
fn elements_of_no_size_take_no_endless_time() {
    assert!(decode::<Vec<()>, _>(&Bincode, &1000_u64.to_le_bytes()));
    assert!(!decode::<Vec<()>, _>(&Bincode, &u64::MAX.to_le_bytes()));
    let many: Vec<u8> = (0..1000).flat_map(|_| (1_u64 << 19).to_le_bytes()).collect();
    let mut nested = 1000_u64.to_le_bytes().to_vec();
    nested.extend(many);
    assert!(!decode::<Vec<Vec<()>>, _>(&Bincode, &nested));
}

#[test]
fn nesting_without_end_is_an_error() {
    assert!(!decode::<List, _>(&Bincode, &vec![1; 1 << 20]));
    assert!(!decode::<Endless, _>(&Bincode, &vec![0; 1 << 20]));
    let deep: Vec<u8> = (0..1 << 17).flat_map(|_| 1_u64.to_le_bytes()).collect();
    assert!(!decode::<Bush, _>(&Bincode, &deep));
    assert!(!decode::<Bush, _>(&Json, &vec![b'['; 1 << 20]));
    assert!(!decode::<serde_json::Value, _>(&Json, &vec![b'['; 1 << 20]));
}

#[test]
fn a_foreign_header_is_an_error() {
    let decode = |table: &str| {
        Codec::<Vec<Line>>::decode(&Csv, table.as_bytes()).map_err(|error| {
            let source = std::error::Error::source(&*error).map(ToString::to_string);
            source.unwrap_or_default()
        })
    };
    assert_eq!(decode("name,loss,rank,best,kind\n"), Ok(vec![]));
    for table in ["", "name,loss\n", "loss,name,rank,best,kind\n", "a,b,c,d,e\n"] {
        let why = decode(table).unwrap_err();
        assert!(why.starts_with("its columns are `"), "{why}");
        assert!(why.ends_with("` instead of `name`, `loss`, `rank`, `best`, `kind`"), "{why}");
    }
}
