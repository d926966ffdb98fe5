use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Train {
    rate: f64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    seed: u64,
}

#[aggregate(inputs = [score], outputs = [best], cachers = [Json])]
fn best(score: Across<f64, Train>) -> f64 {
    score.iter().map(|item| item.params().rate).sum()
}

fn pipeline(_: &mut Record<Params>) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = Experiment::new("digits", pipeline).record("base", Params { seed: 3 }).aggregate(best);
}
