//! A program whose peak memory tests look at: a pipeline of large values, of which nothing is `Lazy` unless
//! asked for. It tells how many bodies ran, and the high-water mark of its resident set.
//!
//! ```text
//! memory_helper STORE RECORDS MEGABYTES JOBS bytes|bincode|lazy
//! ```

#![allow(clippy::print_stdout, reason = "it reports to its parent")]

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    seed: u64,
    megabytes: usize,
}

/// Bytes that no other record has.
fn bytes_of(params: &Params) -> Vec<u8> {
    let mut bytes = vec![7; params.megabytes * 1_000_000];
    bytes[..8].copy_from_slice(&params.seed.to_le_bytes());
    bytes
}

fn changed(bytes: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[8] = 0;
    changed
}

fn numbers_of(params: &Params) -> Vec<f64> {
    let mut numbers = vec![0.5; params.megabytes * 125_000];
    let name: [u8; 8] = std::array::from_fn(|index| u8::from(params.seed >> index & 1 == 1));
    numbers.iter_mut().zip(name).for_each(|(number, bit)| *number += f64::from(bit));
    numbers
}

mod bytes {
    use super::{Bytes, Json, Params, Record, Result, bytes_of, changed, stage};

    #[stage(outputs = [made], cachers = [Bytes])]
    fn make(params: &Params) -> Vec<u8> {
        bytes_of(params)
    }

    #[stage(inputs = [made], outputs = [turned], cachers = [Bytes])]
    fn turn(made: &[u8]) -> Vec<u8> {
        changed(made)
    }

    #[stage(inputs = [turned], outputs = [size], cachers = [Json])]
    fn measure(turned: &[u8]) -> usize {
        turned.len()
    }

    pub(super) fn pipeline(record: &mut Record<Params>) -> Result<()> {
        make(record)?;
        turn(record)?;
        measure(record)?;
        Ok(())
    }
}

mod bincode {
    use super::{Bincode, Json, Params, Record, Result, numbers_of, stage};

    #[stage(outputs = [made], cachers = [Bincode])]
    fn make(params: &Params) -> Vec<f64> {
        numbers_of(params)
    }

    #[stage(inputs = [made], outputs = [turned], cachers = [Bincode])]
    fn turn(made: &[f64]) -> Vec<f64> {
        made.iter().map(|number| number + 1.0).collect()
    }

    #[stage(inputs = [turned], outputs = [size], cachers = [Json])]
    fn measure(turned: &[f64]) -> usize {
        turned.len()
    }

    pub(super) fn pipeline(record: &mut Record<Params>) -> Result<()> {
        make(record)?;
        turn(record)?;
        measure(record)?;
        Ok(())
    }
}

mod lazy {
    use super::{Bytes, Json, Params, Record, Result, bytes_of, stage};

    #[stage(outputs = [Lazy(made)], cachers = [Bytes])]
    fn make(params: &Params) -> Vec<u8> {
        bytes_of(params)
    }

    #[stage(inputs = [made], outputs = [size], cachers = [Json])]
    fn measure(made: &[u8]) -> usize {
        made.len()
    }

    pub(super) fn pipeline(record: &mut Record<Params>) -> Result<()> {
        make(record)?;
        measure(record)?;
        Ok(())
    }
}

/// What Linux calls the high-water mark of the resident set, in bytes.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, records, megabytes, jobs, what] = &arguments[..] else {
        return Err("STORE RECORDS MEGABYTES JOBS bytes|bincode|lazy".into());
    };
    let pipeline = match what.as_str() {
        "bytes" => bytes::pipeline,
        "bincode" => bincode::pipeline,
        "lazy" => lazy::pipeline,
        _ => return Err(format!("`{what}` is no pipeline").into()),
    };
    let megabytes = megabytes.parse()?;
    let params = |seed| (format!("seed={seed}"), Params { seed, megabytes });
    let records = (0..records.parse()?).map(params);
    let experiment = Experiment::new("memory", pipeline).records(records);
    let outcome = experiment.run(&RunOptions::new().store(store).jobs(jobs.parse()?))?;
    println!("ran {}", outcome.ran);
    println!("failed {}", outcome.failed + outcome.skipped + outcome.lost);
    println!("peak {}", peak()?);
    Ok(())
}
