use memo_runtime::prelude::*;

#[stage]
mod training {}

fn main() {}
