use memo_runtime::prelude::*;

trait Trainer {
    #[stage(outputs = [weight], cachers = [Json])]
    fn fit(start: f64) -> f64;
}

fn main() {}
