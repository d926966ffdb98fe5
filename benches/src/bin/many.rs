//! An experiment with many calls, of which `--jobs` and the like can be asked as of any other:
//! `MANY_RECORDS` records with four stages each, and a chain of `MANY_DEEP` stages on the first of them.
//! It ends by saying how often the pipeline function has run.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    seed: u32,
    step: u32,
    deep: u32,
}

#[stage(outputs = [start], cachers = [Json])]
fn start(params: &Params) -> u32 {
    params.seed
}

#[stage(inputs = [start], outputs = [middle], cachers = [Json])]
fn middle(params: &Params, start: u32) -> u32 {
    start + params.step
}

#[stage(inputs = [middle], outputs = [late], cachers = [Json])]
fn late(middle: u32) -> u32 {
    middle.wrapping_mul(2)
}

#[stage(inputs = [start, late], outputs = [end], cachers = [Json])]
fn end(start: u32, late: u32, top_k: u32) -> u32 {
    start.wrapping_add(late) + top_k
}

#[stage(inputs = [link], outputs = [link], cachers = [Json])]
fn follow(link: u32) -> u32 {
    link + 1
}

static DECLARED: AtomicUsize = AtomicUsize::new(0);

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    DECLARED.fetch_add(1, Ordering::Relaxed);
    start(record)?;
    middle(record)?;
    late(record)?;
    end(record, 3)?;
    let deep = record.params().deep;
    if deep > 0 {
        record.alias("link", "end")?;
    }
    for number in 0..deep {
        let name = format!("link {number}");
        follow::named(record, [name.clone()])?;
        record.alias("link", &name)?;
    }
    Ok(())
}

/// Reads a number from the environment; 0 if there is none.
fn number(name: &str) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn main() -> ExitCode {
    let (records, deep) = (number("MANY_RECORDS").max(1), number("MANY_DEEP"));
    let params = |seed| Params { seed, step: 2, deep: if seed == 0 { deep } else { 0 } };
    let records = (0..records).map(|seed| (format!("seed={seed}"), params(seed)));
    let code = Experiment::new("many", pipeline).records(records).main();
    let declared = DECLARED.load(Ordering::Relaxed);
    let told = writeln!(std::io::stdout().lock(), "declared {declared}");
    if told.is_ok() { code } else { ExitCode::FAILURE }
}
