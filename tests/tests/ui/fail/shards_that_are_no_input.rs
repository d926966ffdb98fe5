use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(pages: &Shards<String>) -> usize {
    size_of_val(&pages)
}

fn main() {}
