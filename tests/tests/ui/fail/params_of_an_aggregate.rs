use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Params {
    rate: f64,
    threads: usize,
}

#[aggregate(inputs = [score], outputs = [best], cachers = [Json])]
fn best(params: &Params, score: Across<f64>) -> f64 {
    params.rate * score.iter().count() as f64
}

fn main() {}
