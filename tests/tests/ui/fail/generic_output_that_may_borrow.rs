use memo_runtime::prelude::*;
use serde::Serialize;

#[stage(outputs = [first])]
fn first<T: Clone + Serialize + Send + Sync>(rows: Vec<T>) -> T {
    rows[0].clone()
}

fn main() {}
