use memo_runtime::prelude::*;

struct Trainer {
    rounds: u32,
}

impl Trainer {
    #[stage(outputs = [weight], cachers = [Json])]
    fn fit(&self, start: f64) -> f64 {
        start * f64::from(self.rounds)
    }
}

fn main() {}
