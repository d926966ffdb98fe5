//! An experiment whose array stages do what the params say, for tests that run it on a Slurm cluster.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Params {
    first: usize,
    count: usize,
    factor: usize,
    millis: u64,
    /// These end only when there is a file `go`.
    hold: Vec<usize>,
    /// Those that follow these end only then, too.
    hold_after: Vec<usize>,
    /// This one fails.
    fail: Option<usize>,
    /// So much is taken by a shard.
    megabytes: usize,
}

/// Writes down that a shard runs, and does what is asked of it.
fn act(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    note(&format!("begins {page}"))?;
    wait(params.hold.contains(&page), ctx)?;
    std::thread::sleep(Duration::from_millis(params.millis));
    let taken = std::hint::black_box(vec![1_u8; params.megabytes << 20]);
    note(&format!("ends {page}"))?;
    if params.fail == Some(page) {
        return Err(format!("page {page} is torn").into());
    }
    Ok(page * params.factor + taken.len())
}

/// Waits for the file `go`.
fn wait(is_held: bool, ctx: &Context) -> Result<()> {
    while is_held && !Path::new("go").exists() {
        if ctx.is_interrupted() {
            return Err("told to end".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Appends a line to the file `ran` of the folder that the experiment was started in.
fn note(line: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open("ran")?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
}

#[stage(outputs = [pages], cachers = [Json])]
fn split(params: &Params) -> Vec<usize> {
    (params.first..params.count).collect()
}

#[stage(each = [page in pages], batch = 1, outputs = [plain], cachers = [Json],
    skip = [params.millis, params.hold, params.fail, params.megabytes])]
fn plain(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(page, params, ctx)
}

#[stage(each = [page in pages], batch = 3, outputs = [timed], cachers = [Json],
    skip = [params.millis, params.hold, params.fail, params.megabytes], resources(time = "1m"))]
fn timed(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(page, params, ctx)
}

#[stage(each = [page in pages], batch = 1, outputs = [large], cachers = [Json],
    skip = [params.millis, params.hold, params.fail, params.megabytes], resources(memory = "64MiB"))]
fn large(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(page, params, ctx)
}

#[stage(each = [page in pages], batch = 2, outputs = [grown], cachers = [Json],
    skip = [params.millis, params.hold, params.fail, params.megabytes], resources(memory = "64MiB", time = "1m"),
    retries = 1, retry_resources(memory = "x8", time = "3m"))]
fn grow(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(page, params, ctx)
}

#[stage(each = [page in pages], outputs = [many], cachers = [Json],
    skip = [params.millis, params.hold, params.fail, params.megabytes], resources(cpus = 4000))]
fn huge(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(page, params, ctx)
}

#[stage(each = [one in plain], batch = 1, outputs = [after], cachers = [Json], skip = [params.hold_after])]
fn after(one: usize, params: &Params, ctx: &Context) -> Result<usize> {
    let page = one / params.factor;
    note(&format!("follows {page}"))?;
    wait(params.hold_after.contains(&page), ctx)?;
    note(&format!("followed {page}"))?;
    Ok(one + 1)
}

#[stage(each = [page in pages], outputs = [lent], skip = [params.fail])]
fn lend(page: usize, params: &Params) -> Result<usize> {
    note(&format!("lends {page}"))?;
    if params.fail == Some(page) {
        return Err(format!("page {page} is torn").into());
    }
    Ok(page * params.factor)
}

#[stage(each = [one in lent], outputs = [lent_on])]
fn lend_on(one: usize) -> Result<usize> {
    note(&format!("lends on {one}"))?;
    Ok(one)
}

#[stage(each = [one in lent_on], batch = 4, outputs = [taken], cachers = [Json])]
fn take(one: usize) -> usize {
    one + 1
}

#[stage(inputs = [plain as all], outputs = [sum], cachers = [Json])]
fn sum(all: &Shards<usize>) -> Result<usize> {
    Ok(all.collect()?.iter().sum())
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    split(record)?;
    match record.name() {
        "timed" => drop(timed(record)?),
        "large" => drop(large(record)?),
        "grown" => drop(grow(record)?),
        "huge" => drop(huge(record)?),
        "chain" => {
            plain(record)?;
            after(record)?;
        }
        "memory" => {
            lend(record)?;
            lend_on(record)?;
            take(record)?;
        }
        _ => {
            plain(record)?;
            sum(record)?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let params = Params {
        first: 0,
        count: 8,
        factor: 3,
        millis: 0,
        hold: vec![],
        hold_after: vec![],
        fail: None,
        megabytes: 0,
    };
    let mut experiment = Experiment::new("cluster", pipeline);
    for name in ["plain", "timed", "large", "grown", "huge", "chain", "memory"] {
        experiment = experiment.record(name, params.clone());
    }
    experiment.main()
}
