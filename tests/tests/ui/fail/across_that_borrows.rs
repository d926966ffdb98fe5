use memo_runtime::prelude::*;

#[aggregate(inputs = [name], outputs = [count], cachers = [Json])]
fn count(name: Across<&str>) -> usize {
    name.iter().count()
}

fn main() {}
