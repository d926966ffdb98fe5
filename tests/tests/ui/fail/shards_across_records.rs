use memo_runtime::prelude::*;

#[aggregate(inputs = [pages], outputs = [length], cachers = [Json])]
fn length(pages: Across<Shards<String>>) -> usize {
    size_of_val(&pages)
}

fn main() {}
