use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [count], cachers = [Json], key = tens)]
fn count(train: &[f64]) -> usize {
    train.len()
}

fn tens() -> usize {
    10
}

fn main() {}
