use memo_runtime::prelude::*;

#[stage(outputs = [first])]
fn first<T: Clone + Send + Sync>(rows: Vec<T>) -> T {
    rows[0].clone()
}

fn main() {}
