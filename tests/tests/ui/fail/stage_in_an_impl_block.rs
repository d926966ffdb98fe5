use memo_runtime::prelude::*;

struct Model {
    weight: f64,
}

impl Model {
    #[stage(outputs = [weight], cachers = [Json])]
    fn halved(weight: f64) -> f64 {
        weight / 2.0
    }
}

fn main() {}
