use std::cell::Cell;

use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Clone, Serialize)]
struct Tokenizer {
    words: Cell<usize>,
}

#[stage(outputs = [length], cachers = [Json])]
fn length(text: Tokenizer) -> usize {
    text.words.get()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, Tokenizer { words: Cell::new(3) })?;
    Ok(())
}

fn main() {}
