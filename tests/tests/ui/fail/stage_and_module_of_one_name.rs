use memo_runtime::prelude::*;

mod fit {}

#[stage(outputs = [weight], cachers = [Json])]
fn fit(start: f64) -> f64 {
    start / 2.0
}

fn main() {}
