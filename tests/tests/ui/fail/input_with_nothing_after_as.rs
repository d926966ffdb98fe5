use memo_runtime::prelude::*;

#[stage(inputs = [rows as], outputs = [count], cachers = [Json])]
fn count(train: &[f64]) -> usize {
    train.len()
}

fn main() {}
