//! An experiment whose whole stages do what the params say, for tests that run it on a Slurm cluster.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Params {
    number: usize,
    factor: usize,
    /// These end only when there is a file `go`.
    hold: Vec<usize>,
    /// This one fails.
    fail: Option<usize>,
    /// This one ends its process.
    crash: Option<usize>,
    /// So much is taken by each.
    megabytes: usize,
}

/// Writes down that a call runs, and does what is asked of it.
fn act(value: usize, params: &Params, ctx: &Context) -> Result<usize> {
    note(&format!("begins {}", params.number))?;
    while params.hold.contains(&params.number) && !Path::new("go").exists() {
        if ctx.is_interrupted() {
            return Err("told to end".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let taken = std::hint::black_box(vec![1_u8; params.megabytes << 20]);
    if params.crash == Some(params.number) {
        std::process::abort();
    }
    if params.fail == Some(params.number) {
        return Err(format!("number {} is odd", params.number).into());
    }
    ctx.log(format!("number {} was fitted", params.number));
    drop(taken);
    Ok(value * params.factor)
}

/// Appends a line to the file `ran` of the folder that the experiment was started in.
fn note(line: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open("ran")?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
}

#[stage(outputs = [rows], cachers = [Json])]
fn load(params: &Params) -> Result<usize> {
    note(&format!("loads {} in {}", params.number, std::process::id()))?;
    Ok(params.number + 1)
}

/// Always runs, and no worker has a reason to.
#[stage(outputs = [seen], cachers = [Json], rerun = true)]
fn watch(params: &Params) -> Result<usize> {
    note(&format!("watches {}", params.number))?;
    Ok(params.number)
}

/// Nobody keeps it.
#[stage(inputs = [rows, seen], outputs = [held])]
fn prepare(params: &Params, rows: usize, seen: usize) -> Result<usize> {
    note(&format!("prepares {} in {}", params.number, std::process::id()))?;
    Ok(if seen == usize::MAX { 0 } else { rows })
}

#[stage(inputs = [held], outputs = [model], cachers = [Json], resources(cpus = 1),
    skip = [params.hold, params.fail, params.crash, params.megabytes])]
fn fit(held: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(held, params, ctx)
}

#[stage(inputs = [rows], outputs = [timed], cachers = [Json], skip = [params.hold, params.fail, params.crash, params.megabytes],
    resources(time = "1m"), retries = 1, retry_resources(time = "x3"))]
fn timed(rows: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(rows, params, ctx)
}

#[stage(inputs = [rows], outputs = [large], cachers = [Json], skip = [params.hold, params.fail, params.crash, params.megabytes],
    resources(memory = "64MiB"), retries = 1, retry_resources(memory = "x8"))]
fn large(rows: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(rows, params, ctx)
}

#[stage(inputs = [rows], outputs = [vast], cachers = [Json], skip = [params.hold, params.fail, params.crash, params.megabytes],
    resources(memory = "64MiB"), retries = 3, retry_resources(memory = "900GiB"))]
fn vast(rows: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(rows, params, ctx)
}

/// Tells what is in the file `news`.
#[stage(outputs = [news], cachers = [Json], rerun = true, resources(cpus = 1),
    skip = [params.hold, params.fail, params.crash, params.megabytes])]
fn poll(params: &Params, ctx: &Context) -> Result<usize> {
    act(news()?, params, ctx)
}

/// Tells the same, and its result is served for a week.
#[stage(outputs = [news], cachers = [Json], expires = "7d", resources(cpus = 1),
    skip = [params.hold, params.fail, params.crash, params.megabytes])]
fn fetch(params: &Params, ctx: &Context) -> Result<usize> {
    act(news()?, params, ctx)
}

#[stage(inputs = [news], outputs = [spread], cachers = [Json], resources(cpus = 1))]
fn spread(news: usize) -> Result<usize> {
    note(&format!("spreads {news}"))?;
    Ok(news + 1)
}

fn news() -> Result<usize> {
    Ok(std::fs::read_to_string("news")?.trim().parse()?)
}

#[stage(inputs = [rows], outputs = [huge], cachers = [Json], resources(cpus = 4000),
    skip = [params.hold, params.fail, params.crash, params.megabytes])]
fn huge(rows: usize, params: &Params, ctx: &Context) -> Result<usize> {
    act(rows, params, ctx)
}

#[aggregate(inputs = [model], outputs = [sum], cachers = [Json], resources(cpus = 1))]
fn sum(model: Across<Option<usize>>) -> Result<usize> {
    note(&format!("sums in {}", std::process::id()))?;
    let mut sum = 0;
    for item in &model {
        sum += item.present()?.map_or(0, |model| *model);
    }
    Ok(sum)
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    load(record)?;
    match record.name() {
        "timed" => drop(timed(record)?),
        "large" => drop(large(record)?),
        "vast" => drop(vast(record)?),
        "huge" => drop(huge(record)?),
        "polled" => {
            poll(record)?;
            spread(record)?;
        }
        "fetched" => {
            fetch(record)?;
            spread(record)?;
        }
        _ => {
            watch(record)?;
            prepare(record)?;
            fit(record)?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let params =
        Params { number: 0, factor: 3, hold: vec![], fail: None, crash: None, megabytes: 0 };
    let mut experiment = Experiment::new("calls", pipeline);
    let names = ["r0", "r1", "r2", "r3", "r4", "r5", "timed", "large", "vast", "huge"];
    let names = names.into_iter().chain(["polled", "fetched"]);
    for (number, name) in names.enumerate() {
        experiment = experiment.record(name, Params { number, ..params.clone() });
    }
    experiment.aggregate(sum).main()
}
