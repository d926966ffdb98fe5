use memo_runtime::prelude::*;

#[aggregate]
enum Score {
    Exact,
    Close,
}

fn main() {}
