use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Tokenizer;

#[stage(outputs = [length], cachers = [Json])]
fn length(text: Tokenizer) -> usize {
    3
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, Tokenizer)?;
    Ok(())
}

fn main() {}
