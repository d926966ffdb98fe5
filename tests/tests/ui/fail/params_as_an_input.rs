use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Params {
    rate: f64,
    threads: usize,
}

#[stage(inputs = [params, train], outputs = [count], cachers = [Json])]
fn count(params: &Params, train: &[f64]) -> usize {
    train.len() * params.threads
}

fn main() {}
