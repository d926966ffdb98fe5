use memo_runtime::prelude::*;

#[stage]
const ROUNDS: u32 = 3;

fn main() {}
