use memo_runtime::prelude::*;

#[derive(Clone)]
struct Tokenizer {
    words: usize,
}

#[stage(outputs = [length], cachers = [Json])]
fn length(text: &Tokenizer) -> usize {
    text.words
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, &Tokenizer { words: 3 })?;
    Ok(())
}

fn main() {}
