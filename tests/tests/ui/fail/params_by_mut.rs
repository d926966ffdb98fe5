use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Params {
    rate: f64,
    threads: usize,
}

#[stage(outputs = [rate], cachers = [Json])]
fn rate(params: &mut Params) -> f64 {
    params.rate
}

fn main() {}
