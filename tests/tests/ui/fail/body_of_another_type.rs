use memo_runtime::prelude::*;

#[stage(outputs = [square], cachers = [Json])]
fn square(x: u64) -> u64 {
    format!("{x}")
}

fn main() {}
