use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Params<'a> {
    name: &'a str,
}

#[stage(outputs = [rate], cachers = [Json])]
fn rate(params: &Params<'_>) -> f64 {
    params.name.len() as f64
}

fn main() {}
