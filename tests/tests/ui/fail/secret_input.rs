use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Params {
    rate: f64,
    threads: usize,
}

#[stage(inputs = [train], outputs = [count], cachers = [Json], secret = [train])]
fn count(params: &Params, train: &[f64], rounds: usize, verbose: bool) -> usize {
    if verbose { 0 } else { train.len() * rounds * params.threads }
}

fn main() {}
