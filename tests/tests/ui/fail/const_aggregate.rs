use memo_runtime::prelude::*;

#[aggregate(inputs = [score], outputs = [count], cachers = [Json])]
const fn count(score: Across<f64>) -> usize {
    score.iter().count()
}

fn main() {}
