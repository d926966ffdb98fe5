//! Twenty records with a series of 50 MB each, all of them held to the end: with `Lazy` memory is
//! needed for one of them (and the file that it is read from), without it for all.
//!
//! ```text
//! cargo run --release --bin lazy            # both, each in a process of its own
//! cargo run --release --bin lazy -- lazy    # one of them
//! cargo run --release --bin lazy -- plain
//! ```
//!
//! It writes 1 GB to a temporary folder, and removes it again.

use std::process::Command;

use memo_runtime::prelude::*;

const RECORDS: u64 = 20;
/// 50 MB of `f64`.
const LENGTH: usize = 6_250_000;

/// `series` is written, dropped from memory at once, and dropped again after each reader.
#[stage(outputs = [Lazy(series)], cachers = [Bincode])]
fn simulate_lazily(seed: u64) -> Vec<f64> {
    walk(seed)
}

/// `series` is written too, but stays in memory as long as the record.
#[stage(outputs = [series], cachers = [Bincode])]
fn simulate(seed: u64) -> Vec<f64> {
    walk(seed)
}

#[stage(inputs = [series], outputs = [highest], cachers = [Json])]
fn summarise(series: &[f64]) -> f64 {
    series.iter().copied().fold(0.0, f64::max)
}

/// A walk of random steps that depends on `seed` alone.
fn walk(seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut position = 0.0;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        position += f64::from((state >> 32) as u32) / f64::from(u32::MAX) - 0.5;
        position
    };
    std::iter::repeat_with(step).take(LENGTH).collect()
}

/// Makes and reads all series, and returns the peak memory of this process.
fn measure(lazy: bool) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    let mut records = Vec::new();
    for seed in 0..RECORDS {
        let mut record = Record::new(&store, format!("seed={seed}"), ());
        if lazy {
            simulate_lazily(&mut record, seed)?;
        } else {
            simulate(&mut record, seed)?;
        }
        summarise(&mut record)?;
        records.push(record);
    }
    peak_memory()
}

/// What Linux calls the high-water mark of the resident set.
fn peak_memory() -> Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 =
        line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.parse()?;
    Ok(format!("{} MB", kilobytes * 1024 / 1_000_000))
}

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some(variant @ ("lazy" | "plain")) => {
            println!("{variant:>5}: peak memory {}", measure(variant == "lazy")?);
        }
        Some(other) => return Err(format!("`{other}` is neither `lazy` nor `plain`").into()),
        // The mark never falls again, so each variant needs a process of its own.
        None => {
            for variant in ["lazy", "plain"] {
                let status = Command::new(std::env::current_exe()?).arg(variant).status()?;
                if !status.success() {
                    return Err(format!("`{variant}` ended with {status}").into());
                }
            }
        }
    }
    Ok(())
}
