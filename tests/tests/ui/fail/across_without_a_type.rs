use memo_runtime::prelude::*;

#[aggregate(inputs = [score], outputs = [count], cachers = [Json])]
fn count(score: Across) -> usize {
    score.iter().count()
}

fn main() {}
