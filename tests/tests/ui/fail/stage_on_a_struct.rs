use memo_runtime::prelude::*;

#[stage(outputs = [model])]
struct Model {
    weight: f64,
}

fn main() {}
