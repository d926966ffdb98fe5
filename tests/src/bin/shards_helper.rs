//! A small experiment with an array stage, for tests that start processes: on threads and on Slurm.

use std::process::ExitCode;
use std::time::Duration;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Params {
    count: usize,
    millis: u64,
    fail: Option<usize>,
}

#[stage(outputs = [pages], cachers = [Json])]
fn split(params: &Params) -> Vec<usize> {
    (0..params.count).collect()
}

#[stage(each = [page in pages], outputs = [square], cachers = [Json], skip = [params.millis, params.fail])]
fn square(page: usize, params: &Params, ctx: &Context) -> Result<usize> {
    ctx.log(format!("page {page} in process {}", std::process::id()));
    std::thread::sleep(Duration::from_millis(params.millis));
    if params.fail == Some(page) {
        return Err(format!("page {page} is torn").into());
    }
    Ok(page * page)
}

#[stage(inputs = [square as squares], outputs = [sum], cachers = [Json])]
fn sum(squares: &Shards<usize>) -> Result<usize> {
    Ok(squares.collect()?.iter().sum())
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    split(record)?;
    square(record)?;
    sum(record)?;
    Ok(())
}

fn main() -> ExitCode {
    let params = Params { count: 20, millis: 300, fail: None };
    Experiment::new("shards", pipeline).record("base", params).main()
}
