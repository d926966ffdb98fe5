use memo_runtime::prelude::*;

#[stage(cachers = [Json])]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn main() {}
