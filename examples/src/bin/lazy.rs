//! Twenty records with a series of 50 MB each, all of them held to the end: with `Lazy` memory is
//! needed for one of them (and the file that it is read from), without it for all.
//!
//! ```text
//! cargo run --release --bin lazy            # both, each in a process of its own
//! cargo run --release --bin lazy -- lazy    # one of them
//! cargo run --release --bin lazy -- plain
//! cargo run --release --bin lazy -- plain 5 20    # five records with 20 MB each
//! ```
//!
//! It writes 1 GB to a temporary folder, and removes it again.

use std::process::Command;

use memo_runtime::prelude::*;

/// How many records there are, and how large a series is.
#[derive(Clone, Copy)]
struct Size {
    records: u64,
    megabytes: usize,
}

/// `series` is written, dropped from memory at once, and dropped again after each reader.
#[stage(outputs = [Lazy(series)], cachers = [Bincode])]
fn simulate_lazily(seed: u64, megabytes: usize) -> Vec<f64> {
    walk(seed, megabytes)
}

/// `series` is written too, but stays in memory as long as the record.
#[stage(outputs = [series], cachers = [Bincode])]
fn simulate(seed: u64, megabytes: usize) -> Vec<f64> {
    walk(seed, megabytes)
}

#[stage(inputs = [series], outputs = [highest], cachers = [Json])]
fn summarise(series: &[f64]) -> f64 {
    series.iter().copied().fold(0.0, f64::max)
}

/// A walk of random steps that depends on `seed` alone.
fn walk(seed: u64, megabytes: usize) -> Vec<f64> {
    let mut state = seed;
    let mut position = 0.0;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        position += f64::from((state >> 32) as u32) / f64::from(u32::MAX) - 0.5;
        position
    };
    std::iter::repeat_with(step).take(megabytes * 1_000_000 / size_of::<f64>()).collect()
}

/// Makes and reads all series, and returns the peak memory of this process.
fn measure(lazy: bool, Size { records: count, megabytes }: Size) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    let mut records = Vec::new();
    for seed in 0..count {
        let mut record = Record::new(&store, format!("seed={seed}"), ());
        if lazy {
            simulate_lazily(&mut record, seed, megabytes)?;
        } else {
            simulate(&mut record, seed, megabytes)?;
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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = match arguments.get(1..3) {
        Some(numbers) => Size { records: numbers[0].parse()?, megabytes: numbers[1].parse()? },
        None => Size { records: 20, megabytes: 50 },
    };
    match arguments.first().map(String::as_str) {
        Some(variant @ ("lazy" | "plain")) => {
            println!("{variant:>5}: peak memory {}", measure(variant == "lazy", size)?);
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
