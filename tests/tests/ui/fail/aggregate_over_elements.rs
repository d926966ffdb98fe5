use memo_runtime::prelude::*;

#[aggregate(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: &String) -> usize {
    page.len()
}

fn main() {}
