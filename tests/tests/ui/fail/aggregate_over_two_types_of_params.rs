use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Train;

#[derive(Serialize)]
struct Test;

#[aggregate(inputs = [score, loss], outputs = [best], cachers = [Json])]
fn best(score: Across<f64, Train>, loss: Across<f64, Test>) -> usize {
    score.iter().count() + loss.iter().count()
}

fn main() {}
