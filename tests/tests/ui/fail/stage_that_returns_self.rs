use memo_runtime::prelude::*;

struct Model {
    weight: f64,
}

impl Model {
    #[stage(outputs = [model])]
    fn fit(weight: f64) -> Self {
        Self { weight }
    }
}

fn main() {}
